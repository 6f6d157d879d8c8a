"""Customers: who somebody is, what is known of them, what happened to them and what they allow."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from litestar import get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.api.people import customer_named, subjects_of
from sojourn.api.resource import Resource
from sojourn.api.visitors.consent import state, waiting
from sojourn.api.visitors.told import Mark, tell
from sojourn.customer.traits import profiles
from sojourn.lake.layout import Wanted
from sojourn.message.consent import Consent
from sojourn.message.optin import VALID
from sojourn.message.tokens import Confirmation
from sojourn.runtime.explain import iso
from sojourn.store import customers
from sojourn.store.reach import consents
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Tape

ASKED = "Consent Asked"
"""The event that a journey may send the confirmation on: its property `confirm_url` is the link."""


class Identity(msgspec.Struct, frozen=True):
    """One id of a customer."""

    kind: str
    value: str


class Customer(msgspec.Struct, frozen=True):
    """Who somebody is, and what is known of them now."""

    id: int
    identities: tuple[Identity, ...]
    traits: dict[str, str | int | float]


class Event(msgspec.Struct, frozen=True):
    """One event of a tape; instants are ISO 8601, UTC."""

    name: str
    happened: str
    received: str
    properties: dict[str, str | int | float]
    traits: dict[str, str | int | float]


class Statement(msgspec.Struct, frozen=True):
    """What a customer said of messages by a channel for a purpose; empty means all."""

    state: str
    channel: str
    purpose: str
    source: str
    at: str


class Wish(msgspec.Struct, frozen=True):
    """What to write down: given or withdrawn, or `asked`, which waits for the customer to confirm it."""

    state: Literal["given", "withdrawn", "asked"]
    channel: str = ""
    purpose: str = ""
    source: str = "api"
    text_version: str = ""


class Written(msgspec.Struct, frozen=True):
    """What was written down; `confirm_url` is where a customer who was asked confirms it."""

    state: str
    confirm_url: str = ""


@get("/{name:str}")
async def one(name: FromPath[str], parts: Given) -> Customer:
    """The customer with this id: `email:ada@example.org`, or a value of any usual kind."""
    customer, known = await parts.read(partial(_found, name=name))
    tape = await asyncio.to_thread(parts.history.tape, Wanted(subjects=known["id"]))
    now = np.array([parts.database.now()])
    traits = profiles((tape,), np.array([0]), now)[0] if len(tape.customers) else {}
    identities = zip(known["kind"], known["value"], strict=True)
    return Customer(customer, tuple(Identity(kind, value) for kind, value in identities), dict(traits))


@get("/{name:str}/events")
async def events(
    name: FromPath[str], parts: Given, limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100
) -> list[Event]:
    """What happened to a customer and what we did, the latest first."""
    _, known = await parts.read(partial(_found, name=name))
    tape = await asyncio.to_thread(parts.history.tape, Wanted(subjects=known["id"]))
    return _events(tape, limit)


@get("/{name:str}/consents")
async def said(name: FromPath[str], parts: Given) -> list[Statement]:
    """All that a customer has said of messages, in order; the ledger forgets nothing."""
    return await parts.read(partial(_said, name=name))


@post("/{name:str}/consents", status_code=200)
async def say(name: FromPath[str], data: JSONBody[Wish], parts: Given) -> Written:
    """Write down what a customer said of messages, or ask them to confirm it themselves."""
    return await parts.write(partial(_say, parts=parts, name=name, wish=data))


resource = Resource("customers", (one, events, said, say))


def _found(connection: Connection, name: str) -> tuple[int, dict[str, Any]]:
    customer = customer_named(connection, name)
    return customer, customers.subjects_of(connection, customer)


def _events(tape: Tape, limit: int) -> list[Event]:
    n = len(tape)
    places = range(n - 1, max(n - limit, 0) - 1, -1)
    carried = [_carried(tape, columns, n - len(places)) for columns in (tape.properties, tape.traits)]
    return [
        Event(
            name=tape.vocabulary[tape.names[place]],
            happened=iso(int(tape.times[place])),
            received=iso(int(tape.received[place])),
            properties=carried[0].get(place, {}),
            traits=carried[1].get(place, {}),
        )
        for place in places
    ]


def _carried(tape: Tape, columns: Any, first: int) -> dict[int, dict[str, str | int | float]]:
    """What the events from a position on carry, by position."""
    found: dict[int, dict[str, str | int | float]] = {}
    for name in columns:
        column = columns[name]
        for row in np.flatnonzero(column.positions >= first).tolist():
            code, number = column.codes[row], float(column.numbers[row])
            if code >= 0:
                found.setdefault(int(column.positions[row]), {})[name] = column.texts[code]
            elif not np.isnan(number):
                whole = int(number) if number.is_integer() else number
                found.setdefault(int(column.positions[row]), {})[name] = whole
    return found


def _said(connection: Connection, name: str) -> list[Statement]:
    subjects = subjects_of(connection, customer_named(connection, name))
    rows = consents.of_customers(connection, subjects.tolist())
    instants = map(iso, rows.at.tolist())
    return list(map(Statement, rows.states, rows.channels, rows.purposes, rows.sources, instants))


def _say(connection: Connection, parts: Parts, name: str, wish: Wish) -> Written:
    now, customer = parts.database.now(), customer_named(connection, name)
    if wish.state == "asked":
        return Written("asked", _ask(connection, parts, customer, wish, now))
    consent = Consent(wish.state, now, wish.channel, wish.purpose, wish.source, wish.text_version)
    key = int(mix(hash_text(f"{wish.state}.{wish.channel}.{wish.purpose}"), customer, now)[0])
    state(connection, parts, customer, consent, key)
    return Written(wish.state)


def _ask(connection: Connection, parts: Parts, customer: int, wish: Wish, now: int) -> str:
    key = int(mix(hash_text(ASKED), hash_text(f"{wish.channel}.{wish.purpose}"), customer, now)[0])
    token = parts.publicly.keys.sign(Confirmation(key, now + VALID))
    asked = consents.Optin(customer, wish.channel, wish.purpose, now, now + VALID)
    consents.ask(connection, waiting(token), asked)
    url = f"{parts.publicly.address}/confirm/{token}"
    told = {"channel": wish.channel, "purpose": wish.purpose, "source": wish.source, "confirm_url": url}
    tell(connection, parts.names, [Mark(key, ASKED, customer, now, told)], now)
    return url
