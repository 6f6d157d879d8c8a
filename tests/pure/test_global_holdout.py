"""The global holdout: its customers enter and leave every journey at once, the others are as ever."""

from __future__ import annotations

import numpy as np

from sojourn.journey.entering.holdout import EVERYWHERE, kept_out
from sojourn.journey.play import Playing, play
from sojourn.journey.program import REASONS, Program
from sojourn.journey.runs import Runs
from sojourn.journey.text import journey_of
from sojourn.journey.world import World
from sojourn.tape.build import build
from sojourn.tape.grain import GRAIN

N = 2000


def _reasons(name: str, holdout: float, own: str = "0%") -> list[str]:
    customers = np.arange(1, N + 1)
    now = np.full(N, 1000 * GRAIN)
    tape = build(customers, now, None, np.zeros(N, np.int32), ("A",), keys=customers)
    data = {"journey": name, "enter": [{"event": "A"}], "holdout": own, "steps": {"a": {"leave": "done"}}}
    world = World(tape=tape, holdout=holdout)
    nobody = Runs.empty(np.empty(0, np.int64), np.empty(0, np.int64))
    program = Program(journey_of(data))
    player = Playing((program,), world, np.zeros(N, np.int64), 2000 * GRAIN, nobody)
    play([player], world, 2000 * GRAIN)
    changed = player.changed()
    assert changed.rows.tolist() == list(range(N))
    return [program.reasons[code] for code in changed.reasons]


def test_the_same_customers_are_kept_out_of_all_journeys() -> None:
    kept = kept_out(EVERYWHERE, np.arange(1, N + 1), 0.1).tolist()
    assert 150 < sum(kept) < 250
    for name in ("one", "another"):
        assert [reason == "global holdout" for reason in _reasons(name, 0.1)] == kept


def test_a_journeys_own_holdout_is_drawn_from_the_others() -> None:
    reasons = _reasons("one", 0.1, "50%")
    assert set(reasons) == {"global holdout", "holdout", "done"} <= {*REASONS, "done"}
    assert 800 < reasons.count("holdout") < 1000
