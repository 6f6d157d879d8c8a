"""Checks that every Liquid tag is closed, in one pass and before the parser sees the source.

The parser of python-liquid 2.3.6 looks for the end of each tag anew: 40 KB of `{{` took it 126 s.
Where all tags are closed and hold no long run of blanks it needs time in proportion to the source.
"""

from __future__ import annotations

import re

from sojourn.errors import Invalid

LONGEST_SOURCE = 200_000  # Gmail cuts a mail off after 102 KB
LONGEST_TAG = 10_000
LONGEST_BLANK = 200

_OPENS = re.compile(r"\{\{|\{%")
_VERBATIM = re.compile(r"\{%-?\s{0,9}(raw|doc)\b")
_BLANK = re.compile(rf"\s{{{LONGEST_BLANK}}}")


def check_delimiters(source: str) -> None:
    """Raises Invalid, with its line, for a tag that is not closed or too long."""
    if len(source) > LONGEST_SOURCE:
        raise Invalid(f"is longer than {LONGEST_SOURCE:,} characters")
    at = 0
    while opened := _OPENS.search(source, at):
        verbatim = _VERBATIM.match(source, opened.start())
        at = _end_of_tag(source, opened)
        if verbatim:
            at = _end_of_verbatim(source, at, verbatim[1])


def line_of(source: str, index: int) -> int:
    """The line (from 1) in which a character of the source stands."""
    return source.count("\n", 0, index) + 1


def _end_of_tag(source: str, opened: re.Match[str]) -> int:
    start, closes = opened.start(), "}}" if opened[0] == "{{" else "%}"
    end = source.find(closes, opened.end(), opened.end() + LONGEST_TAG)
    if end < 0:
        raise Invalid(f"{opened[0]} is not closed by {closes}", line=line_of(source, start))
    if _BLANK.search(source, start, end):
        raise Invalid(f"a tag holds more than {LONGEST_BLANK} blanks in a row", line=line_of(source, start))
    return end + len(closes)


def _end_of_verbatim(source: str, start: int, name: str) -> int:
    ends = re.compile(rf"\{{%-?\s{{0,9}}end{name}\s{{0,9}}-?%\}}").search(source, start)
    if not ends:
        raise Invalid(f"{{% {name} %}} is not closed by {{% end{name} %}}", line=line_of(source, start))
    return ends.end()
