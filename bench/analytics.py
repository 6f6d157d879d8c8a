"""Times three metrics against DuckDB and ClickHouse's engine (chDB) on the same data, for the same answers.

Every engine has its data loaded, sorted by customer and time, with names as small integers, and may use
all cores, as we do.  The SQL is the fastest of several that we tried for each engine.  Rounds take
turns, the best counts, so that a busy machine slows all alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import chdb.session
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.data import VOCABULARY, synthetic
from bench.row import Row, rounded, seconds
from sojourn.analytics.metrics.funnel import FunnelQuestion, funnel
from sojourn.analytics.metrics.paths import paths
from sojourn.analytics.metrics.retention import RetentionQuestion, retention
from sojourn.tape.tape import Tape

BAR = 3.0
CUSTOMERS, EVENTS, ROUNDS = 500_000, 10_000_000, 5
ENGINES = {"chdb": "chDB", "duckdb": "DuckDB"}
WEEK = 7 * 86_400_000_000
STEPS = ("Product Viewed", "Product Added", "Order Completed")
ONE, TWO, THREE = (VOCABULARY.index(step) for step in STEPS)
BACK = VOCABULARY.index("Page Viewed")

Rows = list[tuple[int, ...]]


@dataclass(frozen=True)
class Contest:
    """One question, put to three engines; `read` brings the rows of SQL to the form of `ours`."""

    ours: Callable[[Tape], object]
    told: Callable[[Any], object]  # our answer as plain values
    duckdb: str
    chdb: str
    read: Callable[[Rows], object]


def funnel_contest() -> Contest:
    question = FunnelQuestion(steps=STEPS, within=WEEK)
    return Contest(
        lambda tape: funnel(tape, question),
        lambda answer: [step.count for step in answer.steps],
        f"""
        WITH one AS (SELECT customer, time FROM events WHERE name = {ONE}),
        two AS (
            SELECT event.customer, event.time, one.time AS begun FROM events event
            ASOF JOIN one ON event.customer = one.customer AND event.time > one.time
            WHERE event.name = {TWO} AND event.time - one.time <= {WEEK}),
        three AS (
            SELECT event.customer FROM events event
            ASOF JOIN two ON event.customer = two.customer AND event.time > two.time
            WHERE event.name = {THREE} AND event.time - two.begun <= {WEEK})
        SELECT 1, count(DISTINCT customer) FROM one
        UNION ALL SELECT 2, count(DISTINCT customer) FROM two
        UNION ALL SELECT 3, count(DISTINCT customer) FROM three""",
        f"""
        WITH passages AS (
            SELECT windowFunnel({WEEK})(time, name = {ONE}, name = {TWO}, name = {THREE}) AS depth
            FROM events WHERE name IN ({ONE}, {TWO}, {THREE}) GROUP BY customer)
        SELECT step, countIf(depth >= step) FROM passages ARRAY JOIN [1, 2, 3] AS step GROUP BY step""",
        lambda rows: [count for _, count in sorted(rows)],
    )


def paths_contest() -> Contest:
    code = {name: i for i, name in enumerate(VOCABULARY)}
    return Contest(
        paths,
        lambda answer: {(code[edge.source], code[edge.target]): edge.count for edge in answer.edges},
        """
        SELECT source, name, count(*) FROM (
            SELECT name, lag(name) OVER (PARTITION BY customer ORDER BY time) AS source FROM events)
        WHERE source IS NOT NULL GROUP BY ALL""",
        """
        SELECT pair.1, pair.2, count() FROM (
            SELECT groupArray(name) AS names,
                   arrayJoin(arrayZip(arrayPopBack(names), arrayPopFront(names))) AS pair
            FROM events GROUP BY customer)
        GROUP BY pair SETTINGS optimize_aggregation_in_order = 1""",
        lambda rows: {(source, target): count for source, target, count in rows},
    )


def retention_contest() -> Contest:
    question = RetentionQuestion(start="Signed Up", returning="Page Viewed", period="week")
    return Contest(
        lambda tape: retention(tape, question),
        _cells,
        f"""
        WITH born AS (SELECT customer, min(time) AS time FROM events WHERE name = 0 GROUP BY customer),
        back AS (
            SELECT DISTINCT customer, (born.time // 86400000000 + 3) // 7 AS cohort,
                   (event.time // 86400000000 + 3) // 7 AS week
            FROM events event JOIN born USING (customer)
            WHERE event.name = {BACK} AND event.time >= born.time)
        SELECT cohort, week - cohort, count(*) FROM back GROUP BY ALL""",
        f"""
        WITH customers AS (
            SELECT minIf(time, name = 0) AS born,
                   groupUniqArrayIf(intDiv(intDiv(time, 86400000000) + 3, 7), name = {BACK}) AS weeks
            FROM events WHERE name IN (0, {BACK}) GROUP BY customer)
        SELECT intDiv(intDiv(born, 86400000000) + 3, 7) AS cohort, week - cohort, count()
        FROM customers ARRAY JOIN weeks AS week WHERE week >= cohort GROUP BY cohort, week""",
        lambda rows: {(cohort, k): count for cohort, k, count in rows},
    )


def measure(*, small: bool) -> list[Row]:
    """The best times of three metrics, and how many times faster than the other engines we are."""
    part = 10 if small else 1
    tape = synthetic(CUSTOMERS // part, EVENTS // part)
    contests = {"funnel": funnel_contest(), "paths": paths_contest(), "weekly retention": retention_contest()}
    with tempfile.TemporaryDirectory() as folder:
        asking = {"duckdb": _duckdb(tape, Path(folder)), "chdb": _chdb(Path(folder))}
        return [row for what, contest in contests.items() for row in _compete(what, contest, tape, asking)]


def _compete(
    what: str, contest: Contest, tape: Tape, asking: dict[str, Callable[[str], Rows]]
) -> Iterator[Row]:
    answer = contest.told(contest.ours(tape))
    sql = {engine: partial(ask, getattr(contest, engine)) for engine, ask in asking.items()}
    for engine, ask in sql.items():
        if contest.read(ask()) != answer:
            raise SystemExit(f"{engine} answers otherwise than we do")
    asked: dict[str, Callable[[], object]] = {"ours": partial(contest.ours, tape), **sql}
    rounds = [{name: seconds(ask) for name, ask in asked.items()} for _ in range(ROUNDS)]
    best = {name: min(one[name] for one in rounds) for name in asked}
    for engine, called in ENGINES.items():
        times, ours = rounded(best[engine] / best["ours"]), rounded(1000 * best["ours"])
        yield Row(f"{what}, against {called}", ours, "ms", BAR, times, f"as fast as {called}")


def _cells(answer: Any) -> dict[tuple[int, int], int]:
    """By week of the cohort (Mondays since 1970) and number of weeks later: how many came back."""
    return {
        ((int(np.datetime64(cohort.start, "D").astype(np.int64)) + 3) // 7, k): count
        for cohort in answer.cohorts
        for k, count in enumerate(cohort.returned)
        if count
    }


def _duckdb(tape: Tape, folder: Path) -> Callable[[str], Rows]:
    columns = {
        "customer": np.repeat(tape.customers, np.diff(tape.starts)).astype(np.int32),
        "time": tape.times,
        "name": tape.names.astype(np.uint8),
    }
    pq.write_table(pa.table(columns), folder / "events.parquet")
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE events AS SELECT * FROM '{folder}/events.parquet'")
    return lambda query: connection.execute(query).fetchall()


def _chdb(folder: Path) -> Callable[[str], Rows]:
    session: Any = chdb.session.Session(str(folder / "chdb"))  # type: ignore[no-untyped-call]
    session.query("CREATE DATABASE bench")
    session.query("USE bench")
    columns = "customer UInt32, time UInt64, name UInt8"
    session.query(f"CREATE TABLE events ({columns}) ENGINE = MergeTree ORDER BY (customer, time)")
    session.query(f"INSERT INTO events SELECT * FROM file('{folder}/events.parquet', Parquet)")
    session.query("OPTIMIZE TABLE events FINAL")

    def ask(query: str) -> Rows:
        lines = str(session.query(query, "TSV")).splitlines()
        return [tuple(map(int, line.split("\t"))) for line in lines]

    return ask
