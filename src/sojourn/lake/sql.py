"""SQL for people: one question over sealed and unsealed events, in a sandbox without files or network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.dataset as ds

from sojourn.errors import Invalid
from sojourn.lake.folder import Folder
from sojourn.lake.layout import Merged
from sojourn.lake.rows import CORE, Rows, arranged
from sojourn.lake.segment import Segment

_SCHEMA = pa.schema([column.with_type(pa.string()) if column.name == "name" else column for column in CORE])

_EVENTS = """
CREATE VIEW events AS
SELECT coalesce(merged.customer, subject) AS customer, name,
       make_timestamp(happened) AS happened, make_timestamp(received) AS received,
       properties::JSON AS properties, traits::JSON AS traits,
       CASE origin WHEN 1 THEN 'public' WHEN 2 THEN 'server' WHEN 3 THEN 'import' ELSE 'ours' END AS origin,
       subject, position, key, run
FROM (FROM sealed UNION ALL FROM unsealed) LEFT JOIN merged USING (subject)
"""

_CLOSED: Mapping[str, str | bool] = {
    "temp_directory": "",
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
}


class Limits(msgspec.Struct, frozen=True):
    """What one question may take."""

    seconds: float = 30.0
    memory: str = "512MB"
    threads: int = 2
    rows: int = 10_000


@dataclass(frozen=True)
class Asked:
    """What a question may look at: the view `events` over segments and tail, and further tables by name."""

    folder: Folder
    segments: Sequence[Segment]
    tail: Rows | None = None
    merged: Merged = field(default_factory=Merged.none)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """The rows of an answer; `more` says that it was cut at the most rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    more: bool


def answer(question: str, asked: Asked, limits: Limits | None = None) -> Answer:
    """The answer to one SELECT (instants are UTC).

    Raises Invalid where it is no single SELECT, is wrong, reaches for what is not there, or takes
    more time or memory than it may.
    """
    limits = limits or Limits()
    with _sandbox(asked, limits) as connection:
        try:
            _check(connection.extract_statements(question))
            with _at_most(connection, limits.seconds):
                found = connection.execute(question)
                rows = found.fetchmany(limits.rows + 1)
            columns = tuple(str(column[0]) for column in found.description or ())
        except duckdb.InterruptException as error:
            raise Invalid(f"the question takes longer than {limits.seconds:g} s") from error
        except duckdb.OutOfMemoryException as error:
            raise Invalid(f"the question takes more memory than {limits.memory}") from error
        except duckdb.Error as error:
            raise Invalid(str(error)) from error
    return Answer(columns, tuple(rows[: limits.rows]), len(rows) > limits.rows)


@contextmanager
def _sandbox(asked: Asked, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that sees tables of ours in memory and nothing else, for good: what it reads of
    segments we read for it, so that it needs no file."""
    config: dict[str, str | bool | int | float | list[str]] = {
        **_CLOSED,
        "memory_limit": limits.memory,
        "threads": limits.threads,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        for name, table in {**asked.tables, **_tables(asked)}.items():
            connection.register(name, table)
        connection.execute(_EVENTS)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def _tables(asked: Asked) -> dict[str, pa.Table | ds.Dataset]:
    paths = [asked.folder.path(segment.name) for segment in asked.segments]
    parquet = ds.ParquetFileFormat()
    sealed = ds.FileSystemDataset.from_paths(paths, _SCHEMA, parquet, asked.folder.files) if paths else None
    unsealed = arranged(asked.tail).select(_SCHEMA.names).cast(_SCHEMA) if asked.tail else None
    merged = {"subject": asked.merged.subjects, "customer": asked.merged.customers}
    return {
        "sealed": sealed or _SCHEMA.empty_table(),
        "unsealed": unsealed or _SCHEMA.empty_table(),
        "merged": pa.table(merged),
    }


def _check(statements: Sequence[duckdb.Statement]) -> None:
    if len(statements) != 1:
        raise Invalid("ask one question at a time")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Invalid("only SELECT is allowed: the answer is read, nothing is changed")


@contextmanager
def _at_most(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
