"""Pressure: how many messages a customer gets in some calendar days, and at which hours none.

Days and hours are those of the customer's own clock.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.message.gate import PASSES, Gate, Sends, Zones
from sojourn.message.marks import ANY, Tapes, told
from sojourn.tape import zones
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.quota import NOT_OVER, over_quota
from sojourn.tape.tape import LONG_AGO, NEVER, Bools, Codes, Ints

Then = Literal["hold", "suppress"]


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many messages in so many calendar days, today among them."""

    at_most: int
    days: int = 1
    channel: str = ""  # "": all together
    purpose: str = ""  # "": all together
    then: Then = "hold"

    def check(self, place: str) -> None:
        """Raises Invalid where the cap would hold messages for ever or lets none be counted."""
        if not 1 <= self.at_most <= 1000:
            raise Invalid("at_most is 1 to 1000; pause a purpose to send none", place=f"{place}.at_most")
        if not 1 <= self.days <= 366:
            raise Invalid("days is 1 to 366", place=f"{place}.days")

    @property
    def reason(self) -> str:
        per = {1: "a day", 7: "a week"}.get(self.days, f"in {self.days} days")
        return " ".join(part for part in ("cap:", str(self.at_most), per, self.channel, self.purpose) if part)


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """Hours of the day at which nothing is sent, from one time to another, over midnight or not."""

    since: str
    until: str
    channels: tuple[str, ...] = ()  # (): all
    exempt: tuple[str, ...] = ("transactional",)  # purposes
    then: Then = "hold"

    def check(self, place: str) -> None:
        """Raises Invalid where a time is none or the hours are no hours."""
        for name, text in (("from", self.since), ("to", self.until)):
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
                raise Invalid(f"{text!r} is no time of the day; write it as 22:00", place=f"{place}.{name}")
        if self.since == self.until:
            raise Invalid("from and to are the same time, so no hour is quiet", place=place)

    @property
    def window(self) -> tuple[int, int]:
        """From and to, in minutes of the day."""
        return _minute(self.since), _minute(self.until)

    @property
    def reason(self) -> str:
        return f"quiet hours {self.since} to {self.until}"


def quiet(sends: Sends, tapes: Tapes, hours: tuple[Quiet, ...], fallback: str) -> Gate:
    """Stops what falls into quiet hours; the first that are for a send's channel and purpose count."""
    zone = sends.zones(tapes, fallback)
    which = _governing(hours, sends)
    opens = _opens(sends.now, which, hours, zone)
    shut = opens > sends.now
    hold = np.array([each.then == "hold" for each in hours] + [True])[which]
    walls = zones.local(sends.now, *zone)
    return Gate(
        "quiet hours",
        np.where(shut, which, PASSES).astype(np.int16),
        tuple(each.reason for each in hours),
        np.where(shut & hold, opens, NEVER),
        {"minute_of_day": walls % zones.DAY // zones.MINUTE, "opens": opens},
    )


def capped(
    sends: Sends, tapes: Tapes, caps: tuple[Cap, ...], hours: tuple[Quiet, ...], fallback: str, asking: Bools
) -> Gate:
    """Stops what is over a cap, counting what was planned before and what this call allows before it.

    Only sends that no other gate stops (`asking`, bool[m]) are looked at and counted.  A held send
    waits for the first day on which there is room again, and then for the end of quiet hours.
    """
    zone = sends.zones(tapes, fallback)
    today = zones.local(sends.now, *zone) // zones.DAY
    since = np.stack([_midnight(today + 1 - cap.days, zone) for cap in caps], axis=1)
    over = _over(sends, tapes, caps, since, asking)
    room = np.stack([_room(over[:, index], cap, zone) for index, cap in enumerate(caps)], axis=1)
    # Of several caps the one that stops for longest is named; one that suppresses stops for ever.
    longest = room.argmax(axis=1)
    held = (over != NOT_OVER).any(axis=1)
    opens = _opens(room.max(axis=1), _governing(hours, sends), hours, zone)
    return Gate(
        "caps",
        np.where(held, longest, PASSES).astype(np.int16),
        tuple(cap.reason for cap in caps),
        np.where(held, opens, NEVER),
        {f"{cap.reason}, since": since[:, index] for index, cap in enumerate(caps)},
    )


def _governing(hours: tuple[Quiet, ...], sends: Sends) -> Codes:
    """Which quiet hours are for each send, int32[m]; len(hours) where none are."""
    found = np.full(len(sends), len(hours), np.int32)
    for index in reversed(range(len(hours))):
        each = hours[index]
        channels = [not each.channels or name in each.channels for name in sends.channel_names]
        purposes = [name not in each.exempt for name in sends.purpose_names]
        here = np.array(channels, bool)[sends.channels] & np.array(purposes, bool)[sends.purposes]
        found[here] = index
    return found


def _opens(now: Ints, which: Codes, hours: tuple[Quiet, ...], zone: Zones) -> Ints:
    """The first instants, not before `now`, outside of the quiet hours that are for each: int64[m]."""
    opens = now.copy()
    codes, names, fallback = zone
    for index, each in enumerate(hours):
        at = np.flatnonzero(which == index)
        opens[at] = zones.next_outside(opens[at], each.window, codes[at], names, fallback)
    return opens


def _midnight(dates: Ints, zone: Zones) -> Ints:
    return zones.instant(dates * zones.DAY, *zone)


def _room(aged: Ints, cap: Cap, zone: Zones) -> Ints:
    """When a cap has room again: on the day on which the message `aged` does not count any more."""
    over = aged != NOT_OVER
    dates = zones.local(np.where(over, aged, 0), *zone) // zones.DAY
    again = NEVER if cap.then == "suppress" else _midnight(dates + cap.days, zone)
    return np.where(over, again, LONG_AGO)


def _over(sends: Sends, tapes: Tapes, caps: tuple[Cap, ...], since: Ints, asking: Bools) -> Ints:
    """The planned messages whose ageing makes room, int64[m, caps]; NOT_OVER where there is room."""
    order = np.lexsort((sends.keys, sends.priority, sends.now, sends.rows))
    customers, firsts = np.unique(sends.rows[order], return_index=True)
    over = np.full((len(sends), len(caps)), NOT_OVER)
    over[order] = over_quota(
        np.append(firsts, len(sends)),
        sends.now[order],
        sends.channel_hashes[order],
        sends.purpose_hashes[order],
        asking[order],
        *_planned(tapes, customers, np.append(sends.now, 0).max()),
        np.array([hash_text(cap.channel) if cap.channel else ANY for cap in caps], np.int64),
        np.array([hash_text(cap.purpose) if cap.purpose else ANY for cap in caps], np.int64),
        np.array([cap.at_most for cap in caps], np.int64),
        since[order].reshape(-1),
    ).reshape(len(sends), len(caps))
    return over


def _planned(tapes: Tapes, customers: Ints, until: np.int64) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """What was planned for each customer: starts, then times, received, channels, purposes by time."""
    marks = told(tapes, ("Message Planned",), customers, np.full(len(customers), until))
    order = np.lexsort((marks.times, marks.questions))
    starts = np.searchsorted(marks.questions[order], np.arange(len(customers) + 1))
    columns = (marks.times, marks.received, marks.channels, marks.text("purpose"))
    times, received, channels, purposes = (column[order] for column in columns)
    return starts, times, received, channels, purposes


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])
