"""Addresses of mail as they go on the wire: checked, their domains in ASCII."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from email_validator import EmailNotValidError, validate_email

from sojourn.errors import NotDelivered

BAD_RECIPIENT = "5.1.3"
BAD_SENDER = "5.1.7"

_COMMON = re.compile(
    r"(?!.*[.@](?:arpa|invalid|local|localhost|onion)$)"
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,24}",
    re.IGNORECASE,
)
"""What nearly all addresses look like: these need not be taken apart, which takes 20 µs."""
_SHORT = 64  # no part of it can be too long then

_SIMPLE_LOCAL_PART = re.compile(r"[A-Za-z0-9+=_-][A-Za-z0-9+=_.-]*")


class Address(msgspec.Struct, frozen=True):
    """One mailbox: local part as given, domain as A-labels (RFC 5890)."""

    mailbox: str
    domain: str
    utf8: bool  # the local part is not ASCII, so the peer must offer SMTPUTF8 (RFC 6531)


@lru_cache(maxsize=4096)
def address(text: str, code: str = BAD_RECIPIENT) -> Address:
    """The address in this text.

    Raises NotDelivered with `code` (RFC 3463) if there is none that could be written into an
    SMTP command or a header: only the syntax is looked at, whether it exists the peer will say.
    """
    if _COMMON.fullmatch(text) and len(text) <= _SHORT:
        local, _, domain = text.rpartition("@")
        return Address(f"{local}@{domain.lower()}", domain.lower(), utf8=False)
    try:
        valid = validate_email(
            text,
            check_deliverability=False,
            globally_deliverable=False,
            allow_quoted_local=True,
            test_environment=True,  # lets .test pass, the name reserved for trying things (RFC 6761)
        )
    except EmailNotValidError as trouble:
        raise NotDelivered(f"{text!r} is no e-mail address: {trouble}", code=code) from None
    return Address(
        f"{valid.local_part}@{valid.ascii_domain}", valid.ascii_domain, not valid.local_part.isascii()
    )


def address_of_ours(text: str) -> Address:
    """As `address`, for one that we made for a single message: a return path, a Message-ID.

    Its domain is checked as any, once; its local part must be letters, digits and `+=_.-`.
    """
    local, _, domain = text.rpartition("@")
    if not _SIMPLE_LOCAL_PART.fullmatch(local):
        return address(text, BAD_SENDER)
    known = address(f"x@{domain}", BAD_SENDER)
    return Address(f"{local}@{known.domain}", known.domain, utf8=False)
