"""Reads and writes the parts of a rule's text that are no rules: comparisons, conditions, windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from reprlib import repr as shown
from typing import Literal, TypeAlias, TypeVar, get_args

import re2

from sojourn.errors import Invalid
from sojourn.rule.definition import (
    WHEN,
    Comparison,
    Condition,
    How,
    OfAny,
    OfDates,
    OfNumbers,
    OfTexts,
    Scalar,
    Window,
)
from sojourn.rule.span import Span, extent, parse_date, parse_span

Data: TypeAlias = Mapping[str, object]
Pair = TypeVar("Pair", tuple[float, float], tuple[str, str])

ANY, NUMBERS, TEXTS, DATES = (frozenset(get_args(kind)) for kind in (OfAny, OfNumbers, OfTexts, OfDates))
HOWS: tuple[How, ...] = tuple(how for kind in get_args(How) for how in get_args(kind))

SPANS = frozenset(("within_last", "within_next", "more_than_ago", "more_than_ahead"))
"""The comparisons whose answer changes as time passes."""

WINDOW_KEYS = ("within", "between", "since")
LONGEST_PATTERN = 1000
GREATEST = 1e300  # sums of numbers up to it stay finite; NaN is refused by the same comparison

OF_A_TIME = DATES | {"between"}
OF_A_MEASURE = NUMBERS | {"is", "is_not", "in"}
OF_A_VALUE = frozenset(HOWS)


def mapping_at(data: object, place: str, what: str) -> Data:
    """The data if it is a mapping with text keys; Invalid otherwise."""
    if not isinstance(data, Mapping) or not all(isinstance(key, str) for key in data):
        raise Invalid(f"{what} must be a mapping of keys to values, not {shown(data)}", place=place)
    return data


def text_at(data: object, place: str, what: str) -> str:
    """The data if it is a text that is not empty; Invalid otherwise."""
    if not isinstance(data, str) or not data.strip():
        raise Invalid(f"must be {what}, not {shown(data)}", place=place)
    return str(data)


def only(data: Data, known: Collection[str], place: str) -> None:
    """Raise Invalid at the first key that is not known, with the known one that it may have meant."""
    for key in data:
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
            raise Invalid(f"unknown key {key!r}; {hint}", place=joined(place, key))


def joined(place: str, key: str) -> str:
    """The path to a key of the mapping at `place`."""
    return f"{place}.{key}" if place else key


def in_order(hows: Collection[str]) -> tuple[How, ...]:
    """The comparisons in the order in which text has them."""
    return tuple(how for how in HOWS if how in hows)


def parse_comparisons(
    data: Data, place: str, allowed: Collection[str] = OF_A_VALUE
) -> tuple[Comparison, ...]:
    """The comparisons among the keys, always in the order of HOWS; Invalid if there are none."""
    found = tuple(
        Comparison(how, _value(how, data[how], joined(place, how)))
        for how in HOWS
        if how in data and how in allowed
    )
    if not found:
        known = ", ".join(how for how in HOWS if how in allowed)
        raise Invalid(f"does not say what to compare with; use one of: {known}", place=place)
    return found


def dump_comparisons(comparisons: tuple[Comparison, ...]) -> dict[str, object]:
    """The keys and values that parse_comparisons reads."""
    return {one.how: _plain(one.value) for one in comparisons}


def parse_where(data: object, place: str = "") -> tuple[Condition, ...]:
    """Conditions on an event's properties, such as `{total: {above: 50}, category: shoes}`; none in `{}`."""
    return _conditions(data, place, {}) if data != {} else ()


def parse_pick(data: object, place: str) -> tuple[Condition, ...]:
    """Conditions on the first or last event: on its properties, and by `when` on its time."""
    return _conditions(data, place, {WHEN: OF_A_TIME})


def parse_conditions(data: object, place: str, allowed: Collection[str]) -> tuple[Condition, ...]:
    """Conditions on named values, all with the same comparisons allowed."""
    return _conditions(data, place, dict.fromkeys(mapping_at(data, place, "this"), allowed))


def dump_where(conditions: tuple[Condition, ...]) -> dict[str, object]:
    """The mapping that parse_where and parse_pick read; `is` alone is written as its value."""
    return {condition.name: _short(condition.tests) for condition in conditions}


def parse_window(data: Data, place: str) -> Window:
    """The window that the keys `within`, `between` and `since` of a rule describe."""
    within = parse_span(data["within"], joined(place, "within")) if "within" in data else None
    if data.get("since", "entry") != "entry":
        raise Invalid("must be 'entry': since the run entered the journey", place=joined(place, "since"))
    between = _pair(data["between"], joined(place, "between")) if "between" in data else None
    if between is not None and not isinstance(between[0], str):
        raise Invalid("must be two dates", place=joined(place, "between"))
    dates = (str(between[0]), str(between[1])) if between else None
    return Window(within, dates, "since" in data)


def dump_window(window: Window) -> dict[str, object]:
    """The keys that parse_window reads."""
    found: dict[str, object] = {}
    if window.within is not None:
        found["within"] = str(window.within)
    if window.between is not None:
        found["between"] = list(window.between)
    if window.since_entry:
        found["since"] = "entry"
    return found


def _conditions(data: object, place: str, allowed: Mapping[str, Collection[str]]) -> tuple[Condition, ...]:
    conditions = mapping_at(data, place, "conditions")
    if not conditions:
        raise Invalid("names no property", place=place)
    return tuple(
        Condition(name, _asked(asked, joined(place, name), allowed.get(name, OF_A_VALUE)))
        for name, asked in conditions.items()
    )


def _asked(data: object, place: str, allowed: Collection[str]) -> tuple[Comparison, ...]:
    if not isinstance(data, Mapping):
        how: Literal["in", "is"] = "in" if isinstance(data, list) else "is"
        if how not in allowed:
            raise Invalid(
                f"must be a comparison, such as {{within_last: 7 days}}, not {shown(data)}", place=place
            )
        return (Comparison(how, _value(how, data, place)),)
    only(data, sorted(allowed), place)
    return parse_comparisons(data, place, allowed)


def _short(comparisons: tuple[Comparison, ...]) -> object:
    if len(comparisons) == 1 and comparisons[0].how == "is":
        return comparisons[0].value
    return dump_comparisons(comparisons)


def _value(how: How, data: object, place: str) -> Scalar | tuple[Scalar, ...] | Span:
    if how == "between":
        return _pair(data, place)
    if how in NUMBERS:
        return _number(data, place)
    if how in SPANS:
        return parse_span(data, place)
    if how in DATES:
        return parse_date(data, place)
    if how in TEXTS and how != "contains":
        if not isinstance(data, str) or not data:
            raise Invalid(f"must be a text, not {shown(data)}", place=place)
        return _pattern(str(data), place) if how == "matches" else str(data)
    return _of_any(how, data, place)


def _of_any(how: How, data: object, place: str) -> Scalar | tuple[Scalar, ...]:
    if how == "exists":
        if not isinstance(data, bool):
            raise Invalid(f"must be true or false, not {shown(data)}", place=place)
        return data
    if how == "in":
        if not isinstance(data, list) or not data:
            raise Invalid(f"must be a list of values, not {shown(data)}", place=place)
        return tuple(_scalar(one, f"{place}[{n}]") for n, one in enumerate(data))
    return _scalar(data, place)


def _scalar(data: object, place: str) -> Scalar:
    if isinstance(data, date):
        return data.isoformat()
    if isinstance(data, bool):
        return data
    if isinstance(data, str):
        return str(data)
    if isinstance(data, int | float):
        return _number(data, place)
    hint = "; `exists: false` asks for what is not there" if data is None else ""
    raise Invalid(f"must be a text, a number, true or false, not {shown(data)}{hint}", place=place)


def _number(data: object, place: str) -> float | int:
    if isinstance(data, bool) or not isinstance(data, int | float):
        hint = "; dates compare by `before` and `after`" if isinstance(data, date | str) else ""
        raise Invalid(f"must be a number, not {shown(data)}{hint}", place=place)
    if not abs(data) <= GREATEST:
        raise Invalid(f"must be a number that can be counted with, not {shown(data)}", place=place)
    # YAML readers that keep comments have numbers of their own, which are not to travel on.
    return int(data) if isinstance(data, int) else float(data)


def _pair(data: object, place: str) -> tuple[float, float] | tuple[str, str]:
    if not isinstance(data, list | tuple) or len(data) != 2:
        raise Invalid(f"must be two values, such as [10, 20], not {shown(data)}", place=place)
    if isinstance(data[0], str | date):
        dates = parse_date(data[0], f"{place}[0]"), parse_date(data[1], f"{place}[1]")
        return _ascending(dates, [extent(text, "UTC")[0] for text in dates], place)
    numbers = _number(data[0], f"{place}[0]"), _number(data[1], f"{place}[1]")
    return _ascending(numbers, numbers, place)


def _ascending(pair: Pair, sizes: Sequence[float], place: str) -> Pair:
    if sizes[0] > sizes[1]:
        raise Invalid(f"holds nothing, as {pair[0]} is after {pair[1]}", place=place)
    return pair


def _pattern(text: str, place: str) -> str:
    options = re2.Options()
    options.log_errors = False
    if len(text) > LONGEST_PATTERN:
        raise Invalid(f"is longer than {LONGEST_PATTERN} characters", place=place)
    try:
        re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise Invalid(f"is no regular expression (RE2): {why}", place=place) from error
    return text


def _plain(value: Scalar | tuple[Scalar, ...] | Span) -> object:
    if isinstance(value, Span):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
