"""Upkeep beside the ticks: the log comes to rest, the lake is tidied, tapes begin with it; on both stores."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import store_rows
from sqlalchemy import Connection

from sojourn.errors import Conflict, Unavailable
from sojourn.lake import merge
from sojourn.lake.folder import Folder, Gone
from sojourn.lake.layout import Wanted
from sojourn.rule.text import parse
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.history import SEALED, History
from sojourn.runtime.records import tapes_of_log
from sojourn.runtime.ticking.live import Live
from sojourn.runtime.ticking.resident import Kept, Resident
from sojourn.runtime.upkeep.residence import Residence
from sojourn.runtime.upkeep.upkeep import REMEMBERED, Upkeep
from sojourn.store import log, partitions
from sojourn.store.database import Database
from sojourn.store.log import Offset
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.tape import Tape

NAMES = ("A", "B", "C")
DAY = 86_400_000_000


@pytest.fixture
def history(database: Database, tmp_path: Path) -> History:
    names = Names(database.reading)
    database.write(lambda connection: names.codes(connection, NAMES))
    return History(database, Folder.local(tmp_path / "lake"), names)


def fill(history: History, first: int, n: int, *, at: int = store_rows.NOW, tick: bool = True) -> None:
    """n events of 200 customers, with names in turn, a trait now and then; read by a tick or not."""
    keys = list(range(first, first + n))
    who = np.array(keys) * 7919 % 200 + 1
    events = replace(
        store_rows.events(keys),
        subjects=who,
        partitions=who % PARTITIONS,
        names=np.array(keys) % 3 + 1,
        received=at + np.array(keys) * 64,
        happened=at + np.array(keys) * 64,
        properties=[f'{{"value":{key % 10}}}' for key in keys],
        traits=[f'{{"plan":"p{key % 4}"}}' if key % 5 == 0 else "" for key in keys],
    )
    history.database.write(lambda connection: log.append(connection, events))
    if tick:
        ticked(history)


def ticked(history: History) -> None:
    """Say that ticks have read all that is there."""

    def read(connection: Connection) -> None:
        held = partitions.lock_these(connection, np.arange(PARTITIONS))
        partitions.save(connection, partitions.reach(connection, held, 10**6))

    history.database.write(read)


def counted(history: History) -> Counter[str]:
    tape = history.tape()
    assert len(np.unique(tape.keys)) == len(tape)
    return Counter(np.array(tape.vocabulary)[tape.names].tolist())


def files(history: History) -> set[str]:
    root = Path(history.folder.root)
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_rounds_bring_the_log_to_rest_and_leave_no_file_too_many(history: History) -> None:
    upkeep = Upkeep(history, enough=40)
    for first in range(1, 1001, 100):
        fill(history, first, 100)
        upkeep.round()
    assert sum(counted(history).values()) == 1000
    assert history.unsealed() < 40
    Upkeep(history).round()  # the first of a process takes what there is
    upkeep.round()
    with history.database.reading() as connection:
        assert log.offset(connection, SEALED).position == log.newest(connection)
    listed = [one.name for one in history.past().segments]
    assert files(history) == set(listed)
    assert not merge.due(history.past().segments)
    assert len(listed) < 2 * merge.FAN


def test_what_ticks_have_not_read_waits(history: History) -> None:
    fill(history, 1, 50)
    fill(history, 51, 50, tick=False)
    upkeep = Upkeep(history, enough=10)
    upkeep.round()
    assert 1 <= history.unsealed() <= 50
    assert counted(history).total() == 100
    ticked(history)
    upkeep.round()
    assert history.unsealed() < 10


def test_several_who_keep_the_same_lake_double_nothing(history: History) -> None:
    fill(history, 1, 2000)

    def keep() -> None:
        upkeep = Upkeep(history, enough=50)
        for _ in range(30):
            try:
                upkeep.round()
            except (Conflict, Gone):
                continue

    threads = [Thread(target=keep) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        assert counted(history).total() == 2000
    for thread in threads:
        thread.join()
    assert counted(history) == Counter({"A": 666, "B": 667, "C": 667})


def test_old_rows_leave_the_log_once_they_have_been_at_rest_for_a_while(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sojourn.runtime.upkeep.upkeep.LONGEST", -1.0)
    now = history.database.now()
    fill(history, 1, 60, at=now - REMEMBERED - DAY)
    fill(history, 61, 60, at=now - DAY)
    upkeep = Upkeep(history, enough=10)
    upkeep.round()
    assert logged(history) == 120  # at rest since a moment ago only
    upkeep.round()
    assert logged(history) == 60
    assert counted(history).total() == 120
    again = replace(store_rows.events([100]), names=np.array([1]))
    assert not history.database.write(lambda connection: log.append(connection, again)).any()


def logged(history: History) -> int:
    with history.database.reading() as connection:
        return len(log.read(connection, Offset(), 10**6))


def test_a_reader_whose_files_are_merged_away_reads_the_list_again(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(1, 401, 100):
        fill(history, first, 100)
        history.seal()
    past, upkeep = history.past, Upkeep(history, enough=10)

    def read_while_merged() -> object:
        found = past()
        upkeep.round()
        upkeep.round()
        return found

    monkeypatch.setattr(history, "past", read_while_merged)
    assert len(history.tape()) == 400


CATALOGUE = Catalogue(
    segments={
        "many": parse({"performed": "A", "at_least": 3, "where": {"value": {"above": 4}}}),
        "paid": parse({"trait": "plan", "is": "p1"}),
    }
)


def residence(history: History) -> tuple[Live, Residence]:
    live = Live(Resident(), history.names, tapes_of_log(history.names))
    return live, Residence(history, live)


def alike(one: Tape, other: Tape) -> bool:
    """Whether two tapes hold the same events with the same values."""

    def rows(tape: Tape) -> list[tuple[object, ...]]:
        who = np.repeat(tape.customers, np.diff(tape.starts)).tolist()
        values = [dict.fromkeys(range(len(tape))) for _ in range(2)]
        for found, column in zip(values, (tape.properties["value"], tape.traits["plan"]), strict=True):
            for place, number, code in zip(
                column.positions.tolist(), column.numbers.tolist(), column.codes.tolist(), strict=True
            ):
                found[place] = column.texts[code] if code >= 0 else number
        names = [tape.vocabulary[code] for code in tape.names]
        return list(zip(who, tape.received.tolist(), names, *(one.values() for one in values), strict=True))

    return rows(one) == rows(other)


def test_tapes_that_begin_at_rest_hold_what_the_log_would_have_told(history: History) -> None:
    fill(history, 1, 700)
    Upkeep(history, enough=100).round()
    fill(history, 701, 300)
    fill(history, 1001, 50, tick=False)
    live, ready = residence(history)
    ready(CATALOGUE)
    everybody = np.arange(1, 201)
    found = live.resident.tape(everybody)
    wanted = history.tape(Wanted(names=frozenset({"A"}), traits=True, everyone=everybody))
    unread = 50  # what no tick has read will be stamped by it
    assert len(wanted) - len(found) == sum(1 for key in range(1001, 1051) if key % 3 == 0 or key % 5 == 0)
    assert unread == history.unsealed() - 300
    from_log = Resident()
    from_log.keep(Kept.of(CATALOGUE))
    other = Live(from_log, history.names, tapes_of_log(history.names))
    with history.database.reading() as connection:
        codes = np.array([1])
        other.catch_up(connection, partitions.every(connection), codes)
    assert alike(found, from_log.tape(everybody))


def test_tapes_begin_anew_when_more_is_to_be_kept_or_a_tick_was_rolled_back(history: History) -> None:
    fill(history, 1, 300)
    Upkeep(history, enough=100).round()
    live, ready = residence(history)
    ready(CATALOGUE)
    before = len(live.resident.tape(np.arange(1, 201)))
    more = replace(CATALOGUE, segments={**CATALOGUE.segments, "b": parse({"performed": "B"})})
    ready(more)
    assert len(live.resident.tape(np.arange(1, 201))) > before
    fill(history, 301, 20, tick=False)

    def killed(connection: Connection) -> None:
        live.tick(connection, more, store_rows.NOW + DAY)
        raise KeyError

    with pytest.raises(KeyError):
        history.database.write(killed)
    with pytest.raises(Unavailable, match="rolled back"):
        history.database.write(lambda connection: live.tick(connection, more, store_rows.NOW + DAY))
    live.resident.clear()
    ready(more)
    history.database.write(lambda connection: live.tick(connection, more, store_rows.NOW + DAY))
    everybody = np.arange(1, 201)
    assert len(live.resident.tape(everybody)) == len(
        history.tape(Wanted(names=frozenset({"A", "B"}), traits=True))
    )
