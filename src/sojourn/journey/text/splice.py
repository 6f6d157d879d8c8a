"""Splices changes into a YAML text: a value, an entry more, an entry less; all else stays as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from sojourn.journey.text.layout import Part
from sojourn.journey.text.source import on_one_line, written

WIDEST = 110
"""Letters of a line that we write, if it can be written otherwise."""

_COLON = re.compile(r"\s*:\s*")
_REST = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r?\n|$))*")
"""Blank lines and comments."""


class Entangled(Exception):
    """What is to change hangs together with what is not."""


class Splices:
    """Changes to one text, gathered and then made at once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.eol = "\r\n" if 2 * text.count("\r\n") > text.count("\n") else "\n"
        self._made: list[tuple[int, int, str]] = []
        self._grown: list[Part] = []

    def done(self) -> str:
        """The text with all changes; raises Entangled where two of them concern the same letters."""
        parts, reached = [], 0
        for start, end, new in sorted(self._made, key=lambda one: one[:2]):
            if start < reached:
                raise Entangled
            parts += [self.text[reached:start], new]
            reached = end
        return "".join([*parts, self.text[reached:]])

    def touches(self, part: Part) -> bool:
        """Whether a change is within the part, or takes it away."""
        if any(start < part.end and end > part.start for start, end, _ in self._made):
            return True
        return any(one is grown for one in part.within() for grown in self._grown)

    def replace(self, whole: Part, at: int, value: Any) -> None:
        """Have another value in an entry of a mapping or a list."""
        part, key = whole.values[at], whole.keys[at] if whole.keys else None
        between = self.text[key.end : part.start] if key else ""
        if part.kind == "scalar" and part.style not in ("|", ">") and not isinstance(value, Mapping | list):
            blank = " " if part.start == part.end else ""
            self._put(part.start, part.end, blank + spelled(value, part.style))
        elif key and not whole.flow and not part.flow and _COLON.fullmatch(between):
            room = WIDEST - whole.column - (key.end - key.start)
            self._put(key.end, part.end, f": {self._fitted(value, room, whole.column + 2)}")
        else:
            self._put(part.start, part.end, on_one_line(value))

    def remove(self, whole: Part, gone: Collection[int]) -> None:
        """Take entries out; comments above them stay, those behind them on their lines go."""
        if len(gone) == len(whole.values):
            self._put(whole.start, whole.end, "{}" if whole.kind == "mapping" else "[]")
            return
        kept = -1
        for at in range(len(whole.values)):
            if at not in gone:
                kept = at
                continue
            start, end = self._reach(whole, at)
            more = next((one for one in range(at, len(whole.values)) if one not in gone), None)
            if not whole.flow and self._leads(start):
                self._put(self._line_start(start), self.line_end(end), "")
            elif more is not None:
                self._put(start, self._reach(whole, at + 1)[0], "")
            elif at == kept + 1:
                self._put(whole.values[kept].end, self._reach(whole, len(whole.values) - 1)[1], "")

    def insert(self, whole: Part, after: int, entry: str) -> None:
        """Put an entry, as `entry` or `item` spell it, behind that at `after`; -1 is before all."""
        self._grown.append(whole)
        if not whole.values:
            begin, end = "{}" if whole.kind == "mapping" else "[]"
            self._put(whole.start, whole.end, f"{begin}{entry}{end}")
        elif whole.flow:
            at = whole.values[after].end if after >= 0 else self._reach(whole, 0)[0]
            self._put(at, at, f", {entry}" if after >= 0 else f"{entry}, ")
        else:
            self._insert_lines(whole, after, entry)

    def entry(self, whole: Part, key: str, value: Any, *, own_lines: bool = False) -> str:
        """A key and its value as they are to stand in the mapping `whole`, without what parts entries.

        On one line if it fits and is not to have `own_lines`, or in brackets.
        """
        line = f"{on_one_line(key)}: {on_one_line(value)}"
        fits = len(line) + whole.column <= WIDEST and not own_lines
        if whole.flow or fits or not isinstance(value, Mapping | list):
            return line
        return self._block({key: value}, whole.column)

    def item(self, whole: Part, value: Any) -> str:
        """A value as it is to stand in the list `whole`."""
        line = on_one_line(value)
        if whole.flow or len(line) + whole.column + 2 <= WIDEST or not isinstance(value, Mapping | list):
            return line
        return self._block(value, whole.column + 2)

    def lines(self, whole: Part, at: int) -> str:
        """An entry of a block as it stands, with the comments right above it and the end of its last line."""
        start, end = self._stretch(whole, at)
        found = self.text[start:end]
        return found if found.endswith("\n") else found + self.eol

    def cut(self, whole: Part, at: int) -> None:
        """Take out what `lines` tells."""
        self._put(*self._stretch(whole, at), "")

    def paste(self, whole: Part, after: int, lines: str) -> None:
        """Put whole lines behind the entry at `after` of a block; -1 is before all."""
        at = self.line_end(whole.values[after].end) if after >= 0 else self._stretch(whole, 0)[0]
        self._put(at, at, self._from_line_start(at) + lines)

    def append(self, whole: Part, entry: str) -> None:
        """Put an entry of the outermost block behind everything, comments at the end too."""
        at = self.line_end(whole.values[-1].end)
        rest = _REST.match(self.text, at)
        if rest and rest.end() == len(self.text):
            at = len(self.text)
        self._put(at, at, f"{self._from_line_start(at)}{' ' * whole.column}{entry}{self.eol}")

    def line_end(self, at: int) -> int:
        """Where the line ends that a part ends on: behind its line break."""
        if at and self.text[at - 1] == "\n":
            return at
        return self.text.find("\n", at) + 1 or len(self.text)

    def _put(self, start: int, end: int, new: str) -> None:
        """Have `new` for the letters of [start, end)."""
        self._made.append((start, end, new))

    def _insert_lines(self, whole: Part, after: int, entry: str) -> None:
        indent, dash = " " * whole.column, "- " if whole.kind == "sequence" else ""
        if after >= 0:
            at = self.line_end(whole.values[after].end)
            self._put(at, at, f"{self._from_line_start(at)}{indent}{dash}{entry}{self.eol}")
        else:
            at = self._reach(whole, 0)[0]
            self._put(at, at, f"{dash}{entry}{self.eol}{indent}")

    def _stretch(self, whole: Part, at: int) -> tuple[int, int]:
        """The lines of an entry of a block with the comments right above it."""
        start, end = self._reach(whole, at)
        begin = self._line_start(start)
        floor = self.line_end(whole.values[at - 1].end) if at else self._line_start(whole.start)
        while begin > floor and self.text[self._line_start(begin - 1) : begin].lstrip().startswith("#"):
            begin = self._line_start(begin - 1)
        return begin, self.line_end(end)

    def _reach(self, whole: Part, at: int) -> tuple[int, int]:
        """From where to where an entry reaches: with its key, or the dash before it."""
        value = whole.values[at]
        if whole.kind == "mapping":
            return whole.keys[at].start, value.end
        if whole.flow or at == 0:
            return (value.start if whole.flow else whole.begin), value.end
        begin = self.line_end(whole.values[at - 1].end)
        dash = re.compile(rf"^ {{{whole.column}}}-", re.MULTILINE).search(self.text, begin)
        return (dash.end() - 1 if dash else value.start), value.end

    def _leads(self, at: int) -> bool:
        """Whether nothing stands before it on its line."""
        return not self.text[self._line_start(at) : at].strip(" \ufeff")

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _from_line_start(self, at: int) -> str:
        """What has to come first so that one is at the start of a line."""
        return self.eol if at and self.text[at - 1] != "\n" else ""

    def _fitted(self, value: Any, room: int, column: int) -> str:
        line = on_one_line(value)
        if len(line) < room or not isinstance(value, Mapping | list):
            return line
        return f"{self.eol}{' ' * column}{self._block(value, column)}"

    def _block(self, value: Any, column: int) -> str:
        """Plain data as lines; the first is not indented, the last has no end."""
        lines = written(value).rstrip("\n").split("\n")
        return (self.eol + " " * column).join(lines)


def spelled(value: Any, style: str = "") -> str:
    """A text, number or truth in the quotes that it had, if it can be written in these."""
    if not isinstance(value, str) or not value.isprintable():
        return on_one_line(value)
    if style == "'":
        return "'" + value.replace("'", "''") + "'"
    return on_one_line(DoubleQuotedScalarString(value) if style == '"' else value)
