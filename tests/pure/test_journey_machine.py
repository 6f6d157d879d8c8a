"""The machine and the play: counts are conserved, batches and stretches of time make no difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from journey_plays import END, FEW, Case, asked, by_id, cases, nobody, played, told, with_told, world_of
from rule_cases import BEGINS

from sojourn.errors import BrokenInvariant
from sojourn.journey.entering.entries import REFUSALS
from sojourn.journey.machine import Moved, advance
from sojourn.journey.play import Playing, play
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs, Some
from sojourn.journey.step import Standing
from sojourn.journey.steps.split import Split, Way
from sojourn.journey.text import read_journey
from sojourn.journey.world import World
from sojourn.rule.span import DAY, HOUR
from sojourn.tape.build import empty
from sojourn.tape.grain import GRAIN
from sojourn.tape.selection import select
from sojourn.tape.tape import NEVER, Floats, Ints

moments = st.lists(st.integers(0, (END - BEGINS) // HOUR), min_size=1, max_size=3, unique=True).map(
    lambda hours: [BEGINS // GRAIN * GRAIN + hour * HOUR for hour in sorted(hours)]
)


@given(cases(), moments)
@FEW
def test_counts_are_conserved_at_every_moment(case: Case, until: list[int]) -> None:
    player = played(case, world_of(case, case.tape()), until[0])
    counts, runs = player.counts[7], player.changed()
    inside = runs.left == NEVER
    steps = len(case.journey.steps)
    assert counts.entered == len(runs)
    assert counts.waiting.tolist() == np.bincount(runs.steps[inside], minlength=steps).tolist()
    assert counts.left.sum() == (~inside).sum()
    assert counts.entered == counts.waiting.sum() + counts.left.sum()
    reasons = np.bincount(runs.reasons[~inside], minlength=counts.left.shape[1])
    assert counts.left.sum(axis=0).tolist() == reasons.tolist()


@given(cases())
@FEW
def test_every_event_that_triggers_lets_in_or_is_refused_once(case: Case) -> None:
    player = played(case, world_of(case, case.tape()), END)
    events, why = player.refusals()
    entered = set(player.changed().entries.tolist())
    assert len(events) == len(why) == player.refused.sum()
    assert set(why.tolist()) <= set(range(len(REFUSALS)))
    for key, slot in zip(events.keys.tolist(), events.slots.tolist(), strict=True):
        assert key not in entered or slot != 0 or len(case.journey.enter) > 1


def advanced(program: Program, runs: Runs, world: World) -> tuple[Runs, Moved]:
    """All runs after an advance, and what came of it; those given stay as they were."""
    every = np.arange(len(runs))
    moved = advance(program, Some(runs, every), world)
    after = runs.take(every)
    after.move(moved.runs)
    return after, moved


@given(cases())
@FEW
def test_a_batch_is_advanced_as_its_runs_one_by_one(case: Case) -> None:
    tape = case.tape()
    n = len(tape.customers)
    fresh = Runs.empty(np.arange(n), np.zeros(n, np.int64))
    fresh.ids[:], fresh.versions[:] = np.arange(1, n + 1) * 1001, 7
    fresh.entered[:] = fresh.now[:] = BEGINS // GRAIN * GRAIN + 5 * DAY
    together = world_of(case, tape)
    after, whole = advanced(case.program, fresh, together)
    worlds = [world_of(case, tape) for _ in range(n)]
    each = [advanced(case.program, fresh.take(np.array([row])), worlds[row]) for row in range(n)]
    alone = [moved for _, moved in each]
    assert by_id(after) == by_id(Runs.concat([runs for runs, _ in each]))
    assert whole.counts.visits.tolist() == np.sum([one.counts.visits for one in alone], axis=0).tolist()
    keys = sorted(int(key) for effects in whole.effects for key in effects.keys)
    assert keys == sorted(int(key) for one in alone for effects in one.effects for key in effects.keys)
    assert told(together) == sorted(mark for world in worlds for mark in told(world))
    assert (fresh.steps == -1).all(), "the runs given are left as they were"


@given(cases(), moments)
@FEW
def test_playing_in_stretches_of_time_is_playing_at_once(case: Case, moments: list[int]) -> None:
    tape = case.tape()
    at_once = world_of(case, tape)
    whole = played(case, at_once, END)
    runs, marks, effects, before, known = {}, [], [], 0, nobody()
    for until in [*moments, END]:
        world = world_of(case, tape)
        player = played(case, world, until, before, known)
        runs.update(by_id(player.changed()))
        marks += told(world)
        effects += asked(player)
        tape = with_told(tape, world)
        known, before = player.runs.take(np.flatnonzero(player.runs.ids)), until
    assert runs == by_id(whole.changed())
    assert sorted(marks) == told(at_once)
    assert sorted(effects) == asked(whole)


class Watchful(Playing):
    """Sees to it that nobody is woken but by their due instant or by an event, and never back in time."""

    def advance(self, index: Ints, world: World) -> None:
        now = self.wakes[index]
        inside = (self.runs.left[index] == NEVER) & (self.runs.ids[index] != 0)
        rows = self.runs.rows[index]
        assert (now[inside] >= self.runs.now[index[inside]]).all()
        heard = np.zeros(len(index), np.bool_)
        for tape in world.tapes:
            every = select(tape)
            for n, (row, instant) in enumerate(zip(rows, now, strict=True)):
                heard[n] |= instant in every.received[every.starts[row] : every.starts[row + 1]]
        assert (heard | (inside & (now == self.runs.due[index]))).all()
        super().advance(index, world)


@given(cases())
@FEW
def test_nobody_is_woken_early(case: Case) -> None:
    played(case, world_of(case, case.tape()), END, make=Watchful)


@given(cases())
@FEW
def test_effect_keys_and_run_ids_are_unique(case: Case) -> None:
    player = played(case, world_of(case, case.tape()), END)
    keys = [int(key) for effects in player.effects for key in effects.keys]
    ids = player.changed().ids
    assert len(set(keys)) == len(keys)
    assert len(np.unique(ids)) == len(ids)
    assert 0 not in keys and (ids > 0).all()


def drawn(journey: str, step: str, weights: tuple[float, ...], customers: Ints) -> Ints:
    """The arm that each customer gets."""
    split = Split(tuple(Way(str(n), weight) for n, weight in enumerate(weights)))
    n = len(customers)
    runs = Some(Runs.empty(np.arange(n), np.zeros(n, np.int64)), np.arange(n))
    return split.answer(Standing(runs, World(tape=empty(customers)), journey, step)).exits.astype(np.int64)


def test_a_split_is_fair_and_every_split_is_drawn_anew() -> None:
    customers = np.arange(1, 1_000_001)
    weights = (1.0, 2.0, 0.5, 6.5)
    arms = drawn("welcome", "arms", weights, customers)
    expected = np.array(weights) / sum(weights) * len(customers)
    assert (
        chi_square(np.bincount(arms, minlength=4), expected) < 27.9
    )  # of 3 degrees of freedom: 4 in a million
    other = drawn("welcome", "others", weights, customers)
    both = np.bincount(arms * 4 + other, minlength=16)
    assert (
        chi_square(both, np.outer(expected, expected).ravel() / len(customers)) < 54.0
    )  # of 15: 3 in a million


def test_a_split_stays_as_it_is() -> None:
    customers = np.arange(1, 1001)
    arms = drawn("welcome", "arms", (1, 1), customers)
    assert (arms == drawn("welcome", "arms", (5, 5), customers)).all(), "only shares matter"
    assert (arms[::-1] == drawn("welcome", "arms", (1, 1), customers[::-1].copy()[::-1])[::-1]).all()
    assert arms[:8].tolist() == [0, 0, 1, 0, 0, 0, 0, 1], "the same for ever: people rely on it"


def chi_square(observed: Ints, expected: Floats) -> float:
    return float(((observed - expected) ** 2 / expected).sum())


def test_the_holdout_is_its_share_and_always_the_same() -> None:
    program = Program(
        read_journey("journey: h\nenter: [{event: A}]\nholdout: 12.5%\nsteps: {a: {wait: 1 day}}")
    )
    n = 100_000
    runs = Runs.empty(np.arange(n), np.zeros(n, np.int64))
    runs.ids[:], runs.entered[:], runs.now[:] = np.arange(1, n + 1), 64, 64
    after, moved = advanced(program, runs, World(tape=empty(np.arange(1, n + 1))))
    held = int(moved.counts.left[-1, program.reasons.index("holdout")])
    assert abs(held - n / 8) < 5 * np.sqrt(n * 7 / 64)
    again, _ = advanced(program, runs, World(tape=empty(np.arange(1, n + 1))))
    assert (after.left == again.left).all()


def test_a_loop_without_a_hold_is_stopped() -> None:
    program = Program(
        read_journey("journey: l\nenter: [{event: A}]\nsteps: {a: {set_trait: {b: 1}, then: a}}")
    )
    runs = Runs.empty(np.zeros(1, np.int64), np.zeros(1, np.int64))
    runs.ids[:], runs.now[:] = 1, 64
    with pytest.raises(BrokenInvariant, match="circles"):
        advanced(program, runs, World(tape=empty(np.ones(1, np.int64))))


@given(cases())
@FEW
def test_versions_side_by_side_each_take_their_own(case: Case) -> None:
    """Who is inside when a version is published stays on theirs; entries go to the newest (P16)."""
    tape = case.tape()
    middle = BEGINS // GRAIN * GRAIN + 6 * DAY
    world = world_of(case, tape)
    first = played(case, world, middle)
    known = first.runs.take(np.flatnonzero(first.runs.ids))
    newer = replace(case.program, version=8)
    world = world_of(case, with_told(tape, world))
    player = Playing((case.program, newer), world, np.full(len(tape.customers), middle), END, known)
    play([player], world, END)
    versions = player.changed().versions
    entered = player.changed().entered
    assert (versions == np.where(entered > middle, 8, 7)).all()
    assert player.counts[7].entered == 0
    assert player.counts[8].entered == (entered > middle).sum()
