"""`sojourn demo`: the whole of it on real input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli.command import Command
from sojourn.errors import Misconfigured


def demo(
    once: Annotated[bool, typer.Option("--once", help="Without a person: end by itself.")] = False,
    seconds: Annotated[float, typer.Option(help="How long it runs with --once.")] = 75.0,
    speed: Annotated[float, typer.Option(help="How many times as fast the demo's clock runs.")] = 14_400.0,
    folder: Annotated[Path, typer.Option(help="Where it lives; made anew each time.")] = Path(".demo/shop"),
    sources: Annotated[Path, typer.Option(help="Where `make demo-data` put the data sets.")] = Path(
        ".demo/data"
    ),
) -> None:
    """Show it all on real input; ends with 0 only if every number agrees in the end."""
    try:
        from sojourn.cli.demo.show import Plan, show
    except ModuleNotFoundError as missing:
        raise Misconfigured(f"the demo needs {missing.name}; `make demo` installs what it needs") from missing
    if not show(Plan(folder, sources, seconds if once else None, speed)):
        raise typer.Exit(1)


command = Command("demo", demo)
