"""Plans what publishing would do: publishes in a transaction that is undone, and asks before and after."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

import msgspec
from sqlalchemy import Connection

from sojourn.customer.references import missing
from sojourn.journey.changing.diff import SETTING, WHERE_THEY_STAND, Change, changes, differences
from sojourn.journey.check import WARNING, Finding
from sojourn.journey.definition import Journey
from sojourn.journey.effects import Send
from sojourn.journey.program import Program
from sojourn.journey.text import read_journey
from sojourn.journey.text.source import Source
from sojourn.runtime.backtest import Answer, Question, backtest
from sojourn.runtime.catalogue import Catalogue
from sojourn.runtime.definitions.kind import File, Name, Written, read_all
from sojourn.runtime.definitions.planned import (
    CHANGED,
    GONE,
    NEW,
    REWORDED,
    Backtested,
    Figures,
    Inside,
    Plan,
    Planned,
)
from sojourn.runtime.definitions.publish import held, publish, state
from sojourn.runtime.history import History
from sojourn.runtime.publishing.publish import findings
from sojourn.runtime.publishing.published import definitions, published
from sojourn.store import runs
from sojourn.store.database import Database
from sojourn.store.definitions import journeys

JOURNEY = "journey"


@dataclass(frozen=True)
class Wanted:
    """The texts that are to hold, and what is to hold no longer; without a `question`, no backtests."""

    files: Sequence[File]
    gone: Collection[Name] = ()
    question: Question | None = None


def plan(database: Database, history: History, wanted: Wanted) -> Plan:
    """What publishing would change; nothing is kept of it.  Raises what `publish` raises."""
    rehearsed = _rehearse(database, read_all(wanted.files), wanted.gone)
    with database.reading() as connection:
        made = tuple(_planned(connection, rehearsed))
    asked = {one.named for one in rehearsed.files} | set(wanted.gone)
    others = tuple(str(name) for name in rehearsed.before if name not in asked)
    whole = Plan(state(rehearsed.before), made, (), others)
    return _backtested(whole, rehearsed, history, wanted.question) if wanted.question and made else whole


def digest(text: str) -> str:
    """What tells a text from others: 16 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class _Rehearsal:
    """An installation before and after a publishing that did not stay."""

    files: Sequence[Written]
    gone: Collection[Name]
    before: dict[Name, str]
    catalogues: tuple[Catalogue, Catalogue]
    warnings: dict[Name, tuple[Finding, ...]]


class _Undone(Exception):
    """Undoes the transaction of a rehearsal, and carries what was seen."""

    def __init__(self, seen: _Rehearsal) -> None:
        super().__init__()
        self.seen = seen


def _rehearse(database: Database, files: Sequence[Written], gone: Collection[Name]) -> _Rehearsal:
    def rehearse(connection: Connection) -> NoReturn:
        before = held(connection)
        there = [name for name in gone if name in before]
        changed = [one for one in files if before.get(one.named) != one.file.text]
        was = published(connection)
        publish(connection, changed, there, database.now())
        warned = {one.named: _warnings(connection, one) for one in changed}
        raise _Undone(_Rehearsal(files, there, before, (was, published(connection)), warned))

    try:
        database.write(rehearse)
    except _Undone as undone:
        return undone.seen


def _warnings(connection: Connection, one: Written) -> tuple[Finding, ...]:
    """What to look at, when all is there that comes with it."""
    if one.named.kind == JOURNEY:
        found = findings(connection, read_journey(one.file.text))
        return tuple(finding for finding in found if finding.severity == WARNING)
    known = definitions(connection)[0]
    rules = known.rules().get(str(one.named), ())
    return tuple(Finding(WARNING, "", what) for what in missing(rules, known))


def _planned(connection: Connection, rehearsed: _Rehearsal) -> Iterator[Planned]:
    """What becomes of each definition that does not stay as it is."""
    for one in rehearsed.files:
        text = rehearsed.before.get(one.named)
        if text == one.file.text:
            continue
        found = () if text is None else tuple(_changes(one, text))
        what = NEW if text is None else CHANGED if found else REWORDED
        yield Planned(
            *(one.named.kind, one.named.name, what, one.file.path),
            digest="" if text is None else digest(text),
            changes=found,
            warnings=rehearsed.warnings.get(one.named, ()),
            inside=_inside(connection, one.named, found) if text is not None else None,
        )
    for name in sorted(rehearsed.gone):
        inside = _inside(connection, name, ())
        yield Planned(name.kind, name.name, GONE, digest=digest(rehearsed.before[name]), inside=inside)


def _changes(now: Written, before: str) -> Iterator[Change]:
    if now.named.kind == JOURNEY:
        yield from changes(read_journey(before), read_journey(now.file.text))
        return
    for place, was, is_now in differences(Source(before).data(), dict(now.data)):
        yield Change(SETTING, "", place, was, is_now)


def _inside(connection: Connection, name: Name, found: Sequence[Change]) -> Inside | None:
    """Who is inside a journey, in whichever version, and stands on a step that changes."""
    if name.kind != JOURNEY:
        return None
    journey = journeys.find(connection, name.name).id
    texts = {version.id: version.text for version in journeys.of_journey(connection, journey)}
    touched = {change.step for change in found if change.what in WHERE_THEY_STAND and change.step}
    program = cache(lambda version: Program(read_journey(texts[version])))
    standing, on_changed = runs.inside(connection, journey), dict[str, int]()
    for (version, code), count in standing.items():
        step = program(version).placed[code].id
        if step in touched:
            on_changed[step] = on_changed.get(step, 0) + count
    return Inside(sum(standing.values()), on_changed)


def _backtested(made: Plan, rehearsed: _Rehearsal, history: History, question: Question) -> Plan:
    """The plan with what backtests say, of journeys that change and of those that others change for."""
    before, after = rehearsed.catalogues
    tape = history.tape()
    names = {name.name for name in rehearsed.before if name.kind == JOURNEY}
    kept = names - {name.name for name in rehearsed.gone if name.kind == JOURNEY}
    kept |= {one.named.name for one in rehearsed.files if one.named.kind == JOURNEY}
    was, now = (
        {one.newest.name: one.newest.journey for one in side.journeys if one.newest.name in there}
        for side, there in ((before, names), (after, kept))
    )

    def play(name: str) -> Backtested:
        sides = ((was, before), (now, after))
        figures = (
            _figures(backtest(of[name], tape, catalogue, question)) if name in of else None
            for of, catalogue in sides
        )
        return Backtested(name, *figures)

    own = {one.name for one in made.definitions if one.kind == JOURNEY}
    concerned = [name for name in now if name not in own and _concerns(now[name], after, made)]
    others = tuple(one for one in map(play, concerned) if one.before != one.after)
    planned = tuple(
        msgspec.structs.replace(one, figures=play(one.name)) if one.kind == JOURNEY else one
        for one in made.definitions
    )
    return msgspec.structs.replace(made, definitions=planned, affected=others)


def _concerns(journey: Journey, after: Catalogue, made: Plan) -> bool:
    """Whether a definition changes that this journey may look at."""
    needs = Program(journey).needs(after.segments)
    sent = {ask.template for ask in journey.asks() if isinstance(ask, Send)}
    looked_at = {
        "segment": needs.segments,
        "score": needs.scores,
        "list": needs.lists,
        "template": sent,
        JOURNEY: frozenset[str](),
    }
    return any(
        one.what not in (NEW, REWORDED) and (one.kind not in looked_at or one.name in looked_at[one.kind])
        for one in made.definitions
    )


def _figures(answer: Answer) -> Figures:
    return Figures(
        entered=answer.entered,
        waiting=answer.waiting,
        converted=answer.left.get("goal", 0),
        sent=sum(step.planned for step in answer.steps),
        steps={step.id: step.visits for step in answer.steps},
    )
