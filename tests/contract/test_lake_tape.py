"""The lake gives back, as tapes, exactly what was sealed: however it was cut, merged or cut short."""

from __future__ import annotations

import math
import resource
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.errors import Unavailable
from sojourn.lake.folder import Folder, Gone
from sojourn.lake.layout import Merged, Wanted
from sojourn.lake.merge import due, erase, merge
from sojourn.lake.read import load
from sojourn.lake.rows import Rows
from sojourn.lake.seal import seal
from sojourn.lake.segment import SUBJECTS_A_BUCKET, Segment
from sojourn.lake.shred import MOST_NAMES
from sojourn.tape.tape import Column, Tape

Row = dict[str, object]
SUBJECTS = (1, 2, 7, SUBJECTS_A_BUCKET + 1, SUBJECTS_A_BUCKET + 2)
values = st.one_of(st.sampled_from(["a", "b"]), st.integers(-3, 3), st.none())
rows_of = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(SUBJECTS),
        "received": st.integers(0, 60),
        "early": st.integers(0, 5),
        "key": st.integers(1, 2**62),
        "run": st.integers(0, 2),
        "name": st.sampled_from(["A", "B", "C"]),
        "properties": st.dictionaries(st.sampled_from(["p", "q"]), values, max_size=2),
        "traits": st.dictionaries(st.sampled_from(["t"]), values, max_size=1),
    }
)
logs = st.lists(rows_of, max_size=25, unique_by=lambda row: row["key"])


def columns(log: Sequence[Row], first: int = 1) -> Rows:
    def ints(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([row[name] for row in log], np.int64).reshape(-1)

    return Rows(
        subject=ints("subject"),
        happened=ints("received") - (ints("early") if log else 0),
        received=ints("received"),
        position=np.arange(first, first + len(log)),
        key=ints("key"),
        run=ints("run"),
        name=[str(row["name"]) for row in log],
        origin=np.full(len(log), 2),
        properties=[msgspec.json.encode(row["properties"]).decode() for row in log],
        traits=[msgspec.json.encode(row["traits"]).decode() for row in log],
    )


def sealed(folder: Folder, log: Sequence[Row], cuts: Sequence[int]) -> tuple[list[Segment], Rows]:
    """The log cut at these places: all parts but the last sealed, the last still the tail."""
    edges = [0, *sorted(min(cut, len(log)) for cut in cuts)]
    segments: list[Segment] = []
    for low, high in pairwise(edges):
        if low < high:
            segments += seal(folder, columns(log[low:high], low + 1), low + 1, high)
    return segments, columns(log[edges[-1] :], edges[-1] + 1)


def read(tape: Tape) -> list[tuple[object, ...]]:
    """Everything on a tape, event by event, but `received`, which may have been pushed."""
    who = np.repeat(tape.customers, np.diff(tape.starts))
    carried = [_carried(tape.properties[name]) for name in ("p", "q")] + [_carried(tape.traits["t"])]
    return [
        (
            int(who[i]),
            int(tape.times[i]),
            tape.vocabulary[tape.names[i]],
            int(tape.keys[i]),
            int(tape.runs[i]),
            *(column.get(i) for column in carried),
        )
        for i in range(len(tape))
    ]


def _carried(column: Column) -> dict[int, object]:
    assert (np.diff(column.positions) > 0).all()
    return {
        int(position): column.texts[code] if code >= 0 else ("none" if math.isnan(number) else float(number))
        for position, number, code in zip(column.positions, column.numbers, column.codes, strict=True)
    }


def expected(log: Sequence[Row], merged: dict[int, int]) -> list[tuple[object, ...]]:
    def value(row: Row, kind: str, name: str) -> object:
        carried = row[kind]
        assert isinstance(carried, dict)
        found = carried.get(name, ...)
        return (
            None
            if found is ...
            else "none"
            if found is None
            else found
            if found in ("a", "b")
            else float(found)
        )

    def customer(row: Row) -> int:
        assert isinstance(row["subject"], int)
        return merged.get(row["subject"], row["subject"])

    def happened(row: Row) -> int:
        assert isinstance(row["received"], int)
        assert isinstance(row["early"], int)
        return row["received"] - row["early"]

    ordered = sorted(log, key=lambda row: (customer(row), row["received"]))
    return [
        (
            *(customer(row), happened(row), row["name"], row["key"], row["run"]),
            *(value(row, "properties", "p"), value(row, "properties", "q"), value(row, "traits", "t")),
        )
        for row in ordered
    ]


def alike(found: list[tuple[object, ...]], wanted: list[tuple[object, ...]]) -> bool:
    """Equal but for the order of events of one customer met at one instant by two subjects."""
    return sorted(map(repr, found)) == sorted(map(repr, wanted))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(log=logs, cuts=st.lists(st.integers(0, 25), max_size=5), merging=st.booleans(), data=st.data())
def test_a_tape_holds_what_was_logged(
    tmp_path_factory: pytest.TempPathFactory,
    log: list[Row],
    cuts: list[int],
    merging: bool,
    data: st.DataObject,
) -> None:
    folder = Folder.local(tmp_path_factory.mktemp("lake"))
    segments, tail = sealed(folder, log, cuts)
    if merging:
        segments = merged_by_bucket(folder, segments)
    joined = data.draw(st.dictionaries(st.sampled_from(SUBJECTS[1:]), st.just(SUBJECTS[0])))
    pairs = sorted(joined.items())
    merged = Merged(*(np.array([pair[i] for pair in pairs], np.int64) for i in (0, 1)))
    tape = load(folder, segments, tail, Wanted(), merged)
    found, wanted = read(tape), expected(log, joined)
    assert alike(found, wanted)
    if not joined:
        assert found == wanted
    for low, high in pairwise(tape.starts.tolist()):
        assert (np.diff(tape.received[low:high]) > 0).all()
    assert (tape.times <= tape.received).all()
    assert (np.diff(tape.customers) > 0).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(log=logs, cut=st.integers(0, 25), since=st.integers(0, 60), data=st.data())
def test_a_tape_of_some_events_holds_just_those(
    tmp_path_factory: pytest.TempPathFactory, log: list[Row], cut: int, since: int, data: st.DataObject
) -> None:
    folder = Folder.local(tmp_path_factory.mktemp("lake"))
    segments, tail = sealed(folder, log, [cut])
    names = data.draw(st.none() | st.frozensets(st.sampled_from(["A", "B", "Z"])))
    subjects = data.draw(st.none() | st.frozensets(st.sampled_from(SUBJECTS)))
    chosen = None if subjects is None else np.array(sorted(subjects), np.int64)
    always, traits = data.draw(st.frozensets(st.sampled_from(["B", "Z"]))), data.draw(st.booleans())
    tape = load(folder, segments, tail, Wanted(names, since, chosen, always=always, traits=traits))
    kept = [
        row
        for row in log
        if (subjects is None or row["subject"] in subjects)
        and (
            ((names is None or row["name"] in names) and int(str(row["received"])) >= since)
            or row["name"] in always
            or (traits and row["traits"])
        )
    ]
    assert read(tape) == expected(kept, {})


def merged_by_bucket(folder: Folder, segments: Sequence[Segment]) -> list[Segment]:
    found = []
    for bucket in sorted({segment.bucket for segment in segments}):
        old = [segment for segment in segments if segment.bucket == bucket]
        found.append(merge(folder, old))
        for segment in old:
            folder.remove(segment.name)
    return found


def some(n: int, subject: int = 1) -> list[Row]:
    return [
        {"subject": subject, "received": i, "early": 0, "key": i + 1, "run": 0, "name": "A"}
        | {"properties": {"p": i}, "traits": {}}
        for i in range(n)
    ]


def test_to_seal_a_range_again_writes_the_same_files(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    first = seal(folder, columns(some(5)), 1, 5)
    assert seal(folder, columns(some(5)), 1, 5) == first
    assert [path.name for path in tmp_path.rglob("*.parquet")] == [first[0].name.split("/")[1]]
    assert (first[0].rows, first[0].earliest, first[0].latest) == (5, 0, 4)


def test_merging_drops_repeats_and_keeps_the_first(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    again = some(3)
    again[1]["properties"] = {"p": 99}
    again[2]["key"] = 77
    segments = [*seal(folder, columns(some(3)), 1, 3), *seal(folder, columns(again, 4), 4, 6)]
    tape = load(folder, [merge(folder, segments)])
    assert sorted(tape.keys.tolist()) == [1, 2, 3, 77]
    assert 99 not in tape.properties["p"].numbers


def test_a_tape_goes_on_reading_after_its_files_are_merged_away(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    segments = seal(folder, columns(some(4)), 1, 4)
    tape = load(folder, segments)
    folder.remove(segments[0].name)
    assert tape.properties["p"].numbers.tolist() == [0, 1, 2, 3]
    with pytest.raises(Gone, match="listed"):
        load(folder, segments)


def test_names_beyond_the_most_are_read_from_their_texts_even_after_a_merge(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    many = some(MOST_NAMES + 40)
    for i, row in enumerate(many):
        row["properties"] = {"common": "x", f"rare{i}": i, "p": i}
    segments = [*seal(folder, columns(many), 1, len(many)), *seal(folder, columns(some(9, 2), 500), 500, 508)]
    for tape in (load(folder, segments), load(folder, [merge(folder, segments)])):
        assert {"common", "p", *(f"rare{i}" for i in range(len(many)))} <= set(tape.properties)
        for i in (0, 77, len(many) - 1):
            assert tape.properties[f"rare{i}"].numbers.tolist() == [i]
        assert len(tape.properties["p"].positions) == len(many) + 9
        assert len(tape.properties["unknown"].positions) == 0


def test_everyone_asked_for_stands_on_the_tape(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    segments = seal(folder, columns(some(2)), 1, 2)
    tape = load(folder, segments, wanted=Wanted(everyone=np.array([1, 5, SUBJECTS_A_BUCKET * 3]), keys=False))
    assert tape.customers.tolist() == [1, 5, SUBJECTS_A_BUCKET * 3]
    assert tape.starts.tolist() == [0, 2, 2, 2]
    assert len(tape.keys) == 0
    assert len(load(folder, ())) == 0


def test_small_segments_are_due_and_large_ones_stay() -> None:
    def segment(first: int, rows: int, bucket: int = 0) -> Segment:
        return Segment(f"{bucket}/{first}", bucket, 0, first, first, 0, 0, rows, 0)

    small = [segment(i, 10) for i in range(5)]
    assert due(small) == (tuple(small),)
    assert due(small[:3]) == ()
    assert due([segment(0, 1000), *small[1:]]) == (tuple(small[1:]),)
    assert due([segment(i, 10, bucket=i % 2) for i in range(6)]) == ()
    assert due([segment(i, 400_000) for i in range(6)]) == ()


def test_what_a_kill_leaves_behind_is_swept_once_it_is_old(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    (listed,) = seal(folder, columns(some(2)), 1, 2)
    (lost,) = seal(folder, columns(some(2)), 1, 3)
    (tmp_path / "000000" / "x.parquet.abc.part").write_bytes(b"half")
    assert folder.sweep(frozenset({listed.name}), before=0) == ()
    stray = folder.sweep(frozenset({listed.name}), before=2**62)
    assert stray == tuple(sorted((lost.name, "000000/x.parquet.abc.part")))
    assert len(load(folder, [listed])) == 2


def test_what_is_erased_is_in_no_byte_of_the_new_generation(tmp_path: Path) -> None:
    folder = Folder.local(tmp_path)
    log = some(3) + some(3, 2) + some(2, SUBJECTS_A_BUCKET + 1)
    for row in log[3:6]:
        row["properties"] = {"note": "canary-property"}
        row["traits"] = {"canary-trait": "canary-value"}
        row["name"] = "Canary Event"
    segments = seal(folder, columns(log), 1, len(log))
    replaced = erase(folder, segments, np.array([2]))
    assert list(replaced) == [segments[0].name]
    successor = replaced[segments[0].name]
    assert successor is not None
    assert (successor.rows, successor.generation, successor.bucket) == (3, 1, 0)
    folder.remove(segments[0].name)
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).lower()
    assert b"canary" not in held
    assert erase(folder, [successor], np.array([1])) == {successor.name: None}
    assert erase(folder, [successor], np.array([2, 9])) == {}


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """The limit on a file's size stands in for the disk: both refuse a write in the middle of a file."""
    folder = Folder.local(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(Unavailable, match="cannot take"):
            seal(folder, columns(some(5000)), 1, 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert len(seal(folder, columns(some(5000)), 1, 5000)) == 1
