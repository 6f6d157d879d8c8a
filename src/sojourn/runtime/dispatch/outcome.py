"""What became of an attempt: the state that the ledger gets, and what the customer's tape hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sojourn.channel.contract import UNSUBSCRIBED, Receipt
from sojourn.channel.retry import Standing, next_attempt
from sojourn.errors import FarSideError, NotDelivered, OutcomeUnknown, TryLater
from sojourn.runtime.dispatch.prepare import Prepared
from sojourn.runtime.dispatch.ways import Way
from sojourn.store.effects import State

PREFIXES = {"sms": "SMS"}
"""How names of events write a kind of message that is not just its name with a capital letter."""


GONE = "410"
"""How a webhook's endpoint says that it is closed for good (Standard Webhooks 1.0.0)."""


AT_ONCE = 3
"""After so many attempts whose sender died, the message may be what kills it: it has to wait between them."""


@dataclass(frozen=True)
class Outcome:
    """The state of one effect after an attempt; `event` is '' when the tape hears nothing."""

    state: State
    due: int = 0
    reference: str = ""
    reason: str = ""
    event: str = ""
    told: Mapping[str, object] = field(default_factory=dict)
    suppress: bool = False  # the address is dead
    withdraws: bool = False  # its owner has told the far side that they want no more
    gone: tuple[str, ...] = ()  # subscriptions that are no more
    closes: bool = False  # the far side wants nothing more of us, ever


def outcome(
    prepared: Prepared, way: Way, answer: Receipt | FarSideError, repeatable: bool, now: int
) -> Outcome:
    """What an attempt came to; `repeatable` says that sending twice is better than not at all."""
    kind = "notice" if prepared.notice else way.channel.kind
    prefix = PREFIXES.get(kind, kind.capitalize())
    match answer:
        case Receipt(reference, said=said, gone=gone):
            return Outcome(State.ACCEPTED, reference=reference, event=f"{prefix} Sent", told=said, gone=gone)
        case TryLater(retry_after=retry_after):
            return _again(prepared, way, answer, retry_after, prefix, now)
        case OutcomeUnknown():
            if repeatable or way.resends:
                return _again(prepared, way, answer, 0, prefix, now)
            return Outcome(State.UNKNOWN, reason=_why(answer))
        case _:
            return _refused(prepared, way, answer, prefix)


def abandoned(way: Way, effect: int, attempts: int, planned: int, repeatable: bool, now: int) -> Outcome:
    """What becomes of an effect whose sender has died between its intent and its answer."""
    why = "its sender is gone"
    if not (repeatable or way.resends):
        return Outcome(State.UNKNOWN, reason=why)
    if attempts <= AT_ONCE:
        return Outcome(State.DEFERRED, due=now, reason=why)
    due = next_attempt(way.schedule, f"{effect:016x}", attempts, first=planned, now=now)
    return (
        Outcome(State.FAILED, reason=f"given up: {why}")
        if due is None
        else Outcome(State.DEFERRED, due, "", why)
    )


def _again(
    prepared: Prepared, way: Way, answer: FarSideError, retry_after: int, prefix: str, now: int
) -> Outcome:
    due = next_attempt(
        way.schedule,
        prepared.outgoing.effect,
        prepared.attempts + 1,
        first=prepared.message.created,
        now=now,
        retry_after=retry_after,
    )
    if due is None:
        return _refused(prepared, way, NotDelivered(f"given up: {answer}", code=answer.code), prefix)
    return Outcome(State.DEFERRED, due=due, reason=_why(answer))


def _refused(prepared: Prepared, way: Way, answer: FarSideError, prefix: str) -> Outcome:
    found = way.channel.standing(answer.code)
    dead = found is Standing.DEAD
    told: dict[str, object] = {
        "code": answer.code,
        "hard": dead,
        "soft": found is Standing.SOFT,
        "address": prepared.outgoing.recipient,
        "reason": str(answer)[:200],
    }
    state = State.BOUNCED if dead else State.FAILED
    return Outcome(
        state,
        reason=_why(answer),
        event=f"{prefix} Bounced",
        told=told,
        suppress=dead and not prepared.notice,
        withdraws=found is Standing.LEFT and not prepared.notice,
        gone=prepared.outgoing.subscriptions if answer.code == UNSUBSCRIBED else (),
        closes=answer.code == GONE and way.channel.kind == "webhook",
    )


def _why(answer: FarSideError) -> str:
    return f"{answer.code} {answer}".strip()[:500]
