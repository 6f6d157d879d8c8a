"""A new version for those who are inside: they stay, follow or move, as foretold, and nobody is lost."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sojourn.app import App, Settings, open_app
from sojourn.errors import Invalid
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.intake import Intake
from sojourn.runtime.audit.auditor import audit
from sojourn.runtime.publishing import publish as publishing
from sojourn.runtime.publishing.moving import Fate, Inside
from sojourn.store import runs
from sojourn.store.definitions import journeys
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.warm import warm

FIRST = """
journey: course
enter: [{event: Joined}]
steps:
  half:  {branch: [{if: {trait: side, is: left}, then: long}], otherwise: quiz}
  long:  {wait: 1 hour}
  quiz:  {wait: 2 hours}
  end:   {leave: passed}
"""
SECOND = """
journey: course
enter: [{event: Joined}]
steps:
  long:  {wait: 1 seconds}
  check: {branch: [{if: {trait: side, is: left}, then: end}]}
  more:  {wait: 3 hours}
  end:   {leave: passed}
"""


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm()


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with open_app(Settings(tmp_path, database_url, b"k" * 32)) as app:
        _publish(app, FIRST)
        intake, now = Intake(app.database, Books(app.names)), app.database.now()
        events = tuple(_joined(who, now) for who in range(20))
        intake.take(Reading(events), "test").result()
        with app.working("http://localhost"):
            until(lambda: len(_inside(app)) == 20)
        time.sleep(1.1)
        yield app


def _joined(who: int, now: int) -> Event:
    return Event(
        key=hash_text(f"join {who}"),
        name="Joined",
        identities=(("user_id", f"p{who}"),),
        happened=now,
        received=now,
        origin=Origin.SERVER,
        properties={},
        traits={"side": "left" if who < 15 else "right"},
    )


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _publish(app: App, text: str, inside: Inside = Inside()) -> None:  # noqa: B008 - it is frozen
    app.database.write(
        lambda c: publishing.publish(c, text, app.database.now(), names=app.names, inside=inside)
    )


def _inside(app: App) -> runs.Runs:
    with app.database.reading() as connection:
        return runs.of_journey(connection, journeys.find(connection, "course").id)


def _foretold(app: App, inside: Inside) -> list[Fate]:
    with app.database.reading() as connection:
        return publishing.foretell(connection, SECOND, app.history, inside, app.database.now())


def _whereabouts(app: App, of: np.ndarray[Any, Any]) -> Counter[tuple[int, str]]:
    """Where runs stand now, and why those who are gone have left."""
    with app.database.reading() as connection:
        every = runs.of_customers(connection, of, inside=False)
    standing = zip(every.versions.tolist(), every.steps.tolist(), every.reasons, strict=True)
    return Counter((version, reason or str(step)) for version, step, reason in standing)


@pytest.mark.parametrize(
    ("inside", "fates"),
    [
        (Inside("follow"), [Fate(1, "long", "", "passed", 15), Fate(1, "quiz", "", "moved", 5)]),
        (
            Inside("move", {"quiz": "more"}),
            [Fate(1, "long", "", "passed", 15), Fate(1, "quiz", "more", "", 5)],
        ),
        (
            Inside("move", {"quiz": "long", "long": ""}),
            [Fate(1, "long", "", "moved", 15), Fate(1, "quiz", "long", "", 5)],
        ),
        (Inside("stay"), []),
    ],
)
def test_what_is_foretold_comes(app: App, inside: Inside, fates: list[Fate]) -> None:
    before = _inside(app)
    assert _foretold(app, inside) == fates
    _publish(app, SECOND, inside)
    expected = Counter[str]()
    for fate in fates:
        expected[fate.leaves or fate.to] += fate.count
    with app.working("http://localhost"):
        until(lambda: len(_inside(app)) == 20 - sum(one.count for one in fates if one.leaves))
        time.sleep(0.2)
    found = _whereabouts(app, before.customers)
    steps = {"long": "0", "more": "2"}
    wanted = {(2, steps.get(where, where)): n for where, n in expected.items() if where != "moved"}
    wanted |= {(1, "moved"): expected["moved"]} if expected["moved"] else {}
    assert found == (Counter(wanted) if fates else Counter({(1, "1"): 15, (1, "2"): 5}))
    assert audit(app.history, app.publicly("http://localhost").seal).violations == ()


def test_a_wait_of_the_same_step_keeps_counting(app: App) -> None:
    before = _inside(app)
    _publish(app, FIRST.replace("1 hour", "90 minutes"), Inside("follow"))
    with app.working("http://localhost"):
        until(lambda: bool((_inside(app).due > app.database.now()).all()))
    after = _inside(app)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.since.tolist() == before.since.tolist()
    assert (after.hops == before.hops + 1).all()
    longer = after.due - before.due
    assert set(longer[before.steps == 1].tolist()) == {30 * 60_000_000}
    assert set(longer[before.steps == 2].tolist()) == {0}


def test_a_step_that_is_not_there_is_named(app: App) -> None:
    with pytest.raises(Invalid, match="the new version has no step 'mor'; did you mean 'more'"):
        _publish(app, SECOND, Inside("move", {"quiz": "mor"}))
    assert set(_inside(app).versions.tolist()) == {1}
