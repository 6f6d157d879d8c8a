"""How much one request may hold: a figure for every way in which input can grow without bound."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """The limits of Segment's HTTP API; `RUDDER` are those of a client that sends larger batches."""

    event_bytes: int = 32 * 1024
    batch_bytes: int = 500 * 1024
    events: int = 2_500
    depth: int = 64  # deeper than any real client nests, far below what exhausts a stack
    leaves: int = 1_000  # properties of one event once flattened
    id_characters: int = 512
    message_id_characters: int = 100
    name_characters: int = 256


SEGMENT = Limits()
RUDDER = Limits(batch_bytes=4 * 1024 * 1024)
