"""Which column of a file is what: who, what and when; the others are what it carries."""

from __future__ import annotations

import msgspec

from sojourn.errors import Invalid
from sojourn.ingest.event import IDENTIFIED

CONSTANT = "="
"""What a name that is no column starts with: `=Order Completed` for every row."""


class Mapping(msgspec.Struct, frozen=True):
    """How the rows of a file become events; columns are named as in the file's header.

    `name` is a column, or `=` and one name for all rows.  With `traits` the columns that are left
    are traits of the customer instead of properties of the event.  An empty `time` is the instant
    of the import.  `time_format` is a strptime format, for times that could be read in two ways.
    """

    customer: str
    name: str = CONSTANT + IDENTIFIED
    time: str = ""
    kind: str = "user_id"  # what the customer column holds: user_id, email, anonymous_id, phone …
    time_format: str = ""
    traits: bool = False

    @property
    def constant(self) -> str:
        """The name of all events, empty where a column holds it."""
        return self.name.removeprefix(CONSTANT) if self.name.startswith(CONSTANT) else ""

    @property
    def used(self) -> dict[str, str]:
        """The columns that have a meaning of their own, by what they are."""
        named = {"customer": self.customer, "time": self.time, "name": "" if self.constant else self.name}
        return {what: column for what, column in named.items() if column}

    def check(self, columns: tuple[str, ...]) -> None:
        """Raises Invalid where the file lacks a column that is named here."""
        for what, column in self.used.items():
            if column not in columns:
                hint = f"; for one name in all rows write ={column}" if what == "name" else ""
                raise Invalid(
                    f"the file has no column {column!r}, but {', '.join(columns[:20])}{hint}", place=what
                )
