"""Scores as texts: `{score: lead, groups: …}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sojourn.customer.scores import dump, parse
from sojourn.runtime.definitions.kinds._document import document_kind


def _meaning(data: Mapping[str, Any]) -> tuple[str, Mapping[str, object]]:
    score = parse(data)
    return score.name, dump(score)


SCORE = document_kind("score", 25, "scores", _meaning)
