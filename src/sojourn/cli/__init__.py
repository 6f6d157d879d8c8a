"""The command line: every command is one file in `commands`, and an error ends as one line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sojourn import __version__, kernel_cache
from sojourn.cli import commands, failure
from sojourn.cli.command import Command
from sojourn.errors import SojournError
from sojourn.registry import declared


def main() -> None:
    """The `sojourn` command."""
    kernel_cache.choose()
    sys.excepthook = failure.say
    try:
        # Not the Typer itself: calling it would put its own hook in the place of ours.
        typer.main.get_command(program())()
    except SojournError as error:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(failure.exit_code(error))


def program() -> typer.Typer:
    """All commands as one program."""
    made = typer.Typer(callback=_sojourn, no_args_is_help=True, pretty_exceptions_enable=False)
    for command in declared(commands, Command).values():
        command.join(made)
    return made


def _debug(wanted: bool) -> None:
    if wanted:
        sys.excepthook = sys.__excepthook__


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sojourn {__version__}")
        raise typer.Exit


def _sojourn(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", callback=_debug, help="Show where in the code an error comes from.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Customer journeys, mapped, automated and measured as one thing."""
