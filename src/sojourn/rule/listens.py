"""Listens for a rule: picks the events that may change its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from sojourn.rule.definition import Bucket, Entry, InSegment, Leaf, Outcome, Performed, Rule, Sequence, Trait
from sojourn.rule.needs import parts
from sojourn.rule.where import linked, named, told
from sojourn.tape.selection import Selection, carrying, select, union
from sojourn.tape.tape import Tape


def listens(
    rule: Rule, tape: Tape, segments: Mapping[str, Rule], journey: str = "", zone: str = "UTC"
) -> Selection:
    """The events of the tape after which the rule may answer otherwise than before.

    Steps are those of `journey`.  Between two such events only time changes the answer (`horizon`).
    """
    found = [
        selection
        for part, segment in parts(rule, segments)
        if (selection := _heard(part, tape, "" if segment else journey, zone)) is not None
    ]
    if len(found) == 1:
        return found[0]
    return union(tape, *found) if found else select(tape, ())


def _heard(part: Leaf | InSegment, tape: Tape, journey: str, zone: str) -> Selection | None:
    """The events that one part of a rule reads, None if it reads none of its own."""
    match part:
        case Trait(name):
            return carrying(tape, tape.traits[name])
        case Performed(event, where):
            return named(tape, event, where, zone)
        case Sequence(links):
            return linked(tape, links, zone)[0]
        case Outcome():
            return told(tape, part, journey, zone)
        case InSegment() | Entry() | Bucket():
            return None
        case _:
            assert_never(part)
