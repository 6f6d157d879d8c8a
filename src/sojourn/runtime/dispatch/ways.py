"""The ways out that are open: for each kind of message a provider's connection, and what it sends as."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from sojourn import registry
from sojourn.channel import providers
from sojourn.channel.contract import Channel, Connection, Delivery, Settings
from sojourn.channel.retry import Schedule
from sojourn.errors import Misconfigured

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}", re.IGNORECASE)

CHANNELS = "channels"
"""The name of the setting that says by which provider each kind of message goes."""


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider chosen for one kind of message, with its settings as a person gave them."""

    provider: str
    settings: Mapping[str, object] = {}
    sender: str = ""  # "Name <address>" of messages whose template names none
    bounces: str = ""  # the domain that bounces come back to; none are asked for if empty
    mail_in: str = ""  # the domain whose mails come in to us: then one may unsubscribe by mail, too
    closed: str = ""  # why nothing goes this way any more, until a person empties it
    rate: float = 0.0  # messages a second, of all workers together; 0 is what the provider says

    def __post_init__(self) -> None:
        for name, domain in (("bounces", self.bounces), ("mail_in", self.mail_in)):
            if domain and not _DOMAIN.fullmatch(domain):  # or every single mail would be refused
                raise ValueError(f"{name} must be a domain in ASCII, as in.shop.example")


@dataclass(frozen=True)
class Way:
    """One open way out."""

    channel: Channel
    connection: Connection
    chosen: Chosen
    settings: Settings | None = None  # the provider's own, as the connection was opened with

    @property
    def resends(self) -> bool:
        """Whether the far side drops repeats, so that what may have been sent can be sent again."""
        return self.channel.delivery is Delivery.DROPS_REPEATS

    @property
    def schedule(self) -> Schedule:
        """When to try again."""
        return self.channel.schedule

    @property
    def rate(self) -> float:
        """Messages a second, of all workers together; 0 is as many as it takes."""
        return self.chosen.rate or self.channel.rate

    def address(self, text: str) -> str:
        """A customer's address as the provider writes it, so that it is known again however it was given."""
        return self.channel.address(self.settings, text) if self.settings is not None else text


def open_ways(given: Mapping[str, object]) -> dict[str, Way]:
    """The ways out that are not closed, by kind of message; Misconfigured says what to change."""
    ways = {kind: _chosen(kind, data) for kind, data in given.items()}
    return {kind: _way(kind, chosen) for kind, chosen in ways.items() if not chosen.closed}


def provider(kind: str, given: Mapping[str, object]) -> tuple[Channel, Settings] | None:
    """Who carries a kind of message, with its settings; None if nobody does.  Raises Misconfigured."""
    return _declared(kind, _chosen(kind, given[kind])) if kind in given else None


def _chosen(kind: str, data: object) -> Chosen:
    try:
        return msgspec.convert(data, Chosen)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"channel {kind}: {error}") from None


def _way(kind: str, chosen: Chosen) -> Way:
    channel, given = _declared(kind, chosen)
    return Way(channel, channel.open(given), chosen, given)


def _declared(kind: str, chosen: Chosen) -> tuple[Channel, Settings]:
    known = registry.declared(providers, Channel)
    if chosen.provider not in known:
        raise Misconfigured(f"channel {kind}: no provider {chosen.provider!r}; known: {', '.join(known)}")
    channel = known[chosen.provider]
    try:
        return channel, msgspec.convert(chosen.settings, channel.settings)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"channel {kind}: {error}") from None
