"""Reads the lines of a trace, a journey told as given, when, then, and makes a tape of them.

    journey: welcome                   # the name of one in `journeys/`, or a whole journey
    given: {customer: ada, plan: free, zone: Europe/Berlin, consents: [marketing]}
    when: |
      2026-03-01 09:00  enters
      2026-03-02 09:00  event: Order Completed {total: 30}
      2026-03-02 10:00  event: Logged In, met 2026-03-02 12:00
      2026-03-02 11:00  trait: plan = paid
      2026-03-02 12:00  clicks hello
      2026-03-02 13:00  does call
    then: |
      2026-03-01 09:00  send welcome by email
      2026-03-02 09:00  leaves: done

Times are the customer's own.  In `then`, a line may leave its time out.  What is sent, suppressed and
how it ends must be told completely; so must everything else of a kind (enters, refused, sets, emits,
`becomes STAGE`, `score NAME reaches 50` or `falls below 50`) of which the trace tells anything.  `on STEP`
is where the customer stands then.  `does STEP` in `when`: somebody does the task of that step.  `policy`,
`segments`, `scores`, `lifecycle` and `templates` may be given, and further journeys `beside` this one; the
journeys of the library are named by `library` instead of `journey`, and bring what belongs to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from sojourn.rule.span import instants
from sojourn.tape.build import build
from sojourn.tape.grain import apart
from sojourn.tape.hashing import hash_text
from sojourn.tape.tape import Column, Tape
from sojourn.tape.zones import local

_LINE = re.compile(
    r"(?:(\d{4}-\d\d-\d\d \d\d:\d\d)\s+)?(\w+):?\s*(.*?)(?:, met (\d{4}-\d\d-\d\d \d\d:\d\d))?"
)


@dataclass(frozen=True)
class Line:
    """One line: when (microseconds UTC; None if it does not say), a verb, the rest, and when it was met."""

    at: int | None
    verb: str
    rest: str
    met: int | None = None


@dataclass(frozen=True)
class Event:
    """One event of the tape to be."""

    at: int
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    run: int = 0
    met: int | None = None


def lines(data: object, zone: str) -> Iterator[Line]:
    """The lines of `when` or `then`, be they one text or a list."""
    found = data.splitlines() if isinstance(data, str) else map(_one_line, data or ())  # type: ignore[call-overload]
    for line in found:
        if line.strip():
            parts = _LINE.fullmatch(line.strip())
            assert parts, line
            at, met = (instant(text, zone) if text else None for text in (parts[1], parts[4]))
            yield Line(at, parts[2], parts[3], met)


def _one_line(entry: object) -> str:
    """An entry of a list: YAML takes `event: Logged In` for a mapping."""
    return (
        ": ".join(str(part) for part in next(iter(entry.items()))) if isinstance(entry, dict) else str(entry)
    )


def instant(text: str, zone: str) -> int:
    """Microseconds UTC at which a clock shows `2026-03-01 09:00`."""
    return int(instants([text.replace(" ", "T")], zone)[0])


def said(at: int | None, text: str, zone: str) -> str:
    """A line with its time as the customer's clock shows it."""
    if at is None:
        return text
    wall = int(local(np.array([at]), np.zeros(1, np.int32), (zone,))[0])
    return f"{str(np.datetime64(wall, 'us').astype('datetime64[m]')).replace('T', ' ')}  {text}"


def plain(text: str) -> Any:
    """What a text means as YAML: a number, a truth, a mapping."""
    return YAML(typ="safe").load(text)


def tape_of(customer: str, events: list[Event]) -> Tape:
    """The tape of one customer to whom these events happen."""
    n = len(events)
    owner = np.full(n, hash_text(customer))
    happened = np.array([event.at for event in events], np.int64)
    met = np.array([event.at if event.met is None else event.met for event in events], np.int64)
    vocabulary = tuple(dict.fromkeys(event.name for event in events))
    return build(
        owner,
        happened,
        apart(owner, met),
        np.array([vocabulary.index(event.name) for event in events], np.int32),
        vocabulary,
        keys=np.array([hash_text(f"event {number}") for number in range(n)], np.int64),
        runs=np.array([event.run for event in events], np.int64),
        properties=_columns([event.properties for event in events]),
        traits=_columns([event.traits for event in events]),
    )


def _columns(carried: list[Mapping[str, Any]]) -> dict[str, Column]:
    names = dict.fromkeys(name for one in carried for name in one)
    return {
        name: Column.of(
            np.array([n for n, one in enumerate(carried) if name in one], np.int64),
            [one[name] for one in carried if name in one],
        )
        for name in names
    }
