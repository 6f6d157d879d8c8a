"""What a key that anyone can read may claim: nobody's user id, address or traits without a signature.

A browser's key is public, so whoever holds it could say they were any user.  What they say of
themselves is kept, but where no rule of identity and no message looks: under an anonymous id and
in traits named `unconfirmed_…`, until the customer's own server signs it or a double opt-in
confirms it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from sojourn.ingest.event import Origin, Value
from sojourn.ingest.wire.limits import SEGMENT, Limits

Identities = tuple[tuple[str, str], ...]

_OPEN = frozenset({"anonymous_id", "device"})  # kinds whose values are secrets of the device itself
_UNPROVEN = "unproven"


class Source(msgspec.Struct, frozen=True):
    """Who sends: the origin its key gives it, its limits, and the secret its server signs ids with."""

    origin: Origin = Origin.SERVER
    limits: Limits = SEGMENT
    secret: bytes = b""
    address: str = ""  # the client's, noted on what a browser sends

    @property
    def trusted(self) -> bool:
        return self.origin != Origin.PUBLIC


def signature(secret: bytes, kind: str, value: str) -> str:
    """What a customer's server adds as `integrations.Sojourn.<kind>_hash`: hex HMAC-SHA256 (RFC 2104)
    of `kind:value`, so that a signed user id proves no address of the same text."""
    return hmac.new(secret, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def believed(claimed: Identities, signatures: object, source: Source) -> Identities:
    """The identities that a public key may claim; one left with none has an unproven one of its own."""
    signed = signatures if isinstance(signatures, dict) else {}
    kept = tuple(pair for pair in claimed if pair[0] in _OPEN or _proven(pair, signed, source.secret))
    return kept or tuple((_UNPROVEN, f"{kind}:{value}") for kind, value in claimed[:1])


def unconfirmed(traits: dict[str, Value], claimed: Identities, kept: Identities) -> dict[str, Value]:
    """The traits with each address or user id that was claimed and not believed moved out of the way."""
    doubted = {"email", "phone"} - {kind for kind, _ in kept}
    moved = {f"unconfirmed_{name}" if name in doubted else name: value for name, value in traits.items()}
    moved.update((f"unconfirmed_{pair[0]}", pair[1]) for pair in claimed if pair not in kept)
    return moved


def _proven(pair: tuple[str, str], signed: dict[str, Any], secret: bytes) -> bool:
    given = signed.get(f"{pair[0]}_hash")
    if not secret or not isinstance(given, str):
        return False
    return hmac.compare_digest(given.encode(), signature(secret, *pair).encode())
