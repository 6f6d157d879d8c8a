"""Lists as texts: `{list: beta testers, description: …}`; who is on one is written on their tapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.errors import Invalid
from sojourn.runtime.definitions.kind import only
from sojourn.runtime.definitions.kinds._document import document_kind


def _meaning(data: Mapping[str, Any]) -> tuple[str, Mapping[str, object]]:
    only(data, "list", "description")
    for key, value in data.items():
        if not isinstance(value, str) or not value.strip():
            raise Invalid("must be a text", place=key)
    return data["list"], data


LIST = document_kind("list", 20, "lists", _meaning)
