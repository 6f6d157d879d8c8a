"""The text of scores: points on what customers do and are, in groups that fade, within limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from reprlib import repr as shown

from sojourn.errors import Invalid
from sojourn.rule.definition import Rule
from sojourn.rule.needs import scored_by
from sojourn.rule.span import Span, parse_span
from sojourn.rule.standing.named import Fit, Gain, Group, Score
from sojourn.rule.text import dump as dump_rule
from sojourn.rule.text import dump_where, parse_where
from sojourn.rule.text import parse as parse_rule
from sojourn.rule.text.comparisons import Data, joined, mapping_at, only, text_at
from sojourn.rule.text.sentence import sentence

LONGEST_HALF_LIFE = Span(days=36_500)
"""Twelve hundred times it is still an instant that 64 bits hold."""

SHORTEST_HALF_LIFE = Span(0, 0, 60_000_000)
"""A minute: as often is looked at the clock."""

MOST_POINTS = 1_000_000
MOST_GROUPS, MOST_RULES = 20, 200

_GROUP = ("half_life", "at_least", "at_most", "points")
_GAIN = ("event", "where", "points", "at_most")
_FIT = ("if", "points")


def parse(data: object) -> Score:
    """The score that a mapping with the key `score` describes.  Raises Invalid with the place.

    Its points stand in it, or in `groups`; then its own limits are those of their sum.
    """
    found = mapping_at(data, "", "a score")
    name = text_at(found.get("score"), "score", "the name of the score")
    if "groups" not in found:
        only(found, ("score", "description", *_GROUP), "")
        return Score(name, (_group("", {key: found[key] for key in _GROUP if key in found}, ""),))
    only(found, ("score", "description", "groups", "at_least", "at_most"), "")
    groups = mapping_at(found["groups"], "groups", "the groups")
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise Invalid(f"must be 1 to {MOST_GROUPS} groups", place="groups")
    several = tuple(_group(one, groups[one], joined("groups", one)) for one in groups)
    least, most = (_limit(found, key, "") for key in ("at_least", "at_most"))
    if least is not None and most is not None and least >= most:
        raise Invalid(f"at least {least} and at most {most} is never", place="at_least")
    return Score(name, several, least, most)


def dump(score: Score) -> dict[str, object]:
    """The mapping that parse reads."""
    limits = _dump_limits(score.least, score.most)
    if len(score.groups) == 1 and not score.groups[0].name and not limits:
        return {"score": score.name, **_dump_group(score.groups[0])}
    groups = {group.name: _dump_group(group) for group in score.groups}
    return {"score": score.name, **limits, "groups": groups}


def rules(score: Score) -> Iterator[Rule]:
    """All conditions in the score, those on events as rules that such an event happened."""
    return scored_by(score)


def explain(score: Score) -> tuple[str, ...]:
    """What gives points, and how they fade, as sentences."""
    found = []
    for group in score.groups:
        of = f" to “{group.name}”" if group.name else ""
        for gain in group.gains:
            most = f", at most {_plain(gain.most)} in all" if gain.most is not None else ""
            found.append(f"{gain.points:+g} points{of} each time{most}: {sentence(gain.picks)}")
        found += [f"{fit.points:+g} points{of} as long as: {sentence(fit.rule)}" for fit in group.fits]
        if group.half_life and group.gains:
            found.append(f"What events gave{of} loses half of itself in {group.half_life}.")
    return tuple(found)


def _group(name: str, data: object, place: str) -> Group:
    found = mapping_at(data, place, "a group")
    only(found, _GROUP, place)
    points, at = found.get("points"), joined(place, "points")
    if not isinstance(points, list | tuple) or not points or len(points) > MOST_RULES:
        raise Invalid(f"must be a list of 1 to {MOST_RULES} point rules, not {shown(points)}", place=at)
    ruled = [_points(one, f"{at}[{n}]") for n, one in enumerate(points)]
    least, most = _limit(found, "at_least", place), _limit(found, "at_most", place)
    if least is not None and least > 0:
        raise Invalid("must be 0 or below: that is what points fade to", place=joined(place, "at_least"))
    if most is not None and most < 0:
        raise Invalid("must be 0 or above: that is what points fade to", place=joined(place, "at_most"))
    return Group(
        name,
        tuple(one for one in ruled if isinstance(one, Gain)),
        tuple(one for one in ruled if isinstance(one, Fit)),
        _half_life(found, place),
        least or 0.0,
        most,
    )


def _points(data: object, place: str) -> Gain | Fit:
    found = mapping_at(data, place, "a point rule")
    if "if" in found:
        only(found, _FIT, place)
        return Fit(parse_rule(found["if"], joined(place, "if")), _number(found, "points", place))
    only(found, _GAIN, place)
    event = text_at(found.get("event"), joined(place, "event"), "the name of an event (or use `if`)")
    where = parse_where(found.get("where", {}), joined(place, "where"))
    most = _limit(found, "at_most", place)
    if most is not None and most <= 0:
        raise Invalid("must be above 0: how much the rule may give in all", place=joined(place, "at_most"))
    return Gain(event, _number(found, "points", place), where, most)


def _half_life(data: Data, place: str) -> Span | None:
    if "half_life" not in data:
        return None
    span, at = parse_span(data["half_life"], joined(place, "half_life")), joined(place, "half_life")
    if not SHORTEST_HALF_LIFE.length <= span.length <= LONGEST_HALF_LIFE.length:
        raise Invalid("must be from a minute to 100 years", place=at)
    return span


def _number(data: Data, key: str, place: str) -> float:
    number = data.get(key)
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= MOST_POINTS:
        most = f"a number up to {MOST_POINTS:,}"
        raise Invalid(f"must be {most}, not {shown(number)}", place=joined(place, key))
    return float(number)


def _limit(data: Data, key: str, place: str) -> float | None:
    return _number(data, key, place) if key in data else None


def _dump_group(group: Group) -> dict[str, object]:
    fading = {"half_life": str(group.half_life)} if group.half_life else {}
    points = [*map(_dump_gain, group.gains), *map(_dump_fit, group.fits)]
    return {**fading, **_dump_limits(group.least or None, group.most), "points": points}


def _dump_gain(gain: Gain) -> Mapping[str, object]:
    where = {"where": dump_where(gain.where)} if gain.where else {}
    most = {} if gain.most is None else {"at_most": _plain(gain.most)}
    return {"event": gain.event, **where, "points": _plain(gain.points), **most}


def _dump_fit(fit: Fit) -> Mapping[str, object]:
    return {"if": dump_rule(fit.rule), "points": _plain(fit.points)}


def _dump_limits(least: float | None, most: float | None) -> dict[str, object]:
    limits = {"at_least": least, "at_most": most}
    return {key: _plain(limit) for key, limit in limits.items() if limit is not None}


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number
