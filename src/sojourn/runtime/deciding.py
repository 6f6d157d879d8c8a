"""Binds the policy of messages to the world of journeys, which do not know each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sojourn.journey.effects import Effects, Send
from sojourn.journey.ports import Verdicts
from sojourn.journey.world import World
from sojourn.message.gate import Sends
from sojourn.message.policy import HOLD, decide
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.grain import GRAIN, on_grain


def deciding(catalogue: Catalogue) -> Callable[[World, Effects, int], Verdicts]:
    """What journeys ask before they send: the catalogue's policy, over the tapes as of each instant."""

    def verdicts(world: World, effects: Effects, priority: int) -> Verdicts:
        found = decide(catalogue.policy, sends(catalogue, effects, priority), world.tapes)
        until = np.where(found.outcomes == HOLD, on_grain(found.until), found.until)
        return Verdicts(found.outcomes, until, found.reasons, found.reason_names)

    return verdicts


def sends(catalogue: Catalogue, effects: Effects, priority: int) -> Sends:
    """The effects of one send step as policy takes them.

    They are asked at the end of their grain, so that what was planned at the same instant counts.
    """
    assert isinstance(effects.ask, Send)
    send = catalogue.resolve(effects.ask)
    n = len(effects)
    return Sends(
        rows=effects.rows,
        now=effects.now // GRAIN * GRAIN + GRAIN - 1,
        priority=np.full(n, priority),
        keys=effects.keys,
        channels=np.zeros(n, np.int32),
        channel_names=(send.channel,),
        purposes=np.zeros(n, np.int32),
        purpose_names=(send.purpose,),
    )
