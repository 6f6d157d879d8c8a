"""The filters of templates: Liquid's own, held to limits, and ours for dates, JSON and HTML of others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import nh3
import numpy as np
from liquid import Markup
from liquid.exceptions import FilterArgumentError, ResourceLimitError
from liquid.undefined import is_undefined

from sojourn.message.liquid.work import LARGEST_VALUE, size_of, working
from sojourn.tape import zones

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock, of no zone
_UTC_EPOCH = _EPOCH.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def filters(builtin: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """All filters that a template may use, by name."""
    ours = {"date": date, "json": as_json, "clean_html": clean_html}
    # `safe` would let a customer's text through as HTML.
    return {name: _held(name, use) for name, use in {**builtin, **ours}.items() if name != "safe"}


def date(value: object, form: object = "%Y-%m-%d") -> str:
    """A moment in a form of strftime, by the customer's clock.

    The moment is `now`, seconds since 1970 or an ISO 8601 text; a text without an offset is taken
    as it is, and one that is no date comes back unchanged.
    """
    text = "" if is_undefined(value) or value is None else str(value)
    form = str(form)
    if len(form) > 100 or re.search(r"%[-_^0#]*\d", form):
        raise FilterArgumentError("date: the form is too long, or gives a width", token=None)
    shown = _shown(text)
    return shown.strftime(form) if shown else text


def as_json(value: object) -> str:
    """The value as JSON; what a template has not is null."""
    return json.dumps(None if is_undefined(value) else value, ensure_ascii=False, default=str)


def clean_html(value: object) -> Markup:
    """HTML that others wrote, reduced to harmless formatting and links."""
    return Markup(nh3.clean("" if is_undefined(value) else str(value)))


def _held(name: str, use: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter within the limits of the rendering under way."""

    @wraps(use)
    def held(*given: Any, **named: Any) -> Any:
        work = working.get()
        for value in given:
            work.spend(value)
        if _predicted(name, given) > LARGEST_VALUE:
            raise ResourceLimitError(f"{name}: makes more than {LARGEST_VALUE:,} characters", token=None)
        answer = use(*given, **named)
        work.spend(answer)
        return answer

    return held


def _predicted(name: str, given: tuple[Any, ...]) -> int:
    """How large the answer of a filter that multiplies will be; 0 for the others, which only add."""
    if name == "replace" and len(given) > 1:
        return str(given[0]).count(str(given[1])) * len(str(given[2])) if len(given) > 2 else 0
    if name == "join" and isinstance(given[0], (list, tuple, range)):
        return size_of(given[0]) + len(given[0]) * (len(str(given[1])) if len(given) > 1 else 1)
    return 0


def _shown(text: str) -> datetime | None:
    """The wall time of the customer at a moment."""
    if text in ("now", "today"):
        return _at_home(working.get().now)
    if re.fullmatch(r"-?\d{1,11}(\.\d{1,9})?", text):
        return _at_home(int(float(text) * 1_000_000))
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return read if read.tzinfo is None else _at_home((read - _UTC_EPOCH) // _MICROSECOND)


def _at_home(instant: int) -> datetime | None:
    wall = zones.local(np.array([instant], np.int64), np.zeros(1, np.int32), (working.get().zone,))
    try:
        return _EPOCH + timedelta(microseconds=int(wall[0]))
    except OverflowError:
        return None
