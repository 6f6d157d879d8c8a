"""Columns of made-up rows for the tests of the store."""

from __future__ import annotations

from typing import Any

import numpy as np

from sojourn.store.effects import Planned
from sojourn.store.log import Events
from sojourn.store.runs import Runs
from sojourn.store.tables import NEVER

NOW = 1_790_000_000_000_000


def events(keys: list[int], *, partition: int | None = None, received: int = NOW) -> Events:
    """One event a key; its subject and partition follow from the key."""
    count, column = len(keys), np.array(keys, np.int64)
    partitions = column % 64 if partition is None else np.full(count, partition)
    return Events(
        partitions=partitions,
        subjects=column % 1000,
        keys=column,
        runs=np.zeros(count, np.int64),
        names=column % 7 + 1,
        happened=np.full(count, received - 5),
        received=received + np.arange(count),
        origins=np.full(count, 2),
        properties=[f'{{"n":{key}}}' for key in keys],
        traits=["" for _ in keys],
    )


def runs(ids: list[int], **columns: Any) -> Runs:
    """One run an id, inside, of customer id, due NOW; `columns` replaces whole columns."""
    count, column = len(ids), np.array(ids, np.int64)
    made: dict[str, Any] = {name: np.zeros(count, np.int64) for name in Runs.__dataclass_fields__}
    made |= {"ids": column, "customers": column, "partitions": column % 64, "versions": column * 0 + 1}
    made |= {"journeys": column * 0 + 1, "entered": column * 0 + NOW, "due": column * 0 + NOW}
    made |= {"left": column * 0 + NEVER, "reasons": [""] * count}
    return Runs(**(made | columns))


def effects(keys: list[int], **columns: Any) -> Planned:
    """One effect a key, due NOW; `columns` replaces whole columns."""
    count, column = len(keys), np.array(keys, np.int64)
    made: dict[str, Any] = {name: np.zeros(count, np.int64) for name in Planned.__dataclass_fields__}
    made |= {name: ["x"] * count for name in ("channels", "templates", "purposes", "kinds", "data")}
    made |= {"keys": column, "customers": column, "planned": column * 0 + NOW, "due": column * 0 + NOW}
    return Planned(**(made | columns))
