"""The dispatcher's transactions: claim effects, commit intents, write what became of them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.message.consent import WITHDRAWN, Consent, hashes, standing, statements
from sojourn.message.policy import Policy
from sojourn.runtime.dispatch.heed import heed, withdrawals
from sojourn.runtime.dispatch.outcome import Outcome
from sojourn.runtime.dispatch.prepare import Prepared, Refused
from sojourn.runtime.dispatch.ways import CHANNELS
from sojourn.store import customers, effects, log, messages
from sojourn.store.access.clock import Clock
from sojourn.store.definitions import settings
from sojourn.store.effects import Effects, Settled, State
from sojourn.store.partitions import PARTITIONS
from sojourn.store.reach import consents
from sojourn.tape.grain import apart
from sojourn.tape.hashing import mix
from sojourn.tape.tape import Ints

LEASE = 30_000_000
"""Microseconds that a claim holds unless it is prolonged: as long waits what a dead sender had begun."""

Codes = Callable[[Connection, Sequence[str]], Ints]


def address_hash(secret: bytes, kind: str, address: str) -> str:
    """The keyed hash by which a suppressed address is known again."""
    return hmac.new(secret, f"{kind}:{address.casefold()}".encode(), hashlib.sha256).hexdigest()


def spoken(said: consents.Statements) -> list[Consent]:
    """The statements of the store as consent reads them."""
    columns = zip(said.states, said.at.tolist(), said.channels, said.purposes, said.sources, strict=True)
    return [Consent("withdrawn" if state == "withdrawn" else "given", *rest) for state, *rest in columns]


def entering_events(connection: Connection, claimed: Effects) -> dict[int, Mapping[str, object]]:
    """The properties of the events by which the runs of these effects entered, by event key."""
    keys = {msgspec.json.decode(data)["entry"] for data in claimed.data}
    found = log.by_key(connection, np.array(sorted(keys), np.int64))
    pairs = zip(found.keys.tolist(), found.properties, strict=True)
    return {key: msgspec.json.decode(text) if text else {} for key, text in pairs}


def intend(
    connection: Connection, going: Sequence[Prepared], policy: Policy, secret: bytes, clock: Clock
) -> list[Prepared]:
    """Freeze the messages and commit the intent of those whom nothing stops at this moment (P29).

    The customers' consent is locked first, so a withdrawal is committed either before, and stops
    the message, or after the intent; the instant that is kept is taken under that lock.
    """
    owners = _owners(connection, going)
    consents.lock(connection, sorted(owners))
    now = clock()
    stops = _stops(connection, going, owners, policy, secret)
    stopped = [one for one in going if one.key in stops]
    if stopped:
        write(connection, stopped, [Outcome(State.SUPPRESSED, reason=stops[one.key]) for one in stopped])
    resting = effects.put_to_rest(connection, _keys(going), _fences(going))
    free = [one for one in going if one.key not in stops and one.key not in resting]
    if not free:
        return []
    messages.freeze(connection, [one.message for one in free])
    for one in free:
        messages.link(connection, one.key, one.links)
    contents = [int(one.message.hash[:15], 16) for one in free]
    held = effects.intend(connection, _keys(free), _fences(free), np.array(contents, np.int64), now, LEASE)
    return [one for one, mine in zip(free, held, strict=True) if mine]


def prolong(connection: Connection, some: Sequence[Prepared], now: int) -> None:
    """Hold what is being sent or waits for its turn for another lease."""
    effects.prolong(connection, _keys(some), _fences(some), now + LEASE)


def let_go(connection: Connection, some: Sequence[Prepared]) -> None:
    """Give back what will not be sent by us."""
    effects.let_go(connection, _keys(some), _fences(some))


def settle(
    connection: Connection,
    done: Sequence[tuple[Prepared | Refused, Outcome]],
    owners: Mapping[int, tuple[int, int, Mapping[str, object]]],
    codes: Codes,
    secret: bytes,
    now: int,
) -> None:
    """Write what became of attempts; `owners` gives customer, run and what the tape is told, by effect.

    What the far side reported before its answer was written stays as it is, but was sent nevertheless.
    """
    some = [one for one, _ in done]
    held = np.array(write(connection, some, [found for _, found in done]))
    held |= effects.overtaken(connection, _keys(some), _fences(some))
    mine = [pair for pair, ours in zip(done, held.tolist(), strict=True) if ours]
    told = [(one, found) for one, found in mine if found.event]
    for one, found in told:
        if isinstance(one, Prepared):
            if found.closes:
                _close(connection, one.channel, found.reason)
            if found.suppress:
                hashed = address_hash(secret, one.kind, one.outgoing.recipient)
                consents.suppress(connection, one.kind, [hashed], "bounced", now)
            heed(connection, one, found, owners[one.key][0], now)
    if told:
        log.append(connection, _events(connection, told, owners, codes, now))
    if left := [one for one, found in told if found.withdraws and isinstance(one, Prepared)]:
        log.append(connection, withdrawals(connection, left, owners, codes, now))


def write(connection: Connection, some: Sequence[Prepared | Refused], found: Sequence[Outcome]) -> list[bool]:
    """Settle effects in the ledger; whether each was still ours."""
    settled = Settled(
        keys=_keys(some),
        fences=_fences(some),
        states=np.array([int(one.state) for one in found], np.int64),
        due=np.array([one.due for one in found], np.int64),
        provider_refs=[one.reference for one in found],
        reasons=[one.reason for one in found],
    )
    return [bool(mine) for mine in effects.settle(connection, settled)]


def _close(connection: Connection, kind: str, why: str) -> None:
    """Let nothing more go this way: what is planned for it stays planned until a person opens it again."""
    chosen = settings.get(connection, CHANNELS, {})
    if kind in chosen:
        settings.put(connection, CHANNELS, {**chosen, kind: {**chosen[kind], "closed": why}})


def _owners(connection: Connection, going: Sequence[Prepared]) -> dict[int, int]:
    """Whoever the customers were before merges, and whose customer each is now."""
    found = {one.message.customer: one.customer for one in going}
    for customer in {one.customer for one in going}:
        found |= dict.fromkeys(customers.subjects_of(connection, customer)["id"].tolist(), customer)
    return found


def _stops(
    connection: Connection,
    going: Sequence[Prepared],
    owners: Mapping[int, int],
    policy: Policy,
    secret: bytes,
) -> dict[int, str]:
    """Why some of the messages may not be begun any more, by effect."""
    stops = _dead(connection, going, secret)
    said = consents.of_customers(connection, sorted(owners))
    withdrawn = _standing(said, owners, going) == WITHDRAWN
    for one, gone in zip(going, withdrawn.tolist(), strict=True):
        if gone and not one.notice and policy.consent.get(one.purpose, policy.otherwise) != "none":
            stops[one.key] = f"consent: {one.purpose} withdrawn"
    return stops


def _dead(connection: Connection, going: Sequence[Prepared], secret: bytes) -> dict[int, str]:
    """Why the addresses of some of the messages get nothing any more, by effect."""
    found: dict[int, str] = {}
    addressed = [one for one in going if one.outgoing.recipient]
    for kind in sorted({one.kind for one in addressed}):
        hashes = {
            one.key: address_hash(secret, kind, one.outgoing.recipient)
            for one in addressed
            if one.kind == kind
        }
        dead = consents.suppressed(connection, kind, list(hashes.values()))
        found |= {key: dead[hashed] for key, hashed in hashes.items() if hashed in dead}
    return found


def _standing(
    said: consents.Statements, owners: Mapping[int, int], going: Sequence[Prepared]
) -> npt.NDArray[np.int32]:
    """What the customers' statements come to for each message, by the same reading as in the tick."""
    asking = np.array([one.customer for one in going], np.int64)
    speaking = np.array([owners[customer] for customer in said.customers.tolist()], np.int64)
    put = statements(spoken(said), speaking, asking)
    return standing(put, hashes([one.channel for one in going]), hashes([one.purpose for one in going]))


def _events(
    connection: Connection,
    told: Sequence[tuple[Prepared | Refused, Outcome]],
    owners: Mapping[int, tuple[int, int, Mapping[str, object]]],
    codes: Codes,
    now: int,
) -> log.Events:
    n = len(told)
    customers = np.array([owners[one.key][0] for one, _ in told], np.int64)
    names = codes(connection, [found.event for _, found in told])
    received = apart(customers, np.full(n, now))
    said = [{**owners[one.key][2], "effect": f"{one.key:016x}", **found.told} for one, found in told]
    return log.Events(
        partitions=customers % PARTITIONS,
        subjects=customers,
        keys=mix(_keys([one for one, _ in told]), names, now),
        runs=np.array([owners[one.key][1] for one, _ in told], np.int64),
        names=names,
        happened=received,
        received=received,
        origins=np.full(n, int(Origin.OURS)),
        properties=[msgspec.json.encode(one).decode() for one in said],
        traits=[""] * n,
    )


def _keys(some: Sequence[Prepared | Refused]) -> Ints:
    return np.array([one.key for one in some], np.int64)


def _fences(some: Sequence[Prepared | Refused]) -> Ints:
    return np.array([one.fence for one in some], np.int64)
