"""The ready-made journeys are sound, say what they expect, and do something with real customers."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from sojourn.cli.commands.library import ABOUT, names, texts
from sojourn.customer.references import Definitions
from sojourn.journey.check import Known, check, events_from_outside
from sojourn.journey.definition import Journey
from sojourn.journey.effects import Notice, Send
from sojourn.journey.text import read_journey
from sojourn.message import policy, template
from sojourn.rule.needs import needs
from sojourn.rule.text import parse
from sojourn.runtime.backtest import Answer, Question, backtest
from sojourn.runtime.belonging.watched import watched
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.build import build
from sojourn.tape.tape import Column, Tape

DATA = Path(__file__).parents[2] / ".demo" / "data"
GUIDE = Path(__file__).parents[2] / "docs" / "library.md"
DAY = 86_400_000_000
EIGHT = (
    "abandoned-cart",
    "nurture-after-download",
    "sales-hand-over",
    "sunset",
    "trial-onboarding",
    "upsell",
    "welcome",
    "win-back",
)


def documents(name: str) -> list[dict[str, Any]]:
    return [YAML(typ="safe").load(text) for path, text in texts(name).items() if path.endswith(".yaml")]


def journey(name: str) -> Journey:
    return read_journey(texts(name)["journey.yaml"], name)


def templates(name: str) -> dict[str, template.Template]:
    return {one["name"]: template.parse(one) for one in documents(name) if "name" in one}


def definitions(name: str) -> Definitions:
    segments = {one["segment"]: parse(one["rule"]) for one in documents(name) if "segment" in one}
    return Definitions(segments, lists=frozenset(one["list"] for one in documents(name) if "list" in one))


def test_there_are_eight_and_they_come_with_the_package() -> None:
    assert names() == EIGHT
    assert all((files("sojourn") / "library" / name / "journey.yaml").is_file() for name in EIGHT)


@pytest.mark.parametrize("name", EIGHT)
def test_a_journey_has_neither_errors_nor_warnings(name: str) -> None:
    known = definitions(name)
    around = Known(templates=templates(name), segments=known.segments, definitions=known)
    assert check(journey(name), around) == []
    assert journey(name).name == name
    assert {
        one: template.findings(said) for one, said in templates(name).items() if template.findings(said)
    } == {}


@pytest.mark.parametrize("name", EIGHT)
def test_it_brings_the_templates_that_it_sends_and_no_others(name: str) -> None:
    asked = {ask.template for ask in journey(name).asks() if isinstance(ask, Send | Notice)}
    assert asked == set(templates(name))


def test_no_two_bring_a_definition_of_one_name() -> None:
    brought = Counter(
        f"{key} {one[key]}" for name in EIGHT for one in documents(name) for key in list(one)[:1]
    )
    assert [one for one, times in brought.items() if times > 1] == []


@pytest.mark.parametrize("name", EIGHT)
def test_it_says_which_events_and_traits_it_expects(name: str) -> None:
    about, found = texts(name)[ABOUT], journey(name)
    rules = [*found.rules(), *definitions(name).segments.values()]
    traits = {trait for rule in rules for trait in needs(rule, {}).traits}
    events = {event for _, event in events_from_outside(found)}
    assert [one for one in sorted(traits | events) if f"`{one}`" not in about] == []
    assert "**It expects**" in about
    assert "**Change first**" in about


@pytest.mark.parametrize("name", EIGHT)
def test_the_guide_tells_of_it(name: str) -> None:
    assert f"`{name}`" in GUIDE.read_text()


def fetched(name: str) -> Path:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not here: tools/demo_data.py fetches it")
    return DATA / name


def tape_of(customers: list[str], times: list[str], events: list[str], **properties: list[Any]) -> Tape:
    ids = np.unique(customers, return_inverse=True)[1] + 1
    vocabulary, codes = np.unique(events, return_inverse=True)
    instants = np.array(times, "datetime64[us]").astype(np.int64)
    rows = np.arange(len(ids), dtype=np.int64)
    columns = {name: Column.of(rows, values) for name, values in properties.items()}
    owners, whats = ids.astype(np.int64), codes.astype(np.int32)
    return build(owners, instants, None, whats, vocabulary.tolist(), keys=rows + 1, properties=columns)


@cache
def orders() -> Tape:
    """The purchases of CDNOW, as the demo imports them."""
    lines = [line.split() for line in fetched("CDNOW_master.txt").read_text().splitlines()[1:]]
    days = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for _, day, *_ in lines]
    totals = [float(line[3]) for line in lines]
    return tape_of([line[0] for line in lines], days, ["Order Completed"] * len(lines), total=totals)


@cache
def clicks() -> Tape:
    """The ecom clickstream, with the names that the library has for its events; a session is a cart."""
    called = {"add_to_cart": "Product Added", "purchase": "Order Completed"}
    with gzip.open(fetched("ecom.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["event"] in called]
    customers, times, carts = ([row[key] for row in rows] for key in ("user_id", "timestamp", "session_id"))
    return tape_of(customers, times, [called[row["event"]] for row in rows], cart_id=carts)


def played(name: str, history: Tape) -> Answer:
    draft, known = journey(name), definitions(name)
    catalogue = Catalogue(
        segments=known.named,
        followed=watched(known, [(1, draft)]),
        templates=templates(name),
        policy=policy.parse({"otherwise": "opt_out"}),
    )
    return backtest(draft, history, catalogue, Question(until=int(history.received.max()) + DAY))


@pytest.mark.parametrize(
    ("name", "entered", "left"),
    [
        ("win-back", 28_360, {"goal": 2_573, "stayed away": 24_934}),
        ("upsell", 11_456, {"goal": 3_029, "not now": 7_987}),
        ("sunset", 21_788, {"stays": 2_182, "mail stopped": 19_434}),
    ],
)
def test_a_backtest_on_real_orders_says_what_the_guide_says(
    name: str, entered: int, left: dict[str, int]
) -> None:
    answer = played(name, orders())
    assert (answer.entered, answer.left) == (entered, left)
    assert answer.waiting == entered - sum(left.values())
    assert told(name) == [f"{number:,}" for number in (entered, *left.values(), answer.waiting)]


def test_a_backtest_on_carts_that_were_left() -> None:
    answer = played("abandoned-cart", clicks())
    assert (answer.entered, answer.left) == (1_220, {"goal": 391, "not bought": 813})
    assert {step.id: step.planned for step in answer.steps if step.planned} == {
        "ask": 856,
        "offer": 489,
        "last": 333,
    }
    assert told("abandoned-cart") == ["1,220", "391", "813", "16"]


def told(name: str) -> list[str]:
    """The figures of the guide's table."""
    (line,) = (one for one in GUIDE.read_text().splitlines() if one.startswith(f"| `{name}` |"))
    return [cell.strip().partition(" ")[0] for cell in line.split("|")[3:-1]]
