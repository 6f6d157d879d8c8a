"""Plays a trace, and tells what happened as the trace would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from trace_told import Event, Line, instant, lines, plain, said, tape_of

from sojourn.customer import lifecycle, scores
from sojourn.customer.references import Definitions
from sojourn.journey.definition import REQUESTED, Journey
from sojourn.journey.effects import Marks
from sojourn.journey.entering.entries import REFUSALS
from sojourn.journey.play import Playing, play
from sojourn.journey.program import Program
from sojourn.journey.runs import Runs, Some
from sojourn.journey.text import journey_of, read_journey
from sojourn.journey.world import World
from sojourn.message import policy
from sojourn.message.template import Template
from sojourn.rule.cohort import Cohort
from sojourn.rule.definition import Rule
from sojourn.rule.text import parse
from sojourn.runtime.belonging.history import from_the_start
from sojourn.runtime.belonging.watched import watched
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.deciding import deciding
from sojourn.tape.tape import NEVER, Codes, Ints
from sojourn.tape.zones import DAY, MINUTE

JOURNEYS = Path(__file__).parent / "journeys"

_OUTCOMES = {"opens": "Email Opened", "clicks": "Email Link Clicked"}
_TOLD = {"send", "suppressed", "leaves", "completed"}


@dataclass(frozen=True)
class Happening:
    """Something that happened in a play, as a line of `then` tells it."""

    at: int
    text: str

    @property
    def verb(self) -> str:
        return self.text.split()[0].rstrip(":")


@dataclass(frozen=True)
class Trace:
    """A trace as it is written."""

    data: Mapping[str, Any]

    @cached_property
    def journey(self) -> Journey:
        named = self.data["journey"]
        return (
            journey_of(named)
            if isinstance(named, dict)
            else read_journey((JOURNEYS / f"{named}.yaml").read_text())
        )

    @cached_property
    def beside(self) -> tuple[Journey, ...]:
        """Other journeys that the customer may come through meanwhile."""
        return tuple(journey_of(one) for one in self.data.get("beside", ()))

    @cached_property
    def given(self) -> Mapping[str, Any]:
        return dict(self.data.get("given", {}))

    @property
    def zone(self) -> str:
        return str(self.given.get("zone", "UTC"))

    @cached_property
    def when(self) -> list[Line]:
        return list(lines(self.data.get("when"), self.zone))

    @cached_property
    def then(self) -> list[Line]:
        return list(lines(self.data.get("then"), self.zone))

    @cached_property
    def until(self) -> int:
        """How far it is played: to the end of the last minute that it names."""
        named = [line.at for line in (*self.when, *self.then) if line.at is not None]
        ends = [instant(str(self.data["until"]), self.zone)] if "until" in self.data else []
        return max(named + ends) + MINUTE - 1

    def expected(self) -> list[str]:
        """What should happen, as written in `then`, but for where the customer stands when."""
        return [said(line.at, _told(line), self.zone) for line in self.then if line.verb != "on"]

    def happened(self) -> list[str]:
        """What does happen, of all kinds of which something is told; without times where `then` has none."""
        told = _TOLD | {line.verb for line in self.then}
        found = [one for one in Played(self, self.events(), self.until).happenings() if one.verb in told]
        timed = [line.at is not None for line in self.then if line.verb != "on"]
        timed += [True] * (len(found) - len(timed))
        return [
            said(one.at if time else None, one.text, self.zone)
            for one, time in zip(found, timed, strict=False)
        ]

    def stood(self) -> list[tuple[str, str]]:
        """Where the customer should stand when, and where they do."""
        lines = [line for line in self.then if line.verb == "on"]
        ends = [self.until if line.at is None else line.at + MINUTE - 1 for line in lines]
        return [
            (line.rest, Played(self, self.events(), end).where())
            for line, end in zip(lines, ends, strict=True)
        ]

    def events(self) -> list[Event]:
        """The events of the tape: what is given, and what happens."""
        found = list(self._given())
        for line in self.when:
            assert line.at is not None, line
            found.append(self._event(line, line.at, found))
        return found

    def _given(self) -> Iterator[Event]:
        before = min(line.at or 0 for line in self.when) - 400 * DAY
        traits = {
            key: value for key, value in self.given.items() if key not in ("customer", "zone", "consents")
        }
        zone = {"timezone": self.zone} if "zone" in self.given else {}
        yield Event(before, "Identified", traits={**traits, **zone})
        for purpose in self.given.get("consents", ()):
            yield Event(before, "Consent Given", {"purpose": purpose})

    def _event(self, line: Line, at: int, before: list[Event]) -> Event:
        match line.verb:
            case "enters":
                trigger = self.journey.enter[0]
                asked = {one.name: one.tests[0].value for one in trigger.where}
                return Event(at, trigger.event, asked, met=line.met)
            case "event":
                name, brace, rest = line.rest.partition(" {")
                return Event(at, name, plain(f"{{{rest}") if brace else {}, met=line.met)
            case "starts":
                return Event(at, REQUESTED, {"journey": self.journey.name})
            case "trait":
                name, _, value = line.rest.partition(" = ")
                return Event(at, "Identified", traits={name: plain(value)}, met=line.met)
            case "opens" | "clicks":
                step, _, by = line.rest.partition(" by ")
                run, marked = Played(self, before, at).last("Message Planned", step)
                told = {"template": marked["template"], "step": step, "journey": self.journey.name}
                return Event(at, _OUTCOMES[line.verb], {**told, "machine": by == "a machine"}, run=run)
            case "does":
                run, marked = Played(self, before, at).last("Task Created", line.rest)
                told = {"title": marked["title"], "step": line.rest, "journey": self.journey.name}
                return Event(at, "Task Completed", told, run=run)
            case _:
                raise ValueError(f"what is {line.verb!r}?")


class Played:
    """A trace's journey played for its customer over some events, up to an instant."""

    def __init__(self, trace: Trace, events: list[Event], until: int) -> None:
        self.trace = trace
        programs = [Program(journey) for journey in (trace.journey, *trace.beside)]
        catalogue = _catalogue(trace, programs)
        tape = tape_of(str(trace.given.get("customer", "ada")), events)
        self.world = World(
            tape=tape,
            segments=catalogue.segments,
            zone=catalogue.policy.fallback_zone,
            heard=catalogue.heard,
            kept=True,
            entry_read=True,
            decide=deciding(catalogue),
            resolve=catalogue.resolve,
            at_once=catalogue.policy.journeys_at_once,
            watcher=self,
        )
        self._stood: list[tuple[int, str]] = []
        nobody = Runs.empty(np.empty(0, np.int64), np.empty(0, np.int64))
        players = [Playing((one,), self.world, np.zeros(1, np.int64), until, nobody) for one in programs]
        self.player = players[0]
        play([*from_the_start(catalogue.followed, self.world, until), *players], self.world, until)

    def considered(self, journey: str, triggers: Codes, rows: Ints, now: Ints, refused: Codes) -> None:
        """Of no interest here."""

    def asked(self, rule: Rule, cohort: Cohort) -> None:
        """Of no interest here."""

    def stood(self, journey: str, step: str, runs: Some, exits: Codes, due: Ints) -> None:
        """Remember where the customer stood."""
        if journey == self.trace.journey.name:
            self._stood.append((int(runs.now[0]), step))

    def left(self, journey: str, runs: Some, reason: str) -> None:
        """Of no interest here."""

    def where(self) -> str:
        """The step on which the customer stands at the end."""
        inside = [int(at) for at in self.player.changed().left if at == NEVER]
        return self._stood[-1][1] if inside else "none"

    def last(self, name: str, step: str) -> tuple[int, Mapping[str, Any]]:
        """The run for which a step last did something by a mark of this name, and what that told."""
        for marks, _ in reversed(self.world.told):
            if marks.name == name and marks.properties["step"] == step:
                return int(marks.runs[-1]), marks.properties
        raise AssertionError(f"{step} has not done that yet: {name}")

    def happenings(self) -> list[Happening]:
        """All that happened, in order."""
        others = {journey.name for journey in self.trace.beside}
        told = [one for one in self.world.told if one[0].properties.get("journey") not in others]
        found = [
            (int(at), _said(marks.take(np.array([place]))))
            for marks, received in told
            for place, at in enumerate(received)
        ]
        events, why = self.player.refusals()
        found += [
            (int(at), f"refused: {REFUSALS[code]}") for at, code in zip(events.received, why, strict=True)
        ]
        return [Happening(at, text) for at, text in sorted(found, key=lambda one: one[0])]


def _catalogue(trace: Trace, programs: list[Program]) -> Catalogue:
    offered = tuple(Offered(number, (program,)) for number, program in enumerate(programs, start=1))
    known = Definitions(
        {name: parse(rule) for name, rule in trace.data.get("segments", {}).items()},
        {name: scores.parse({"score": name, **told}) for name, told in trace.data.get("scores", {}).items()},
        lifecycle.parse({"lifecycle": trace.data["lifecycle"]}) if "lifecycle" in trace.data else (),
    )
    followed = watched(known, [(offer.id, offer.newest.journey) for offer in offered])
    templates = {name: Template(name=name, **told) for name, told in trace.data.get("templates", {}).items()}
    allowed = policy.parse(trace.data.get("policy", {"otherwise": "none"}))
    return Catalogue(offered, known.named, known.stages, followed, templates, allowed)


def _said(marks: Marks) -> str:
    """One mark."""
    told = {**marks.properties, **{name: values[0] for name, values in marks.each.items()}}
    match marks.name:
        case "Journey Entered":
            return "enters"
        case "Journey Left":
            return "completed" if told["reason"] == "completed" else f"leaves: {told['reason']}"
        case "Message Planned":
            return f"send {told['template']} by {told['channel']}"
        case "Message Suppressed":
            return f"suppressed {told['template']}: {told['reason']}"
        case "Traits Set":
            return f"sets {', '.join(f'{name} = {value}' for name, value in marks.traits.items())}"
        case "Lifecycle Changed":
            return f"becomes {told['to']}"
        case "Score Changed":
            way = "reaches" if told["rising"] else "falls below"
            return f"score {told['score']} {way} {told['threshold']:g}"
        case _:
            return f"emits {marks.name}"


def _told(line: Line) -> str:
    """The line without its time, as a happening says it."""
    colon = ":" if line.verb in ("leaves", "refused") else ""
    return f"{line.verb}{colon} {line.rest}".strip()
