"""Reads bounces: delivery status notifications (RFC 3464), and notes of servers that write none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message
from itertools import islice
from typing import Literal

from sojourn.channel.contract import Feedback, shown
from sojourn.channel.incoming import blocks, header, opened, parts, text_of, texts
from sojourn.channel.retry import standing
from sojourn.channel.seal import effect_in

_KINDS: dict[str, Literal["bounced", "delayed", "delivered"]] = {
    "failed": "bounced",
    "delayed": "delayed",
    "delivered": "delivered",
}
"""`relayed` and `expanded` say no more than that the mail went on to where nobody will report."""

_REPORTS = ("message/delivery-status", "message/global-delivery-status")  # the latter is RFC 6533
_MOST_BLOCKS = 20  # a mail of ours goes to one recipient, whom it may have been forwarded from to some more
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_BARE = re.compile(r"(?<![\d.])(5[0-5]\d)(?=[ -])")
_DAEMON = re.compile(r"(mailer-daemon|postmaster|mail delivery|microsoftexchange)", re.IGNORECASE)


def read(raw: bytes, keys: Sequence[bytes]) -> list[Feedback]:
    """What a mail says of the delivery of one of ours; nothing if it is no bounce or bears no true seal.

    A report gives one feedback for each recipient it names.  A note in words counts only if a mail
    system wrote it (RFC 3834: an automatic reply of a person says so) and it names a status.
    """
    message = opened(raw)
    if message is None:
        return []
    reports = [part for part in parts(message) if part.get_content_type() in _REPORTS]
    if not reports and not _is_note(message):
        return []
    effect = effect_in(texts(message), keys)
    if not effect:
        return []
    return _of_report(reports[0], effect) if reports else _of_note(message, effect)


def _is_note(message: Message) -> bool:
    automatic = header(message, "Auto-Submitted").lower().startswith("auto-replied")
    return bool(_DAEMON.search(header(message, "From"))) and not automatic


def _of_report(report: Message, effect: str) -> list[Feedback]:
    found = []
    for block in islice(blocks(report), _MOST_BLOCKS):
        kind = _KINDS.get(header(block, "Action").lower())
        if kind:
            code, words = _status(block), header(block, "Diagnostic-Code")
            recipient = header(block, "Final-Recipient") or header(block, "Original-Recipient")
            found.append(_feedback(effect, kind, code, words, recipient.rpartition(";")[2].strip()))
    return found


def _status(block: Message) -> str:
    """The status; where it is as good as none (X.0.0), the one in the words of the server that refused."""
    status = _code_in(header(block, "Status"))
    if status and not status.endswith(".0.0"):
        return status
    return _code_in(header(block, "Diagnostic-Code")) or status


def _of_note(message: Message, effect: str) -> list[Feedback]:
    """The first status in the words; a note without one tells nothing sure."""
    words = "\n".join(text_of(part) for part in parts(message) if part.get_content_type() == "text/plain")
    code = _code_in(words)
    if not code or code.startswith("2"):
        return []
    return [_feedback(effect, "delayed" if code.startswith("4") else "bounced", code, words, "")]


def _code_in(words: str) -> str:
    found = _ENHANCED.search(words) or _BARE.search(words)
    return found[1] if found else ""


def _feedback(
    effect: str, kind: Literal["bounced", "delayed", "delivered"], code: str, words: str, recipient: str
) -> Feedback:
    return Feedback(
        effect=effect,
        kind=kind,
        recipient=shown(recipient),
        code=code,
        **({"standing": standing(code)} if kind == "bounced" else {}),
        detail=shown(words),
    )
