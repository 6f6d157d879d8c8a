"""Encrypts a notification so that only one browser can read it (RFC 8291 over RFC 8188)."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sojourn.errors import Invalid

RECORD = 4096
"""Octets of the one record, which is also all that a push service has to take (RFC 8030, 7.2)."""

MOST = RECORD - 86 - 17
"""Octets of a notification: what the header and the end of the record leave."""

_POINT = 65  # octets of an uncompressed point of P-256
_SECRET = 16


class Keys(msgspec.Struct, frozen=True):
    """What the browser made for this subscription, in base64url."""

    p256dh: str
    auth: str


class Subscription(msgspec.Struct, frozen=True):
    """Where a browser takes notifications, as its `PushSubscription.toJSON()` says it."""

    endpoint: str
    keys: Keys


def subscription(text: str | bytes) -> Subscription:
    """The subscription that a browser's JSON says.  Raises Invalid for one that cannot be sent to."""
    try:
        found = msgspec.json.decode(text, type=Subscription)
    except msgspec.DecodeError as trouble:
        raise Invalid(str(trouble), place="subscription") from None
    if urlsplit(found.endpoint).scheme not in ("https", "http") or len(found.endpoint) > 2048:
        raise Invalid("is no address of the web", place="subscription.endpoint")
    _point(found.keys.p256dh)
    if len(decoded(found.keys.auth)) != _SECRET:
        raise Invalid(f"is not {_SECRET} octets", place="subscription.keys.auth")
    return found


def encrypted(
    plain: bytes, to: Subscription, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """The body of a push in the content coding `aes128gcm`; key and salt are fresh if they are not given.

    Raises Invalid for more than MOST octets.
    """
    if len(plain) > MOST:
        raise Invalid(f"a notification holds at most {MOST} octets, not {len(plain)}", place="payload")
    key, salt = key or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    theirs, ours = decoded(to.keys.p256dh), public(key)
    shared = key.exchange(ec.ECDH(), _point(to.keys.p256dh))
    material = _derived(shared, decoded(to.keys.auth), b"WebPush: info\0" + theirs + ours, 32)
    content_key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD.to_bytes(4, "big") + bytes([_POINT]) + ours
    return header + AESGCM(content_key).encrypt(nonce, plain + b"\x02", None)


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public key as a point, uncompressed."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def decoded(text: str) -> bytes:
    """The octets of base64url without padding, empty if it is none."""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Error, ValueError):
        return b""


def coded(octets: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _point(text: str) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(text))
    except ValueError:
        raise Invalid("is no point of P-256", place="subscription.keys.p256dh") from None


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
