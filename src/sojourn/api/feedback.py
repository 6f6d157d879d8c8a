"""Feedback: what the far side tells later of messages, written to the ledger and on the tapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from sojourn.api.parts import Parts
from sojourn.api.visitors.consent import state
from sojourn.api.visitors.told import Mark, Sent, sent, tell
from sojourn.channel.contract import Feedback
from sojourn.channel.retry import Standing
from sojourn.message.consent import Consent
from sojourn.runtime.dispatch.ledger import address_hash
from sojourn.store import effects, messages
from sojourn.store.effects import State
from sojourn.store.reach import consents
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Ints

_TOLD = {
    "sent": ("Sent", State.ACCEPTED),
    "failed": ("Bounced", State.FAILED),
    "delivered": ("Delivered", State.DELIVERED),
    "bounced": ("Bounced", State.BOUNCED),
    "complained": ("Marked as Spam", State.COMPLAINED),
}
"""What the tape hears and where the ledger goes; of a delay nobody hears."""

_UNSURE = (State.UNKNOWN, State.DEFERRED)
"""Of these the tape has not heard that they were sent."""


def write(connection: Connection, parts: Parts, found: Sequence[Feedback]) -> None:
    """Write what was found; what speaks of no message of ours is passed over, and a repeat changes nothing.

    An address that is dead gets nothing more, and who complains nothing that needs consent.
    """
    now = parts.database.now()
    known = sent(connection, [int(one.effect, 16) for one in found])
    ours = [(one, known[int(one.effect, 16)]) for one in found if int(one.effect, 16) in known]
    heard = [(one, message) for one, message in ours if one.kind in _TOLD]
    keys = np.array([message.effect for _, message in heard], np.int64)
    unsure = _unsure(connection, keys)
    effects.report(
        connection,
        keys,
        np.array([int(_TOLD[one.kind][1]) for one, _ in heard], np.int64),
        [f"{one.code} {one.detail}".strip()[:500] for one, _ in heard],
    )
    evident = (
        message for one, message in heard if one.kind in ("sent", "delivered") and message.effect in unsure
    )
    tell(connection, parts.names, [_sent(message, now) for message in evident], now)
    further = [(one, message) for one, message in heard if one.kind != "sent"]
    marks = [_mark(connection, one, message, now) for one, message in further]
    fresh = tell(connection, parts.names, marks, now)
    for (one, message), new in zip(further, fresh.tolist(), strict=True):
        if new:
            _heed(connection, parts, one, message, now)


def _unsure(connection: Connection, keys: Ints) -> set[int]:
    """The effects of which nobody knew whether they had been sent."""
    found = effects.by_key(connection, keys)
    return set(found.keys[np.isin(found.states, [int(state) for state in _UNSURE])].tolist())


def _heed(connection: Connection, parts: Parts, one: Feedback, message: Sent, now: int) -> None:
    """What it means for what we send from now on; once, so that a replay undoes nothing said since."""
    if one.standing is Standing.DEAD:
        hashed = address_hash(parts.publicly.seal, message.channel, _recipient(connection, message))
        consents.suppress(connection, message.channel, [hashed], one.kind, now)
    elif one.kind == "complained" or one.standing is Standing.LEFT:
        source = "complaint" if one.kind == "complained" else "told the provider"
        said = Consent("withdrawn", now, message.channel, source=source)
        key = int(mix(message.effect, hash_text(source))[0])
        state(connection, parts, message.customer, said, key)


def _sent(message: Sent, now: int) -> Mark:
    key = int(mix(message.effect, hash_text("sent"))[0])
    return Mark(key, message.called("Sent"), message.customer, now, message.said, run=message.run)


def _mark(connection: Connection, one: Feedback, message: Sent, now: int) -> Mark:
    what, _ = _TOLD[one.kind]
    said = {
        **message.said,
        "address": _recipient(connection, message),
        "code": one.code,
        "hard": one.standing is Standing.DEAD,
        "soft": one.standing is Standing.SOFT,
    }
    key = int(mix(message.effect, hash_text(f"{one.kind} {one.code}"))[0])
    return Mark(key, message.called(what), message.customer, now, said, run=message.run)


def _recipient(connection: Connection, message: Sent) -> str:
    """The address that we wrote to, whatever the report calls it."""
    found = messages.find(connection, np.array([message.effect])).get(message.effect)
    return found.recipient if found else ""
