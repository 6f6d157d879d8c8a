"""The demo's panel: events in, runs per step, mails, clicks, conversions, and what a backtest takes."""

from __future__ import annotations

from dataclasses import dataclass

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sojourn.cli.demo.figures import TAKEN, Figures, Journey
from sojourn.runtime.backtest import Answer
from sojourn.runtime.explain import iso


@dataclass(frozen=True)
class Shown:
    """What the panel shows at one instant."""

    figures: Figures
    mails: int
    rate: float  # events a second of real time
    speed: float
    backtests: tuple[Answer, ...]
    hint: str


def drawn(shown: Shown) -> RenderableType:
    """The panel."""
    found = shown.figures
    facts = {
        "the demo's clock": f"{iso(found.now)} ({shown.speed:,.0f} × as fast)",
        "events": f"{found.events:,} ({shown.rate:,.0f} a second)",
        "mails sent": f"{sent(found):,}, in the inbox {shown.mails:,}",
        "opens, clicks": f"{found.opens:,}, {found.clicks:,}",
        "conversions": f"{conversions(found):,}",
    }
    table = Table.grid(padding=(0, 2))
    for what, value in facts.items():
        table.add_row(Text(what, style="dim"), value)
    journeys = Columns([_journey(one) for one in found.journeys], padding=(0, 3))
    backtests = Group(*(Text(told(one), style="green") for one in shown.backtests))
    return Panel(Group(table, "", journeys, "", backtests, Text(shown.hint, style="dim")), title="Sojourn")


def sent(found: Figures) -> int:
    """How many messages the mail server has taken."""
    return sum(found.messages.get(state, 0) for state in TAKEN)


def conversions(found: Figures) -> int:
    """How many reached the goal of a journey."""
    return sum(one.left.get("goal", 0) for one in found.journeys)


def told(one: Answer) -> str:
    """A backtest as a sentence."""
    steps = sum(step.visits for step in one.steps)
    return f"backtest of {one.journey}: {one.entered:,} entered, {steps:,} steps in {one.ms:g} ms"


def _journey(one: Journey) -> Table:
    table = Table(one.name, "visits", "inside", box=None, title_justify="left", header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("entered", f"{one.entered:,}", f"{one.waiting:,}")
    for step in one.steps:
        table.add_row(f"  {step.id}", f"{step.visits:,}", f"{step.waiting:,}")
    for reason, n in sorted(one.left.items()):
        table.add_row(Text(f"left: {reason}", style="dim"), f"{n:,}", "")
    return table
