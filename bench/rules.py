"""Times 20 mixed rules over everybody against DuckDB SQL on the same data, for the same answers.

Both have their data loaded, sorted by customer and time, with names as small integers; DuckDB has the
traits in a table of customers and may use all cores, we use one.  `first` is the first time that a tape
is asked, when we pick the events of each rule and compare its texts; `again` is any later time.
Rounds take turns, the best counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa

from bench.data import DAYS, START, VOCABULARY, synthetic
from bench.row import Row, rounded, seconds
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Rule
from sojourn.rule.evaluate import evaluate
from sojourn.rule.text import parse
from sojourn.tape.tape import Bools, Column, Columns, Tape

BAR = 1.0
CUSTOMERS, EVENTS, ROUNDS = 1_000_000, 10_000_000, 3
DAY = 86_400_000_000
NOW = START + DAYS * DAY
ORDER, VIEW, ADDED, PAGE, OPENED, CLICKED, DELIVERED = (
    VOCABULARY.index(name)
    for name in (
        *("Order Completed", "Product Viewed", "Product Added", "Page Viewed"),
        *("Email Opened", "Email Link Clicked", "Email Delivered"),
    )
)
TEMPLATES = tuple(f"template {number}" for number in range(20))


@dataclass(frozen=True)
class Contest:
    """One rule, and SQL for the ids of the customers for whom it holds."""

    text: Mapping[str, object]
    sql: str

    @property
    def rule(self) -> Rule:
        """The rule as a struct."""
        return parse(self.text)


def _since(days: int) -> int:
    return NOW - days * DAY


def _of(name: int, having: str, more: str = "") -> str:
    return f"SELECT customer FROM events WHERE name = {name}{more} GROUP BY customer HAVING {having}"


def _human(name: int, more: str = "") -> str:
    return f"SELECT DISTINCT customer FROM events WHERE name = {name} AND machine IS NOT TRUE{more}"


CONTESTS = (
    Contest({"trait": "plan", "is": "trial"}, "SELECT customer FROM customers WHERE plan = 'trial'"),
    Contest(
        {"trait": "age", "between": [30, 39]}, "SELECT customer FROM customers WHERE age BETWEEN 30 AND 39"
    ),
    Contest(
        {"all": [{"trait": "country", "in": ["DE", "FR"]}, {"trait": "plan", "is_not": "free"}]},
        "SELECT customer FROM customers WHERE country IN ('DE', 'FR') AND plan <> 'free'",
    ),
    Contest(
        {"trait": "company", "matches": "(?i)^acme .*[13579]$"},
        "SELECT customer FROM customers WHERE regexp_matches(company, '(?i)^acme .*[13579]$')",
    ),
    Contest(
        {"any": [{"trait": "company", "ends_with": "7"}, {"trait": "age", "above": 80}]},
        "SELECT customer FROM customers WHERE ends_with(company, '7') OR age > 80",
    ),
    Contest({"performed": "Order Completed"}, f"SELECT DISTINCT customer FROM events WHERE name = {ORDER}"),
    Contest(
        {"performed": "Order Completed", "at_least": 3, "within": "30 days"},
        _of(ORDER, "count(*) >= 3", f" AND time >= {_since(30)}"),
    ),
    Contest(
        {"performed": "Order Completed", "never": True, "within": "90 days"},
        f"""SELECT customer FROM customers ANTI JOIN (
            SELECT customer FROM events WHERE name = {ORDER} AND time >= {_since(90)}) USING (customer)""",
    ),
    Contest(
        {"performed": "Page Viewed", "at_most": 2, "within": "7 days"},
        f"""SELECT customer FROM customers ANTI JOIN (
            {_of(PAGE, "count(*) > 2", f" AND time >= {_since(7)}")}) USING (customer)""",
    ),
    Contest(
        {"performed": "Order Completed", "where": {"amount": {"above": 40}}, "at_least": 2},
        _of(ORDER, "count(*) >= 2", " AND amount > 40"),
    ),
    Contest(
        {"performed": "Order Completed", "sum": {"amount": {"above": 200}}, "within": "90 days"},
        _of(ORDER, "sum(amount) > 200", f" AND time >= {_since(90)}"),
    ),
    Contest(
        {"performed": "Order Completed", "at_least": 2, "max": {"amount": {"below": 30}}},
        _of(ORDER, "count(*) >= 2 AND max(amount) < 30"),
    ),
    Contest(
        {"performed": "Order Completed", "first": {"when": {"within_last": "30 days"}}},
        _of(ORDER, f"min(time) >= {_since(30)}"),
    ),
    Contest(
        {"performed": "Order Completed", "last": {"when": {"more_than_ago": "60 days"}}},
        _of(ORDER, f"max(time) < {_since(60)}"),
    ),
    Contest(
        {"performed": "Order Completed", "last": {"amount": {"above": 80}}},
        _of(ORDER, "arg_max(amount, time) > 80"),
    ),
    Contest(
        {"performed": "Product Viewed", "then_performed": "Order Completed", "within": "1 day"},
        f"""WITH bought AS (SELECT customer, time FROM events WHERE name = {ORDER}),
            seen AS (SELECT customer, time FROM events WHERE name = {VIEW})
            SELECT DISTINCT bought.customer FROM bought
            ASOF JOIN seen ON bought.customer = seen.customer AND bought.time > seen.time
            WHERE bought.time - seen.time <= {DAY}""",
    ),
    Contest(
        {
            "performed": "Product Viewed",
            "then_performed": ["Product Added", "Order Completed"],
            "within": "7 days",
        },
        f"""WITH one AS (SELECT customer, time FROM events WHERE name = {VIEW}),
            two AS (
                SELECT event.customer, event.time, one.time AS begun
                FROM (SELECT customer, time FROM events WHERE name = {ADDED}) event
                ASOF JOIN one ON event.customer = one.customer AND event.time > one.time)
            SELECT DISTINCT event.customer FROM (SELECT customer, time FROM events WHERE name = {ORDER}) event
            ASOF JOIN two ON event.customer = two.customer AND event.time > two.time
            WHERE event.time - two.begun <= {7 * DAY}""",
    ),
    Contest(
        {"opened": {"template": "template 3"}, "within": "60 days"},
        _human(OPENED, f" AND template = 'template 3' AND time >= {_since(60)}"),
    ),
    Contest(
        {"all": [{"delivered": True}, {"not": {"clicked": True, "within": "30 days"}}]},
        f"""{_human(DELIVERED)} EXCEPT {_human(CLICKED, f" AND time >= {_since(30)}")}""",
    ),
    Contest(
        {
            "all": [
                {"trait": "plan", "in": ["trial", "free"]},
                {
                    "any": [
                        {"clicked": True},
                        {"performed": "Product Viewed", "at_least": 5, "within": "30 days"},
                    ]
                },
                {"not": {"performed": "Order Completed", "within": "30 days"}},
            ]
        },
        f"""SELECT customer FROM customers
            SEMI JOIN (({_human(CLICKED)}) UNION ALL
                       ({_of(VIEW, "count(*) >= 5", f" AND time >= {_since(30)}")})) USING (customer)
            ANTI JOIN (
                SELECT customer FROM events WHERE name = {ORDER} AND time >= {_since(30)}) USING (customer)
            WHERE plan IN ('trial', 'free')""",
    ),
)


def measure(*, small: bool) -> list[Row]:
    """The sums of each rule's best seconds, when first asked and again, against DuckDB's."""
    part = 10 if small else 1
    tape = _told(synthetic(CUSTOMERS // part, EVENTS // part))
    ask = _duckdb(tape)
    rules = [contest.rule for contest in CONTESTS]
    _answers(rules, _told(synthetic(100, 1000)))  # compiles
    sql = [partial(ask, contest.sql) for contest in CONTESTS]
    best = dict.fromkeys(("first", "again", "duckdb"), np.full(len(rules), np.inf))
    for _ in range(ROUNDS):
        fresh = _as_new(tape)
        ours = [partial(_everybody, rule, fresh) for rule in rules]
        for name, askings in (("first", ours), ("again", ours), ("duckdb", sql)):
            best[name] = np.minimum(best[name], [seconds(ask) for ask in askings])
    _compare(rules, tape, ask)
    total = {name: spent.sum() for name, spent in best.items()}
    each = {"milliseconds_each": {name: (1000 * spent).round(1).tolist() for name, spent in best.items()}}
    return [
        Row(
            f"20 rules over everyone, {name} asking",
            rounded(total[name]),
            "s",
            BAR,
            rounded(total["duckdb"] / total[name]),
            "as fast as DuckDB",
            more=each if name == "first" else {},
        )
        for name in ("first", "again")
    ]


def _everybody(rule: Rule, tape: Tape) -> Bools:
    rows = np.arange(len(tape.customers))
    return evaluate(rule, Cohort((tape,), rows, np.full(len(rows), NOW)))


def _answers(rules: list[Rule], tape: Tape) -> list[Bools]:
    return [_everybody(rule, tape) for rule in rules]


def _compare(rules: list[Rule], tape: Tape, ask: Callable[[str], tuple[int, int]]) -> None:
    for contest, answer in zip(CONTESTS, _answers(rules, tape), strict=True):
        ours = int(answer.sum()), int(tape.customers[answer].sum())
        if ask(contest.sql) != ours:
            raise SystemExit(f"DuckDB answers otherwise than we do: {contest.text}")


def _told(tape: Tape) -> Tape:
    """The tape with templates and machines on its mail, and a company, one of many, for each customer."""
    dice = np.random.default_rng(2)
    mail = np.flatnonzero(np.isin(tape.names, (OPENED, CLICKED, DELIVERED)))
    machines = mail[dice.random(len(mail)) < 0.1]
    first = tape.traits["age"].positions
    companies = tuple(f"{('Acme', 'Globex', 'Initech')[n % 3]} {n}" for n in range(max(len(first) // 10, 1)))
    return replace(
        tape,
        properties=Columns.of(
            {
                "amount": tape.properties["amount"],
                "template": _texts(mail, dice.integers(0, len(TEMPLATES), len(mail)), TEMPLATES),
                "machine": Column(machines, np.ones(len(machines)), np.full(len(machines), -1, np.int32), ()),
            }
        ),
        traits=Columns.of(
            {name: tape.traits[name] for name in ("plan", "country", "age")}
            | {"company": _texts(first, dice.integers(0, len(companies), len(first)), companies)}
        ),
    )


def _texts(positions: np.ndarray, codes: np.ndarray, texts: tuple[str, ...]) -> Column:
    return Column(positions, np.full(len(positions), np.nan), codes.astype(np.int32), texts)


def _as_new(tape: Tape) -> Tape:
    """The same tape as if nobody had asked it before."""
    properties, traits = (
        Columns.of({name: replace(column) for name, column in columns.items()})
        for columns in (tape.properties, tape.traits)
    )
    return replace(tape, properties=properties, traits=traits)


def _duckdb(tape: Tape) -> Callable[[str], tuple[int, int]]:
    connection = duckdb.connect()
    events = pa.table(
        {
            "customer": np.repeat(tape.customers, np.diff(tape.starts)).astype(np.int32),
            "time": tape.times,
            "name": tape.names.astype(np.uint8),
            "amount": _spread(tape.properties["amount"], len(tape)),
            "template": _spread(tape.properties["template"], len(tape)),
            "machine": pa.compute.equal(_spread(tape.properties["machine"], len(tape)), 1),
        }
    )
    customers = pa.table(
        {
            "customer": tape.customers.astype(np.int32),
            **{
                name: _spread(column, len(tape)).take(column.positions)
                for name, column in tape.traits.items()
            },
        }
    )
    connection.register("given_events", events)
    connection.register("given_customers", customers)
    connection.execute("CREATE TABLE events AS SELECT * FROM given_events")
    connection.execute("CREATE TABLE customers AS SELECT * FROM given_customers")
    connection.unregister("given_events")
    connection.unregister("given_customers")

    def ask(query: str) -> tuple[int, int]:
        counted = f"SELECT count(*), coalesce(sum(customer), 0)::BIGINT FROM ({query})"
        [(count, total)] = connection.execute(counted).fetchall()
        return count, total

    return ask


def _spread(column: Column, n: int) -> pa.Array:
    """A column with null where an event does not carry it."""
    values = np.full(n, np.nan)
    values[column.positions] = column.numbers
    if not column.texts:
        return pa.array(values, from_pandas=True)
    codes = np.full(n, -1, np.int32)
    codes[column.positions] = column.codes
    places = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(places, pa.array(column.texts)).cast(pa.string())
