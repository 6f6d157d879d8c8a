"""Makes the questions of lift and return for a journey, from what is published of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from sojourn.analytics.measure import MONTH, Measure
from sojourn.analytics.metrics.lift import LiftQuestion
from sojourn.analytics.metrics.roi import Cost, RoiQuestion
from sojourn.errors import Conflict, Invalid
from sojourn.journey.definition import Goal, Journey
from sojourn.journey.text import read_journey
from sojourn.rule.definition import Entry, InStage, Outcome, Rule, Scored
from sojourn.rule.needs import needs, parts
from sojourn.rule.text import dump, parse
from sojourn.rule.where import of_this_run
from sojourn.runtime.proving import terms
from sojourn.store.definitions import journeys, segments
from sojourn.store.files import costs
from sojourn.tape.tape import LONG_AGO

Asked = TypeVar("Asked", bound=Measure)


def lift_question(
    connection: Connection, journey: str, now: int, *, money: bool = False, within: int = 0
) -> LiftQuestion:
    """What to ask for the lift of a journey, or, without a name, of all of them together.

    Compared are those who entered since the holdout or the goal last changed.  `within` µs are by default
    the goal's.  Raises NotFound, Conflict where nobody is held out, or Invalid without a goal.
    """
    found = terms.load(connection)
    if not journey:
        if not found.holdout:
            raise Conflict("nobody is held out of all journeys: set proof.holdout")
        return LiftQuestion(
            holdout=found.holdout, money=found.money, within=within or MONTH, since=found.since, as_of=now
        )
    newest, since = proven(connection, journey)
    if not newest.holdout:
        raise Conflict(f"journey {journey!r} has no holdout to compare with: add `holdout: 10%`")
    if not money and newest.goal is None:
        raise Invalid(f"journey {journey!r} has none: compare what is spent (money)", place="goal")
    span = newest.goal.within.length if newest.goal and newest.goal.within else MONTH
    asked = LiftQuestion(
        journey=journey,
        holdout=newest.holdout,
        money=found.money if money else None,
        within=within or span,
        since=since,
        as_of=now,
    )
    return asked if money or newest.goal is None else with_goal(connection, asked, newest.goal, journey)


def roi_question(
    connection: Connection,
    journey: str,
    now: int,
    *,
    within: int = 0,
    begins: int = int(LONG_AGO),
    ends: int | None = None,
) -> RoiQuestion:
    """What to ask for the return of a journey, with its costs.  Raises NotFound or Conflict."""
    found = terms.load(connection)
    newest, since = proven(connection, journey)
    span = newest.goal.within.length if newest.goal and newest.goal.within else MONTH
    return RoiQuestion(
        journey=journey,
        costs=tuple(
            Cost(one.channel, one.begins, one.ends, one.amount / costs.UNIT, one.currency)
            for one in costs.of_journey(connection, journey)
        ),
        money=found.money,
        margin=found.margin,
        within=within or span,
        begins=begins,
        ends=ends,
        as_of=now,
        holdout=newest.holdout,
        since=since,
    )


def proven(connection: Connection, name: str) -> tuple[Journey, int]:
    """The newest version, and since when its holdout and its goal have been what they are."""
    versions = journeys.of_journey(connection, journeys.find(connection, name).id)
    if not versions:
        raise Conflict(f"journey {name!r} has not been published yet")
    texts = [read_journey(version.text) for version in versions]
    first = _last_change(texts)
    return texts[-1], versions[first].published if first else int(LONG_AGO)


def _last_change(versions: Sequence[Journey]) -> int:
    """The first version from which on all are alike in what is compared."""
    newest = versions[-1]
    for number in range(len(versions) - 1, 0, -1):
        before = versions[number - 1]
        if (before.holdout, before.goal) != (newest.holdout, newest.goal):
            return number
    return 0


def with_goal(connection: Connection, asked: Asked, goal: Goal, journey: str) -> Asked:
    """The question with the goal, and with the segments that it asks for.  Raises Invalid where the goal
    cannot be compared."""
    rules = {one.name: parse(msgspec.json.decode(one.rule)) for one in segments.every(connection)}
    _comparable(goal.rule, rules, journey)
    asked_for = sorted(needs(goal.rule, rules).segments)
    named = {name: dump(rules[name]) for name in asked_for if name in rules}
    return msgspec.structs.replace(asked, goal=dump(goal.rule), segments=named)


def _comparable(goal: Rule, segments: Mapping[str, Rule], journey: str) -> None:
    """Raises Invalid where the goal cannot be asked of those who are held out."""
    why = ""
    for part, path in parts(goal, segments):
        if not path and (isinstance(part, Entry) or (isinstance(part, Outcome) and of_this_run(part))):
            why = "asks about the run itself, which those held out do not have"
        if isinstance(part, Scored | InStage):
            why = "asks for a score or a stage, which are not told for the past here"
    if why:
        hint = "compare by an event, or what is spent (money)"
        raise Invalid(f"that of {journey!r} {why}: {hint}", place="goal")
