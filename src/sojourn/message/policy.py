"""The policy: may this be said to this customer now, later or not at all, and because of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from sojourn.errors import Invalid
from sojourn.message.consent import AGREED, REFUSED, Need, consented
from sojourn.message.gate import PASSES, Gate, Reasons, Sends
from sojourn.message.marks import Tapes
from sojourn.message.pressure import Cap, Quiet, capped, quiet
from sojourn.message.suppression import ADDRESS, BOUNCED, ERASED, SPAM, bounced, complained, erased
from sojourn.tape.tape import NEVER, Ints
from sojourn.tape.zones import known_zones

DELIVER, HOLD, SUPPRESS = range(3)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an installation allows.  A purpose that `consent` does not name needs what `otherwise` says."""

    consent: Mapping[str, Need] = msgspec.field(default_factory=lambda: {"transactional": "none"})
    otherwise: Need = "opt_in"
    caps: tuple[Cap, ...] = ()
    quiet: tuple[Quiet, ...] = ()
    fallback_zone: str = "UTC"
    journeys_at_once: Annotated[int, msgspec.Meta(ge=1)] | None = None  # of one customer; None: any number


@dataclass(frozen=True)
class Reads:
    """What a policy looks at on tapes.  An event that starts with a blank is the end of names."""

    events: frozenset[str]
    properties: frozenset[str]
    traits: frozenset[str]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What the policy says of m sends."""

    outcomes: np.ndarray[tuple[int], np.dtype[np.int8]]  # int8[m]: DELIVER, HOLD or SUPPRESS
    until: Ints  # int64[m], when a held send is asked again; NEVER for the others
    reasons: Reasons  # int16[m], index into reason_names; -1 where delivered
    reason_names: tuple[str, ...]


def parse(data: object, place: str = "policy") -> Policy:
    """The policy that plain data says.  Raises Invalid with the place in the data."""
    try:
        policy = msgspec.convert(data, Policy)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise Invalid(message, place=place + path.rstrip("`")) from None
    for index, cap in enumerate(policy.caps):
        cap.check(f"{place}.caps[{index}]")
    for index, hours in enumerate(policy.quiet):
        hours.check(f"{place}.quiet[{index}]")
    if policy.fallback_zone not in known_zones():
        raise Invalid(f"{policy.fallback_zone!r} is no time zone", place=f"{place}.fallback_zone")
    return policy


def decide(policy: Policy, sends: Sends, tapes: Tapes) -> Verdicts:
    """The verdict on each send: that of the first gate that stops it.

    It counts what was planned before and, in the order of (now, priority, key), what it allows itself.
    """
    return _first_to_stop(gates(policy, sends, tapes), len(sends))


def gates(policy: Policy, sends: Sends, tapes: Tapes) -> tuple[Gate, ...]:
    """Every gate's own answer for every send, with the facts it decided by, in the order that counts."""
    found = [
        erased(sends, tapes),
        complained(sends, tapes),
        bounced(sends, tapes),
        consented(sends, tapes, policy.consent, policy.otherwise),
    ]
    # Hours before caps: what waits for the morning is counted on the day on which it is sent.
    if policy.quiet:
        found.append(quiet(sends, tapes, policy.quiet, policy.fallback_zone))
    if policy.caps:
        asking = ~np.any([gate.stops for gate in found], axis=0)
        found.append(capped(sends, tapes, policy.caps, policy.quiet, policy.fallback_zone, asking))
    return tuple(found)


def reads(policy: Policy) -> Reads:
    """What the tapes must hold for `decide` to see it."""
    planned = {"Message Planned"} if policy.caps else set()
    zone = {"timezone"} if policy.caps or policy.quiet else set()
    return Reads(
        frozenset({ERASED, SPAM, BOUNCED, *AGREED, *REFUSED} | planned),
        frozenset({"channel", "purpose", "source", "hard", "soft", "address"}),
        frozenset({*ADDRESS.values()} | zone),
    )


def _first_to_stop(asked: tuple[Gate, ...], sends: int) -> Verdicts:
    outcomes = np.full(sends, DELIVER, np.int8)
    until, reasons = np.full(sends, NEVER), np.full(sends, PASSES)
    names: tuple[str, ...] = ()
    for gate in asked:
        stopped = gate.stops & (outcomes == DELIVER)
        outcomes[stopped] = np.where(gate.until[stopped] == NEVER, SUPPRESS, HOLD)
        until[stopped] = gate.until[stopped]
        reasons[stopped] = gate.reasons[stopped] + len(names)
        names += gate.reason_names
    return Verdicts(outcomes, until, reasons, names)
