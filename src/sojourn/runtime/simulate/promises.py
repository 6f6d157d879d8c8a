"""What the far sides of a simulation must have got, by the ledger: what each class promises (P23)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from sojourn.runtime.simulate.peers import Peer
from sojourn.store.effects import State
from sojourn.store.tables import NEVER, effects, runs

_OPEN = (State.PLANNED, State.CLAIMED, State.SENDING, State.DEFERRED)


def broken(connection: Connection, peers: Mapping[str, Peer]) -> Iterator[str]:
    """The promises that were not kept, once everything has come to rest."""
    inside = connection.scalar(sa.select(sa.func.count()).where(runs.c.left == NEVER))
    if inside:
        yield f"{inside} runs are inside for ever"
    told = {(channel, effect) for channel, peer in peers.items() for effect in peer.taken}
    chosen = sa.select(
        effects.c.key, effects.c.channel, effects.c.purpose, effects.c.state, effects.c.attempts
    )
    for key, channel, purpose, code, attempts in connection.execute(chosen):
        told.discard((channel, key))
        state, times = State(code), peers[channel].taken[key]
        once = not peers[channel].drops_repeats and purpose != "transactional"
        for wrong, what in (
            (state in _OPEN, "is never settled"),
            (state is State.ACCEPTED and not times, "was accepted by nobody"),
            (once and times > 1, "was sent twice, and was to be sent at most once"),
            (not once and state is State.UNKNOWN, "is unknown, and could have been sent again"),
            (times > attempts, "was sent without an intent"),
            (key in peers[channel].changed, "said something else at another attempt"),
        ):
            if wrong:
                yield f"{purpose} {channel} {key:016x}, {state.name}, taken {times} times: it {what}"
    for channel, effect in told:
        yield f"{channel} {effect:016x} was sent, and the ledger does not know it"
