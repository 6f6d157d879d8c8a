"""Layout: from where to where each part of a YAML text reaches, so that one can change and no other moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MERGE = "<<"

_PLAIN_NAME = re.compile(r"(?!(?:true|false|null)$)[A-Za-z_][\w -]*", re.ASCII | re.IGNORECASE)
_BLOCK_SCALAR = ("|", ">")
_DASH = re.compile(r"-(?=\s|$)")


@dataclass(eq=False)
class Part:
    """One value as it stands in the text: [start, end) with its anchor, without what comes after it."""

    kind: str  # scalar, mapping, sequence or alias
    start: int
    end: int
    begin: int = 0  # of a block: its first key or dash, which stands in `column`
    column: int = 0
    flow: bool = False  # in brackets
    style: str = ""  # of a scalar: its quote, | or >
    anchor: str = ""  # its own, or the one that an alias stands for
    keys: list[Part] = field(default_factory=list)  # of a mapping, one for each of `values`
    names: list[str] = field(default_factory=list)  # what the keys say
    values: list[Part] = field(default_factory=list)

    def at(self, name: str) -> int:
        """Where the value under a key is in `values`, -1 if there is none."""
        return self.names.index(name) if name in self.names else -1

    def within(self) -> Iterator[Part]:
        """This and all values in it."""
        yield self
        for value in self.values:
            yield from value.within()


def layout(text: str) -> Part:
    """The layout of a text that could be read."""
    open_parts: list[Part] = []
    for event in YAML(typ="rt").parse(text):
        match event:
            case MappingStartEvent() | SequenceStartEvent():
                open_parts.append(_part(event, text))
            case MappingEndEvent() | SequenceEndEvent():
                whole = open_parts.pop()
                if whole.flow:
                    whole.end = event.end_mark.index
                elif whole.values:
                    whole.end = whole.values[-1].end
                _settle(whole, text)
                if not open_parts:
                    return whole
                open_parts[-1].values.append(whole)
            case ScalarEvent() | AliasEvent() if open_parts:
                open_parts[-1].values.append(_part(event, text))
    return Part("scalar", 0, len(text))


def _part(event: AliasEvent | ScalarEvent | MappingStartEvent | SequenceStartEvent, text: str) -> Part:
    start, end = event.start_mark.index, event.end_mark.index
    made = Part("alias", start, end, start, anchor=event.anchor or "")
    match event:
        case MappingStartEvent():
            made.kind, made.flow = "mapping", bool(event.flow_style)
        case SequenceStartEvent():
            made.kind, made.flow = "sequence", bool(event.flow_style)
        case ScalarEvent():
            made.kind, made.style = "scalar", event.style or ""
            if made.style in _BLOCK_SCALAR:
                made.end = start + len(text[start:end].rstrip())
    return made


def _settle(whole: Part, text: str) -> None:
    """Tell the keys of a mapping, which came as values, from its values, and see where a block begins."""
    if whole.kind == "mapping":
        whole.keys, whole.values = whole.values[::2], whole.values[1::2]
        whole.names = [_name(text[key.start : key.end]) for key in whole.keys]
        whole.begin = whole.keys[0].start if whole.keys else whole.start
    elif not whole.flow:
        behind_anchor = whole.start + (len(whole.anchor) + 1 if whole.anchor else 0)
        dash = _DASH.search(text, behind_anchor)
        whole.begin = dash.start() if dash else whole.start
    whole.column = whole.begin - (text.rfind("\n", 0, whole.begin) + 1)


def _name(key: str) -> str:
    """What a key says, as `Source.data` has it."""
    if key == MERGE or _PLAIN_NAME.fullmatch(key):
        return key
    return str(YAML(typ="rt").load(key)) if key else ""
