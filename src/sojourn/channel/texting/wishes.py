"""Reads in a text message whether its sender wants no more, wants messages again or asks for help."""

from __future__ import annotations

from typing import Literal

Wish = Literal["", "stop", "start", "help"]

_WORDS: dict[str, Wish] = {
    **dict.fromkeys(
        ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "arret", "arrêt"),
        "stop",
    ),
    **dict.fromkeys(("start", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}
"""The words that carriers and Twilio act on by themselves, if they are all of the message.

Not YES: Twilio takes it for START, but it answers other questions too, and we would rather write to
somebody too little.
"""


def wish(text: str, known: str = "") -> Wish:
    """What the sender wants; `known` is what the provider has read in it already (`STOP`), if it has."""
    word = (known or text).strip().strip(".!\"'").casefold()
    return _WORDS.get(word, "")
