"""Tells the team in Slack, by an incoming webhook or as an app; customers are not written to here."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

import msgspec

from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt, Secret, Settings, shown
from sojourn.channel.guard import Allowed, Resolve, resolve
from sojourn.channel.retry import BRIEF, Standing
from sojourn.channel.web.calling import Answer, Caller
from sojourn.errors import Misconfigured, NotDelivered, OutcomeUnknown, TryLater

_WORD = re.compile("[a-z_]+")
_LONGEST = 40_000  # characters of a text, after which Slack cuts it off

_PASSING = {"ratelimited", "rate_limited", "service_unavailable", "team_added_to_org"}

_PERHAPS = {"fatal_error", "internal_error", "request_timeout"}
"""Slack says of these that some of it may have been done."""

_OPERATORS = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "not_in_channel", "channel_not_found", "is_archived", "invalid_token", "no_service", "no_active_hooks",
    "no_team", "team_disabled", "channel_is_archived", "action_prohibited", "accesslimited", "access_denied",
}  # fmt: skip
"""An operator can put it right, and what waits goes then."""


class SlackSettings(Settings, frozen=True, kw_only=True):
    """An incoming webhook, or an app's token and the channel that it posts to."""

    webhook: Annotated[Secret, msgspec.Meta(description="`https://hooks.slack.com/services/…`")] = ""
    token: Annotated[Secret, msgspec.Meta(description="`xoxb-…`, with the scope chat:write.")] = ""
    channel: Annotated[str, msgspec.Meta(description="Where a token posts to.")] = ""
    api: str = "https://slack.com/api/"
    time_limit: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds for one attempt.")] = 20.0
    allowed: Annotated[Allowed, msgspec.Meta(description="Which addresses may be called.")] = Allowed()


class Slack:
    """An open way to one workspace of Slack's."""

    slots = 1  # Slack takes a message a second of a channel, so more connections would only wait

    def __init__(self, settings: SlackSettings, resolve: Resolve = resolve) -> None:
        if bool(settings.webhook) == bool(settings.token):
            raise Misconfigured("Slack needs either `webhook` or `token`")
        self._settings = settings
        self._caller = Caller(self.slots, settings.time_limit, settings.allowed, resolve)

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """One attempt; see Connection.deliver."""
        body, headers = self._body(outgoing), {"content-type": "application/json; charset=utf-8"}
        url = self._settings.webhook
        if self._settings.token:
            url = f"{self._settings.api}chat.postMessage"
            headers["authorization"] = f"Bearer {self._settings.token}"
        answer = await self._caller.post(url, body, headers)
        return Receipt(_said(answer, outgoing.now), hashlib.sha256(body).hexdigest())

    async def close(self) -> None:
        """Let go of all connections."""
        await self._caller.close()

    def _body(self, outgoing: Outgoing) -> bytes:
        said: dict[str, object] = {"text": _plain(outgoing.text)[:_LONGEST], "link_names": False}
        if self._settings.token:
            said |= {"channel": outgoing.recipient or self._settings.channel, "unfurl_links": False}
        return msgspec.json.encode(said)


def _plain(text: str) -> str:
    """The text with what Slack reads as a command made harmless: a customer named `<!channel>` wakes nobody.

    (docs.slack.dev/messaging/formatting-message-text, "Escaping text".)
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _said(answer: Answer, now: int) -> str:
    """Slack's name for the message.  Raises what its answer means, in HTTP or within it."""
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        told = {}
    error = str(told.get("error", "")) or shown(answer.body.decode("utf-8", "replace"), 100)
    if answer.taken and (told.get("ok") is True or (not told and error == "ok")):
        return str(told.get("ts", "ok"))
    code = (
        error if error.replace("_", "").isalnum() and not answer.words.endswith("ok") else str(answer.status)
    )
    said = f"answered {answer.words}"
    if answer.status == 429 or error in _PASSING | _OPERATORS or answer.status == 503:
        raise TryLater(said, code=code, retry_after=answer.retry_after(now))
    if error in _PERHAPS or answer.status >= 500 or (answer.taken and not told):
        raise OutcomeUnknown(said, code=code)
    raise NotDelivered(said, code=code)


def _standing(code: str) -> Standing:
    """Nothing: there is no address of a customer's."""
    return Standing.FINE


CHANNEL = Channel(
    name="slack",
    title="Slack",
    kind="slack",
    delivery=Delivery.BLIND,
    settings=SlackSettings,
    open=Slack,
    standing=_standing,
    schedule=BRIEF,
    rate=1.0,
)
