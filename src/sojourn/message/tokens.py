"""Tokens: short signed texts in links and addresses, by which we know again what we once sent.

A token is the number of a key, what it names, and the first 128 bits of their HMAC-SHA256 (RFC 2104,
truncated as it allows).  What kind of thing it names is signed too, so that a token for one use is
none for another.  Keys are rotated by adding one: the older ones verify until they are removed.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from sojourn.errors import Misconfigured

MAC = 16  # bytes
LONGEST = 512  # characters of a token that is looked at


class Click(msgspec.Struct, frozen=True, array_like=True):
    """A link of a message, by its number from 1; 0 is the one that only machines see."""

    effect: int
    number: int


class Open(msgspec.Struct, frozen=True, array_like=True):
    """The pixel of a message."""

    effect: int


class Recipient(msgspec.Struct, frozen=True, array_like=True):
    """Who unsubscribes from what, and the message that offered it."""

    customer: int
    channel: str
    purpose: str
    effect: int


class Confirmation(msgspec.Struct, frozen=True, array_like=True):
    """A double opt-in that waits for its answer."""

    pending: int
    expires: int  # microseconds UTC


Nameable = Click | Open | Recipient | Confirmation
Named = TypeVar("Named", bound=Nameable)

_KINDS: Mapping[type, bytes] = {Click: b"c", Open: b"o", Recipient: b"u", Confirmation: b"d"}
_BASE64 = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True)
class Keyring:
    """Secrets by their numbers, 0 to 255; the one with the highest number signs."""

    secrets: Mapping[int, bytes]

    def __post_init__(self) -> None:
        if not self.secrets or not all(0 <= number <= 255 for number in self.secrets):
            raise Misconfigured("signing keys are numbered 0 to 255, and there is at least one")
        if any(len(secret) < 32 for secret in self.secrets.values()):
            raise Misconfigured(
                "a signing key is shorter than 32 bytes; make one with `openssl rand -hex 32`"
            )

    def sign(self, named: Nameable) -> str:
        """The token, of characters that a URL takes as they are."""
        signed = self._signed(_KINDS[type(named)], msgspec.msgpack.encode(named))
        return urlsafe_b64encode(signed).rstrip(b"=").decode()

    def verify(self, token: str, kind: type[Named]) -> Named | None:
        """What the token names; None where it is not of this kind or not ours."""
        # No base64 is a character longer than a multiple of four.
        if not 20 <= len(token) <= LONGEST or len(token) % 4 == 1 or not _BASE64.fullmatch(token):
            return None
        signed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        payload = self._payload(_KINDS[kind], signed)
        return msgspec.msgpack.decode(payload, type=kind) if payload is not None else None

    def _signed(self, kind: bytes, payload: bytes) -> bytes:
        number = max(self.secrets)
        return bytes((number,)) + payload + self._mac(kind, number, payload)

    def _payload(self, kind: bytes, signed: bytes) -> bytes | None:
        number, payload, mac = signed[0], signed[1:-MAC], signed[-MAC:]
        if number not in self.secrets or not hmac.compare_digest(mac, self._mac(kind, number, payload)):
            return None
        return payload

    def _mac(self, kind: bytes, number: int, payload: bytes) -> bytes:
        return hmac.digest(self.secrets[number], kind + bytes((number,)) + payload, "sha256")[:MAC]
