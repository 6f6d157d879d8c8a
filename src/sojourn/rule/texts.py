"""Checks texts: each distinct text of a column once, then by its code."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import re2

from sojourn.rule.definition import Comparison, Scalar
from sojourn.tape.memory import is_remembered, remembered
from sojourn.tape.tape import Bools, Codes, Column

Element = TypeVar("Element", bound=np.generic)


def passes(comparison: Comparison, column: Column, codes: Codes) -> Bools:
    """Whether the text of each code, int32[m], passes the comparison: bool[m], false where it is -1."""
    check = _check(comparison)
    if check is None:
        return np.zeros(len(codes), np.bool_)

    def compute(texts: Sequence[str]) -> Bools:
        return np.fromiter(map(check, texts), np.bool_, len(texts))

    return each(column, codes, comparison, compute, np.False_)


def each(
    column: Column,
    codes: Codes,
    key: Hashable,
    compute: Callable[[Sequence[str]], npt.NDArray[Element]],
    absent: Element,
) -> npt.NDArray[Element]:
    """What `compute`, known by its key, says of the text of each code; `absent` where the code is -1."""
    if len(codes) < len(column.texts) and not is_remembered(column, key):
        # A few customers out of many: their texts alone, as a whole column's would take long.
        used, place = np.unique(np.append(codes, np.int32(-1)), return_inverse=True)
        table = np.append(absent, compute([column.texts[code] for code in used[1:]]))
        return table[place[:-1]]
    table = remembered(column, key, lambda: np.append(compute(column.texts), absent))
    return table[codes]  # a code of -1 finds the last, which is `absent`


def _check(comparison: Comparison) -> Callable[[str], bool] | None:
    """What a text must pass, None if no text does."""
    value: Any = comparison.value
    match comparison.how:
        case "is":
            return (lambda text: text == value) if isinstance(value, str) else None
        case "is_not":
            return lambda text: text != value
        case "in":
            return frozenset(one for one in value if isinstance(one, str)).__contains__
        case "contains":
            return partial(_contains, value=value)
        case "starts_with":
            return lambda text: text.startswith(value)
        case "ends_with":
            return lambda text: text.endswith(value)
        case "matches":
            return partial(_matches, pattern=_compiled(value))
        case _:
            return None


def _contains(text: str, value: Scalar) -> bool:
    """Whether the list that a text is in JSON has the value as an element, or another text as a part."""
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return value in found
    return isinstance(value, str) and value in text


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors, options.never_capture = False, True
    return re2.compile(pattern, options)


def _matches(text: str, pattern: Any) -> bool:
    # On bytes the binding spares counting characters, which takes longer than the search.
    return bool(pattern.search(text.encode("utf-8", "replace")))
