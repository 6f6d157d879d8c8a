"""Experiments of journeys: how their variants compare, and which has won from when on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import structlog
from sqlalchemy import Connection

from sojourn.analytics.measure import MONTH
from sojourn.analytics.metrics.variants import VariantsQuestion, variants
from sojourn.errors import Invalid, NotFound
from sojourn.journey.definition import Journey
from sojourn.journey.ports import Won
from sojourn.journey.steps.experiment import WHEN_SURE, Experiment
from sojourn.runtime.history import History
from sojourn.runtime.proving import terms
from sojourn.runtime.proving.questions import proven, with_goal
from sojourn.store.definitions import journeys, settings, stamp

logger = structlog.get_logger()

WINNERS = "winners"
"""The name of the setting that holds which variants have won."""


def winners(connection: Connection) -> dict[tuple[str, str], Won]:
    """What has been decided, by journey and step."""
    kept = settings.get(connection, WINNERS, [])
    return {(one["journey"], one["step"]): Won(one["variant"], one["since"], one["ways"]) for one in kept}


def question(
    connection: Connection, name: str, step: str, now: int, *, money: bool = False
) -> VariantsQuestion:
    """What to ask of the variants of a step: who reached the journey's goal, or what was spent.

    Raises NotFound where there is no such experiment, Invalid without a goal.
    """
    newest, since = proven(connection, name)
    ways = experiment(newest, step).ways
    if not money and newest.goal is None:
        raise Invalid(f"journey {name!r} has none: compare what is spent (money)", place="goal")
    span = newest.goal.within.length if newest.goal and newest.goal.within else MONTH
    asked = VariantsQuestion(
        journey=name,
        step=step,
        weights={way.name: way.weight for way in ways},
        money=terms.load(connection).money if money else None,
        within=span,
        since=since,
        as_of=now,
    )
    return asked if money or newest.goal is None else with_goal(connection, asked, newest.goal, name)


def experiment(journey: Journey, step: str) -> Experiment:
    """The experiment of that id; raises NotFound."""
    for placed in journey.steps:
        if placed.id == step and isinstance(placed.step, Experiment):
            return placed.step
    raise NotFound(f"journey {journey.name!r} has no experiment {step!r}")


def decide(connection: Connection, name: str, step: str, variant: str, now: int) -> None:
    """Let whoever comes from now on get this variant; '' opens the experiment again."""
    found = experiment(proven(connection, name)[0], step)
    names = found.exits()
    if variant and variant not in names:
        raise Invalid(f"must be one of {', '.join(names)}, not {variant!r}", place="variant")
    kept = [
        one for one in settings.get(connection, WINNERS, []) if (one["journey"], one["step"]) != (name, step)
    ]
    won = {"journey": name, "step": step, "variant": variant, "since": now, "ways": found.digest}
    settings.put(connection, WINNERS, [*kept, won] if variant else kept)
    stamp.changed(connection)


def decide_all(history: History) -> None:
    """Let variants win of which Sojourn is sure, where it is asked to say so."""
    database = history.database
    with database.reading() as connection:
        undecided = list(_undecided(connection, database.now()))
    for asked in undecided:
        winner = variants(history.tape(), asked).winner
        if winner:
            database.write(partial(_decide_now, asked=asked, variant=winner, now=database.now()))


def _decide_now(connection: Connection, asked: VariantsQuestion, variant: str, now: int) -> None:
    if (asked.journey, asked.step) not in winners(connection):  # nobody has decided meanwhile
        decide(connection, asked.journey, asked.step, variant, now)


def _undecided(connection: Connection, now: int) -> Iterator[VariantsQuestion]:
    done = winners(connection)
    for journey in journeys.every(connection):
        if journey.state != "live":
            continue
        newest, _ = proven(connection, journey.name)
        for placed in newest.steps:
            mine = isinstance(placed.step, Experiment) and placed.step.decide == WHEN_SURE
            if not mine or (journey.name, placed.id) in done:
                continue
            try:
                yield question(connection, journey.name, placed.id, now)
            except Invalid as error:  # a goal that cannot be compared concerns no other experiment
                logger.warning("cannot decide", journey=journey.name, step=placed.id, why=str(error))
