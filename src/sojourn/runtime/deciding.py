"""Binds what is published to the world of journeys: policy and journeys do not know each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sojourn.journey.effects import Effects, Send
from sojourn.journey.ports import Verdicts
from sojourn.journey.world import World
from sojourn.message.gate import Sends
from sojourn.message.policy import HOLD, decide
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.grain import GRAIN, on_grain
from sojourn.tape.tape import Tape


def world_of(catalogue: Catalogue, tape: Tape, **ports: Any) -> World:
    """The world in which the catalogue's journeys are played over a tape; `ports` add to it or replace."""
    return World(
        tape=tape,
        segments=catalogue.segments,
        zone=catalogue.policy.fallback_zone,
        holdout=catalogue.holdout,
        at_once=catalogue.policy.journeys_at_once,
        winners=catalogue.winners,
        heard=catalogue.heard,
        resolve=catalogue.resolve,
        entry_read=bool(catalogue.needs.entry),
        **{"decide": deciding(catalogue), **ports},
    )


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
