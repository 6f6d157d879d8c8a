"""Files of every format are read as events, column by column, and say what is wrong with which row."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sojourn.errors import Invalid, NotFound
from sojourn.ingest.files.format import Chunk, File
from sojourn.ingest.files.mapping import Mapping
from sojourn.ingest.importing import format_of, survey

NOW = 1_790_000_000_000_000
NINE = 1_772_355_600_000_000  # 2026-03-01 09:00 UTC
EVENTS = Mapping(customer="who", name="what", time="when")


def write(folder: Path, text: str | bytes, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def chunks(
    path: Path, mapping: Mapping = EVENTS, kind: str = "", after: int = 0, size: int = 3
) -> list[Chunk]:
    return list(format_of(path, kind).open(File(path, mapping, 7, NOW)).chunks(after, size))


def events(path: Path, mapping: Mapping = EVENTS, kind: str = "") -> list[tuple[Any, ...]]:
    """(identity, name, happened, carried) of every event."""
    found = []
    for chunk in chunks(path, mapping, kind):
        rows = chunk.arrivals
        for n in range(len(rows)):
            carried = json.loads((rows.traits if mapping.traits else rows.properties)[n])
            identity = rows.claims.identities[rows.owners[n]]
            found.append((identity.value, rows.vocabulary[rows.names[n]], int(rows.happened[n]), carried))
    return found


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_csv_in_its_kinds(tmp_path: Path, mark: str) -> None:
    lines = ["who,what,when,total,note,ok", "ada,Paid,2026-03-01T09:00:00Z,3.50,x,TRUE", "bob,Left,,,,"]
    path = write(tmp_path, "\n".join(lines).replace(",", mark))
    assert events(path) == [("ada", "Paid", NINE, {"total": 3.5, "note": "x", "ok": True})]
    packed = write(tmp_path, gzip.compress(path.read_bytes()), "events.csv.gz")
    assert events(packed) == events(path)


def test_a_quoted_field_may_hold_anything(tmp_path: Path) -> None:
    path = write(tmp_path, 'who,what,when,note\nada,Paid,2026-03-01 09:00,"a, ""b""\nc; é\t👋"\n')
    assert events(path) == [("ada", "Paid", NINE, {"note": 'a, "b"\nc; é\t👋'})]


def test_columns_aligned_by_spaces(tmp_path: Path) -> None:
    path = write(
        tmp_path, " id   date  n  value\r\n 00001 20260301  1   11.77\r\n 2 20260302 2 3\r\n", "a.txt"
    )
    mapping = Mapping(customer="id", name="=Order Completed", time="date")
    assert events(path, mapping) == [
        ("00001", "Order Completed", NINE - 9 * 3600 * 10**6, {"n": 1, "value": 11.77}),
        ("2", "Order Completed", NINE + 15 * 3600 * 10**6, {"n": 2, "value": 3}),
    ]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["1", "2.5", "-3"], [1, 2.5, -3]),
        (["1", "x"], ["1", "x"]),
        (["007", "008"], ["007", "008"]),
        (["12345678901234567890"], ["12345678901234567890"]),
        (["true", "FALSE"], [True, False]),
        (["1e5", "NaN"], ["1e5", "NaN"]),
        ([" 1", "+1"], [" 1", "+1"]),
    ],
)
def test_a_column_is_of_numbers_if_all_its_values_are(
    tmp_path: Path, values: list[str], read: list[Any]
) -> None:
    path = write(tmp_path, "who,v\n" + "".join(f"ada,{value}\n" for value in values))
    found = events(path, Mapping(customer="who", name="=E"))
    assert [carried["v"] for *_, carried in found] == read


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T09:00:00Z",
        "2026-03-01T10:00:00+01:00",
        "2026-03-01 09:00:00",
        "2026/03/01 09:00:00",
        "1772355600",
        "1772355600000",
        "1772355600000000",
        "1772355600.0",
        "13.01.2026 09:00",
        "13/01/2026 09:00:00",
        "01/13/2026 09:00",
        "13 Jan 2026 09:00",
        "Jan 13, 2026 09:00",
        "Tue, 13 Jan 2026 09:00:00 +0000",
        "13/Jan/2026:09:00:00 +0000",
    ],
)
def test_times_in_all_their_forms(tmp_path: Path, written: str) -> None:
    path = write(tmp_path, f'who,what,when\nada,Paid,"{written}"\n')
    assert [happened for *_, happened, _ in events(path)] in ([NINE], [NINE - 47 * 86_400 * 10**6])


def test_a_time_that_could_be_two_is_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, "who,what,when\nada,Paid,03/01/2026\nada,Paid,04/01/2026\n")
    with pytest.raises(Invalid, match="can be read day first or month first: give --time-format") as raised:
        events(path)
    assert raised.value.place == "column when"
    monthly = Mapping(customer="who", name="what", time="when", time_format="%m/%d/%Y")
    assert events(path, monthly)[0][2] == NINE - 9 * 3600 * 10**6


def test_a_column_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="'soon' is no time"):
        events(write(tmp_path, "who,what,when\nada,Paid,soon\n"))


def test_a_survey_counts_and_names_the_bad_rows(tmp_path: Path) -> None:
    rows = [
        "ada,Paid,2026-03-01T09:00:00Z",
        "bob,Paid",
        ",Paid,2026-03-01T09:00:00Z",
        "null,Paid,2026-03-01T09:00:00Z",
        "ada,,2026-03-01T09:00:00Z",
        "ada,Paid,soon",
        "ada,Paid,2999-01-01",
        "ada,Paid,2026-03-02T09:00:00Z,more",
        "bob,Email Opened,2026-03-03T09:00:00Z",
    ]
    found = survey(write(tmp_path, "who,what,when\n" + "\n".join(rows)), EVENTS, NOW)
    assert (found.rows, found.bad, found.customers) == (9, 7, 2)
    assert (found.earliest, found.latest) == (NINE, NINE + 2 * 86_400 * 10**6)
    assert found.names == (("Email Opened (reported)", 1), ("Paid", 1))
    assert [(bad.row, bad.column, bad.value) for bad in found.first_bad] == [
        (2, "when", "bob,Paid"),
        (3, "who", ""),
        (4, "who", "null"),
        (5, "what", ""),
        (6, "when", "soon"),
        (7, "when", "2999-01-01"),
        (8, "", "ada,Paid,2026-03-02T09:00:00Z,more"),
    ]


def test_bad_rows_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "who,what,when\nada,Paid,soon\nbob,Paid,2026-03-01T09:00:00Z\n,Paid,2026-03-01\n")
    assert events(path) == [("bob", "Paid", NINE, {})]
    assert sum(chunk.bad for chunk in chunks(path)) == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "has no header"),
        (b"who,what,when\xe9\n", "is not UTF-8"),
        (b"who,who,when\n", "two columns are named 'who'"),
        (b"name,what,when\n", "no column 'who', but name, what, when"),
        (b"who,what,when\r\na,b,2026-01-01\rb,c,2026-01-02\r\n", "invalid state"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, text: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        events(write(tmp_path, text))


def test_a_name_that_is_no_column_may_be_meant_for_all_rows(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="write =Paid") as raised:
        events(write(tmp_path, "who\nada\n"), Mapping(customer="who", name="Paid"))
    assert raised.value.place == "name"


def test_a_line_of_a_gigabyte_would_be_one_bad_row(tmp_path: Path) -> None:
    path = write(tmp_path, "who,what\nada," + "x" * 3_000_000 + "\nbob,E\n")
    assert events(path, Mapping(customer="who", name="what")) == [("bob", "E", NOW, {})]
    assert survey(path, Mapping(customer="who", name="what"), NOW).bad == 1


def test_traits_take_addresses_for_ids(tmp_path: Path) -> None:
    path = write(tmp_path, "id,email,plan\n1,Ada@Example.org,pro\n2,,free\n")
    mapping = Mapping(customer="id", traits=True)
    assert events(path, mapping) == [
        ("1", "Identified", NOW, {"email": "Ada@Example.org", "plan": "pro"}),
        ("2", "Identified", NOW, {"plan": "free"}),
    ]
    (chunk,) = chunks(path, mapping)
    assert [tuple(one) for one in chunk.arrivals.claims.identities] == [
        ("user_id", "1"),
        ("email", "ada@example.org"),
        ("user_id", "2"),
    ]
    assert len(chunk.arrivals.claims.links) == 1


def test_json_lines_keep_types_and_become_paths(tmp_path: Path) -> None:
    lines = [
        {
            "who": "ada",
            "what": "Paid",
            "when": "2026-03-01T09:00:00Z",
            "a": {"b": 1, "c": [1, "x"]},
            "ok": True,
        },
        {"who": 17, "what": "Paid", "when": 1772355600, "day": "2026-03-01", "mixed": 1, "n": None},
        {"who": "bob", "what": "Paid", "when": "2026-03-01T09:00:00Z", "mixed": "x", "f": 1.5, "q": 'é"\\'},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\nnot json\n"
    path = write(tmp_path, text, "events.jsonl")
    found = events(path)
    assert [(who, carried) for who, _, _, carried in found if who != "17"] == [
        ("ada", {"a.b": 1, "a.c": '[1,"x"]', "ok": True}),
        ("bob", {"mixed": "x", "f": 1.5, "q": 'é"\\'}),
    ]
    assert survey(path, EVENTS, NOW).bad == 2


def test_parquet_keeps_types(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    duckdb.sql(
        "COPY (SELECT 'u' || i AS who, 'Paid' AS what, TIMESTAMP '2026-03-01 09:00' AS \"when\","
        " i AS n, i / 2.0 AS half, {'x': i} AS s, [i] AS list, DATE '2026-03-01' AS day,"
        " i = 1 AS one, 'nan'::DOUBLE AS nothing, 1.5::DECIMAL(9, 2) AS money FROM range(2) t(i))"
        f" TO '{path}'"
    )
    carried = {"n": 1, "half": 0.5, "s.x": 1, "list": "[1]", "day": "2026-03-01", "one": True, "money": 1.5}
    assert events(path)[1] == ("u1", "Paid", NINE, carried)


def test_an_archive_of_segment_calls_says_all_itself(tmp_path: Path) -> None:
    calls = [
        {"type": "track", "userId": "ada", "event": "Paid", "timestamp": "2026-03-01T09:00:00Z"},
        {"type": "alias", "userId": "ada", "previousId": "a"},
        {"type": "what"},
    ]
    text = "\n".join(map(json.dumps, calls))
    path = write(tmp_path, text, "archive.segment.jsonl")
    mapping = Mapping(customer="")
    assert events(path, mapping) == [("ada", "Paid", NINE, {})]
    found = survey(path, mapping, NOW)
    assert (found.rows, found.bad, found.names) == (3, 1, (("Paid", 1),))
    assert found.first_bad[0].row == 3
    assert len(events(write(tmp_path, text, "x.jsonl"), mapping, "segment")) == 1


def test_keys_follow_the_row_wherever_reading_began(tmp_path: Path) -> None:
    rows = "".join(f"u{n},E,2026-03-01T09:00:{n:02}Z\n" for n in range(10))
    path = write(tmp_path, f"who,what,when\n{rows}")
    every = [key for chunk in chunks(path) for key in chunk.arrivals.keys.tolist()]
    later = [key for chunk in chunks(path, after=4, size=100) for key in chunk.arrivals.keys.tolist()]
    assert len(set(every)) == 10
    assert later == every[4:]


@pytest.mark.parametrize("name", ["events.xlsx", "events"])
def test_an_unknown_ending_asks_for_the_format(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="csv, jsonl, parquet, segment"):
        survey(write(tmp_path, "", name), EVENTS, NOW)
    with pytest.raises(NotFound):
        survey(tmp_path / "missing.csv", EVENTS, NOW)


TEXT = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=10))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_through_a_csv_unchanged(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    def field(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = "".join(f"x{field(who)[:0]},{field(note + '!')}\n" for who, note in rows)
    path = write(tmp_path, f"who,note\n{lines}")
    found = [carried["note"] for *_, carried in events(path, Mapping(customer="who", name="=E"))]
    assert found == [note + "!" for _, note in rows]
