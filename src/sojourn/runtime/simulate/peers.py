"""The far sides of a simulation: they implement the contract of a channel, and do what the dice say."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random

from sojourn import registry
from sojourn.channel import providers
from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt
from sojourn.errors import NotDelivered, OutcomeUnknown, TryLater
from sojourn.runtime.dispatch.ways import Chosen, Way

SLOTS = 3


def _kinds() -> dict[str, tuple[Channel, ...]]:
    known = registry.declared(providers, Channel).values()
    return {one.kind: tuple(other for other in known if other.kind == one.kind) for one in known}


KINDS: Mapping[str, tuple[Channel, ...]] = _kinds()
"""The providers of each kind of message: whatever is declared takes part."""


class Peer:
    """Takes messages, and remembers by effect what it took; `strike` may end our process at any byte."""

    slots = SLOTS

    def __init__(self, kind: str, dice: Random, strike: Callable[[str], None]) -> None:
        self.provider = dice.choice(KINDS[kind])
        self.taken: Counter[int] = Counter()
        self.changed: set[int] = set()  # what said something else at another attempt
        self.calm = False  # whether it takes whatever comes
        self._said: dict[int, str] = {}
        self._kind, self._dice, self._strike = kind, dice, strike

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """Take it, or not, and say so, or not."""
        effect, digest = int(outgoing.effect, 16), _digest(outgoing)
        if self._said.setdefault(effect, digest) != digest:
            self.changed.add(effect)
        for _ in range(self._dice.randint(0, 3)):
            await asyncio.sleep(0)  # others come first
        self._strike("before delivery")
        fate = 1.0 if self.calm else self._dice.random()
        if fate < 0.10:
            self._refuse(fate)
        self.taken[effect] += fate > 0.12  # or nobody knows, and it did not
        self._strike("after delivery")
        if fate < 0.15:
            raise OutcomeUnknown("no answer")
        return Receipt("taken", digest)

    @property
    def drops_repeats(self) -> bool:
        """Whether what may have been sent can be sent again without harm."""
        return self.provider.delivery is Delivery.DROPS_REPEATS

    async def close(self) -> None:
        """Nothing to let go of."""

    def _refuse(self, fate: float) -> None:
        if fate < 0.02:
            raise NotDelivered("nobody here", code="5.1.1" if self._kind == "email" else "410")
        if fate < 0.04:
            raise NotDelivered("we do not like it", code="5.7.1")
        raise TryLater("come back", code="4.7.1", retry_after=self._dice.randint(0, 600))


def ways(peers: Mapping[str, Peer]) -> dict[str, Way]:
    """The ways out to the peers, which keep the promises of the providers in whose place they stand."""
    return {kind: _way(peer) for kind, peer in peers.items()}


def _way(peer: Peer) -> Way:
    return Way(peer.provider, peer, Chosen(peer.provider.name, sender="us@example.com"))


def _digest(outgoing: Outgoing) -> str:
    """What it says, without the instant of the attempt."""
    said = f"{outgoing.recipient} {outgoing.subject} {outgoing.html} {outgoing.text} {outgoing.payload!r}"
    return hashlib.sha256(said.encode()).hexdigest()
