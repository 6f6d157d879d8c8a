"""Reconciles a demo: what the store, the mail server and the people say of the same thing must be equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sojourn.app import App
from sojourn.cli.demo.figures import Figures, events_of, figures, keys_of, taken, visits
from sojourn.cli.demo.mailbox import Mail
from sojourn.cli.demo.visitors import BROWSER, Visitors
from sojourn.ingest.event import Origin
from sojourn.runtime.audit.auditor import audit
from sojourn.runtime.backtest import Answer

WORLD = 365 * 86_400_000_000
"""Microseconds of patience of the audit: a clock that runs fast makes everything late."""


@dataclass(frozen=True)
class Line:
    """Two counts of one thing, by two who do not know of each other."""

    what: str
    one: int
    other: int

    @property
    def agrees(self) -> bool:
        """Whether they are equal."""
        return self.one == self.other


def reconcile(
    app: App, mails: Sequence[Mail], visitors: Visitors, imported: int, backtested: Sequence[Answer]
) -> list[Line]:
    """All lines; the demo has worked if all agree."""
    with app.database.reading() as connection:
        found = figures(connection, app.database.now())
        opens, clicks = visits(connection, BROWSER)
        lines = [
            Line(
                "events sent by the client = those of them in the log",
                len(visitors.sent),
                len(visitors.sent & keys_of(connection, Origin.SERVER)),
            ),
            Line(
                "rows imported = events of imports in the log",
                imported,
                events_of(connection, origin=Origin.IMPORT),
            ),
            Line(
                "mails kept by the mail server = messages it has taken by the ledger",
                len(mails),
                len(taken(connection)),
            ),
            Line(
                "mails kept = distinct effects named in them",
                len(mails),
                len({_effect(mail) for mail in mails}),
            ),
            Line(
                "effects named in mails that the ledger does not know as taken",
                len({_effect(m) for m in mails} - taken(connection)),
                0,
            ),
            Line("links followed = clicks written down", visitors.did["clicks"], clicks),
            Line("pixels fetched = opens written down", visitors.did["opens"], opens),
            Line(
                "clicks written down = clicks on tapes",
                found.clicks,
                events_of(connection, "Email Link Clicked"),
            ),
            Line(
                "customers who left the list = withdrawals on tapes",
                visitors.did["unsubscribes"],
                events_of(connection, "Unsubscribed"),
            ),
            *_conserved(found),
        ]
    lines += [
        Line(
            f"backtest of {one.journey}: entered = waiting + left",
            one.entered,
            one.waiting + sum(one.left.values()),
        )
        for one in backtested
    ]
    violations = audit(app.history, app.publicly("").seal, WORLD).violations
    return [
        *lines,
        Line("; ".join(map(str, violations[:3])) or "violations found by the audit", len(violations), 0),
    ]


def _conserved(found: Figures) -> Iterator[Line]:
    for one in found.journeys:
        yield Line(f"{one.name}: entered = waiting + left", one.entered, one.waiting + sum(one.left.values()))


def _effect(mail: Mail) -> str:
    """The effect that a mail's Message-ID names."""
    return mail.id.strip("<>")[:16]
