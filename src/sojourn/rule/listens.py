"""Listens for a rule: picks the events that may change its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from sojourn.rule.definition import (
    Bucket,
    Entry,
    InSegment,
    InStage,
    Leaf,
    OnList,
    Outcome,
    Performed,
    Rule,
    Scored,
    Sequence,
    Trait,
)
from sojourn.rule.needs import parts
from sojourn.rule.standing.marks import CHANGES, joins
from sojourn.rule.where import carrying_trait, linked, named, nothing, told
from sojourn.tape.selection import Selection, union
from sojourn.tape.tape import Tape


def listens(
    rule: Rule, tape: Tape, segments: Mapping[str, Rule], journey: str = "", zone: str = "UTC"
) -> Selection:
    """The events of the tape after which the rule may answer otherwise than before.

    Steps are those of `journey`.  Between two such events only time changes the answer (`horizon`).
    """
    heard = [_heard(part, tape, "" if path else journey, zone) for part, path in parts(rule, segments)]
    found = [selection for selection in heard if len(selection)]
    if len(found) < 2:
        return found[0] if found else nothing(tape)
    return union(tape, *found)


def _heard(part: Leaf | InSegment, tape: Tape, journey: str, zone: str) -> Selection:
    """The events that one part of a rule reads of its own."""
    match part:
        case Trait(name):
            return carrying_trait(tape, name)
        case Performed(event, where):
            return named(tape, event, where, zone)
        case Sequence(links):
            return linked(tape, links, zone)[0]
        case Outcome():
            return told(tape, part, journey, zone)
        case InStage():
            return named(tape, CHANGES.event, (), zone)
        case OnList():
            heard = [one for rule in joins(part) if len(one := named(tape, rule.event, rule.where, zone))]
            return union(tape, *heard) if heard else nothing(tape)
        case InSegment() | Scored() | Entry() | Bucket():
            return nothing(tape)
        case _:
            assert_never(part)
