"""The contract of a channel: what goes out, what is answered, what comes back, and how one is declared."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

import msgspec

from sojourn.channel.retry import MAIL, Schedule, Standing, standing
from sojourn.errors import NotFound

SECRET = msgspec.Meta(extra_json_schema={"format": "password", "writeOnly": True})
"""Marks a setting that no form, log or answer may show again."""

UNSUBSCRIBED = "gone"
"""The code of a push all of whose subscriptions are no more."""


class Delivery(enum.Enum):
    """What a crash in the middle of a delivery means, and so what can be promised."""

    DROPS_REPEATS = "A"  # the receiver knows the effect's key: send it again
    CAN_BE_ASKED = "B"  # the next hop can tell whether it has the effect
    BLIND = "C"  # nobody can tell: at most once or at least once, as the message says

    @property
    def promise(self) -> str:
        """The same for whoever chooses a provider."""
        return _PROMISES[self.value]


_PROMISES = {
    "A": "after a crash it is sent again, and the receiver drops the repeat",
    "B": "after a crash the next hop is asked whether it has it",
    "C": "after a crash nobody can tell: at most once, at least once where it is transactional",
}


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message ready to go: rendered, decided, and with every instant fixed by the caller.

    The same value gives the same bytes at every attempt, but for what a protocol wants to know of
    the attempt itself (`webhook-timestamp`).
    """

    effect: str  # the effect's key, 16 hex digits
    recipient: str  # an e-mail address; empty where the settings say who it is (webhook)
    recipient_name: str = ""
    sender: str = ""  # the address of From
    sender_name: str = ""
    reply_to: str = ""
    subject: str = ""
    html: str = ""
    text: str = ""
    payload: bytes = b""  # what a webhook or a push carries, as it is
    subscriptions: tuple[str, ...] = ()  # of a push: where it goes, each the JSON that the browser gave
    callback: str = ""  # the web address at which we hear what becomes of it
    headers: tuple[tuple[str, str], ...] = ()  # further ones; ours cannot be given twice
    return_path: str = ""  # where bounces go: seal.return_path(...)
    seal: str = ""  # seal.sealed(effect): makes Message-ID and ENVID hard to forge
    unsubscribe_url: str = ""  # takes the POST of RFC 8058, so https
    unsubscribe_mail: str = ""
    list_id: str = ""  # "news.example.com" (RFC 2919)
    feedback_id: str = ""  # "campaign:customer:kind:sender", as Gmail reads it
    message_id_domain: str = ""  # the sender's if empty
    dated: int = 0  # int64 microseconds UTC, the same at every attempt: the Date of a mail
    now: int = 0  # int64 microseconds UTC, the instant of this attempt


class Receipt(msgspec.Struct, frozen=True):
    """The far side took it."""

    reference: str  # the provider's own words or number
    digest: str  # SHA-256 of the exact bytes it took, in hex
    said: Mapping[str, str | int | float] = {}  # what the tape is told beside: how many parts were paid, say
    gone: tuple[str, ...] = ()  # those of the subscriptions that are no more


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What came back later about one effect, from somebody who holds its seal."""

    effect: str
    kind: Literal["sent", "delivered", "delayed", "failed", "bounced", "complained"]
    recipient: str = ""  # as the far side writes it; often redacted in complaints (RFC 6590)
    code: str = ""  # "5.1.1" (RFC 3463), or a bare "550"
    standing: Standing = Standing.FINE
    detail: str = ""  # for people, at most 500 characters


class Call(msgspec.Struct, frozen=True):
    """One HTTP request that a provider makes to us."""

    url: str  # as the provider called it
    effect: str  # the effect's key that stands in the address; empty where none does
    headers: Mapping[str, str]  # by names in lower case
    body: bytes


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote to us."""

    sender: str  # an address as `Channel.address` writes it
    recipient: str
    text: str
    reference: str  # the provider's number of it: the same at every repeat
    wish: Literal["", "stop", "start", "help"] = ""


class Heard(msgspec.Struct, frozen=True):
    """What a provider's call says, and what to answer."""

    feedback: tuple[Feedback, ...] = ()
    texts: tuple[Text, ...] = ()
    answer: bytes = b""
    answer_type: str = "text/plain"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person fills in; a provider's own settings derive from it."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(not shown: it may hold secrets)"


Secret = Annotated[str, SECRET]


class Connection(Protocol):
    """An open way out.  It connects when it must, so opening one neither waits nor fails by the network."""

    slots: int  # how many deliveries it carries at once: commit no more intents than these

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """Hand over one message.

        Raises NotDelivered (for good; `retry.standing(error.code)` says what it means for the
        address), TryLater (surely not taken; `retry.next_attempt` says when), OutcomeUnknown (the connection
        broke after the last byte).  If cancelled the outcome is unknown as well.
        """

    async def close(self) -> None:
        """Let go of all connections."""


def shown(text: str, most: int = 500) -> str:
    """What a stranger wrote, fit for a page, a log and a database: one line of printable characters."""
    line = " ".join(text[: 4 * most].split())
    return "".join(letter if letter.isprintable() else "�" for letter in line)[:most]


def no_feedback(raw: bytes, keys: Sequence[bytes]) -> list[Feedback]:
    """What a channel hears back over its own connection only."""
    return []


def as_given(settings: Any, address: str) -> str:
    """The address of a channel that has no notation of its own for them."""
    return address


def calls_nobody(settings: Any, call: Call) -> Heard:
    """What a channel hears whose provider never calls."""
    raise NotFound("nobody calls here")


@dataclass(frozen=True)
class Channel:
    """Declares a provider."""

    name: str
    title: str
    kind: str  # what a template is written for: "email", "webhook"
    delivery: Delivery
    settings: type[Settings]
    open: Callable[[Any], Connection]
    """From settings of that type; raises Misconfigured."""
    feedback: Callable[[bytes, Sequence[bytes]], list[Feedback]] = no_feedback
    """Reads one thing that came in (a mail), given the keys that seal effects, the newest first."""
    hear: Callable[[Any, Call], Heard] = calls_nobody
    """Reads a call of the provider, given the settings; raises Forbidden where it is not theirs."""
    address: Callable[[Any, str], str] = as_given
    """The one way to write an address, given the settings; what is none stays as it is."""
    standing: Callable[[str], Standing] = standing
    """What a refusal with this code says about the address."""
    schedule: Schedule = MAIL  # when to try again
    rate: float = 0.0  # messages a second where the chosen way does not say; 0 is as many as it takes
