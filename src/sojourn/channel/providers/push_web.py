"""Sends notifications to browsers by the push services that these are subscribed to (RFC 8030)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import msgspec

from sojourn.channel.contract import UNSUBSCRIBED, Channel, Delivery, Outgoing, Receipt, Secret, Settings
from sojourn.channel.guard import Allowed, Resolve, resolve
from sojourn.channel.retry import BRIEF, Standing
from sojourn.channel.web.calling import Answer, Caller
from sojourn.channel.web.encryption import Subscription, encrypted, subscription
from sojourn.channel.web.vapid import Vapid
from sojourn.errors import FarSideError, Invalid, NotDelivered, OutcomeUnknown, TryLater

_LONGEST = 2_419_200  # four weeks, as push services keep a message at most


class PushSettings(Settings, frozen=True, kw_only=True):
    """Who we are to push services, and how our notifications are kept and shown."""

    private_key: Annotated[Secret, msgspec.Meta(description="A key of P-256, in PEM or base64url.")]
    subject: Annotated[str, msgspec.Meta(pattern="^(mailto:|https://)", description="Whom they may ask.")]
    ttl: Annotated[int, msgspec.Meta(ge=0, le=_LONGEST, description="Seconds that it is kept.")] = 43_200
    urgency: Literal["very-low", "low", "normal", "high"] = "normal"
    time_limit: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds for one attempt.")] = 20.0
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    allowed: Annotated[Allowed, msgspec.Meta(description="Which addresses may be called.")] = Allowed()


class Push:
    """An open way out to browsers."""

    def __init__(self, settings: PushSettings, resolve: Resolve = resolve) -> None:
        self.slots, self._settings = settings.connections, settings
        self._vapid = Vapid(settings.private_key, settings.subject)
        self._caller = Caller(settings.connections, settings.time_limit, settings.allowed, resolve)

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """One attempt at all browsers of a customer; see Connection.deliver.

        It is taken if one of them takes it.  A browser that gets it twice shows it once, by its tag,
        so whatever fails is TryLater.  The digest is that of the notification before it is encrypted.
        """
        if not outgoing.subscriptions:
            raise NotDelivered("no browser is subscribed", code="none")
        notification = _tagged(outgoing.payload, outgoing.effect)
        fates = [await self._one(text, notification, outgoing) for text in outgoing.subscriptions]
        gone = tuple(
            text
            for text, fate in zip(outgoing.subscriptions, fates, strict=True)
            if isinstance(fate, NotDelivered) and fate.code == UNSUBSCRIBED
        )
        taken = [fate for fate in fates if isinstance(fate, str)]
        if not taken:
            raise _worst([fate for fate in fates if isinstance(fate, FarSideError)])
        digest = hashlib.sha256(notification).hexdigest()
        return Receipt(taken[0], digest, said={"browsers": len(taken)}, gone=gone)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._caller.close()

    async def _one(self, text: str, notification: bytes, outgoing: Outgoing) -> str | FarSideError:
        """What one browser's push service answered, or why it has not."""
        try:
            to = subscription(text)
            answer = await self._caller.post(to.endpoint, *self._request(to, notification, outgoing))
            return _said(answer, outgoing.now)
        except Invalid as wrong:
            return NotDelivered(
                str(wrong), code=UNSUBSCRIBED if wrong.place.startswith("subscription") else "413"
            )
        except OutcomeUnknown as unknown:
            return TryLater(str(unknown), code=unknown.code)
        except FarSideError as trouble:
            return trouble

    def _request(
        self, to: Subscription, notification: bytes, outgoing: Outgoing
    ) -> tuple[bytes, dict[str, str]]:
        """The body and the headers; the topic makes an undelivered one give way to its repeat."""
        return encrypted(notification, to), {
            "authorization": self._vapid.authorization(to.endpoint, outgoing.now),
            "content-encoding": "aes128gcm",
            "content-type": "application/octet-stream",
            "ttl": str(self._settings.ttl),
            "urgency": self._settings.urgency,
            "topic": outgoing.effect,
        }


def _tagged(payload: bytes, effect: str) -> bytes:
    """The notification with the effect as its tag, by which a browser shows a repeat in the same place."""
    try:
        said = msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.DecodeError:
        raise NotDelivered("its content is no notification", code="content") from None
    return msgspec.json.encode({**said, "tag": effect})


def _said(answer: Answer, now: int) -> str:
    """The push service's name for the message.  Raises what its answer means (RFC 8030, 5 and 7.3)."""
    said, code = f"answered {answer.words}", str(answer.status)
    if answer.taken:
        return answer.headers.get("location", "") or code
    if answer.status in (404, 410):
        raise NotDelivered(said, code=UNSUBSCRIBED)
    if answer.status in (400, 403, 413):  # it reads us, and will never take just this
        raise NotDelivered(said, code=code)
    raise TryLater(said, code=code, retry_after=answer.retry_after(now))


def _worst(troubles: list[FarSideError]) -> FarSideError:
    """Later if any may come, else the refusal that is not about a subscription that is gone."""
    ranked = sorted(troubles, key=lambda one: (not isinstance(one, TryLater), one.code == UNSUBSCRIBED))
    return ranked[0]


def _standing(code: str) -> Standing:
    """Nothing: subscriptions that are gone are forgotten, and there is no other address."""
    return Standing.FINE


CHANNEL = Channel(
    name="push_web",
    title="Web push",
    kind="push",
    delivery=Delivery.DROPS_REPEATS,
    settings=PushSettings,
    open=Push,
    standing=_standing,
    schedule=BRIEF,
)
