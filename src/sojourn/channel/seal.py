"""Seals an effect's key, so that what comes back can be believed to be about a mail of ours."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

_SEALED = re.compile(r"(?<![0-9a-f])([0-9a-f]{16})[.=]([0-9a-f]{32})(?![0-9a-f])")
_LEAVING = re.compile(r"(?<![0-9a-z])u-([0-9a-f]{16})-([0-9a-f]{32})@")
_RETURNED = re.compile(r"b\+([0-9a-f]{16})=([0-9a-f]{32})@")
_EFFECT, _LEAVE = b"effect:", b"leave:"


def sealed(effect: str, key: bytes) -> str:
    """The seal of an effect: 128 bits of HMAC-SHA256, in hex since mail keeps no case."""
    return _mac(_EFFECT, effect, key)


def return_path(effect: str, key: bytes, domain: str) -> str:
    """The address that bounces of this effect go to (VERP): `b+<effect>=<seal>@domain`."""
    return f"b+{effect}={sealed(effect, key)}@{domain}"


def leaving_address(effect: str, key: bytes, domain: str) -> str:
    """The address that a mail is sent to in order to unsubscribe (RFC 2369): `u-<effect>-<seal>@domain`.

    Its seal is another than that of bounces, which whoever is answered or forwarded a mail of ours
    reads in its Message-ID.  Hyphens need no escape in a mailto (RFC 6068, 2), where `+` and `=` do.
    """
    return f"u-{effect}-{_mac(_LEAVE, effect, key)}@{domain}"


def effect_in(texts: Iterable[str], keys: Sequence[bytes]) -> str:
    """The first effect in these texts that carries a true seal of one of the keys; empty if none does.

    It is the same mark in a return path, a Message-ID and an ENVID, so it is found wherever a
    server quotes any of them.
    """
    return _first(_SEALED, _EFFECT, texts, keys)


def leaving_effect(texts: Iterable[str], keys: Sequence[bytes]) -> str:
    """The effect of the first true leaving address in these texts; empty if there is none."""
    return _first(_LEAVING, _LEAVE, texts, keys)


def is_ours(address: str, keys: Sequence[bytes]) -> bool:
    """Whether a recipient is one of the addresses that we made, on any domain."""
    ways = ((_RETURNED, _EFFECT), (_LEAVING, _LEAVE))
    return any(way.match(address.lower()) and _first(way, use, [address], keys) for way, use in ways)


def _first(pattern: re.Pattern[str], use: bytes, texts: Iterable[str], keys: Sequence[bytes]) -> str:
    for text in texts:
        for effect, seal in pattern.findall(text.lower()):
            if any(hmac.compare_digest(_mac(use, effect, key), seal) for key in keys):
                return str(effect)
    return ""


def _mac(use: bytes, effect: str, key: bytes) -> str:
    return hmac.new(key, use + effect.encode(), hashlib.sha256).hexdigest()[:32]
