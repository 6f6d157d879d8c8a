"""Consent: what customers agreed to and withdrew, for a channel and a purpose each, with its proof.

A statement names a channel and a purpose or leaves either open, then it is about all of them.  A
withdrawal stands until the customer agrees again, later, to the same or to a part of it; so a
general yes never lifts the no to one purpose, and an imported yes lifts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import msgspec
import numpy as np

from sojourn.message.gate import PASSES, Gate, Sends
from sojourn.message.marks import ANY, Tapes, told
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Codes, Ints

Need = Literal["none", "opt_out", "opt_in", "confirmed"]
"""What a purpose needs: nothing, no withdrawal, an agreement, one by double opt-in."""

UNSAID, GIVEN, CONFIRMED, WITHDRAWN = range(4)

IMPORT, MERGE, DOUBLE_OPT_IN = "import", "merge", "double opt-in"

_NEEDS: tuple[Need, ...] = ("none", "opt_out", "opt_in", "confirmed")
_WHY = ("withdrawn", "not given", "not confirmed")

AGREED, REFUSED = ("Consent Given",), ("Consent Withdrawn", "Unsubscribed")
"""The marks that say yes and those that say no."""


class Consent(msgspec.Struct, frozen=True):
    """One statement of a customer, with what proves it (GDPR, article 7)."""

    state: Literal["given", "withdrawn"]
    happened: int  # microseconds UTC
    channel: str = ""  # "": all
    purpose: str = ""  # "": all
    source: str = ""  # where it was said: a form's name, `import`, `double opt-in`, `unsubscribe link`
    text_version: str = ""  # which wording was agreed to
    ip: str = ""

    def mark(self) -> tuple[str, dict[str, str]]:
        """The name and the properties of the mark that it becomes; the address stays in the ledger."""
        said = {name: getattr(self, name) for name in ("channel", "purpose", "source", "text_version")}
        return (AGREED if self.state == "given" else REFUSED)[0], {
            name: value for name, value in said.items() if value
        }


@dataclass(frozen=True, eq=False)
class Statements:
    """p statements, each put before one question."""

    questions: Ints  # int64[p]
    times: Ints  # int64[p], microseconds UTC
    channels: Ints  # int64[p], hashes; ANY
    purposes: Ints  # int64[p], hashes; ANY
    withdrawn: Bools  # bool[p]
    confirmed: Bools  # bool[p], by double opt-in
    imported: Bools  # bool[p]


def consented(sends: Sends, tapes: Tapes, needs: Mapping[str, Need], otherwise: Need) -> Gate:
    """Refuses sends whose purpose needs a consent that the customer has not given, or has withdrawn."""
    said = _on_tapes(tapes, sends)
    states = standing(said, sends.channel_hashes, sends.purpose_hashes)
    by_name = [_NEEDS.index(needs.get(purpose, otherwise)) for purpose in sends.purpose_names]
    need = np.array(by_name or [0])[sends.purposes]
    why = np.select(
        [need == 0, states == WITHDRAWN, need == 1, states == UNSAID, (need == 3) & (states == GIVEN)],
        [-1, 0, -1, 1, 2],
        -1,
    )
    reasons = np.where(why < 0, PASSES, sends.purposes * len(_WHY) + why).astype(np.int16)
    names = tuple(f"consent: {purpose} {why}" for purpose in sends.purpose_names for why in _WHY)
    return Gate("consent", reasons, names, np.full(len(sends), NEVER), {"need": need, "consent": states})


def standing(said: Statements, channels: Ints, purposes: Ints) -> Codes:
    """What m customers' statements come to for a channel and purpose each (hashes, int64[m]): int32[m].

    Of a withdrawal and an agreement at one instant the withdrawal counts.
    """
    by_channel = said.channels == channels[said.questions]
    by_purpose = said.purposes == purposes[said.questions]
    about = (by_channel | (said.channels == ANY)) & (by_purpose | (said.purposes == ANY))
    breadth = 2 * ~by_channel + ~by_purpose  # 0 this pair, 1 the channel, 2 the purpose, 3 everything
    mine = about & ~said.withdrawn & ~said.imported
    agreed = [_latest(said, mine & (breadth == wide), len(channels)) for wide in range(4)]
    refused = [_latest(said, about & said.withdrawn & (breadth == wide), len(channels)) for wide in range(4)]
    lifted = [np.max([agreed[part] for part in range(4) if part & wide == part], axis=0) for wide in range(4)]
    withdrawn = np.any(
        [(no > LONG_AGO) & (no >= yes) for no, yes in zip(refused, lifted, strict=True)], axis=0
    )
    given = _latest(said, about & ~said.withdrawn, len(channels)) > LONG_AGO
    confirmed = _latest(said, mine & said.confirmed, len(channels)) > np.max(refused, axis=0)
    return np.select([withdrawn, confirmed, given], [WITHDRAWN, CONFIRMED, GIVEN], UNSAID).astype(np.int32)


def statements(consents: Sequence[Consent], owners: Ints, asking: Ints) -> Statements:
    """The k statements of their `owners` (int64[k]) put before m questions about customers (int64[m])."""
    questions, said = np.nonzero(asking[:, None] == owners[None, :])
    sources = np.array([consent.source for consent in consents], object)
    return Statements(
        questions=questions,
        times=np.array([consent.happened for consent in consents], np.int64)[said],
        channels=hashes([consent.channel for consent in consents])[said],
        purposes=hashes([consent.purpose for consent in consents])[said],
        withdrawn=np.array([consent.state == "withdrawn" for consent in consents], bool)[said],
        confirmed=np.array(sources == DOUBLE_OPT_IN, bool)[said],
        imported=np.array(sources == IMPORT, bool)[said],
    )


def hashes(names: Sequence[str]) -> Ints:
    """Channels or purposes as statements hold them."""
    return np.array([hash_text(name) if name else ANY for name in names], np.int64)


def merging(first: Sequence[Consent], second: Sequence[Consent], happened: int) -> list[Consent]:
    """The withdrawals to add when two customers turn out to be one, so that the stricter state stays."""
    named = (*first, *second)
    channels = sorted({"", *(consent.channel for consent in named)})
    purposes = sorted({"", *(consent.purpose for consent in named)})
    scopes = list(product(channels, purposes))
    strict = (_states(first, scopes) == WITHDRAWN) | (_states(second, scopes) == WITHDRAWN)
    lost = strict & (_states(named, scopes) != WITHDRAWN)
    return [
        Consent("withdrawn", happened, channel, purpose, MERGE)
        for (channel, purpose), gone in zip(scopes, lost.tolist(), strict=True)
        if gone
    ]


def _on_tapes(tapes: Tapes, sends: Sends) -> Statements:
    yes = told(tapes, AGREED, sends.rows, sends.now)
    no = told(tapes, REFUSED, sends.rows, sends.now)
    source = np.concatenate((yes.text("source"), np.zeros(len(no), np.int64)))
    return Statements(
        questions=np.concatenate((yes.questions, no.questions)),
        times=np.concatenate((yes.times, no.times)),
        channels=np.concatenate((yes.channels, no.channels)),
        purposes=np.concatenate((yes.text("purpose"), no.text("purpose"))),
        withdrawn=np.arange(len(source)) >= len(yes),
        confirmed=source == hash_text(DOUBLE_OPT_IN),
        imported=source == hash_text(IMPORT),
    )


def _states(consents: Sequence[Consent], scopes: list[tuple[str, str]]) -> Codes:
    """What one customer's statements come to for each scope."""
    said = statements(consents, np.zeros(len(consents), np.int64), np.zeros(len(scopes), np.int64))
    channels, purposes = zip(*scopes, strict=True)
    return standing(said, hashes(channels), hashes(purposes))


def _latest(said: Statements, chosen: Bools, questions: int) -> Ints:
    found = np.full(questions, LONG_AGO)
    np.maximum.at(found, said.questions[chosen], said.times[chosen])
    return found
