"""Reads complaints: what a mailbox provider reports when a reader calls a mail spam (ARF, RFC 5965)."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message

from sojourn.channel.contract import Feedback, shown
from sojourn.channel.incoming import blocks, header, opened, parts, texts
from sojourn.channel.seal import effect_in

_NO_COMPLAINT = ("not-spam", "auth-failure")
"""A reader took it back (RFC 6430), or a server reports a bad signature (RFC 6591)."""


def read(raw: bytes, keys: Sequence[bytes]) -> list[Feedback]:
    """The complaint in a mail; nothing if it is none or bears no true seal.

    The recipient is often struck out (RFC 6590), so the effect is found by the seal in whatever
    of our mail the third part quotes.
    """
    message = opened(raw)
    report = _report(message) if message else None
    if message is None or report is None:
        return []
    kind = header(report, "Feedback-Type").lower()
    effect = "" if kind in _NO_COMPLAINT else effect_in(texts(message), keys)
    if not effect:
        return []
    recipient = shown(header(report, "Original-Rcpt-To").strip("<>"))
    detail = shown(f"{kind} by {header(report, 'User-Agent')}")
    return [Feedback(effect=effect, kind="complained", recipient=recipient, detail=detail)]


def _report(message: Message) -> Message | None:
    reports = [part for part in parts(message) if part.get_content_type() == "message/feedback-report"]
    found = (block for part in reports for block in blocks(part) if block.get("Feedback-Type"))
    return next(found, None)
