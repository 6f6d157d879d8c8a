"""Asks and effects: what steps want done, and the same stamped with keys that every replay repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from sojourn.rule.definition import EVENTS
from sojourn.tape.build import build
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Bools, Codes, Column, Ints, Tape


class Send(msgspec.Struct, frozen=True, tag="send"):
    """Say something to the customer, if policy allows it."""

    template: str
    purpose: str = ""
    channel: str = ""
    go_on: bool = False  # a held send does not keep its run on the step


class Notice(msgspec.Struct, frozen=True, tag="notice"):
    """Tell somebody of the team about the customer; policy has no say in it."""

    template: str
    to: str = ""  # an address of the template's channel; by default the one of its settings
    channel: str = ""


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """Put an event on the customer's own tape, with properties and new values of traits."""

    name: str
    properties: Mapping[str, object] = {}
    traits: Mapping[str, object] = {}


TRAITS_SET = "Traits Set"
"""The event by which a step sets traits; who hears of it hears of whatever carries traits."""

Ask = Send | Mark | Notice
Values = npt.NDArray[Any]
"""One value for each of n runs: float64[n] (NaN: none) or texts, object[n] ('' : none)."""
Reasons = npt.NDArray[np.signedinteger[Any]]

_OURS = frozenset(name for names in EVENTS.values() for name in names) | {
    "Consent Given",
    "Consent Withdrawn",
    "Customer Erased",
    "Date Reached",
    "Incentive Given",
    "Journey End Requested",
    "Journey Entered",
    "Journey Left",
    "Lifecycle Changed",
    "List Joined",
    "List Left",
    "Message Planned",
    "Message Suppressed",
    "Notice Given",
    "Owner Assigned",
    "Points Added",
    "Score Changed",
    "Segment Entered",
    "Segment Left",
    "Task Completed",
    "Task Created",
    "Task Overdue",
    "Traits Set",
    "Unsubscribed",
    "Variant Given",
}
_FATES = (" Bounced", " Marked as Spam")  # of any channel: policy sends nothing more after one


def believed(name: str) -> bool:
    """Whether policy, segments or reports take an event of this name at its word, as only we may give it."""
    return name in _OURS or name.endswith(_FATES)


@dataclass(frozen=True, eq=False)
class Effects:
    """One ask of one step, by the k runs that made it at their own instants."""

    ask: Ask
    journey: str
    version: int
    step: str
    runs: Ints  # int64[k], run ids
    rows: Ints  # int64[k], customers' places on the tape
    now: Ints  # int64[k], microseconds UTC
    keys: Ints  # int64[k], effect keys
    entries: Ints  # int64[k], keys of the events that the runs entered by
    reasons: Reasons | None = None  # int[k], of suppressed sends: codes of reason_names
    reason_names: tuple[str, ...] = ()
    properties: Mapping[str, Values] = field(default_factory=dict)  # of a mark, that differ by run
    traits: Mapping[str, Values] = field(default_factory=dict)  # likewise

    def __len__(self) -> int:
        return len(self.runs)

    def only(self, chosen: Bools) -> Effects:
        """Those of `chosen`, bool[k]."""
        columns = {name: getattr(self, name)[chosen] for name in ("runs", "rows", "now", "keys", "entries")}
        reasons = None if self.reasons is None else self.reasons[chosen]
        properties, traits = _chosen(self.properties, chosen), _chosen(self.traits, chosen)
        return replace(self, reasons=reasons, properties=properties, traits=traits, **columns)


@dataclass(frozen=True, eq=False)
class Marks:
    """k events of one name that the machine puts on tapes.

    `properties` and `traits` are the same of all, `each` and `each_trait` hold those that differ.
    """

    name: str
    properties: Mapping[str, object]
    traits: Mapping[str, object]
    rows: Ints  # int64[k], customers' places on the tape
    now: Ints  # int64[k], the instant of the wake; the tape gives it its own just after
    runs: Ints  # int64[k]
    keys: Ints  # int64[k], event keys
    ahead: bool = False  # assumed: they lie ahead, and are met at `now` itself
    each: Mapping[str, Values] = field(default_factory=dict)
    each_trait: Mapping[str, Values] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def carried(self) -> frozenset[str]:
        """The traits that they give values."""
        return frozenset({*self.traits, *self.each_trait})

    def take(self, index: Ints) -> Marks:
        """The marks at `index`, in that order."""
        columns = {name: getattr(self, name)[index] for name in ("rows", "now", "runs", "keys")}
        each, each_trait = _chosen(self.each, index), _chosen(self.each_trait, index)
        return replace(self, each=each, each_trait=each_trait, **columns)

    def tape(self, received: Ints, customers: Ints) -> Tape:
        """The tape of these customers that holds just the marks, each met at its instant of `received`."""
        n = len(self)
        return build(
            customers=customers[self.rows],
            times=received.copy(),
            received=None,
            names=np.zeros(n, np.int32),
            vocabulary=(self.name,),
            keys=self.keys,
            runs=self.runs,
            properties=_columns(self.properties, self.each, n),
            traits=_columns(self.traits, self.each_trait, n),
            everyone=customers,
        )

    @staticmethod
    def of(
        effects: Effects,
        name: str,
        properties: Mapping[str, object],
        traits: Mapping[str, object] | None = None,
    ) -> Marks:
        """One mark for each effect, with the effect's key."""
        told = {"journey": effects.journey, "step": effects.step, **properties}
        return Marks(
            name,
            told,
            traits or {},
            effects.rows,
            effects.now,
            effects.runs,
            effects.keys,
            each=effects.properties,
            each_trait=effects.traits,
        )


def effect_keys(runs: Ints, hops: Codes, slot: int = 0) -> Ints:
    """Keys of what the runs ask on the step they reached as their `hops`-th: int64[n], never 0."""
    return mix(runs, hops.astype("int64"), slot)


def _chosen(values: Mapping[str, Values], index: Ints | Bools) -> dict[str, Values]:
    return {name: value[index] for name, value in values.items()}


def _columns(same: Mapping[str, object], each: Mapping[str, Values], n: int) -> dict[str, Column]:
    columns = {name: _constant(value, n) for name, value in same.items()}
    return columns | {name: _varying(values) for name, values in each.items()}


def _varying(values: Values) -> Column:
    if values.dtype == np.float64:
        there = np.flatnonzero(~np.isnan(values))
        return Column(there, values[there], np.full(len(there), -1, np.int32), ())
    there = np.flatnonzero(values != "")
    texts, codes = np.unique(values[there].astype(str), return_inverse=True)
    return Column(there, np.full(len(there), np.nan), codes.astype(np.int32), tuple(texts.tolist()))


def _constant(value: object, n: int) -> Column:
    positions = np.arange(n)
    if isinstance(value, (bool, int, float)):
        return Column(positions, np.full(n, float(value)), np.full(n, -1, np.int32), ())
    return Column(positions, np.full(n, np.nan), np.zeros(n, np.int32), (str(value),))
