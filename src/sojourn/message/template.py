"""A template: what is said on a channel, in one language or several, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import mrml
import msgspec

from sojourn.errors import Invalid
from sojourn.message.liquid.environment import compiled

Payload = Mapping[str, object]

_HTML_PARTS = frozenset({"body"})
_TEXTS = {"sms": "a text message", "slack": "a message in Slack"}


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parts of a template that a language says differently; an empty part is the template's own."""

    subject: str = ""
    preheader: str = ""
    body: str = ""  # MJML or HTML
    text: str = ""
    payload: Payload = {}


class Template(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"sender": "from"}
):
    """All parts are Liquid.  `settings` belong to the channel and are not rendered."""

    name: str
    channel: str = "email"
    purpose: str = ""  # of a send that names none
    subject: str = ""
    preheader: str = ""
    body: str = ""  # MJML or HTML
    text: str = ""  # of an e-mail: made from the body when empty
    payload: Payload = {}  # of a webhook: what it posts as JSON; of a push: title, body, url, icon …
    sender: str = ""
    reply_to: str = ""
    languages: Mapping[str, Variant] = {}
    settings: Mapping[str, object] = {}

    def variant(self, locale: str) -> Variant:
        """What is said to someone of a locale: `de-AT`, else `de`, else the template's own words."""
        spoken = {_locale(name): variant for name, variant in self.languages.items()}
        wanted = _locale(locale)
        said = spoken.get(wanted) or spoken.get(wanted.partition("-")[0]) or Variant()
        names = Variant.__struct_fields__
        return Variant(**{name: getattr(said, name) or getattr(self, name) for name in names})


class Finding(msgspec.Struct, frozen=True):
    """Something in a template that works, but hardly as meant."""

    place: str
    what: str


def parse(data: object, *, place: str = "", source: str = "") -> Template:
    """The template that plain data says.  Raises Invalid with the place in it and the line of the part."""
    try:
        template = msgspec.convert(data, Template)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise Invalid(message, place=(place + path.rstrip("`")).lstrip("."), source=source) from None
    try:
        _check(template)
    except Invalid as error:
        where = ".".join(part for part in (place, error.place) if part)
        raise Invalid(error.message, place=where, source=source, line=error.line) from None
    return template


def findings(template: Template) -> tuple[Finding, ...]:
    """What to look at before a template is used."""
    found = []
    if template.channel == "email" and template.purpose != "transactional":
        for place, variant in _variants(template):
            if "links.unsubscribe" not in variant.body + variant.text:
                found.append(Finding(place or "body", "has no {{ links.unsubscribe }} for people to see"))
    for place, source in _sources(template):
        if place.endswith("body") and len(source) > 100_000:
            found.append(Finding(place, "is longer than 100 KB, after which Gmail cuts off"))
    return tuple(found)


def is_mjml(body: str) -> bool:
    """Whether a body is MJML rather than HTML."""
    return re.match(r"(?:\s++|<\?xml[^<>]*+>|<!--.*?-->)*+<mjml\b", body, re.DOTALL) is not None


def html_of(mjml: str) -> str:
    """The HTML of rendered MJML; nothing is loaded from anywhere.  Raises Invalid, with the line if known."""
    options = mrml.RenderOptions(disable_comments=False, social_icon_origin=None, fonts={})
    try:
        made = mrml.to_html(mjml, mrml.ParserOptions(include_loader=mrml.noop_loader()), options)
    except OSError as error:
        where = re.search(r" in root template(?: at position (\d+):\d+)?$", str(error))
        message = str(error)[: where.start()] if where else str(error)
        line = mjml.encode()[: int(where[1])].count(b"\n") + 1 if where and where[1] else 0
        raise Invalid(f"MJML: {message}", place="body", line=line) from None
    return made.content


def _check(template: Template) -> None:
    for place, source in _sources(template):
        try:
            compiled(source, html=place.rpartition(".")[2] in _HTML_PARTS)
        except Invalid as error:
            raise Invalid(error.message, place=place, line=error.line) from None
    for place, variant in _variants(template):
        if template.channel == "email" and not variant.subject:
            raise Invalid("an e-mail needs a subject", place=f"{place}subject")
        if template.channel == "email" and not (variant.body or variant.text):
            raise Invalid("an e-mail needs a body or a text", place=f"{place}body")
        if template.channel in _TEXTS and not variant.text:
            raise Invalid(f"{_TEXTS[template.channel]} needs a text", place=f"{place}text")
        if template.channel == "push" and not variant.payload.get("title"):
            raise Invalid("a notification needs a title", place=f"{place}payload.title")


def _variants(template: Template) -> Iterator[tuple[str, Variant]]:
    yield "", template.variant("")
    for name in template.languages:
        yield f"languages.{name}.", template.variant(name)


def _sources(template: Template) -> Iterator[tuple[str, str]]:
    """Each piece of Liquid and its place."""
    yield from (("from", template.sender), ("reply_to", template.reply_to))
    parts: list[tuple[str, Template | Variant]] = [("", template)]
    parts += [(f"languages.{name}.", variant) for name, variant in template.languages.items()]
    for place, part in parts:
        for name in ("subject", "preheader", "body", "text"):
            yield f"{place}{name}", getattr(part, name)
        yield from _leaves(f"{place}payload", part.payload)


def _leaves(place: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _leaves(f"{place}.{name}", part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(f"{place}[{index}]", part)


def _locale(name: str) -> str:
    return name.strip().replace("_", "-").casefold()
