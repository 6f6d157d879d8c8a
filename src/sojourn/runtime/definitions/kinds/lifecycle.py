"""The lifecycle as a text: `lifecycle: [cold, {stage: MQL, if: …}]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.customer.lifecycle import dump, parse
from sojourn.runtime.definitions.kinds._document import document_kind


def _meaning(data: Mapping[str, Any]) -> tuple[str, Mapping[str, object]]:
    return "", dump(parse(data))


LIFECYCLE = document_kind("lifecycle", 35, "", _meaning)
