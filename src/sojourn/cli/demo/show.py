"""The show: from two downloaded files to journeys that run, in one go, with a reckoning at the end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from sojourn.app import App, Settings, open_app, settings
from sojourn.cli import documents
from sojourn.cli.client import within
from sojourn.cli.demo import panel
from sojourn.cli.demo.histories import prepare
from sojourn.cli.demo.mailbox import Mailbox, listening
from sojourn.cli.demo.reconciling import Line, reconcile
from sojourn.cli.demo.server import serving_beside
from sojourn.cli.demo.visitors import Visitors
from sojourn.cli.demo.watching import watch
from sojourn.demo_clock import set_clock
from sojourn.ingest import importing
from sojourn.ingest.accept import Books
from sojourn.journey.text import read_journey
from sojourn.runtime.backtest import Answer, Question, backtest

DEFINITIONS = Path(__file__).parent / "definitions"
BACKTESTED = ("cart", "win-back")
"""The journeys that have something to find in the histories."""

SETTLES = 5.0
"""Seconds at the end in which nothing new comes in: a click is told of once it can be judged (2.2 s)."""

console = Console(soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Plan:
    """How the demo runs: for so many seconds, or until somebody ends it; with so many new people a second."""

    folder: Path
    sources: Path
    seconds: float | None
    speed: float
    arrivals: float = 3.0

    @property
    def inbox(self) -> Path:
        """The folder of all mail that was sent."""
        return self.folder / "inbox"


def show(plan: Plan) -> bool:
    """Run the demo; whether in the end every number agrees."""
    place = _fresh(plan)
    mailbox = Mailbox(plan.inbox)
    with listening(mailbox) as port:
        with open_app(place) as app:
            imported = _import(app, plan)
            key = _publish(app, plan, port)
            answers = _backtest(app)
        set_clock(place.data, plan.speed)
        with serving_beside(place.data, plan.folder / "serve.log") as url:
            visitors = Visitors(url, key, plan.arrivals)
            mailbox.readers.append(visitors.receive)
            with visitors.about(), open_app(place) as app:
                watch(app, mailbox, answers, plan.seconds, _hint(plan, url, key))
                mailbox.readers.clear()
                visitors.leave()
            set_clock(place.data, 1)
            time.sleep(SETTLES)
    with open_app(place) as app:
        lines = reconcile(app, mailbox.mails, visitors, imported, _backtest(app))
    return _reckon(lines, visitors.errors)


def _fresh(plan: Plan) -> Settings:
    shutil.rmtree(plan.folder, ignore_errors=True)
    plan.folder.mkdir(parents=True)
    return settings(plan.folder / "data", environment={})


def _import(app: App, plan: Plan) -> int:
    """Import the histories; how many rows."""
    rows = 0
    for history in prepare(plan.sources, plan.folder / "histories", datetime.now(UTC)):
        began = time.perf_counter()
        done = importing.run(app.database, Books(app.names), history.file, history.mapping)
        rows += done.events
        console.print(
            f"imported {done.events:,} rows in {time.perf_counter() - began:.1f} s: {history.title}"
        )
    return rows


def _publish(app: App, plan: Plan, port: int) -> str:
    """Publish all definitions, and the mail server; the secret of a key that may send events."""
    api = within(app)
    relay = {"host": "127.0.0.1", "port": port, "security": "none"}
    channel = {"provider": "email_smtp", "settings": relay, "sender": "The record shop <shop@example.com>"}
    api.call("PUT", "/api/channels", {"channels": {"email": channel}})
    done = documents.publish(map(documents.read, DEFINITIONS.glob("*.yaml")), api)
    names = ", ".join(one["name"] for one in done if one["kind"] == "journey")
    console.print(f"published the journeys {names}; their text is in {DEFINITIONS}")
    return str(api.call("POST", "/api/keys", {"name": "demo", "scopes": ["track:server"]})["secret"])


def _backtest(app: App) -> list[Answer]:
    """What the journeys would have done in all of history, were they drafts."""
    tape, catalogue, now = app.history.tape(), app.catalogue(), app.database.now()
    drafts = [read_journey((DEFINITIONS / f"{name}.journey.yaml").read_text()) for name in BACKTESTED]
    for _ in range(2):  # the second time all that they look at is loaded, as it is while one edits a draft
        answers = [backtest(draft, tape, catalogue, Question(until=now)) for draft in drafts]
    for answer in answers:
        console.print(panel.told(answer))
    return answers


def _hint(plan: Plan, url: str, key: str) -> str:
    ends = "Ctrl-C ends it" if plan.seconds is None else f"ends after {plan.seconds:g} s"
    return (
        f"{url}, write key {key}, data {plan.folder / 'data'}\n"
        f"every mail is a file in {plan.inbox}; {ends}, and every number is reckoned up"
    )


def _reckon(lines: Sequence[Line], errors: Sequence[str]) -> bool:
    console.print("\nEvery number, as two tell it who do not know of each other:")
    for line in lines:
        sign = "[green]=[/]" if line.agrees else "[bold red]≠[/]"
        console.print(f"  {line.one:>9,} {sign} {line.other:<9,} {line.what}")
    for error in errors:
        console.print(f"[bold red]the client was refused:[/] {error}")
    agreed = all(line.agrees for line in lines) and not errors
    console.print("All of it agrees." if agreed else "[bold red]Not all of it agrees.[/]")
    return agreed
