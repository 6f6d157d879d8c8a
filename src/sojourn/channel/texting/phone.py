"""Telephone numbers in their one notation (E.164), and how many parts a text message is sent in."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import phonenumbers

GSM, UCS2 = "GSM-7", "UCS-2"

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")  # take two septets each
_ROOM = {GSM: (160, 153), UCS2: (70, 67)}
"""Units of a message alone, and of each part of a longer one, whose header takes the difference."""


class Parts(msgspec.Struct, frozen=True):
    """What a text takes on the air, and so what it costs."""

    encoding: str
    units: int  # septets of GSM-7, 16-bit units of UCS-2
    segments: int


def number(text: str, country: str = "") -> str | None:
    """The number in E.164 (`+14155552671`), None if it is none.

    `country` (ISO 3166, `DE`) is where a number without + is dialled.
    """
    try:
        parsed = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def parts(text: str) -> Parts:
    """How a text goes over the air (3GPP TS 23.038 and 23.040).

    One character outside of GSM-7 makes all of it UCS-2.  What takes two units is not divided
    between two parts, so a part may go with one of them empty.
    """
    encoding = GSM if _BASIC.union(_ESCAPED).issuperset(text) else UCS2
    sizes = list(_sizes(text, encoding))
    alone, each = _ROOM[encoding]
    units = sum(sizes)
    return Parts(encoding, units, 1 if units <= alone else _packed(sizes, each))


def _sizes(text: str, encoding: str) -> Iterator[int]:
    for character in text:
        yield 2 if (character in _ESCAPED if encoding == GSM else ord(character) > 0xFFFF) else 1


def _packed(sizes: list[int], room: int) -> int:
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count
