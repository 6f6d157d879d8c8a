"""Signs mails with DKIM (RFC 6376), every field that matters, so that none can be changed or added."""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from sojourn.channel.contract import Secret
from sojourn.channel.mime import Mail
from sojourn.errors import Misconfigured

SIGNED = (
    *("from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type"),
    *("content-transfer-encoding", "reply-to", "list-id", "list-unsubscribe", "list-unsubscribe-post"),
    "feedback-id",
)
SEALED = frozenset(
    {"from", "to", "subject", "date", "reply-to", "list-id", "list-unsubscribe", "list-unsubscribe-post"}
)
"""Named once more than they occur, so that a second one, added on the way, breaks the signature."""

SMALLEST_RSA = 2048
"""Bits (RFC 8301 asks for it; DNS answers carry no more than 4096)."""


class DkimKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to sign with, as a person gives it."""

    domain: Annotated[str, msgspec.Meta(description="Signs mails from this domain and those below it.")]
    selector: Annotated[str, msgspec.Meta(description="The key is published at SELECTOR._domainkey.DOMAIN.")]
    private_key: Annotated[Secret, msgspec.Meta(description="PEM: RSA of 2048 bits or more, or Ed25519.")]

    def __repr__(self) -> str:
        return f"DkimKey({self.selector}._domainkey.{self.domain})"


class Signer:
    """One key, ready to sign.  Raises Misconfigured if it is none that the standard allows."""

    def __init__(self, key: DkimKey) -> None:
        self.domain, self.selector = key.domain.lower(), key.selector
        self._private = _loaded(key)
        self.algorithm = "rsa-sha256" if isinstance(self._private, RSAPrivateKey) else "ed25519-sha256"

    def covers(self, domain: str) -> bool:
        """Whether the signature aligns with a From of this domain (RFC 7489, 3.1.1, relaxed)."""
        return domain == self.domain or domain.endswith(f".{self.domain}")

    def record(self) -> str:
        """The TXT record to publish at `selector._domainkey.domain`."""
        public = self._private.public_key()
        if isinstance(self._private, RSAPrivateKey):
            kind, encoding = "rsa", serialization.Encoding.DER
            form = serialization.PublicFormat.SubjectPublicKeyInfo
        else:
            kind, encoding = "ed25519", serialization.Encoding.Raw  # RFC 8463: the bare 32 octets
            form = serialization.PublicFormat.Raw
        return f"v=DKIM1; k={kind}; p={base64.b64encode(public.public_bytes(encoding, form)).decode()}"

    def signature(self, octets: bytes) -> bytes:
        """The signature of these canonical headers."""
        if isinstance(self._private, RSAPrivateKey):
            return self._private.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        return self._private.sign(hashlib.sha256(octets).digest())


def signed(mail: Mail, signers: Sequence[Signer], at: int) -> Mail:
    """The mail with a DKIM-Signature from each signer that covers its sender, on top.

    `at`, microseconds UTC, is when it says it was signed: given by the caller, so that the same
    mail gets the same signature at every attempt (Ed25519 and PKCS #1 v1.5 are deterministic).
    """
    fitting = [signer for signer in signers if signer.covers(mail.sender.domain)]
    if not fitting:
        return mail
    names, canonical = _canonical_fields(mail.fields)
    body_hash = base64.b64encode(hashlib.sha256(_canonical_body(mail.body)).digest()).decode()
    fields = [_field(signer, names, canonical, body_hash, at // 1_000_000) for signer in fitting]
    return msgspec.structs.replace(mail, fields=(*fields, *mail.fields))


def _loaded(key: DkimKey) -> RSAPrivateKey | Ed25519PrivateKey:
    where = f"the DKIM key {key.selector}._domainkey.{key.domain}"
    try:
        private = serialization.load_pem_private_key(key.private_key.encode(), None)
    except (ValueError, TypeError) as trouble:  # TypeError: it is locked with a password
        raise Misconfigured(f"{where} is no private key in PEM without a password") from trouble
    if isinstance(private, RSAPrivateKey) and private.key_size < SMALLEST_RSA:
        raise Misconfigured(f"{where} has {private.key_size} bits; make one of {SMALLEST_RSA} or more")
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise Misconfigured(f"{where} is neither RSA nor Ed25519")
    return private


def _canonical_fields(fields: Sequence[tuple[str, str]]) -> tuple[list[str], bytes]:
    """The names to sign, in the order of `h=`, and the canonical fields that those names pick.

    Of several fields of a name the last is picked first (RFC 6376, 5.4.2); a name beyond the
    last of its fields picks nothing, and so says that there is no further one.
    """
    values: dict[str, list[bytes]] = defaultdict(list)
    for name, value in fields:
        values[name.lower()].append(value.encode())
    names: list[str] = []
    picked: list[bytes] = []
    for name in SIGNED:
        found = values.get(name, [])
        names += [name] * (len(found) + (name in SEALED))
        picked += [_canonical_field(name, value) for value in reversed(found)]
    return names, b"\r\n".join(picked)


def _canonical_field(name: str, value: bytes) -> bytes:
    return name.encode() + b":" + b" ".join(value.split())


def _canonical_body(body: bytes) -> bytes:
    """Relaxed (RFC 6376, 3.4.4): runs of space become one, none ends a line, no empty lines end the body."""
    # Splitting at spaces and dropping what is empty is 10 times as fast as a regular expression; the
    # line end in front, taken away again, keeps a space that the body may begin with.
    words = (b"\n" + body.replace(b"\t", b" ")).split(b" ")
    reduced = b" ".join(filter(None, words))[1:].replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return reduced + b"\r\n" if reduced else b""


def _field(signer: Signer, names: list[str], canonical: bytes, body_hash: str, at: int) -> tuple[str, str]:
    listed = ":\r\n  ".join(":".join(some) for some in _by_five(names))
    tags = (
        f"v=1; a={signer.algorithm}; c=relaxed/relaxed; d={signer.domain}; s={signer.selector};\r\n"
        f" t={at}; h={listed};\r\n bh={body_hash};\r\n b="
    )
    signature = signer.signature(canonical + b"\r\n" + _canonical_field("dkim-signature", tags.encode()))
    coded = base64.b64encode(signature).decode()
    return "DKIM-Signature", tags + "\r\n  ".join(coded[at : at + 72] for at in range(0, len(coded), 72))


def _by_five(names: list[str]) -> list[list[str]]:
    """Folded between names, so that no line grows long; relaxed reading takes the folds out again."""
    return [names[at : at + 5] for at in range(0, len(names), 5)]
