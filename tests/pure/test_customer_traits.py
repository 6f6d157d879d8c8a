"""Traits: the last write wins by when it happened, not by when we met it (P7)."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from sojourn.customer.traits import profiles
from sojourn.tape.build import build
from sojourn.tape.tape import Column, Tape


def tape(events: list[tuple[int, int, dict[str, str | float]]]) -> Tape:
    """Of one customer, of events (happened, key, traits), met in this order."""

    def column(name: str) -> Column:
        carried = [(i, traits[name]) for i, (_, _, traits) in enumerate(events) if name in traits]
        texts = tuple(str(value) for _, value in carried)
        return Column(
            np.array([i for i, _ in carried], np.int64),
            np.array([value if isinstance(value, float) else np.nan for _, value in carried]),
            np.array([j if isinstance(value, str) else -1 for j, (_, value) in enumerate(carried)], np.int32),
            texts,
        )

    n = len(events)
    return build(
        np.ones(n, np.int64),
        np.array([event[0] for event in events]),
        np.arange(100, 100 + n),
        np.zeros(n, np.int32),
        ("Identified",),
        keys=np.array([event[1] for event in events]),
        traits={name: column(name) for name in ("plan", "age")},
    )


def test_every_order_of_arrival_gives_one_profile() -> None:
    events: list[tuple[int, int, dict[str, str | float]]] = [
        (1, 1, {"plan": "free", "age": 30.0}),
        (2, 9, {"plan": "pro"}),
        (2, 8, {"plan": "team", "age": 31.5}),
        (3, 2, {}),
    ]
    for order in permutations(events):
        (profile,) = profiles((tape(list(order)),), np.array([0]), np.array([1000]))
        assert profile == {"plan": "pro", "age": 31.5}


def test_a_profile_is_as_of_an_instant_and_whole_numbers_are_whole() -> None:
    events = tape([(1, 1, {"age": 30.0}), (2, 2, {"age": np.nan, "plan": "pro"}), (3, 3, {"age": 31.0})])
    found = profiles((events,), np.array([0, 0, 0, 0]), np.array([99, 100, 101, 102]))
    assert found == ({}, {"age": 30}, {"plan": "pro"}, {"plan": "pro", "age": 31})
    assert isinstance(found[3]["age"], int)
    assert profiles((events,), np.array([0]), np.array([200]), ["age", "unknown"]) == ({"age": 31},)
