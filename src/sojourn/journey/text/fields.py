"""Fields: a mapping of a journey's text while it is read, key by key, so that no slip is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from reprlib import repr as shown

from sojourn.errors import Invalid
from sojourn.rule.definition import Condition, Rule
from sojourn.rule.span import Span, parse_span
from sojourn.rule.text import parse, parse_where

GREATEST = 1e300  # whatever is a number on tapes can be counted with

Scalar = str | bool | int | float


@dataclass
class Fields:
    """One mapping: every reading takes a key, and `done` refuses what nobody took."""

    data: Mapping[str, object]
    place: str = ""
    taken: set[str] = field(default_factory=set)

    def at(self, key: str) -> str:
        """The path to a key."""
        return f"{self.place}.{key}" if self.place else key

    def take(self, key: str, default: object = None) -> object:
        """The value of `key`, or `default`."""
        self.taken.add(key)
        return self.data.get(key, default)

    def need(self, key: str) -> object:
        """The value of `key`; Invalid when it is not there."""
        if key not in self.data:
            close = get_close_matches(key, self.data, n=1)
            hint = f"; was {close[0]!r} meant to be that?" if close else ""
            raise Invalid(f"needs {key!r}{hint}", place=self.at(close[0]) if close else self.place)
        return self.take(key)

    def text(self, key: str, default: str | None = None) -> str:
        """The text under `key`; Invalid when it is something else, or missing without a default."""
        if key not in self.data and default is not None:
            return default
        value = self.need(key)
        if not isinstance(value, str) or not value.strip():
            raise Invalid(f"must be a text, not {shown(value)}", place=self.at(key))
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """The list of texts under `key`, at least one."""
        value, place = self.need(key), self.at(key)
        if not isinstance(value, list) or not value:
            raise Invalid(f"must be a list with at least one entry, not {shown(value)}", place=place)
        for n, one in enumerate(value):
            if not isinstance(one, str) or not one.strip():
                raise Invalid(f"must be a text, not {shown(one)}", place=f"{place}[{n}]")
        return tuple(value)

    def whole(self, key: str, most: int) -> int:
        """The whole number from 1 to `most` under `key`."""
        value = self.need(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise Invalid(f"must be a whole number from 1 to {most}", place=self.at(key))
        return value

    def flag(self, key: str) -> bool:
        """The truth under `key`, false if it is not there."""
        value = self.take(key, False)
        if not isinstance(value, bool):
            raise Invalid(f"must be true or false, not {shown(value)}", place=self.at(key))
        return value

    def span(self, key: str) -> Span:
        """The span of time under `key`."""
        return parse_span(self.need(key), self.at(key))

    def rule(self, key: str) -> Rule:
        """The rule under `key`."""
        return parse(self.need(key), self.at(key))

    def where(self) -> tuple[Condition, ...]:
        """The conditions on an event's properties under `where`; none if it is not there."""
        return parse_where(self.take("where"), self.at("where")) if "where" in self.data else ()

    def mapping(self, key: str) -> Fields:
        """The mapping under `key`, to be read in turn."""
        return Fields(mapping_at(self.need(key), self.at(key)), self.at(key))

    def items(self, key: str) -> list[Fields]:
        """The mappings of the list under `key`, each to be read in turn."""
        value, place = self.need(key), self.at(key)
        if not isinstance(value, list) or not value:
            raise Invalid(f"must be a list with at least one entry, not {shown(value)}", place=place)
        for n, one in enumerate(value):
            if not isinstance(one, Mapping):
                raise Invalid(f"must be a mapping, not {shown(one)}", place=f"{place}[{n}]")
        return [Fields(one, f"{place}[{n}]") for n, one in enumerate(value)]

    def ways(self, key: str) -> list[Fields]:
        """The same; in each, `then` may say where the way leads, which is not for the kind to read."""
        found = self.items(key)
        for way in found:
            way.taken.add("then")
        return found

    def scalars(self, key: str) -> dict[str, Scalar]:
        """The mapping of names to texts, numbers and truths under `key`, such as an event carries."""
        fields = self.mapping(key)
        return {name: _scalar(value, fields.at(name)) for name, value in fields.data.items()}

    def done(self) -> None:
        """Raise Invalid if a key was not taken."""
        for key in self.data:
            if key not in self.taken:
                close = get_close_matches(key, sorted(self.taken), n=1)
                known = f"known here: {', '.join(sorted(self.taken))}"
                hint = f"did you mean {close[0]!r}?" if close else known
                raise Invalid(f"unknown key {key!r}; {hint}", place=self.at(key))


def mapping_at(data: object, place: str) -> Mapping[str, object]:
    """The data if it is a mapping that says something; Invalid otherwise."""
    if not isinstance(data, Mapping) or not data:
        raise Invalid(f"must be a mapping with at least one entry, not {shown(data)}", place=place)
    return data


def _scalar(value: object, place: str) -> Scalar:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float) and abs(value) <= GREATEST:
        return value
    raise Invalid(f"must be a text, a number, true or false, not {shown(value)}", place=place)
