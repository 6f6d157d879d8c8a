"""Writes scores, the lifecycle, lists and segments down, unless they lead back to themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection

from sojourn.customer import lifecycle, lists, scores
from sojourn.customer.lifecycle import Stage
from sojourn.customer.lists import List
from sojourn.customer.references import Definitions, missing, refuse, unheard
from sojourn.errors import Invalid
from sojourn.journey.text.source import Source
from sojourn.rule.definition import Rule
from sojourn.rule.standing.named import Score
from sojourn.runtime.publishing.published import definitions
from sojourn.store.definitions import documents
from sojourn.store.definitions.documents import Document, Kind


@dataclass(frozen=True)
class Defined:
    """A definition as it was read: what it says, and the same as data that says nothing else."""

    name: str
    value: Score | tuple[Stage, ...] | List
    data: dict[str, object]
    rules: tuple[Rule, ...]  # all that it asks

    def among(self, known: Definitions) -> Definitions:
        """The definitions that there are, with this one."""
        match self.value:
            case Score():
                return replace(known, scores={**known.scores, self.name: self.value})
            case List():
                return replace(known, lists=known.lists | {self.name})
            case stages:
                return replace(known, stages=stages)


def read(kind: Kind, data: object) -> Defined:
    """The definition that data, as YAML or JSON give it, describes.  Raises Invalid with the place."""
    if kind == "score":
        score = scores.parse(data)
        return Defined(score.name, score, scores.dump(score), tuple(scores.rules(score)))
    if kind == "list":
        one = lists.parse(data)
        return Defined(one.name, one, lists.dump(one), ())
    stages = lifecycle.parse(data)
    rules = Definitions(stages=stages).rules()[lifecycle.NAME]
    return Defined(lifecycle.NAME, stages, lifecycle.dump(stages), rules)


def read_text(kind: Kind, text: str, source: str = "") -> Defined:
    """The definition that YAML describes; Invalid with file, line and place of the first mistake."""
    document = Source(text, source)
    try:
        return read(kind, document.data())
    except Invalid as error:
        raise document.located(error) from error


def define(
    connection: Connection, kind: Kind, text: str, now: int, *, name: str = "", match: int | None = None
) -> Document:
    """Write the definition that YAML describes.  Raises Invalid, also where it has another name than `name`
    or leads back to itself, and Conflict where it is no more what was read (`match`)."""
    defined = read_text(kind, text)
    if name and defined.name != name:
        raise Invalid(f"is {defined.name!r}, not {name!r}", place=kind)
    refuse(defined.among(definitions(connection)[0]))
    said = msgspec.json.encode(defined.data).decode()
    return documents.save(connection, kind, defined.name, said, now, text=text, match=match)


def refuse_segment(connection: Connection, name: str, rule: Rule) -> None:
    """Raises Invalid where a segment of this name and rule would lead back to itself."""
    known = definitions(connection)[0]
    refuse(replace(known, segments={**known.segments, name: rule}))


def findings(
    connection: Connection, defined: Defined, seen: tuple[frozenset[str], frozenset[str]] | None = None
) -> list[str]:
    """What to look at in a definition: names of what is not there, and of events and traits that were never
    `seen`.  Raises Invalid where it leads back to itself."""
    known = defined.among(definitions(connection)[0])
    refuse(known)
    return [*missing(defined.rules, known), *(unheard(defined.rules, *seen) if seen else ())]
