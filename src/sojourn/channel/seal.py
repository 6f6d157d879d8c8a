"""Seals an effect's key, so that what comes back can be believed to be about a mail of ours."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

_SEALED = re.compile(r"(?<![0-9a-f])([0-9a-f]{16})[.=]([0-9a-f]{32})(?![0-9a-f])")


def sealed(effect: str, key: bytes) -> str:
    """The seal of an effect: 128 bits of HMAC-SHA256, in hex since mail keeps no case."""
    return hmac.new(key, b"effect:" + effect.encode(), hashlib.sha256).hexdigest()[:32]


def return_path(effect: str, key: bytes, domain: str) -> str:
    """The address that bounces of this effect go to (VERP): `b+<effect>=<seal>@domain`."""
    return f"b+{effect}={sealed(effect, key)}@{domain}"


def effect_in(texts: Iterable[str], keys: Sequence[bytes]) -> str:
    """The first effect in these texts that carries a true seal of one of the keys; empty if none does.

    It is the same mark in a return path, a Message-ID and an ENVID, so it is found wherever a
    server quotes any of them.
    """
    for text in texts:
        for effect, seal in _SEALED.findall(text.lower()):
            if any(hmac.compare_digest(sealed(effect, key), seal) for key in keys):
                return str(effect)
    return ""
