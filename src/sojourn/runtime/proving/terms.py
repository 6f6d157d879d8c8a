"""The terms of a proof: whom all journeys leave alone, what counts as money, and how much is profit."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import repr as shown
from typing import Any

import msgspec
from sqlalchemy import Connection

from sojourn.analytics.outcome import Money
from sojourn.errors import Invalid
from sojourn.store.definitions import settings

PROOF = "proof"
"""The name of the setting that holds the terms."""

_KEYS = ("holdout", "money", "margin")
_OF_MONEY = ("event", "property", "currency")


class Terms(msgspec.Struct, frozen=True):
    """What is set; `since` is the instant (microseconds UTC) from which this global holdout holds."""

    holdout: float = 0.0
    money: Money = Money()
    margin: float = 1.0
    since: int = 0


def parse(data: object, place: str = PROOF) -> Terms:
    """The terms that plain data say, such as {holdout: 5%}.  Raises Invalid with the place in the data."""
    found = _mapping(data, _KEYS, place)
    margin = _share(found.get("margin", 1), f"{place}.margin")
    if not 0 < margin <= 1:
        raise Invalid("must be above 0%, at most 100%", place=f"{place}.margin")
    holdout = _share(found.get("holdout", 0), f"{place}.holdout")
    if not 0 <= holdout < 1:
        raise Invalid("must be below 100%", place=f"{place}.holdout")
    return Terms(holdout, _money(found.get("money", {}), f"{place}.money"), margin)


def load(connection: Connection) -> Terms:
    """The terms that hold."""
    return msgspec.convert(settings.get(connection, PROOF, {}), Terms)


def save(connection: Connection, terms: Terms, now: int, match: int | None = None, *, text: str = "") -> None:
    """Set the terms; another holdout than before counts from now.  Raises Conflict as settings do.

    `text` is the YAML that says them, if a person wrote one.
    """
    before = load(connection)
    since = before.since if before.holdout == terms.holdout else now
    kept = msgspec.to_builtins(msgspec.structs.replace(terms, since=since))
    settings.put(connection, PROOF, kept, text=text, match=match)


def _money(data: object, place: str) -> Money:
    found = _mapping(data, _OF_MONEY, place)
    plain = Money()
    named = found.get("property", list(plain.properties))
    properties = [named] if isinstance(named, str) else named
    if not isinstance(properties, list) or not properties or not all(map(_is_name, properties)):
        raise Invalid("must be the name of a property, or a list of them", place=f"{place}.property")
    event, currency = found.get("event", plain.event), found.get("currency", "")
    if not _is_name(event):
        raise Invalid("must be the name of an event", place=f"{place}.event")
    if not isinstance(currency, str) or (currency and not (len(currency) == 3 and currency.isalpha())):
        raise Invalid("must be a currency such as EUR (ISO 4217)", place=f"{place}.currency")
    return Money(event, tuple(properties), currency.upper())


def _mapping(data: object, keys: tuple[str, ...], place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise Invalid(f"must be a mapping of {', '.join(keys)}, not {shown(data)}", place=place)
    for key in data:
        if key not in keys:
            raise Invalid(f"is not known: there are {', '.join(keys)}", place=f"{place}.{key}")
    return data


def _share(data: object, place: str) -> float:
    text = str(data).strip()
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise Invalid(f"must be a share such as '5%' or 0.05, not {shown(data)}", place=place) from None


def _is_name(data: object) -> bool:
    return isinstance(data, str) and bool(data.strip())
