"""How a command fails: with one line that says what and where, and a code that says who must act."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.text import Text

from sojourn.errors import BrokenInvariant, CallerError, SojournError


def say(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Print an error for a person, as the interpreter's hook for what nobody caught."""
    expected = isinstance(error, SojournError) and not isinstance(error, BrokenInvariant)
    message = str(error) if expected else f"{kind.__name__}: {error}"
    screen = Console(stderr=True, soft_wrap=True, highlight=False)
    screen.print(Text.assemble(("error: ", "bold red"), message))
    if not expected:
        screen.print(
            "This is Sojourn's own error; `sojourn --debug ...` shows where it comes from.", style="dim"
        )


def exit_code(error: SojournError) -> int:
    """2 if the caller must act, 3 if the operator or the far side must, 1 if we must."""
    match error:
        case CallerError():
            return 2
        case BrokenInvariant():
            return 1
        case _:
            return 3
