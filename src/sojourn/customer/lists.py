"""The text of lists: a name, and for whom it is; who is on it is told by the tapes."""

from __future__ import annotations

import msgspec

from sojourn.errors import Invalid
from sojourn.rule.text.comparisons import mapping_at, only, text_at


class List(msgspec.Struct, frozen=True):
    """A list that customers join and leave."""

    name: str
    description: str = ""


def parse(data: object) -> List:
    """The list that a mapping with the key `list` describes.  Raises Invalid with the place."""
    found = mapping_at(data, "", "a list")
    only(found, ("list", "description"), "")
    name, description = (
        text_at(found.get("list"), "list", "the name of the list"),
        found.get("description", ""),
    )
    if not isinstance(description, str):
        raise Invalid("must be a text", place="description")
    return List(name, str(description))


def dump(one: List) -> dict[str, object]:
    """The mapping that parse reads."""
    return {"list": one.name, **({"description": one.description} if one.description else {})}
