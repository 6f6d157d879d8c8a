"""How a command answers: one JSON object for programs, or tables and sentences for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest

import msgspec
from rich.console import Console
from rich.table import Table

console = Console(soft_wrap=True)


def say(sentence: str) -> None:
    """Print one sentence as it is."""
    console.print(sentence, markup=False, highlight=False)


def say_aside(sentence: str) -> None:
    """Print one sentence that is no part of the answer, on standard error."""
    Console(stderr=True, soft_wrap=True).print(sentence, markup=False, highlight=False)


def as_json(answer: object) -> None:
    """Print an answer as one JSON object on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(answer, enc_hook=str).decode(), indent=2) + "\n")


def as_table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print rows under heads; numbers stand to the right, with spaces between thousands."""
    table = Table(*heads, title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    kept = [tuple(row) for row in rows]
    for column, cells in zip(table.columns, zip_longest(*kept), strict=False):
        column.overflow = "fold"  # an id that is cut is none
        if all(isinstance(cell, int | float | None) for cell in cells):
            column.justify = "right"
    for row in kept:
        table.add_row(*map(_cell, row))
    console.print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}".replace(",", " ")
        case float():
            return f"{value:.1f}"
        case _:
            return str(value)
