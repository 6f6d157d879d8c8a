"""Writes messages to a stream, one line of JSON each: for trying a journey without sending anything."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from typing import Literal, TextIO

from sojourn.channel.contract import Channel, Delivery, Outgoing, Receipt, Settings

_ACTS_ON_TERMINALS = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What JSON leaves as it is and a terminal obeys: C1 controls, and changes of direction."""


class ConsoleSettings(Settings, frozen=True, kw_only=True):
    """Which stream to write to."""

    stream: Literal["stdout", "stderr"] = "stdout"


class Console:
    """An open stream."""

    slots = 1

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def deliver(self, outgoing: Outgoing) -> Receipt:
        """Write who gets what."""
        line = json.dumps(
            {
                "effect": outgoing.effect,
                "to": outgoing.recipient,
                "subject": outgoing.subject,
                "text": outgoing.text or outgoing.payload.decode("utf-8", "replace"),
            },
            ensure_ascii=False,
        )
        octets = _ACTS_ON_TERMINALS.sub(_escaped, line).encode("utf-8", "replace")
        self._stream.write(octets.decode() + "\n")
        self._stream.flush()
        return Receipt("written", hashlib.sha256(octets).hexdigest())

    async def close(self) -> None:
        """Nothing to let go of: the stream belongs to the process."""


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


def _open(settings: ConsoleSettings) -> Console:
    return Console(sys.stdout if settings.stream == "stdout" else sys.stderr)


CHANNEL = Channel(
    name="console",
    title="Console",
    kind="console",
    delivery=Delivery.DROPS_REPEATS,
    settings=ConsoleSettings,
    open=_open,
)
