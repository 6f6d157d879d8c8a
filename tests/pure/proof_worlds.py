"""Small made-up worlds in which customers enter journeys, some held out, and buy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from sojourn.tape.build import build
from sojourn.tape.tape import Column, Tape

DAY = 86_400_000_000
BOUGHT = {"performed": "Order Completed", "since": "entry"}
NAMES = ("Journey Entered", "Journey Left", "Order Completed", "Seen", "Variant Given")


@dataclass
class Told:
    """Events to be laid on a tape, with what they carry."""

    customers: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    carried: list[dict[str, object]] = field(default_factory=list)

    def say(self, customer: int, time: int, name: str, **carried: object) -> None:
        self.customers.append(customer)
        self.times.append(time)
        self.names.append(name)
        self.carried.append(carried)

    def enters(self, customer: int, time: int, journey: str = "welcome", held: str = "") -> None:
        """As the machine marks it: who is held out leaves at once."""
        self.say(customer, time, "Journey Entered", journey=journey, version=1)
        if held:
            self.say(customer, time + 1, "Journey Left", journey=journey, version=1, reason=held)

    def tape(self, everyone: Iterable[int] = ()) -> Tape:
        names = np.array([NAMES.index(name) for name in self.names], np.int32)
        properties = {}
        for key in {key for carried in self.carried for key in carried}:
            rows = [n for n, carried in enumerate(self.carried) if key in carried]
            values: list[float | str | None] = [self.carried[n][key] for n in rows]  # type: ignore[misc]
            properties[key] = Column.of(np.array(rows, np.int64), values)
        owners, times = np.array(self.customers, np.int64), np.array(self.times, np.int64)
        extra = np.array(sorted(everyone), np.int64)
        return build(owners, times, None, names, NAMES, properties=properties, everyone=extra)


def world(seed: int, customers: int = 60) -> Told:
    """Customers who enter a journey or two, some held out, and buy before, in time and after."""
    dice, told = np.random.default_rng(seed), Told()
    for customer in range(1, customers + 1):
        told.say(customer, int(dice.integers(0, 40)) * DAY, "Seen")
        held = ("holdout", "global holdout", "", "")[dice.integers(0, 4)]
        for visit in range(int(dice.integers(0, 3))):
            mixed = held and dice.random() < 0.1
            time = int(dice.integers(0, 60)) * DAY + 1000 * visit
            told.enters(customer, time, ("welcome", "other")[dice.integers(0, 2)], "" if mixed else held)
        for _ in range(int(dice.integers(0, 4))):
            amount = float(dice.integers(0, 100))
            carried = ({"total": amount}, {"revenue": amount, "total": amount + 7}, {})[dice.integers(0, 3)]
            paid_in = ({"currency": "EUR"}, {"currency": "USD"}, {})[dice.integers(0, 3)]
            told.say(customer, int(dice.integers(0, 90)) * DAY + 5, "Order Completed", **carried, **paid_in)
    return told
