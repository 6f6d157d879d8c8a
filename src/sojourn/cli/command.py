"""What a command is: a function whose parameters are its options, or several under one name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data folder (else SOJOURN_DATA_DIR, else ./data)."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database (else SOJOURN_DATABASE_URL, else SQLite in the data folder).",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Where customers reach us: links lead there (else SOJOURN_URL)."
    ),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="SOJOURN_SERVER",
        help="An installation elsewhere, instead of a data folder; SOJOURN_KEY holds a key for it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]


@dataclass(frozen=True)
class Command:
    """One command (`run`), or one with commands of its own (`parts`), whose help is `help`."""

    name: str
    run: Callable[..., Any] | None = None
    parts: tuple[Callable[..., Any], ...] = ()
    help: str = ""

    def join(self, program: typer.Typer) -> None:
        """Make this a command of the program."""
        if self.run:
            program.command(self.name)(self.run)
            return
        group = typer.Typer(name=self.name, help=self.help, no_args_is_help=True)
        for part in self.parts:
            group.command(part.__name__)(part)
        program.add_typer(group)
