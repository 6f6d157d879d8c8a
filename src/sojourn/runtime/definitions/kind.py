"""What a kind of definition is: how its texts are told, checked, kept and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection

from sojourn import registry
from sojourn.errors import Invalid
from sojourn.journey.text.source import Source
from sojourn.runtime.definitions import kinds as declarations


class File(msgspec.Struct, frozen=True):
    """One text; `path` is where it stands, which mistakes name."""

    path: str
    text: str


class Name(msgspec.Struct, frozen=True, order=True):
    """What a definition is known by; `name` is '' where there is one of its kind."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


@dataclass(frozen=True)
class DefinitionKind:
    """The declaration of a kind.  A text is of it if it has the key `key`; `order` is that of publishing."""

    name: str
    key: str
    order: int
    folder: str  # where its files are; '' where there is one of its kind
    check: Callable[[str, str, Mapping[str, Any]], str]  # text, path, data: the name; raises Invalid
    every: Callable[[Connection], Iterable[tuple[str, str]]]  # names and texts
    save: Callable[[Connection, str, str, int], None]  # name, text, now
    remove: Callable[[Connection, str, int], None]  # name, now


@dataclass(frozen=True)
class Written:
    """A definition that somebody wrote: a text that was read and is sound in itself."""

    named: Name
    file: File
    data: Mapping[str, Any]


@lru_cache(maxsize=1)
def kinds() -> dict[str, DefinitionKind]:
    """All kinds by name, in the order in which they build on each other."""
    found = registry.declared(declarations, DefinitionKind)
    return dict(sorted(found.items(), key=lambda one: one[1].order))


def read(file: File) -> Written:
    """The definition that a file says; Invalid with path, line and place of the first mistake."""
    source = Source(file.text, file.path)
    data = source.data()
    keys = data if isinstance(data, dict) else {}
    for kind in reversed(kinds().values()):  # a journey that has a `policy` is a journey
        if kind.key in keys:
            try:
                return Written(Name(kind.name, kind.check(file.text, file.path, keys)), file, keys)
            except Invalid as error:
                raise error if error.source else source.located(error) from error
    known = ", ".join(kind.key for kind in kinds().values())
    raise Invalid(f"has none of the keys that say what it is: {known}", source=file.path)


def read_all(files: Iterable[File]) -> list[Written]:
    """What the files say, in the order in which it is published; Invalid if two say the same thing."""
    found: dict[Name, Written] = {}
    for file in files:
        written = read(file)
        if written.named in found:
            other = found[written.named].file.path
            raise Invalid(f"there is a {written.named} in {other} already", source=file.path)
        found[written.named] = written
    order = {name: at for at, name in enumerate(kinds())}
    return sorted(found.values(), key=lambda one: (order[one.named.kind], one.named.name))


def only(data: Mapping[str, Any], *keys: str) -> None:
    """Raise Invalid for a key that is none of these."""
    for key in data:
        if key not in keys:
            raise Invalid(f"unknown key {key!r}; known here: {', '.join(keys)}", place=key)
