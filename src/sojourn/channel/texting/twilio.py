"""Reads what Twilio tells: the fate of messages, and what people write to us."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec

from sojourn.channel.contract import Call, Feedback, Heard, Secret, Settings, Text
from sojourn.channel.guard import Allowed
from sojourn.channel.retry import Standing
from sojourn.channel.texting.phone import number
from sojourn.channel.texting.wishes import wish
from sojourn.errors import Forbidden, Misconfigured

_STANDINGS = {
    "5.1.3": Standing.DEAD,  # ours: no telephone number
    "21211": Standing.DEAD,  # not a valid number
    "21217": Standing.DEAD,  # does not appear to be valid
    "21614": Standing.DEAD,  # not a mobile number
    "30005": Standing.DEAD,  # unknown or no longer in service
    "30006": Standing.DEAD,  # a landline, or no carrier reaches it
    "30003": Standing.SOFT,  # switched off, or out of reach
    "21610": Standing.LEFT,  # has replied STOP
}
"""What Twilio's codes say of the number (twilio.com/docs/api/errors); all others are no fault of it."""

_TAKEN = {"accepted", "scheduled", "queued", "sending", "sent"}
_ARRIVED = {"delivered", "read"}
_LOST = {"failed", "undelivered", "canceled"}


class Replies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What we answer to keywords; nothing where it is empty, since Twilio answers by itself."""

    stop: str = ""
    start: str = ""
    help: str = ""


class TwilioSettings(Settings, frozen=True, kw_only=True):
    """An account of Twilio's."""

    account_sid: Annotated[str, msgspec.Meta(pattern="^AC[0-9a-fA-F]{32}$")]
    auth_token: Annotated[Secret, msgspec.Meta(min_length=1, description="Also verifies Twilio's calls.")]
    api_key: Annotated[str, msgspec.Meta(description="`SK…`, to send with a key instead of the token.")] = ""
    api_secret: Secret = ""
    messaging_service: Annotated[str, msgspec.Meta(description="`MG…`, chooses the sender.")] = ""
    country: Annotated[str, msgspec.Meta(pattern="^([A-Z]{2})?$", description="Of numbers without +.")] = ""
    validity: Annotated[
        int, msgspec.Meta(ge=5, le=36_000, description="Seconds after which Twilio gives up.")
    ] = 14_400
    replies: Replies = Replies()
    edge: str = ""
    region: str = ""
    api: Annotated[str, msgspec.Meta(description="Another address of the interface than Twilio's own.")] = ""
    time_limit: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds for one attempt.")] = 20.0
    connections: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    allowed: Annotated[Allowed, msgspec.Meta(description="Which addresses may be called.")] = Allowed()


def hear(settings: TwilioSettings, call: Call) -> Heard:
    """What Twilio tells: the fate of a message whose effect stands in the address, or a text that came in.

    Raises Forbidden for whatever it has not signed (twilio.com/docs/usage/security).
    """
    form = _Form(parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    _verify(settings, call, form)
    if call.effect:
        return Heard(feedback=_fate(call.effect, form))
    return _incoming(settings, form)


def standing(code: str) -> Standing:
    """What a refusal with this code says about the number."""
    return _STANDINGS.get(code, Standing.FINE)


def address(settings: TwilioSettings, text: str) -> str:
    """The number in E.164; what is none stays as it is, to be refused when it is sent to."""
    return number(text, settings.country) or text


class _Form(dict[str, list[str]]):
    """The fields of a form, as the validator reads those that come several times."""

    def getall(self, name: str) -> list[str]:
        return self[name]

    def one(self, name: str) -> str:
        """The field, empty if it is missing."""
        return self.get(name, [""])[0]


def _verify(settings: TwilioSettings, call: Call, form: _Form) -> None:
    try:
        from twilio.request_validator import RequestValidator
    except ImportError as missing:
        raise Misconfigured("Twilio's calls need its client: pip install 'sojourn[twilio]'") from missing
    signature = call.headers.get("x-twilio-signature", "")
    if not signature or not RequestValidator(settings.auth_token).validate(call.url, form, signature):
        raise Forbidden("this call is not signed by Twilio for this address")


def _fate(effect: str, form: _Form) -> tuple[Feedback, ...]:
    status, code, recipient = form.one("MessageStatus"), form.one("ErrorCode"), form.one("To")
    if status in _TAKEN:
        return (Feedback(effect=effect, kind="sent", recipient=recipient),)
    if status in _ARRIVED:
        return (Feedback(effect=effect, kind="delivered", recipient=recipient),)
    if status not in _LOST:
        return ()
    stands = standing(code)
    return (
        Feedback(
            effect=effect,
            kind="bounced" if stands is Standing.DEAD else "failed",
            recipient=recipient,
            code=code,
            standing=stands,
            detail=f"{status} {form.one('ErrorMessage')}".strip()[:500],
        ),
    )


def _incoming(settings: TwilioSettings, form: _Form) -> Heard:
    wanted = wish(form.one("Body"), form.one("OptOutType"))
    text = Text(
        sender=address(settings, form.one("From")),
        recipient=form.one("To"),
        text=form.one("Body"),
        reference=form.one("MessageSid"),
        wish=wanted,
    )
    reply = getattr(settings.replies, wanted) if wanted and not form.one("OptOutType") else ""
    said = f"<Message>{escape(reply)}</Message>" if reply else ""
    answer = f'<?xml version="1.0" encoding="UTF-8"?><Response>{said}</Response>'
    return Heard(texts=(text,), answer=answer.encode(), answer_type="text/xml")
