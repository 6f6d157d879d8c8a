"""I5: no sending was begun after its recipient had withdrawn consent, or the address was suppressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import sqlalchemy as sa

from sojourn.message import consent
from sojourn.message.consent import WITHDRAWN, Statements, hashes, standing
from sojourn.runtime.audit.reading import Reading, Violation
from sojourn.runtime.dispatch.ledger import address_hash, spoken
from sojourn.runtime.publishing.published import policy
from sojourn.store.reach import consents
from sojourn.store.tables import consents as statements
from sojourn.store.tables import effects, messages, suppressions
from sojourn.tape.tape import Bools, Ints

_PEOPLE = 500  # who have withdrawn something, looked at together
_RACE = 1_000_000  # microseconds: waits for a lock and clocks may differ by less


def allowed(reading: Reading) -> Iterator[Violation]:
    """Compares the instant of each last intent with those of the statements and suppressions before it."""
    yield from _against_consent(reading)
    yield from _against_suppression(reading)


def _against_consent(reading: Reading) -> Iterator[Violation]:
    rules = policy(reading.connection)
    withdrew = sa.select(statements.c.customer).where(statements.c.state == "withdrawn").distinct()
    people = reading.columns(withdrew.order_by(statements.c.customer))[:, 0]
    for first in range(0, len(people), _PEOPLE):
        some = people[first : first + _PEOPLE].tolist()
        begun = sa.select(
            *(effects.c[name] for name in ("key", "customer", "intended", "channel", "purpose"))
        )
        begun = begun.where(effects.c.customer.in_(some), effects.c.intended > 0)
        rows = reading.connection.execute(begun).all()
        rows = [row for row in rows if rules.consent.get(row.purpose, rules.otherwise) != "none"]
        said = consents.of_customers(reading.connection, some)
        gone = _withdrawn(said, rows)
        if gone.any():
            shown = ", ".join(f"{row.key:016x}" for row, bad in zip(rows, gone, strict=True) if bad)
            yield Violation("I5", "consent", f"{gone.sum()} begun after consent was withdrawn: {shown[:50]}")


def _withdrawn(said: consents.Statements, rows: Sequence[sa.Row[tuple[int, int, int, str, str]]]) -> Bools:
    """bool[rows], whether what had been said before each intent forbade it."""
    asking = np.array([row.customer for row in rows], np.int64)
    intended = np.array([row.intended for row in rows], np.int64)
    put = _earlier(consent.statements(spoken(said), said.customers, asking), intended)
    channels, purposes = hashes([row.channel for row in rows]), hashes([row.purpose for row in rows])
    gone: Bools = standing(put, channels, purposes) == WITHDRAWN
    return gone


def _earlier(put: Statements, instants: Ints) -> Statements:
    """Of statements put before questions, those made before the instants of the questions."""
    before = put.times < instants[put.questions] - _RACE
    return replace(put, **{name: getattr(put, name)[before] for name in Statements.__dataclass_fields__})


def _against_suppression(reading: Reading) -> Iterator[Violation]:
    stopped = sa.select(suppressions.c.kind, suppressions.c.value, suppressions.c.at)
    since = {(kind, value): at for kind, value, at in reading.connection.execute(stopped)}
    if not since:
        return
    begun = sa.select(effects.c.key, effects.c.intended, effects.c.channel, messages.c.recipient).where(
        effects.c.intended > min(since.values()), effects.c.channel.in_(sorted({kind for kind, _ in since}))
    )
    sent = begun.join(messages, messages.c.effect == effects.c.key).execution_options(yield_per=10_000)
    for key, intended, kind, recipient in reading.connection.execute(sent):
        hashed = address_hash(reading.seal, kind, recipient)
        if since.get((kind, hashed), intended) < intended - _RACE:
            yield Violation("I5", "suppression", f"{key:016x} was begun after its address was suppressed")
