"""Assumes the responses to messages that history does not hold, and says by which rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from sojourn.journey.effects import Effects, Marks, Send
from sojourn.journey.world import World
from sojourn.rule.compare import values_at
from sojourn.rule.definition import EVENTS, Comparison, Condition, Outcome, What
from sojourn.rule.where import BY_MACHINE, where
from sojourn.runtime.catalogue import Catalogue
from sojourn.tape.grain import on_grain
from sojourn.tape.hashing import hash_text, mix, share
from sojourn.tape.selection import select
from sojourn.tape.tape import Bools, Ints, Tape

ENOUGH = 30
"""With fewer messages than this a rate of one's own says too little (definitions.md 3)."""

FIGURES: Mapping[What, float] = {"sent": 1.0, "delivered": 1.0, "opened": 0.3, "clicked": 0.03}
"""What is assumed where neither history nor the user says anything."""

AFTER: Mapping[What, int] = {"sent": 1, "delivered": 60, "opened": 7_200, "clicked": 7_500}
"""How long after the plan a response is assumed, in seconds."""

ANSWERS: Sequence[What] = ("opened", "clicked")
"""What customers do of their own accord; the ends of the range are nobody and everybody."""


class Assumption(msgspec.Struct, frozen=True):
    """The share of a template's messages that a response was assumed of; `n` messages tell it."""

    template: str
    what: str
    rate: float
    source: str  # template, channel, given or default
    n: int


@dataclass(eq=False)
class Responses:
    """Draws responses by hash of the effect key: by rate or, if `everybody` is set, all or none."""

    catalogue: Catalogue
    history: Tape
    given: Mapping[str, float] = field(default_factory=dict)
    everybody: bool | None = None
    asked: Sequence[Outcome] = ()  # by the rules of the journey
    used: dict[tuple[str, What], Assumption] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [name for names in EVENTS.values() for name in names]
        told = select(self.history, names).positions
        self._told = np.unique(_said(self.history, told)) if len(self.history.runs) else told[:0]

    def __call__(self, world: World, effects: Effects) -> list[Marks]:
        """The responses to these sends, at instants ahead; none where history holds the real ones."""
        assert isinstance(effects.ask, Send)
        send = self.catalogue.resolve(effects.ask)
        effects = effects.only(~np.isin(mix(effects.runs, hash_text(effects.step)), self._told))
        told = {"template": send.template, "channel": send.channel}
        marks: list[Marks] = []
        for what in AFTER:
            name = _event(what, send.channel)
            if name in world.heard and self._matters(what, effects, send) and len(effects):
                chosen = effects.only(self._drawn(effects, send, what))
                found = Marks.of(chosen, name, told)
                marks.append(_later(found, mix(found.keys, hash_text(name)), AFTER[what] * 1_000_000))
        return marks

    def _matters(self, what: What, effects: Effects, send: Send) -> bool:
        """Whether some rule asks for this outcome of this message."""
        return any(
            one.what == what
            and one.step in ("", effects.step)
            and one.journey in ("", effects.journey)
            and one.template in ("", send.template)
            for one in self.asked
        )

    def _drawn(self, effects: Effects, send: Send, what: What) -> Bools:
        assumption = self.used.setdefault((send.template, what), self._rate(send, what))
        if self.everybody is not None and what in ANSWERS:
            return np.full(len(effects), self.everybody)
        # Clicks come out of the openers: both are drawn by one number.
        return share(mix(effects.keys, hash_text("response"))) < assumption.rate

    def _rate(self, send: Send, what: What) -> Assumption:
        for source, condition in (("template", send.template), ("channel", "")):
            sent, answered = self._measured(send.channel, what, condition)
            if sent >= ENOUGH:
                return Assumption(send.template, what, answered / sent, source, sent)
        if what in self.given:
            return Assumption(send.template, what, self.given[what], "given", 0)
        return Assumption(send.template, what, FIGURES[what], "default", 0)

    def _measured(self, channel: str, what: What, template: str) -> tuple[int, int]:
        """How many messages history holds, and how many of them customers (not machines) answered so."""
        asked = (Condition("template", (Comparison("is", template),)),) if template else ()
        sent = _runs(self.history, _event("sent", channel), asked, machines=True)
        answered = _runs(self.history, _event(what, channel), asked, machines=False)
        return len(sent), len(np.intersect1d(sent, answered))


def _said(tape: Tape, positions: Ints) -> Ints:
    """Which step of which run each of these outcomes is of, as a hash: int64[k]."""
    steps = values_at(tape.properties["step"], positions)
    hashes = np.array([*(hash_text(step) for step in steps.column.texts), 0], np.int64)
    return mix(tape.runs[positions], hashes[steps.codes])


def _runs(tape: Tape, name: str, asked: tuple[Condition, ...], machines: bool) -> Ints:
    """The runs that have such an event, each once."""
    if name not in tape.codes or not len(tape.runs):
        return np.empty(0, np.int64)
    mask = where(tape, asked)
    if not machines:
        mask &= ~where(tape, BY_MACHINE)
    return np.unique(tape.runs[select(tape, [name], mask).positions])


def _event(what: What, channel: str) -> str:
    prefix = {"sms": "SMS"}.get(channel, channel.capitalize())
    return next((name for name in EVENTS[what] if name.startswith(prefix)), "")


def _later(marks: Marks, keys: Ints, delay: int) -> Marks:
    return Marks(
        marks.name,
        marks.properties,
        marks.traits,
        marks.rows,
        on_grain(marks.now + delay),
        marks.runs,
        keys,
        ahead=True,
    )
