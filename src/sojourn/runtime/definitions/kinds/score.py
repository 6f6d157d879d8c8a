"""Scores as texts: `{score: lead, points: …}`."""

from sojourn.runtime.definitions.kinds._document import document_kind

SCORE = document_kind("score", 25, "scores")
