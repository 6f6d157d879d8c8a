"""A second reading of rules for the tests: plain Python over one customer's list of events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import re2

from sojourn.rule import definition as d
from sojourn.rule.standing.named import Group, Named, Score
from sojourn.tape.hashing import hash_text, mix

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Value = str | float


@dataclass(frozen=True)
class Event:
    """One event; `order` is its place among all events of the customer as we met them."""

    name: str
    time: int
    received: int
    key: int
    run: int = 0
    properties: Mapping[str, Value] = field(default_factory=dict)
    traits: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One asking: the customer, all of their events, and what an asking in a journey brings along."""

    customer: int
    events: tuple[Event, ...]  # by received
    now: int
    segments: Mapping[str, d.Rule] = field(default_factory=dict)
    journey: str = ""
    run: int | None = None
    since: int | None = None
    entry: Event | None = None
    zone: str = "UTC"

    @property
    def known(self) -> list[Event]:
        return [event for event in self.events if event.received <= self.now]


def holds(rule: d.Rule, asked: Asked) -> bool:
    match rule:
        case d.All(rules):
            return all(holds(one, asked) for one in rules)
        case d.Any(rules):
            return any(holds(one, asked) for one in rules)
        case d.Not(one):
            return not holds(one, asked)
        case d.InSegment(name):
            outside = Asked(asked.customer, asked.events, asked.now, asked.segments, zone=asked.zone)
            return name in asked.segments and holds(asked.segments[name], outside)
        case _:
            return _leaf_holds(rule, asked)


def _leaf_holds(rule: d.Leaf, asked: Asked) -> bool:
    match rule:
        case d.Trait(name, tests):
            writes = [event for event in asked.known if name in event.traits]
            last = max(writes, key=lambda event: (event.time, event.key), default=None)
            return _passes(tests, last.traits[name] if last else None, asked.now, asked.zone)
        case d.Entry(name, tests):
            entry = asked.entry.properties.get(name) if asked.entry else None
            return _passes(tests, entry, asked.now, asked.zone)
        case d.Bucket(below, of, salt):
            return int(mix(hash_text(salt), asked.customer)[0]) % of < below
        case d.Performed():
            return _performed(rule, asked)
        case d.Sequence(links, within, window):
            picked = [_window(_named(asked, link.event, link.where), window, asked) for link in links]
            return _chained(picked, within.length if within else 10**18, window.since_entry)
        case d.Outcome():
            return bool(_window(_outcomes(rule, asked), rule.window, asked))
        case _:
            return _stands(rule, asked)


def _stands(rule: d.Standing, asked: Asked) -> bool:
    match rule:
        case d.Scored(name, tests, group):
            worth = score(name, group, asked)
            return worth is not None and _passes(tests, worth, asked.now, asked.zone)
        case d.InStage(stages):
            changes = _ordered(event for event in asked.known if event.name == "Lifecycle Changed")
            first = Named.of(asked.segments).stages[:1]
            return changes[-1].properties.get("to") in stages if changes else bool(set(first) & set(stages))
        case d.OnList(name):
            said = ("List Joined", "List Left")
            mine = [event for event in asked.known if event.name in said]
            mine = [event for event in mine if event.properties.get("list") == name]
            last = max(mine, key=lambda event: (event.time, event.name == "List Left"), default=None)
            return last is not None and last.name == "List Joined"


def score(name: str, group: str, asked: Asked) -> float | None:
    """What the customer has of a score, or of one of its groups; None if there is none such."""
    scores = Named.of(asked.segments).scores
    groups = [one for one in scores[name].groups if group in ("", one.name)] if name in scores else []
    if not groups:
        return None
    whole = scores[name]
    total = sum(_group(whole, one, asked) for one in groups)
    return total if group else _limited(total, whole.least, whole.most)


def _group(score: Score, group: Group, asked: Asked) -> float:
    def fade(level: float, begin: int, end: int) -> float:
        return level * 2.0 ** ((begin - end) / group.half_life.length) if group.half_life else level

    takes_added = [one for one in score.groups if one.gains] or list(score.groups)
    level, at = 0.0, 0
    given: dict[int, tuple[float, int]] = {}
    for event in _ordered(asked.known):
        gains = [
            (n, gain.points, gain.most)
            for n, gain in enumerate(group.gains)
            if event.name == gain.event and _meets(event, gain.where, asked)
        ]
        if event.name == "Points Added" and event.properties.get("score") == score.name:
            points, named = event.properties.get("points"), event.properties.get("group")
            here = named == group.name if named is not None else group == takes_added[0]
            gains += [(-1, points, None)] if here and isinstance(points, float) else []
        for n, points, most in gains:
            before = fade(*given.get(n, (0.0, 0)), event.time)
            after = before + points if most is None else _limited(before + points, -most, most)
            given[n] = (after, event.time)
            level = _limited(fade(level, at, event.time) + after - before, group.least, group.most)
            at = event.time
    outside = Asked(asked.customer, asked.events, asked.now, _without(asked, score), zone=asked.zone)
    fits = sum(fit.points for fit in group.fits if holds(fit.rule, outside))
    return _limited(fade(level, at, asked.now) + fits, group.least, group.most)


def _without(asked: Asked, score: Score) -> Named:
    return Named.of(asked.segments).without(score=score.name)


def _limited(number: float, least: float | None, most: float | None) -> float:
    number = number if least is None else max(number, least)
    return number if most is None else min(number, most)


def _ordered(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time, event.received))


def _named(asked: Asked, name: str, where: tuple[d.Condition, ...]) -> list[Event]:
    return [event for event in asked.known if event.name == name and _meets(event, where, asked)]


def _meets(event: Event, where: tuple[d.Condition, ...], asked: Asked) -> bool:
    return all(_passes(one.tests, event.properties.get(one.name), event.time, asked.zone) for one in where)


def _outcomes(rule: d.Outcome, asked: Asked) -> list[Event]:
    found = [event for event in asked.known if event.name in d.EVENTS[rule.what]]
    found = [event for event in found if _meets(event, rule.where, asked)]
    if not rule.machine:
        found = [event for event in found if event.properties.get("machine") != 1]
    for key in ("template", "journey", "step"):
        if wanted := getattr(rule, key):
            found = [event for event in found if event.properties.get(key) == wanted]
    if rule.step and not rule.journey:
        if asked.run is None or not asked.journey:
            return []
        found = [event for event in found if event.run == asked.run]
        found = [event for event in found if event.properties.get("journey") == asked.journey]
    return found


def _window(events: list[Event], window: d.Window, asked: Asked) -> list[Event]:
    found = []
    for event in events:
        time = event.received if window.since_entry else event.time
        inside = not window.since_entry or (asked.since is not None and time > asked.since)
        if window.within:
            inside = inside and time >= asked.now - window.within.length
        if window.between:
            first, last = _days(window.between[0], asked.zone)[0], _days(window.between[1], asked.zone)[1]
            inside = inside and first <= time < last
        if inside:
            found.append(event)
    key = (
        (lambda event: event.received) if window.since_entry else (lambda event: (event.time, event.received))
    )
    return sorted(found, key=key)


def counted(rule: d.Performed, asked: Asked) -> list[Event]:
    """The events that the rule counts, in their order."""
    return _window(_named(asked, rule.event, rule.where), rule.window, asked)


def measured(of: d.Measured, name: str, events: list[Event]) -> float | None:
    """The sum, least, greatest or mean of the numbers that events carry."""
    values = [event.properties.get(name) for event in events]
    numbers = [float(value) for value in values if value is not None and not isinstance(value, str)]
    if not numbers:
        return None
    return {
        "sum": sum(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "avg": sum(numbers) / len(numbers),
    }[of]


def _performed(rule: d.Performed, asked: Asked) -> bool:
    events = counted(rule, asked)
    answer = rule.least <= len(events) <= (10**9 if rule.most is None else rule.most)
    for measure in rule.measures:
        result = measured(measure.of, measure.name, events)
        answer = answer and _passes(measure.tests, result, asked.now, asked.zone)
    for conditions, place in ((rule.first, 0), (rule.last, -1)):
        for one in conditions:
            event = events[place] if events else None
            if one.name == d.WHEN:
                answer = (
                    answer
                    and event is not None
                    and all(_at(test, event.time, asked.now, asked.zone) for test in one.tests)
                )
            else:
                value = event.properties.get(one.name) if event else None
                answer = answer and _passes(one.tests, value, asked.now, asked.zone)
    return answer


def _chained(picked: list[list[Event]], within: int, as_met: bool) -> bool:
    def order(event: Event) -> tuple[int, int]:
        return (event.received if as_met else event.time, event.received)

    def go_on(link: int, begin: int, after: tuple[int, int]) -> bool:
        if link == len(picked):
            return True
        return any(
            order(event) > after
            and order(event)[0] - begin <= within
            and go_on(link + 1, begin, order(event))
            for event in picked[link]
        )

    return any(go_on(1, order(event)[0], order(event)) for event in picked[0])


def _passes(tests: tuple[d.Comparison, ...], value: Value | None, now: int, zone: str) -> bool:
    return all(_compares(test, value, now, zone) for test in tests)


def _compares(test: d.Comparison, value: Value | None, now: int, zone: str) -> bool:
    want: Any = test.value
    dates = test.how == "between" and isinstance(want[0], str)
    match test.how:
        case "exists":
            return bool((value is not None) == want)
        case "is":
            return bool(value == want)
        case "is_not":
            return value is not None and value != want
        case "in":
            return value in want
        case "before" | "after" | "within_last" | "within_next" | "more_than_ago" | "more_than_ahead":
            dates = True
    if dates:
        when = _instant(value, zone)
        return when is not None and _at(test, when, now, zone)
    return value is not None and (_text if isinstance(value, str) else _number)(test.how, value, want)


def _text(how: str, text: Any, want: Any) -> bool:
    match how:
        case "contains":
            return (
                want in json.loads(text) if text.startswith('["') else isinstance(want, str) and want in text
            )
        case "starts_with":
            return bool(text.startswith(want))
        case "ends_with":
            return bool(text.endswith(want))
        case _:
            return how == "matches" and re2.search(want, text) is not None


def _number(how: str, number: Any, want: Any) -> bool:
    match how:
        case "above":
            return bool(number > want)
        case "at_least":
            return bool(number >= want)
        case "below":
            return bool(number < want)
        case "at_most":
            return bool(number <= want)
        case _:
            return how == "between" and bool(want[0] <= number <= want[1])


def _at(test: d.Comparison, when: int, now: int, zone: str) -> bool:
    want: Any = test.value
    match test.how:
        case "before":
            return when < _days(want, zone)[0]
        case "after":
            return when >= _days(want, zone)[1]
        case "between":
            return _days(want[0], zone)[0] <= when < _days(want[1], zone)[1]
        case "within_last":
            return bool(0 <= now - when <= want.length)
        case "within_next":
            return bool(0 < when - now <= want.length)
        case "more_than_ago":
            return bool(now - when > want.length)
        case _:
            return bool(when - now > want.length)


def _instant(text: Value | None, zone: str) -> int | None:
    if not isinstance(text, str):
        return None if text is None else round(text * 1e6)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    read = read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))
    return (read - EPOCH) // timedelta(microseconds=1)


def _days(text: str, zone: str) -> tuple[int, int]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        instant = _instant(text, zone)
        assert instant is not None
        return instant, instant + 1
    begins, ends = _instant(str(day), zone), _instant(str(day + timedelta(days=1)), zone)
    assert begins is not None and ends is not None
    return begins, ends
