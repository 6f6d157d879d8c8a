"""Watches a demo that runs: a panel for people, a line now and then where nobody looks."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live

from sojourn.app import App
from sojourn.cli.demo.figures import Figures, figures
from sojourn.cli.demo.mailbox import Mailbox
from sojourn.cli.demo.panel import Shown, conversions, drawn, sent
from sojourn.demo_clock import DemoClock
from sojourn.runtime.backtest import Answer

LOOKS = 0.5
"""Seconds between two looks."""

SAYS = 15.0
"""Seconds between two lines where there is no screen."""


def watch(app: App, mailbox: Mailbox, answers: Sequence[Answer], seconds: float | None, hint: str) -> None:
    """Show what happens for so many seconds, or until Ctrl-C."""
    console, began = Console(soft_wrap=True, highlight=False), time.monotonic()
    said, before = began, _look(app)
    clock = app.database.now
    speed = clock.speed if isinstance(clock, DemoClock) else 1.0
    console.print(hint)
    try:
        with Live(console=console, refresh_per_second=4, transient=True) as screen:
            while seconds is None or time.monotonic() < began + seconds:
                time.sleep(LOOKS)
                found = _look(app)
                rate = (found.events - before.events) / LOOKS
                if console.is_terminal:
                    screen.update(drawn(Shown(found, len(mailbox.mails), rate, speed, tuple(answers), hint)))
                elif time.monotonic() > said + SAYS:
                    said = time.monotonic()
                    console.print(_line(found, len(mailbox.mails), said - began))
                before = found
    except KeyboardInterrupt:
        console.print("ending in order ...")


def _look(app: App) -> Figures:
    with app.database.reading() as connection:
        return figures(connection, app.database.now())


def _line(found: Figures, mails: int, seconds: float) -> str:
    entered = ", ".join(f"{one.name} {one.entered:,}" for one in found.journeys)
    return (
        f"{seconds:3.0f} s: {found.events:,} events; entered: {entered}; {sent(found):,} mails sent,"
        f" {mails:,} in the inbox; {found.clicks:,} clicks, {conversions(found):,} conversions"
    )
