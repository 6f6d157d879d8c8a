"""Sends text messages by Twilio through its official client, and hears from it what became of them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt
from sojourn.channel.retry import BRIEF
from sojourn.channel.texting.phone import number, parts
from sojourn.channel.texting.twilio import TwilioSettings, address, hear, standing
from sojourn.channel.web.calling import Answer, Caller
from sojourn.errors import FarSideError, Misconfigured, NotDelivered, OutcomeUnknown, TryLater

if TYPE_CHECKING:
    from twilio.http.response import Response

_PASSING = {"20429", "14107", "21611", "30001", "30022"}
"""Too fast, or a queue is full."""

_OPERATORS = {"20003", "20005", "21212", "21606", "21659", "21660"}
"""Wrong credentials, a suspended account, a sender that is not ours: an operator can put that right."""


class Twilio:
    """An open way out by Twilio."""

    def __init__(self, settings: TwilioSettings) -> None:
        self.slots, self._settings = settings.connections, settings
        self._wire = _Wire(settings)
        self._messages = _client(settings, self._wire).messages

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """One attempt; see Connection.deliver.  The digest is that of number and text."""
        to = number(outgoing.recipient, self._settings.country)
        if to is None:
            raise NotDelivered(f"{outgoing.recipient!r} is no telephone number", code="5.1.3")
        made = await self._made(to, outgoing)
        sent = parts(outgoing.text)
        return Receipt(
            str(made.sid or ""),
            hashlib.sha256(f"{to}\n{outgoing.text}".encode()).hexdigest(),
            said={"segments": sent.segments, "encoding": sent.encoding},
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self._wire.caller.close()

    async def _made(self, to: str, outgoing: Outgoing) -> Any:
        from twilio.base.exceptions import TwilioException

        service = self._settings.messaging_service
        if not (outgoing.sender or service):
            raise TryLater("no sender: set `sender` or `messaging_service` of the channel", code="sender")
        given = {
            "from_": outgoing.sender,
            "messaging_service_sid": service,
            "status_callback": _reachable(outgoing.callback),
        }
        try:
            return await self._messages.create_async(
                to=to,
                body=outgoing.text,
                validity_period=self._settings.validity,
                **{name: value for name, value in given.items() if value},
            )
        except TwilioException as refusal:
            raise _refusal(refusal) from refusal


class _Wire:
    """What carries the client's requests: with our limits, and so that each failure says what it means."""

    is_async = True

    def __init__(self, settings: TwilioSettings) -> None:
        self._api = settings.api
        self.caller = Caller(settings.connections, settings.time_limit, settings.allowed)

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_limits: object,
    ) -> Response:
        """One request of the client's; it only posts."""
        from twilio.http.response import Response

        basic = base64.b64encode(":".join(auth or ("", "")).encode()).decode()
        said = {**(headers or {}), "Authorization": f"Basic {basic}"}
        body = urlencode(data or {}, doseq=True).encode()
        answer = await self.caller.post(self._at(url), body, said)
        _check(answer)
        return Response(answer.status, answer.body.decode("utf-8", "replace"), answer.headers)

    def _at(self, url: str) -> str:
        return urlunsplit((*urlsplit(self._api)[:2], *urlsplit(url)[2:])) if self._api else url


def _client(settings: TwilioSettings, wire: _Wire) -> Any:
    try:
        from twilio.rest import Client
    except ImportError as missing:
        raise Misconfigured(
            "text messages by Twilio need its client: pip install 'sojourn[twilio]'"
        ) from missing
    with_key = bool(settings.api_key)
    return Client(
        username=settings.api_key if with_key else settings.account_sid,
        password=settings.api_secret if with_key else settings.auth_token,
        account_sid=settings.account_sid,
        region=settings.region or None,
        edge=settings.edge or None,
        http_client=wire,
        environment={"": ""},  # an empty one would be replaced by the process's
    )


def _reachable(callback: str) -> str:
    """Twilio refuses messages whose callback is at `localhost` (21609): they go without one."""
    return "" if urlsplit(callback).hostname == "localhost" else callback


def _check(answer: Answer) -> None:
    """Lets pass what the client can read: a message that was made, and a refusal with its code."""
    if 400 <= answer.status < 500 and answer.status != 429:
        return
    said = f"answered {answer.words}"
    if answer.taken:
        try:
            msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.DecodeError as trouble:
            raise OutcomeUnknown("its answer cannot be read", code=str(answer.status)) from trouble
    elif answer.status in (429, 503) or answer.status < 400:
        raise TryLater(said, code=str(answer.status), retry_after=answer.retry_after(0))
    else:
        raise OutcomeUnknown(said, code=str(answer.status))


def _refusal(refusal: Exception) -> FarSideError:
    status, code = getattr(refusal, "status", 0), str(getattr(refusal, "code", "") or "")
    words = getattr(refusal, "msg", "") or getattr(refusal, "title", "") or str(refusal)
    if status in (401, 403) or code in _PASSING | _OPERATORS:
        return TryLater(words, code=code)
    return NotDelivered(words, code=code)


CHANNEL = Channel(
    name="sms_twilio",
    title="SMS by Twilio",
    kind="sms",
    delivery=Delivery.BLIND,
    settings=TwilioSettings,
    open=Twilio,
    hear=hear,
    address=address,
    standing=standing,
    schedule=BRIEF,
)
