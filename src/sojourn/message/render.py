"""Renders a template for one customer: subject, HTML, text and headers, fixed from then on by their hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from html import escape

import msgspec

from sojourn.errors import Invalid
from sojourn.message.liquid.environment import compiled, plain, rendered
from sojourn.message.liquid.text_part import text_source
from sojourn.message.liquid.work import Work
from sojourn.message.template import Payload, Template, html_of, is_mjml

LONGEST_HEADER = 900  # bytes; a line of a mail ends at 998 (RFC 5322, 2.1.1)

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


class About(msgspec.Struct, frozen=True):
    """What a template can speak of, as plain data."""

    customer: Mapping[str, object]  # traits
    event: Mapping[str, object] = {}  # properties of the event by which the run entered
    journey: Mapping[str, object] = {}
    links: Mapping[str, str] = {}  # unsubscribe, preferences, …
    now: int = 0  # microseconds UTC
    zone: str = "UTC"


class Rendered(msgspec.Struct, frozen=True):
    """One message as it is sent."""

    channel: str
    subject: str = ""
    html: str = ""
    text: str = ""
    headers: Mapping[str, str] = {}
    links: tuple[str, ...] = ()  # the destination of each numbered link
    missing: tuple[str, ...] = ()  # variables that the data had not; no part of the message

    @property
    def hash(self) -> str:
        """32 hex digits that change with any character of the message."""
        parts = (self.channel, self.subject, self.html, self.text, sorted(self.headers.items()), self.links)
        return hashlib.blake2b(msgspec.json.encode(parts), digest_size=16).hexdigest()


def render(template: Template, about: About) -> Rendered:
    """The template in the customer's language (trait `locale`).

    Raises Invalid, with the part and the line, for what cannot be rendered or would break a header.
    """
    said = template.variant(str(about.customer.get("locale") or ""))
    pen = _Pen(about)
    html = pen.html(said.body, pen.line(said.preheader, "preheader")) if said.body else ""
    text = pen.text(said.text or text_source(said.body))
    if template.channel == "webhook":
        text = pen.json(said.payload) if said.payload else pen.everything(template.name)
    if template.channel == "push":
        text = pen.json(said.payload)
    headers = {"From": pen.line(template.sender, "from"), "Reply-To": pen.line(template.reply_to, "reply_to")}
    return Rendered(
        channel=template.channel,
        subject=pen.line(said.subject, "subject"),
        html=html,
        text=text,
        headers={name: value for name, value in headers.items() if value},
        missing=tuple(pen.work.missing),
    )


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Traits or properties with dotted names as mappings: `address.city` under `address`."""
    found: dict[str, object] = {}
    for name, value in sorted(flat.items()):
        *parents, leaf = name.split(".")
        inner: object = found
        for parent in parents:
            inner = inner.setdefault(parent, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner[leaf] = value
    return found


class _Pen:
    """Writes the parts of one message."""

    def __init__(self, about: About) -> None:
        parts = (about.customer, about.event, about.journey, about.links)
        values = (plain(nested(part)) for part in parts)
        self.data = dict(zip(("customer", "event", "journey", "links"), values, strict=True))
        self.work = Work(about.now, about.zone)

    def write(self, source: str, place: str, *, html: bool) -> str:
        if not source:
            return ""
        try:
            return rendered(compiled(source, html=html), self.data, self.work)
        except Invalid as error:
            raise Invalid(error.message, place=place, line=error.line) from None

    def line(self, source: str, place: str) -> str:
        """A part that stands in a header: one line, or it could add headers of its own."""
        line = self.write(source, place, html=False).strip()
        if _CONTROL.search(line):
            raise Invalid("holds a line break or another control character", place=place)
        if len(line.encode("utf-8", "replace")) > LONGEST_HEADER:
            raise Invalid(f"is longer than {LONGEST_HEADER} bytes", place=place)
        return line

    def html(self, source: str, preheader: str) -> str:
        body = self.write(source, "body", html=True).replace("\x00", "")
        body = html_of(body) if is_mjml(body) else body
        return _with_preheader(body, preheader) if preheader else body

    def text(self, source: str) -> str:
        text = self.write(source, "text", html=False).replace("\x00", "")
        return re.sub(r"[ \t]+\n", "\n", re.sub(r"\n\s*\n", "\n\n", text)).strip()

    def json(self, payload: Payload) -> str:
        """A payload whose texts are rendered one by one, so that no value can change its shape."""
        return json.dumps(self._filled(payload, "payload"), ensure_ascii=False)

    def everything(self, name: str) -> str:
        """What a webhook posts that says nothing of its payload; the values are data, never Liquid."""
        return json.dumps({"template": name, **self.data}, ensure_ascii=False)

    def _filled(self, value: object, place: str) -> object:
        if isinstance(value, str):
            return self.write(value, place, html=False)
        if isinstance(value, Mapping):
            return {name: self._filled(part, f"{place}.{name}") for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._filled(part, f"{place}[{index}]") for index, part in enumerate(value)]
        return value


def _with_preheader(html: str, preheader: str) -> str:
    # The blanks keep mail clients from filling the preview up with the first words of the body.
    shown = escape(preheader) + "&#847;&zwnj;&nbsp;" * 60
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{shown}</div>'
    body = re.search(r"<body\b[^>]*>", html, re.IGNORECASE)
    at = body.end() if body else 0
    return html[:at] + hidden + html[at:]
