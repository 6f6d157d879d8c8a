"""A table of rows read as events by DuckDB: one SELECT, streamed in chunks of columns."""

# ruff: noqa: S608 - what comes from the file's header is quoted (literal, numbered); the rest is ours

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import pyarrow.compute as pc

from sojourn.customer.identity import IdentityRules
from sojourn.errors import Invalid
from sojourn.ingest.files.columns import ADDRESSES, from_columns
from sojourn.ingest.files.format import BadRow, Chunk, File, Survey
from sojourn.ingest.files.instants import literal, reading
from sojourn.ingest.reserved import outside
from sojourn.ingest.wire.limits import SEGMENT

_MARK = '"'
_FIRST_BAD = 20
_MOST_COLUMNS = 2_000
_REJECTS = (
    "SELECT line, any_value(column_name), any_value(csv_line), any_value(lower(error_message))"
    " FROM reject_errors GROUP BY line ORDER BY line"
)
_NOBODY = ", ".join(literal(value) for value in sorted(IdentityRules().blocked))
_WHY = {
    "customer": "is empty, too long or no id",
    "name": "is empty or too long",
    "time": "is no time in the past",
}


@dataclass(frozen=True)
class Leaf:
    """A column, or a field of a nested one, as SQL: its text, and the JSON that an event carries."""

    text: str
    json: str


class Table:
    """The rows of a relation that DuckDB can read, as events: the Content of tabular formats."""

    def __init__(
        self, file: File, connection: duckdb.DuckDBPyConnection, relation: str, leaves: dict[str, Leaf]
    ) -> None:
        if len(leaves) > _MOST_COLUMNS:
            raise Invalid(f"more than {_MOST_COLUMNS:,} columns", source=str(file.path))
        file.mapping.check(tuple(leaves))
        self._file, self._connection, self._leaves = file, connection, leaves
        self._relation = f"(SELECT row_number() OVER () AS row, * FROM {relation})"

    def rows(self) -> int:
        with told(self._file):
            return int(self._all(f"SELECT count(*) FROM {self._relation}")[0][0])

    def survey(self) -> Survey:
        with told(self._file):
            counts = (
                "count(*), count(bad), count(DISTINCT customer) FILTER (bad IS NULL),"
                " min(happened) FILTER (bad IS NULL), max(happened) FILTER (bad IS NULL)"
            )
            [(rows, bad, customers, earliest, latest)] = self._all(f"SELECT {counts} FROM {self._events}")
            names = self._all(
                f"SELECT name, count(*) AS n FROM {self._events} WHERE bad IS NULL"
                " GROUP BY name ORDER BY n DESC, name LIMIT 50"
            )
            shown = "CASE bad WHEN 'customer' THEN customer WHEN 'name' THEN name ELSE time END"
            first = self._all(
                f"SELECT row, bad, {shown} FROM {self._events} WHERE bad IS NOT NULL"
                f" ORDER BY row LIMIT {_FIRST_BAD}"
            )
            broken = self._broken()
        return Survey(
            rows=rows + len(broken),
            bad=bad + len(broken),
            first_bad=self._first_bad(first, broken),
            customers=customers,
            earliest=earliest,
            latest=latest,
            names=tuple((outside(name), count) for name, count in names),
        )

    def chunks(self, after: int, size: int) -> Iterator[Chunk]:
        addresses = [f", {self._leaves[name].text} AS {name}" for name in self._addresses]
        query = (
            f"SELECT row, customer, name, happened, carried, bad{''.join(addresses)}"
            f" FROM {self._events} WHERE row > {after}"
        )
        with told(self._file):
            for batch in self._connection.sql(query).to_arrow_reader(size):
                good = batch.filter(pc.is_null(batch["bad"]))
                bad = batch.num_rows - good.num_rows
                yield Chunk(batch["row"][-1].as_py(), bad, from_columns(good, self._file))

    @cached_property
    def _events(self) -> str:
        """The SQL of a relation with a row for each of the file: row, customer, name, time (a text),
        happened, carried, bad (what is wrong with it: customer, name or time), and the file's own."""
        mapping, characters = self._file.mapping, SEGMENT.id_characters
        name = literal(mapping.constant) if mapping.constant else f"{_word(self._leaves[mapping.name])}"
        time = self._leaves[mapping.time].text if mapping.time else "NULL"
        wrong = (
            f"CASE WHEN coalesce(length(customer), 0) NOT BETWEEN 1 AND {characters}"
            f" OR regexp_full_match(customer, '[0-]*') OR lower(customer) IN ({_NOBODY}) THEN 'customer'"
            f" WHEN coalesce(length(name), 0) NOT BETWEEN 1 AND {SEGMENT.name_characters} THEN 'name'"
            f" WHEN happened IS NULL OR happened > {self._file.now} THEN 'time' END"
        )
        return (
            f"(SELECT *, {wrong} AS bad FROM (SELECT *, {_word(self._leaves[mapping.customer])} AS customer,"
            f" {name} AS name, {time} AS time, {self._happened} AS happened, {self._carried} AS carried"
            f" FROM {self._relation}))"
        )

    @property
    def _happened(self) -> str:
        mapping = self._file.mapping
        if not mapping.time:
            return f"{self._file.now}::BIGINT"
        text = f"trim({self._leaves[mapping.time].text})"
        with told(self._file):
            return reading(self._connection, self._relation, text, mapping.time_format, mapping.time)

    @property
    def _carried(self) -> str:
        used = self._file.mapping.used.values()
        parts = [
            f"{literal(json.dumps(name, ensure_ascii=False) + ':')} || {leaf.json}"
            for name, leaf in self._leaves.items()
            if name not in used
        ]
        return "'{' || concat_ws(','," + ", ".join(parts) + ") || '}'" if parts else "'{}'"

    @property
    def _addresses(self) -> list[str]:
        mapping = self._file.mapping
        return [
            n for n in ADDRESSES if mapping.traits and n in self._leaves and n not in mapping.used.values()
        ]

    def _broken(self) -> list[BadRow]:
        """The rows that are none, of a relation that stores its rejects (read_csv), by number."""
        if "store_rejects" not in self._relation:
            return []
        names = list(self._leaves)
        return [
            BadRow(line - 1, names[int(column[1:])] if column else "", text[:80], why)
            for line, column, text, why in self._all(_REJECTS)
        ]

    def _first_bad(self, found: list[Any], broken: list[BadRow]) -> tuple[BadRow, ...]:
        """Both kinds in order; DuckDB does not count the broken ones, a reader of the file does."""
        used, rows = self._file.mapping.used, list[BadRow]()
        for row, what, value in found:
            number = row
            for other in broken:
                number += other.row <= number
            rows.append(BadRow(number, used.get(what, what), str(value or "")[:80], _WHY[what]))
        return tuple(sorted((*rows, *broken), key=lambda bad: bad.row)[:_FIRST_BAD])

    def _all(self, query: str) -> list[Any]:
        return self._connection.execute(query).fetchall()


def numbered(source: str, names: Sequence[str]) -> str:
    """A relation whose columns are c0, c1 … instead of what the file calls them."""
    renamed = (f'"{name.replace(_MARK, _MARK * 2)}" AS c{n}' for n, name in enumerate(names))
    return f"(SELECT {', '.join(renamed)} FROM {source})"


def _word(leaf: Leaf) -> str:
    return f"trim(replace({leaf.text}, chr(0), ''))"


@contextmanager
def told(file: File) -> Iterator[None]:
    """What DuckDB says of a file that it cannot read, said as Invalid."""
    try:
        yield
    except duckdb.Error as error:
        raise Invalid(str(error).split("\n")[0][:300], source=str(file.path)) from error


def connect() -> duckdb.DuckDBPyConnection:
    """An engine of our own that keeps rows in order and takes times without a zone as UTC."""
    connection = duckdb.connect(":memory:")
    connection.execute(
        "SET TimeZone = 'UTC'; SET preserve_insertion_order = true; SET memory_limit = '400MB'"
    )
    return connection
