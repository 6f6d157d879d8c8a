"""Tells people from machines among the opens and clicks of a message: all are kept, none is thrown away.

Mail scanners follow links before the mail is read and mail clients fetch pictures for nobody, so
branches and rates count the hits of people only.  What came too soon to tell is a person's once our
tracker saw the page that the click led to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

SECOND = 1_000_000

BURST, BURST_SPAN = 3, 2 * SECOND
"""So many different links within this span: no person is as quick."""

TRAP_SPAN = 60 * SECOND
"""How near to a hit on the link that people do not see a hit from the same address is a machine's."""

PROMPT = 10 * SECOND
"""Scanners follow links when the mail arrives; people need a moment."""

_SCANNERS = re.compile(
    # A Cubot is a telephone.
    r"(?<!cu)bot\b|crawl|spider|scan|preview|headless|phantomjs|curl/|wget/|python|go-http|java/|libwww|okhttp"
    r"|barracuda|proofpoint|mimecast|messagelabs|symantec|trend ?micro|fireeye|safelinks|urldefense|slack",
    re.IGNORECASE,
)
_PREFETCH = "Mozilla/5.0"
"""All that Apple's Mail Privacy Protection says of itself; no browser says so little."""

_PROXY = "GoogleImageProxy"


class Hit(msgspec.Struct, frozen=True):
    """One request for a link or the pixel of a message."""

    kind: Literal["open", "click"]
    at: int  # microseconds UTC
    link: int = 0  # of a click: the number of the link, 0 for the trap
    method: str = "GET"
    agent: str = ""  # User-Agent
    address: str = ""  # the client's IP address
    data_centre: bool = False  # whether that is one of a data centre
    accepted: int = 0  # when the far side took the message, microseconds UTC
    confirmed: bool = False  # the tracker saw the page it led to


class Origin(msgspec.Struct, frozen=True):
    """Who made a hit, and why we think so."""

    machine: bool
    why: str


def origins(hits: Sequence[Hit]) -> list[Origin]:
    """Who made each of the hits on one message.

    Each is seen in the light of all the others, so that what looked like a person's click is known
    for a scanner's when its fellows come.
    """
    return [_origin(hit, hits) for hit in hits]


def _origin(hit: Hit, hits: Sequence[Hit]) -> Origin:
    if hit.method not in ("GET", "POST"):
        return Origin(True, f"asked by {hit.method}")
    if hit.kind == "click" and hit.link == 0:
        return Origin(True, "followed the hidden link")
    if hit.confirmed:
        return Origin(False, "seen on the page")
    if hit.kind == "open":
        return _opened(hit)
    return _clicked(hit, hits)


def _opened(hit: Hit) -> Origin:
    if hit.agent.strip() == _PREFETCH:
        return Origin(True, "fetched by Apple's mail privacy")
    if _PROXY in hit.agent:
        return Origin(_is_prompt(hit), "fetched by Google's proxy")
    if _SCANNERS.search(hit.agent):
        return Origin(True, "the client is a scanner")
    return Origin(hit.data_centre and _is_prompt(hit), "opened")


def _clicked(hit: Hit, hits: Sequence[Hit]) -> Origin:
    clicks = [other for other in hits if other.kind == "click"]
    if any(click.link == 0 and _beside(hit, click) for click in clicks):
        return Origin(True, "came with one that followed the hidden link")
    if _in_a_burst(hit, clicks):
        return Origin(True, f"came with {BURST} links in {BURST_SPAN // SECOND} s")
    if _SCANNERS.search(hit.agent) or not hit.agent.strip():
        return Origin(True, "the client is a scanner")
    if hit.data_centre and _is_prompt(hit):
        return Origin(True, "came at once, from a data centre")
    return Origin(False, "clicked")


def _in_a_burst(hit: Hit, clicks: Sequence[Hit]) -> bool:
    """Whether some span that holds the hit holds enough different links."""
    return any(
        len({click.link for click in clicks if 0 <= click.at - first.at <= BURST_SPAN}) >= BURST
        for first in clicks
        if 0 <= hit.at - first.at <= BURST_SPAN
    )


def _beside(hit: Hit, other: Hit) -> bool:
    return hit.address == other.address and abs(hit.at - other.at) <= TRAP_SPAN


def _is_prompt(hit: Hit) -> bool:
    return 0 <= hit.at - hit.accepted <= PROMPT
