"""The customers of a simulation: what they do, when it reaches us, and how they answer what they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.event import IDENTIFIED, Event, Origin, Value
from sojourn.runtime.simulate.drawing import EVENTS
from sojourn.store import effects, log
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS
from sojourn.store.reach import consents
from sojourn.tape.hashing import hash_text, mix

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "nowhere")


@dataclass(frozen=True)
class Request:
    """What one client sends at an instant, and sends again until it is told that it is stored."""

    at: int  # microseconds UTC
    events: tuple[Event, ...]


class Crowd:
    """So many customers from `begin` on for some days; strangers are known by name only when they log in."""

    def __init__(self, dice: Random, customers: int, begin: int, days: int, *, strangers: bool) -> None:
        self._dice, self._begin, self._span = dice, begin, days * DAY
        self._logins = [begin + strangers * dice.randrange(self._span) for _ in range(customers)]

    def requests(self, events: int) -> list[Request]:
        """Who they are and what they do, in order of arrival; some of it comes late, some comes twice."""
        made = [self._logged_in(who, at, nth) for who, at in enumerate(self._logins) for nth in range(2)]
        number = 0
        while number < events:
            at = self._begin + self._dice.randrange(self._span)
            size = self._dice.randint(1, 12)
            made.append(Request(at, tuple(self._done(number + n, at) for n in range(size))))
            number += size
            if self._dice.random() < 0.1:
                made.append(Request(at + self._dice.randrange(DAY), made[-1].events))
        return _gathered(sorted(made, key=lambda request: request.at))

    def _logged_in(self, who: int, at: int, nth: int) -> Request:
        """They are the `nth` of their devices from now on, and tell how to reach them."""
        traits: dict[str, Value] = {"email": f"p{who}@example.org", "phone": f"+49301234{who:03}"}
        if self._dice.random() < 0.5:
            traits["trial_ends"] = f"2026-03-{self._dice.randint(1, 31):02}"
        if self._dice.random() < 0.5:
            traits["timezone"] = self._dice.choice(_ZONES)
        both = (("user_id", f"p{who}"), ("anonymous_id", f"a{who}.{nth}"))
        return Request(at, (_event(f"login {who} {nth}", IDENTIFIED, both, at, {}, traits),))

    def _done(self, number: int, at: int) -> Event:
        who = self._dice.randrange(len(self._logins))
        device = ("anonymous_id", f"a{who}.{self._dice.randrange(2)}")
        known = (("user_id", f"p{who}"),) if at >= self._logins[who] else (device,)
        happened = at - self._dice.choice([0, 0, self._dice.randrange(2 * HOUR)])
        if self._dice.random() < 0.1:
            plan: dict[str, Value] = {"plan": self._dice.choice(["paid", "free"])}
            return _event(f"trait {number}", IDENTIFIED, known, happened, {}, plan)
        told: dict[str, Value] = {
            "value": self._dice.randint(0, 9),
            "cart": f"c{self._dice.randint(0, 3)}",
        }
        return _event(f"event {number}", self._dice.choice(EVENTS), known, happened, told, {})


def _gathered(made: list[Request]) -> list[Request]:
    """The requests of one instant as one."""
    together: dict[int, tuple[Event, ...]] = {}
    for request in made:
        together[request.at] = together.get(request.at, ()) + request.events
    return [Request(at, events) for at, events in together.items()]


def _event(
    message_id: str,
    name: str,
    identities: tuple[tuple[str, str], ...],
    happened: int,
    properties: dict[str, Value],
    traits: dict[str, Value],
) -> Event:
    return Event(
        hash_text(message_id), name, identities, happened, happened, Origin.SERVER, properties, traits
    )


def click(connection: Connection, names: Names, effect: int, now: int) -> None:
    """The reader of a message follows a link in it."""
    _tell(connection, names, "Email Link Clicked", effect, now)


def unsubscribe(connection: Connection, names: Names, effect: int, now: int) -> None:
    """The reader of a message wants no more of its kind."""
    sent = effects.by_key(connection, np.array([effect]))
    consents.lock(connection, sent.customers.tolist())
    consents.state(
        connection,
        consents.Statements(
            customers=sent.customers,
            channels=sent.channels,
            purposes=sent.purposes,
            states=["withdrawn"],
            at=np.array([now]),
            sources=["unsubscribe link"],
            proofs=["{}"],
        ),
    )
    _tell(connection, names, "Unsubscribed", effect, now)


def _tell(connection: Connection, names: Names, name: str, effect: int, now: int) -> None:
    """Put an event about a message on its reader's tape, as the pages do that they meet."""
    sent = effects.by_key(connection, np.array([effect]))
    about = f'{{"channel":"{sent.channels[0]}","purpose":"{sent.purposes[0]}",{sent.data[0][1:]}'
    event = log.Events(
        partitions=sent.customers % PARTITIONS,
        subjects=sent.customers,
        keys=mix(sent.keys, hash_text(name), now),
        runs=sent.runs,
        names=names.codes(connection, [name]),
        happened=np.array([now]),
        received=np.array([now]),
        origins=np.array([int(Origin.OURS)]),
        properties=[about],
        traits=[""],
    )
    log.append(connection, event)
