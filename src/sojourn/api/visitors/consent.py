"""The pages by which customers unsubscribe and by which they confirm that they subscribed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.api.tracking.calls import address
from sojourn.api.visitors.page import neutral, page
from sojourn.api.visitors.told import Mark, sent, tell
from sojourn.message.consent import DOUBLE_OPT_IN, Consent
from sojourn.message.tokens import Confirmation, Recipient
from sojourn.store import customers
from sojourn.store.reach import consents
from sojourn.store.reach.consents import Statements
from sojourn.tape.hashing import hash_text, mix

UNSUBSCRIBED = "Unsubscribed"
_LINK = "unsubscribe link"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@get("/u/{token:str}")
async def offer_unsubscribe(token: FromPath[str], parts: Given) -> Response[str]:
    """A page with a button; looking at it changes nothing, as mail scanners look at everything."""
    named = parts.publicly.keys.verify(token, Recipient)
    if named is None:
        return neutral()
    return page("Unsubscribe", f"Press the button to get no more {_about(named)}.", "Unsubscribe")


@post("/u/{token:str}", status_code=200)
async def unsubscribe(request: Request[Any, Any, Any], token: FromPath[str], parts: Given) -> Response[str]:
    """Unsubscribe, by the button or by a mail client in one click (RFC 8058).

    The body says `List-Unsubscribe=One-Click` in one encoding or another; the token says all there
    is to know.  Pressing it again changes nothing, and there is never a redirect.
    """
    named = parts.publicly.keys.verify(token, Recipient)
    if named is None:
        return neutral()
    client = address(request, parts.settings)
    await parts.write(partial(withdraw, parts=parts, named=named, source=_LINK, client=client))
    return page("You are unsubscribed", f"You will get no more {_about(named)}.")


@get("/confirm/{token:str}")
async def offer_confirmation(token: FromPath[str], parts: Given) -> Response[str]:
    """A page with a button; a scanner that fetches it confirms nothing."""
    named = parts.publicly.keys.verify(token, Confirmation)
    if named is None:
        return neutral()
    if named.expires <= parts.database.now():
        return _expired()
    return page("Almost done", "Press the button to confirm that you want to hear from us.", "Confirm")


@post("/confirm/{token:str}", status_code=200)
async def confirm(request: Request[Any, Any, Any], token: FromPath[str], parts: Given) -> Response[str]:
    """Confirm a subscription, once and in time; the second time changes nothing."""
    named = parts.publicly.keys.verify(token, Confirmation)
    if named is None:
        return neutral()
    if named.expires <= parts.database.now():
        return _expired()
    client = address(request, parts.settings)
    await parts.write(partial(_confirm, parts=parts, token=token, client=client))
    return page("Thank you", "Your subscription is confirmed.")


def waiting(token: str) -> str:
    """The hash under which an opt-in waits for its token."""
    return hashlib.sha256(token.encode()).hexdigest()


def state(
    connection: Connection,
    parts: Parts,
    customer: int,
    said: Consent,
    key: int,
    mark: Mark | None = None,
    proof: Mapping[str, str] = _NOTHING,
) -> None:
    """Add a statement to the ledger and to the tape of the customer, whoever that is by now.

    What proves it beside the statement itself is kept in the ledger alone.
    """
    owners = _locked(connection, customer)
    consents.state(connection, _statements(owners, said, proof))
    name, properties = said.mark()
    mark = mark or Mark(key, name, customer, said.happened, properties)
    tell(connection, parts.names, [mark], parts.database.now())


def withdraw(
    connection: Connection,
    parts: Parts,
    named: Recipient,
    source: str,
    client: str = "",
    proof: Mapping[str, str] = _NOTHING,
) -> None:
    """Unsubscribe from what a message was; `source` is how they said so.  The second time changes nothing."""
    _locked(connection, named.customer)  # or two at once would both find nothing said yet
    if _is_withdrawn(connection, named):
        return
    now = parts.database.now()
    said = Consent("withdrawn", now, named.channel, named.purpose, source, ip=_hashed(parts, client))
    message = sent(connection, [named.effect]).get(named.effect)
    about = message.said if message else {"channel": named.channel, "purpose": named.purpose}
    key = int(mix(hash_text(UNSUBSCRIBED), named.effect, named.customer, now)[0])
    run = message.run if message else 0
    mark = Mark(key, UNSUBSCRIBED, named.customer, now, {**about, "source": source}, run=run)
    state(connection, parts, named.customer, said, key, mark, proof)


def _locked(connection: Connection, customer: int) -> list[int]:
    """Whoever the customer is by now, locked until the transaction ends."""
    owners = sorted({customer, *customers.customers_of(connection, np.array([customer])).tolist()} - {0})
    consents.lock(connection, owners)
    return owners


def _is_withdrawn(connection: Connection, named: Recipient) -> bool:
    """Whether the last that was said of just this is a no."""
    said = consents.of_customers(connection, [named.customer])
    about = [
        what
        for what, channel, purpose in zip(said.states, said.channels, said.purposes, strict=True)
        if channel in {"", named.channel} and purpose in {"", named.purpose}
    ]
    return bool(about) and about[-1] == "withdrawn"


def _confirm(connection: Connection, parts: Parts, token: str, client: str) -> None:
    now = parts.database.now()
    asked = consents.confirm(connection, waiting(token), now)
    if asked is None:
        return
    said = Consent("given", now, asked.channel, asked.purpose, DOUBLE_OPT_IN, ip=_hashed(parts, client))
    state(connection, parts, asked.customer, said, hash_text(f"confirmed.{token}"))


def _statements(owners: list[int], said: Consent, more: Mapping[str, str]) -> Statements:
    size = len(owners)
    proof = {"text_version": said.text_version, "ip": said.ip, **more}
    return Statements(
        customers=np.array(owners, np.int64),
        channels=[said.channel] * size,
        purposes=[said.purpose] * size,
        states=[said.state] * size,
        at=np.full(size, said.happened),
        sources=[said.source] * size,
        proofs=[msgspec.json.encode({name: value for name, value in proof.items() if value}).decode()] * size,
    )


def _hashed(parts: Parts, client: str) -> str:
    return hmac.digest(parts.settings.secret, client.encode(), "sha256").hex()[:32] if client else ""


def _about(named: Recipient) -> str:
    purpose = f"{named.purpose} " if named.purpose else ""
    return f"{purpose}messages by {named.channel}" if named.channel else f"{purpose}messages"


def _expired() -> Response[str]:
    return page("This link is too old", "Subscribe once more, and we will send you a new one.", status=410)


router = Router(
    "/",
    route_handlers=[offer_unsubscribe, unsubscribe, offer_confirmation, confirm],
    include_in_schema=False,
)
