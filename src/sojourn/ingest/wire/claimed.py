"""Which ids a call claims for the person it is about: as Segment's identity resolution finds them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sojourn.customer.identity import IdentityRules, normal
from sojourn.errors import Invalid
from sojourn.ingest.event import Value
from sojourn.ingest.wire.lenient import Call
from sojourn.ingest.wire.limits import Limits
from sojourn.ingest.wire.trust import Identities

_RULES = IdentityRules()
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_ADDRESS_CHARACTERS = 320  # 64 before the @ and 255 behind it (RFC 5321)
_PHONE = re.compile(r"\+\d{7,15}")  # E.164
_PHONE_MARKS = str.maketrans("", "", " -().\u00a0")


def claimed(
    call: Call, context: Mapping[str, Any], traits: Mapping[str, Value], limits: Limits
) -> Identities:
    """The (kind, value) pairs of a call, its own ids first.  Raises Invalid where an id is no id or
    the call has neither a user id nor an anonymous one."""
    user, anonymous = _own(call.user_id, "userId", limits), _own(call.anonymous_id, "anonymousId", limits)
    if not user and not anonymous:
        raise Invalid("userId or anonymousId is required, and not null or zeros", place="userId")
    found = [("user_id", user)] if user else []
    if anonymous:
        found.append(("anonymous_id", anonymous))
    if traits:
        found += _addresses(traits)
    if context:
        found += _of_context(context, limits)
    return tuple(found)


def identifier(value: object, place: str, limits: Limits) -> str:
    """An id as a text, empty where there is none; numbers are as SDKs write them."""
    if type(value) is str:
        text = value.strip()
    elif value is None:
        return ""
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    else:
        raise Invalid("must be a text or a number", place=place)
    if len(text) > limits.id_characters:
        raise Invalid(f"longer than {limits.id_characters} characters", place=place)
    return text


def _own(value: object, place: str, limits: Limits) -> str:
    """The id, empty where there is none or it is what broken clients send for nobody."""
    if value is None:
        return ""
    text = usable(value if type(value) is str else identifier(value, place, limits))
    if len(text) > limits.id_characters:
        raise Invalid(f"longer than {limits.id_characters} characters", place=place)
    return text


@lru_cache(maxsize=65_536)  # who was here a moment ago is likely to come again
def usable(text: str) -> str:
    """The id as it is kept, empty where it is nobody's (`null`, `0`, `anonymous`)."""
    text = text.strip()
    return text if text and normal("", text, _RULES) else ""


def _addresses(traits: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    email, phone = traits.get("email"), traits.get("phone")
    if isinstance(email, str) and len(email) <= _ADDRESS_CHARACTERS and _ADDRESS.fullmatch(email.strip()):
        yield "email", email.strip()
    if isinstance(phone, str):
        digits = phone.translate(_PHONE_MARKS)
        if _PHONE.fullmatch(digits):
            yield "phone", digits


def _of_context(context: Mapping[str, Any], limits: Limits) -> Iterator[tuple[str, str]]:
    device, external = context.get("device"), context.get("externalIds")
    if isinstance(device, dict) and device.get("id"):
        yield "device", identifier(device["id"], "context.device.id", limits)
    for given in external if isinstance(external, list) else ():
        if isinstance(given, dict) and given.get("collection", "users") == "users" and given.get("id"):
            kind = identifier(given.get("type"), "context.externalIds.type", limits)
            yield kind or "custom", identifier(given["id"], "context.externalIds.id", limits)
