"""P39: a kill -9 while the log is sealed, merged, swept and pruned neither loses an event nor doubles one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from sojourn.lake.folder import Folder
from sojourn.runtime.history import History
from sojourn.runtime.upkeep.upkeep import REMEMBERED, Upkeep
from sojourn.store import log, partitions
from sojourn.store.database import Database
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.hashing import mix

KILLS = 4
EVENTS = 2_000  # that come in between two kills
NAMES = ("Signed Up", "Added", "Order Completed", "Logged In", "Noise")


def test_kills_in_the_middle_of_upkeep_lose_and_double_nothing(database: Database, tmp_path: Path) -> None:
    dice = random.Random(11)
    history = History(database, Folder.local(tmp_path / "lake"), Names(database.reading))
    expected: Counter[str] = Counter()
    for kill in range(KILLS):
        expected += come_in(history, kill)
        with subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("upkeep_child.py")),
                url(database),
                str(tmp_path / "lake"),
            ],
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(dice.uniform(0.02, 0.7))
            child.kill()
        assert counted(history) == expected, f"after kill {kill}"
    for _ in range(3):
        Upkeep(history, enough=100).round()
    assert counted(history) == expected
    assert history.unsealed() == 0


def url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def come_in(history: History, batch: int) -> Counter[str]:
    """Events of all sorts, half of them long ago, read by a tick; how many of each name."""
    numbers = np.arange(batch * EVENTS + 1, (batch + 1) * EVENTS + 1)
    who, names = numbers * 7919 % 70_000 + 1, numbers * 31 % len(NAMES)
    now = history.database.now()
    received = now + numbers - np.where(numbers % 2 == 0, 2 * REMEMBERED, 0)

    def append(connection: Connection) -> None:
        codes = history.names.codes(connection, NAMES)
        events = log.Events(
            partitions=who % PARTITIONS,
            subjects=who,
            keys=mix(numbers),
            runs=numbers * 0,
            names=codes[names],
            happened=received,
            received=received,
            origins=numbers * 0 + 2,
            properties=[f'{{"n":{n}}}' for n in numbers.tolist()],
            traits=[""] * len(numbers),
        )
        assert log.append(connection, events).all()

    def read(connection: Connection) -> None:
        held = partitions.lock_these(connection, np.arange(PARTITIONS))
        partitions.save(connection, partitions.reach(connection, replace(held, met=held.met + 1), 10**6))

    history.database.write(append)
    history.database.write(read)
    return Counter(NAMES[code] for code in names.tolist())


def counted(history: History) -> Counter[str]:
    """How many events of each name there are, none of them twice, each with its own property."""
    tape = history.tape()
    assert len(np.unique(tape.keys)) == len(tape)
    column = tape.properties["n"]
    assert np.array_equal(mix(column.numbers.astype(np.int64)), tape.keys[column.positions])
    assert len(column.positions) == len(tape)
    return Counter(np.array(tape.vocabulary)[tape.names].tolist())
