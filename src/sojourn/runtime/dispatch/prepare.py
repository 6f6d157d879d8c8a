"""Prepares messages: what a template says to one customer, with its links tracked, frozen from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr

import msgspec
import numpy as np

from sojourn.channel.contract import Outgoing
from sojourn.channel.seal import leaving_address, return_path, sealed
from sojourn.customer.traits import profiles
from sojourn.errors import Invalid
from sojourn.message.links import Tracking, tracked
from sojourn.message.render import About, Rendered, render
from sojourn.message.template import Template
from sojourn.message.tokens import Keyring, Recipient
from sojourn.runtime.dispatch.ways import Way
from sojourn.store.effects import NOTICE, Effects
from sojourn.store.messages import Message
from sojourn.tape.tape import Tape
from sojourn.tape.zones import meant

ADDRESS_TRAITS = {"email": "email", "sms": "phone"}
"""The trait that holds the address of each kind of message; other kinds need none."""

PAYLOADS = frozenset({"webhook", "push"})
"""The kinds of message whose text is JSON that goes out as it is."""

CALLBACKS = "/callbacks"
"""Where providers call us: `/callbacks/<kind>`, with `/<effect>` about one message."""


@dataclass(frozen=True)
class Publicly:
    """Where customers reach us, and what we sign with."""

    address: str  # https://t.example.org, without a slash at its end
    keys: Keyring
    seal: bytes


@dataclass(frozen=True)
class Prepared:
    """One message ready to go, and what is kept of it."""

    key: int
    fence: int
    attempts: int
    customer: int  # whose it is now: a merge may have come since it was frozen
    channel: str
    kind: str  # of message, as its provider declares it: whose address it goes to
    purpose: str
    notice: bool  # to the team
    outgoing: Outgoing
    message: Message
    links: Mapping[int, str]


@dataclass(frozen=True)
class Refused:
    """One effect that cannot become a message, and why."""

    key: int
    fence: int
    why: str


class Preparing:
    """Prepares claimed effects; `zone` is that of customers of whom none is known."""

    def __init__(
        self,
        templates: Mapping[str, Template],
        ways: Mapping[str, Way],
        publicly: Publicly,
        zone: str,
        browsers: Mapping[int, tuple[str, ...]],
    ) -> None:
        self._templates, self._ways, self._public, self._zone = templates, ways, publicly, zone
        self._browsers = browsers

    def prepare(
        self,
        effects: Effects,
        tape: Tape,
        entries: Mapping[int, Mapping[str, object]],
        frozen: Mapping[int, Message],
        now: int,
    ) -> list[Prepared | Refused]:
        """Each effect as a message, or why it is none: one that fails never harms another (P20).

        `entries` are the properties of entering events by their keys.
        """
        rows = np.searchsorted(tape.customers, effects.customers)
        people = profiles((tape,), rows, np.full(len(rows), now))
        return [self._one(effects, n, people[n], entries, frozen, now) for n in range(len(effects))]

    def _one(
        self,
        effects: Effects,
        n: int,
        person: Mapping[str, object],
        entries: Mapping[int, Mapping[str, object]],
        frozen: Mapping[int, Message],
        now: int,
    ) -> Prepared | Refused:
        key, fence = int(effects.keys[n]), int(effects.fences[n])
        way = self._ways.get(effects.channels[n])
        template = self._templates.get(effects.templates[n])
        if way is None or template is None:
            missing = (
                f"channel {effects.channels[n]!r}" if way is None else f"template {effects.templates[n]!r}"
            )
            return Refused(key, fence, f"there is no {missing}")
        kept, notice = frozen.get(key), effects.kinds[n] == NOTICE
        data = msgspec.json.decode(effects.data[n])
        recipient = kept.recipient if kept else data["to"] if notice else _recipient(way, person)
        if way.channel.kind in ADDRESS_TRAITS and not recipient:
            whose = "of the team " if notice else ""
            return Refused(key, fence, f"no {ADDRESS_TRAITS[way.channel.kind]} {whose}is known")
        unsubscribe = self._unsubscribe(effects, n) if effects.purposes[n] != "transactional" else ""
        try:
            rendered = (
                _thawed(kept, way)
                if kept
                else self._rendered(
                    template, person, entries.get(data["entry"], {}), data, key, unsubscribe, now
                )
            )
        except Invalid as error:
            return Refused(key, fence, f"template {template.name}: {error}"[:500])
        message = kept or _frozen(rendered, effects, n, recipient, now)
        outgoing = self._outgoing(
            rendered,
            way,
            message,
            self._browsers.get(int(effects.customers[n]), ()),
            unsubscribe,
            int(effects.planned[n]),
            now,
        )
        links = dict(enumerate(rendered.links, start=1))
        return Prepared(
            key,
            fence,
            int(effects.attempts[n]),
            int(effects.customers[n]),
            effects.channels[n],
            way.channel.kind,
            effects.purposes[n],
            notice,
            outgoing,
            message,
            links,
        )

    def _unsubscribe(self, effects: Effects, n: int) -> str:
        named = Recipient(
            int(effects.customers[n]), effects.channels[n], effects.purposes[n], int(effects.keys[n])
        )
        return f"{self._public.address}/u/{self._public.keys.sign(named)}"

    def _rendered(
        self,
        template: Template,
        person: Mapping[str, object],
        entry: Mapping[str, object],
        data: Mapping[str, object],
        key: int,
        unsubscribe: str,
        now: int,
    ) -> Rendered:
        about = About(
            customer=person,
            event=entry,
            journey={"name": data.get("journey", ""), "step": data["step"]},
            links={"unsubscribe": unsubscribe},
            now=now,
            zone=meant(str(person.get("timezone", ""))) or self._zone,
        )
        return tracked(render(template, about), Tracking(self._public.keys, key, self._public.address))

    def _outgoing(
        self,
        rendered: Rendered,
        way: Way,
        message: Message,
        subscriptions: tuple[str, ...],
        unsubscribe: str,
        dated: int,
        now: int,
    ) -> Outgoing:
        effect = f"{message.effect:016x}"
        name, sender = parseaddr(rendered.headers.get("From", way.chosen.sender))
        domain, inbound = way.chosen.bounces, way.chosen.mail_in if unsubscribe else ""
        return Outgoing(
            effect=effect,
            recipient=message.recipient,
            sender=sender,
            sender_name=name,
            reply_to=rendered.headers.get("Reply-To", ""),
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            payload=rendered.text.encode() if way.channel.kind in PAYLOADS else b"",
            subscriptions=subscriptions,
            callback=f"{self._public.address}{CALLBACKS}/{way.channel.kind}/{effect}",
            return_path=return_path(effect, self._public.seal, domain) if domain else "",
            seal=sealed(effect, self._public.seal),
            unsubscribe_url=unsubscribe,
            unsubscribe_mail=leaving_address(effect, self._public.seal, inbound) if inbound else "",
            dated=dated,
            now=now,
        )


def _recipient(way: Way, person: Mapping[str, object]) -> str:
    """The customer's address, empty where none is known or the kind of message needs none."""
    found = person.get(ADDRESS_TRAITS.get(way.channel.kind, ""), "")
    return way.address(str(found)) if found else ""


def _frozen(rendered: Rendered, effects: Effects, n: int, recipient: str, now: int) -> Message:
    return Message(
        effect=int(effects.keys[n]),
        customer=int(effects.customers[n]),
        recipient=recipient,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        headers=msgspec.json.encode(rendered.headers).decode(),
        hash=rendered.hash,
        created=now,
    )


def _thawed(kept: Message, way: Way) -> Rendered:
    """What was frozen at the first attempt: later edits of the template do not reach it (P30)."""
    headers = msgspec.json.decode(kept.headers, type=dict[str, str])
    return Rendered(
        channel=way.channel.kind, subject=kept.subject, html=kept.html, text=kept.text, headers=headers
    )
