"""Says to push services who we are, by a key of ours that browsers know too (VAPID, RFC 8292)."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sojourn.channel.web.encryption import coded, decoded, public
from sojourn.errors import Misconfigured

_LASTS = 12 * 3600
"""Seconds that a token holds: at most 24 hours are allowed, and clocks differ."""


class Vapid:
    """A key of P-256, in PEM or as the 32 octets of its number in base64url.  Raises Misconfigured."""

    def __init__(self, private_key: str, subject: str) -> None:
        self._key, self._subject = _loaded(private_key), subject

    @property
    def public_key(self) -> str:
        """What browsers subscribe with (`applicationServerKey`), in base64url."""
        return coded(public(self._key))

    def authorization(self, endpoint: str, now: int) -> str:
        """The header for one push to `endpoint` at `now` (microseconds UTC)."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": now // 1_000_000 + _LASTS,
            "sub": self._subject,
        }
        signed = ".".join(
            coded(msgspec.json.encode(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims)
        )
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(SHA256())))
        token = f"{signed}.{coded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
        return f"vapid t={token}, k={self.public_key}"


def _loaded(text: str) -> ec.EllipticCurvePrivateKey:
    try:
        if "PRIVATE KEY" not in text:
            return ec.derive_private_key(int.from_bytes(decoded(text.strip()), "big"), ec.SECP256R1())
        key = load_pem_private_key(text.encode(), None)
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return key
    except (ValueError, TypeError):
        pass  # said below
    raise Misconfigured(
        "the key of web push is one of P-256; make one with `openssl ecparam -name prime256v1 -genkey -noout`"
    )
