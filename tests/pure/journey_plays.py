"""Plays random journeys over random customers, for tests that compare one way of playing with another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st
from journey_cases import EVENTS, agains, journeys
from msgspec.structs import replace
from rule_cases import BEGINS, SLOTS, People, events, maybe_where, rarely, rules
from rule_standing import SEGMENTS

from sojourn.journey.check import check
from sojourn.journey.definition import Journey, Trigger
from sojourn.journey.effects import Marks
from sojourn.journey.play import Playing, play
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs
from sojourn.journey.world import World
from sojourn.message import policy
from sojourn.rule.span import DAY, HOUR
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.deciding import deciding
from sojourn.tape.build import build, merge
from sojourn.tape.grain import GRAIN
from sojourn.tape.tape import Column, Ints, Tape

CROWD = 12
FEW = settings(max_examples=settings().max_examples // 2)
"""A case is a dozen customers, who go many ways at once."""
END = (BEGINS + SLOTS * 12 * HOUR + 20 * DAY) // GRAIN * GRAIN
ENDLESS = ("for ever at one instant", "lets customers in again", "circles")
POLICIES: tuple[Mapping[str, Any], ...] = (
    {"otherwise": "none"},
    {"otherwise": "none", "caps": [{"at_most": 1, "days": 1}], "quiet": [{"from": "22:00", "to": "08:00"}]},
    {"otherwise": "none", "caps": [{"at_most": 2, "days": 2, "then": "suppress"}]},
    {"otherwise": "opt_in"},
)


entrances = st.builds(Trigger, st.sampled_from(EVENTS), maybe_where, rarely(rules, st.none()), agains)


@st.composite
def playable(draw: st.DrawFn) -> Journey:
    """A journey that nobody goes round for ever at one instant."""
    journey = replace(draw(journeys()), enter=tuple(draw(st.lists(entrances, min_size=1, max_size=2))))
    assume(not any(said in one.what for one in check(journey) for said in ENDLESS))
    return journey


@dataclass(frozen=True)
class Case:
    """A journey, the customers who may come, and what policy allows."""

    journey: Journey
    people: People
    catalogue: Catalogue

    @property
    def program(self) -> Program:
        return self.catalogue.journeys[0].newest

    def tape(self) -> Tape:
        """Everything that happens to the customers of their own accord."""
        return on_grain(self.people.tape())


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Anything that can be played."""
    journey, allowed = draw(playable()), policy.parse(draw(st.sampled_from(POLICIES)))
    offered = (Offered(1, (Program(journey, 7),)),)
    dice = Random(draw(st.integers(0, 2**32)))
    people = People(tuple(events(dice, customer) for customer in range(1, CROWD + 1)), frozenset())
    return Case(journey, people, Catalogue(offered, segments=SEGMENTS, policy=allowed))


def on_grain(tape: Tape) -> Tape:
    """The tape with all events met on the grain, as the drivers have it."""
    received = tape.received // GRAIN * GRAIN
    return Tape(
        **{
            **{name: getattr(tape, name) for name in Tape.__dataclass_fields__},
            "received": received,
            "times": np.minimum(tape.times, received),
        }
    )


def world_of(case: Case, tape: Tape, **ports: Any) -> World:
    """A world in which all marks are kept."""
    heard = case.catalogue.heard
    return World(
        tape=tape,
        segments=SEGMENTS,
        zone="Europe/Berlin",
        heard=heard,
        kept=True,
        entry_read=True,
        resolve=case.catalogue.resolve,
        **{"decide": deciding(case.catalogue), **ports},
    )


def nobody() -> Runs:
    """No run at all."""
    return Runs.empty(np.empty(0, np.int64), np.empty(0, np.int64))


def played(
    case: Case,
    world: World,
    until: int,
    after: int = 0,
    known: Runs | None = None,
    make: Callable[..., Playing] = Playing,
) -> Playing:
    """The journey played from one instant to another."""
    instants = np.full(len(world.tape.customers), after)
    player = make((case.program,), world, instants, until, nobody() if known is None else known)
    play([player], world, until)
    return player


def with_told(tape: Tape, world: World) -> Tape:
    """The tape with the marks that a world has put beside it, as the log has them."""
    for marks, received in world.told:
        tape = merge(tape, _tape_of(marks, received, tape.customers))
    return tape


def by_id(runs: Runs) -> dict[int, dict[str, int]]:
    """The runs as they can be compared, by their ids."""
    columns = {name: getattr(runs, name).tolist() for name in Runs.__dataclass_fields__}
    return {
        one: {name: column[n] for name, column in columns.items()} for n, one in enumerate(columns["ids"])
    }


def told(world: World) -> list[tuple[str, int, int, str]]:
    """All marks of a world: name, key, when it was met, properties."""
    return sorted(
        (marks.name, int(key), int(instant), str(sorted(marks.properties.items())))
        for marks, received in world.told
        for key, instant in zip(marks.keys, received, strict=True)
    )


def asked(player: Playing) -> list[tuple[str, int, int]]:
    """All effects: step, key, instant; planned ones and suppressed ones."""
    return sorted(
        (effects.step if effects.reasons is None else f"no {effects.step}", int(key), int(now))
        for effects in player.effects
        for key, now in zip(effects.keys, effects.now, strict=True)
    )


def _tape_of(marks: Marks, received: Ints, customers: Ints) -> Tape:
    n = len(marks)
    index = np.arange(n)
    values = {name: Column.of(index, [value] * n) for name, value in marks.properties.items()}  # type: ignore[list-item]
    traits = {name: Column.of(index, [value] * n) for name, value in marks.traits.items()}  # type: ignore[list-item]
    return build(
        customers[marks.rows],
        received,
        received,
        np.zeros(n, np.int32),
        (marks.name,),
        keys=marks.keys,
        runs=marks.runs,
        properties=values,
        traits=traits,
        everyone=customers,
    )
