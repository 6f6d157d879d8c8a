"""Reads the drafts of journeys that a person names on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sojourn.errors import Invalid, NotFound

if TYPE_CHECKING:
    from sojourn.journey.check import Finding
    from sojourn.journey.definition import Journey


def read_text(path: Path) -> str:
    """The text of a file.  Raises NotFound or Invalid, which name it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as missing:
        raise NotFound(f"there is no file {path}") from missing
    except (OSError, UnicodeDecodeError) as trouble:
        raise Invalid(f"cannot be read as text ({trouble})", source=str(path)) from trouble


def read_draft(path: Path) -> Journey:
    """A draft that can run.  Raises Invalid for the first thing that is wrong with it."""
    from sojourn.journey.check import ERROR, check
    from sojourn.journey.text import read_journey

    draft = read_journey(read_text(path), str(path))
    for finding in check(draft):
        if finding.severity == ERROR:
            raise Invalid(finding.what, place=place_of(finding), source=str(path))
    return draft


def place_of(finding: Finding) -> str:
    """Where in the draft a finding is, as errors name it."""
    return f"steps.{finding.step}" if finding.step else "journey"
