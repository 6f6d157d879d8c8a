"""Tracked links: those of a message are numbered, their destinations stay on the server.

So a link in a mail can never be made to lead elsewhere.  Links to us (unsubscribe, preferences) stay
as they are, also those of mail and telephone; of other schemes than the web's nothing is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape, unescape

import msgspec
from msgspec.structs import replace

from sojourn.errors import Invalid
from sojourn.message.render import Rendered
from sojourn.message.tokens import Click, Keyring, Open

TRAP = 0
"""The number of the link that people do not see: who follows it is a machine."""

MOST_LINKS = 500
LONGEST_LINK = 8_000

_WEB = re.compile(r"(https?)://([^/?#\\\s@]+)((?:[/?#]\S*)?)", re.IGNORECASE)
_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"]*[^\s<>\"'.,;:!?)\]}]", re.IGNORECASE)
"""An address in plain text, without what ends the sentence that it stands in."""
_OTHER = re.compile(r"(?:mailto|tel|sms):\S+|#\S*", re.IGNORECASE)
# Each part stops where the next tag starts, and nothing is tried twice: the time grows with the length alone.
_QUOTED = r""""[^"<]*+(?:<(?![a-z/!])[^"<]*+)*+"|'[^'<]*+(?:<(?![a-z/!])[^'<]*+)*+'"""
_SILENT = r"<!--.*?(?:-->|\Z)|<(script|style|title|textarea)\b.*?(?:</\1\b|\Z)"
_ANCHOR = re.compile(rf"{_SILENT}|<(?:a|area)\s((?:[^>\"'<]++|{_QUOTED})*+)>", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(r"""([^\s"'>/=]++)(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++))?+""")
_HIDDEN = 'style="display:none" aria-hidden="true" tabindex="-1"'


class Tracking(msgspec.Struct, frozen=True):
    """How the links of one message are made."""

    keys: Keyring
    effect: int
    address: str  # of our public pages, as https://t.example.org
    pixel: bool = True
    trap: bool = True


def tracked(message: Rendered, tracking: Tracking) -> Rendered:
    """The message with its web links numbered and pointing to us, and where each leads in `links`.

    Link n leads to links[n - 1].  Of a notification it is the address that a click opens, of a text
    message each address in it; what goes to machines and to the team is not changed.
    """
    destinations: list[str] = []
    if message.channel == "sms":
        text = _ADDRESS.sub(lambda found: _turned(found[0], tracking, destinations), message.text)
        return replace(message, text=text, links=tuple(destinations))
    if message.channel == "push":
        text = _notification(message.text, tracking, destinations)
        return replace(message, text=text, links=tuple(destinations))
    if not message.html:
        return message
    html, links = rewritten(message.html, tracking)
    return replace(message, html=_with_marks(html, tracking), links=links)


def rewritten(html: str, tracking: Tracking) -> tuple[str, tuple[str, ...]]:
    """The HTML with numbered links, and their destinations.  Raises Invalid for too many or too long ones."""
    pieces, destinations, end = [], list[str](), 0
    for start, stop in _targets(html):
        target = unescape(html[start:stop].strip("\"'"))
        pieces += [html[end:start], f'"{escape(_turned(target, tracking, destinations))}"']
        end = stop
    if len(destinations) > MOST_LINKS:
        raise Invalid(f"has more than {MOST_LINKS} links", place="body")
    return "".join((*pieces, html[end:])), tuple(destinations)


def _notification(text: str, tracking: Tracking, destinations: list[str]) -> str:
    """The JSON of a notification with its `url` turned."""
    said = msgspec.json.decode(text)
    if isinstance(said, dict) and said.get("url"):
        said["url"] = _turned(str(said["url"]), tracking, destinations)
    return msgspec.json.encode(said).decode()


def _targets(html: str) -> Iterator[tuple[int, int]]:
    """Where the addresses of links stand, with their quotes.  Comments, scripts and styles hold none."""
    for anchor in _ANCHOR.finditer(html):
        for attribute in _ATTRIBUTE.finditer(html, *anchor.span(2)) if anchor[2] else ():
            if attribute[1].lower() == "href" and attribute[2]:
                yield attribute.span(2)
                break  # of two alike the first counts


def _turned(target: str, tracking: Tracking, destinations: list[str]) -> str:
    """What takes the place of a link's address."""
    target = re.sub(r"[\t\r\n]", "", target.strip()).replace(" ", "%20")  # as browsers read it
    if len(target) > LONGEST_LINK:
        raise Invalid(f"has a link of more than {LONGEST_LINK} characters", place="body")
    if _ours(target, tracking.address) or _OTHER.fullmatch(target):
        return target
    web = _WEB.fullmatch(target)
    if not web:
        return "#"
    destinations.append(_in_ascii(*web.groups()))
    return f"{tracking.address}/c/{tracking.keys.sign(Click(tracking.effect, len(destinations)))}"


def _in_ascii(scheme: str, host: str, rest: str) -> str:
    """The address as it can stand in a header (RFC 3986, with RFC 3490 for the host)."""
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise Invalid(f"has a link to {host!r}, which is no host", place="body") from None
    escaped = "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in rest.encode())
    return f"{scheme.lower()}://{host}{escaped}"


def _ours(target: str, address: str) -> bool:
    return target == address or target.startswith((f"{address}/", f"{address}?"))


def _with_marks(html: str, tracking: Tracking) -> str:
    """The HTML with the pixel and the link that people do not see, at its end."""
    address, marks = escape(tracking.address), ""
    if tracking.trap:
        trap = tracking.keys.sign(Click(tracking.effect, TRAP))
        marks += f'<a href="{address}/c/{trap}" {_HIDDEN}></a>'
    if tracking.pixel:
        pixel = tracking.keys.sign(Open(tracking.effect))
        marks += f'<img src="{address}/o/{pixel}" width="1" height="1" alt="" style="display:block;border:0">'
    at = html.lower().rfind("</body")
    return html + marks if at < 0 else html[:at] + marks + html[at:]
