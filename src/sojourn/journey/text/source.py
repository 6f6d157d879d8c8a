"""The YAML that a person wrote: the plain data it means, and the line on which any part of it stands."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import date
from itertools import accumulate, count
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from sojourn.errors import Invalid

MOST_PARTS = 50_000
"""Mappings, lists and values of one document, counted as often as anchors repeat them."""

DEEPEST = 100

ONE_LINE = 2**31
"""Letters: so wide that nothing is ever wrapped."""

_BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}
_PART = re.compile(r"[^.\[\]]+")


class Source:
    """A YAML document that was read; it remembers where everything stood."""

    def __init__(self, text: str, name: str = "") -> None:
        """Raises Invalid, with the line, for what is no YAML."""
        self.name = name
        if max(accumulate(_BRACKETS.get(letter, 0) for letter in text), default=0) > DEEPEST:
            raise Invalid(f"no YAML: brackets in brackets, over {DEEPEST} deep", source=name)
        try:
            self._tree = YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            raise Invalid(f"no YAML: {error.problem}", source=name, line=line) from error
        except (YAMLError, ValueError, RecursionError) as error:
            # What is no text at all, a date such as 2026-13-01, lists in lists a thousand deep.
            why = str(error).partition("\n")[0]
            raise Invalid(f"no YAML: {why}", source=name) from error

    def data(self) -> object:
        """The document as mappings with texts as keys, lists, texts, numbers, dates and truths."""
        return _plain(self._tree, count(), 0)

    def line(self, place: str) -> int:
        """The line, from 1, of the deepest part of `place` that the document has."""
        tree, line = self._tree, 1
        for part in _PART.findall(place):
            try:
                at, key = (tree.lc.item, int(part)) if isinstance(tree, CommentedSeq) else (tree.lc.key, part)
                line, tree = at(key)[0] + 1, tree[key]
            except (AttributeError, KeyError, IndexError, ValueError, TypeError):
                break
        return line

    def located(self, error: Invalid) -> Invalid:
        """The error with the file and the line of its place."""
        return Invalid(error.message, place=error.place, source=self.name, line=self.line(error.place))


def line_of(text: str, place: str) -> int:
    """The line, from 1, of a place in a YAML text that could be read."""
    return Source(text).line(place)


def written(data: object) -> str:
    """Plain data as YAML, short mappings and lists on one line."""
    yaml = YAML()
    yaml.default_flow_style, yaml.width = None, 110
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_quoted(data), out)
    return out.getvalue()


def on_one_line(data: object) -> str:
    """Plain data as YAML on one line, as it may stand anywhere in a document."""
    yaml = YAML()
    yaml.default_flow_style, yaml.width = True, ONE_LINE
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    out = io.StringIO()
    yaml.dump({"-": _quoted(data)}, out)
    return out.getvalue().removeprefix("{'-': ").removesuffix("}\n")


def _quoted(data: Any) -> Any:
    """The same with quotes around texts that begin with a sign: not all of those are written safely."""
    if isinstance(data, Mapping):
        return {_quoted(key): _quoted(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_quoted(value) for value in data]
    return DoubleQuotedScalarString(data) if isinstance(data, str) and not data[:1].isalnum() else data


def _plain(tree: Any, parts: count[int], depth: int) -> Any:
    """The tree without what remembers how it was written."""
    if depth > DEEPEST or next(parts) > MOST_PARTS:
        raise Invalid(f"is larger than {MOST_PARTS} parts or deeper than {DEEPEST} levels")
    if isinstance(tree, Mapping):
        return {str(key): _plain(value, parts, depth + 1) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(value, parts, depth + 1) for value in tree]
    for kind in (bool, int, float, str):
        if isinstance(tree, kind):
            return kind(tree)
    return tree if tree is None or isinstance(tree, date) else str(tree)
