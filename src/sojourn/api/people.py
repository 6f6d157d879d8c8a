"""Names customers in requests: by any id that their events carry, as `email:ada@example.org`."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.api.parts import Parts
from sojourn.customer.identity import IdentityRules, normal
from sojourn.errors import Invalid, NotFound
from sojourn.lake.layout import Wanted
from sojourn.store import customers
from sojourn.store.customers import Identified
from sojourn.tape.tape import Ints, Tape

_KINDS = ("user_id", "email", "anonymous_id", "phone")
"""The kinds by which somebody is looked for who is named without one."""

_RULES = IdentityRules()


class Person(msgspec.Struct, frozen=True, rename="camel"):
    """Who a request is about; at least one id of theirs."""

    user_id: str = ""
    anonymous_id: str = ""
    email: str = ""
    phone: str = ""

    def identities(self) -> list[tuple[str, str]]:
        """The ids that are given; raises Invalid where none is one."""
        named = ((kind, getattr(self, kind)) for kind in _KINDS)
        found = [identity for kind, value in named if value and (identity := normal(kind, value, _RULES))]
        if not found:
            raise Invalid("one of userId, anonymousId, email and phone is required")
        return [(identity.kind, identity.value) for identity in found]


def customer_named(connection: Connection, name: str) -> int:
    """The customer with this id, `KIND:VALUE` or a value of any usual kind; raises NotFound."""
    kind, colon, value = name.partition(":")
    asked = ((kind, value),) if colon and kind else tuple((known, name) for known in _KINDS)
    named = [identity for one in asked if (identity := normal(*one, _RULES))]
    found = customers.find(connection, [(one.kind, one.value) for one in named]).customers
    if not found.any():
        raise NotFound(f"nobody is known as {name!r}")
    return int(found[found > 0][0])


def subjects_of(connection: Connection, customer: int) -> Ints:
    """All subjects of a customer, int64[k], strictly increasing."""
    ids: Ints = customers.subjects_of(connection, customer)["id"]
    return ids


def identified(connection: Connection, person: Person, now: int) -> int:
    """The customer that a request is about, made if nobody knows them yet: their first id's."""
    found: Identified = customers.identify(connection, person.identities()[:1], now)
    return int(np.asarray(found.customers)[0])


async def tape_of(parts: Parts, name: str) -> Tape:
    """The tape of the customer with this id, who stands on it even without an event; raises NotFound."""

    def found(connection: Connection) -> tuple[int, Ints]:
        customer = customer_named(connection, name)
        return customer, subjects_of(connection, customer)

    customer, subjects = await parts.read(found)
    wanted = Wanted(subjects=subjects, everyone=np.array([customer]))
    return await asyncio.to_thread(parts.history.tape, wanted)
