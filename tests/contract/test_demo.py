"""The demo in a few seconds: real input, a server of its own, a mail server, and numbers that agree."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sojourn.cli.demo.histories import prepare
from sojourn.cli.demo.show import Plan, show

SOURCES = Path(__file__).parents[2] / ".demo" / "data"


@pytest.fixture(autouse=True)
def fetched() -> None:
    if not (SOURCES / "ecom.csv.gz").exists():
        pytest.skip("the demo's data are not here: tools/demo_data.py fetches them")


def test_histories_end_today(tmp_path: Path) -> None:
    now = datetime(2026, 5, 17, 12, tzinfo=UTC)
    purchases, clicks, people = prepare(SOURCES, tmp_path, now)
    days = [line.split(",")[1] for line in purchases.file.read_text().splitlines()[1:]]
    assert (len(days), max(days)) == (69_659, "2026-05-17 00:00:00+00:00")
    times = [line.split(",")[1] for line in clicks.file.read_text().splitlines()[1:]]
    assert "2026-05-16" < max(times) <= str(now)
    assert len(people.file.read_text().splitlines()) == 1 + 23_570 + 600


@pytest.mark.timeout(240)
def test_every_number_agrees_in_the_end(tmp_path: Path) -> None:
    plan = Plan(tmp_path / "shop", SOURCES, seconds=6, speed=14_400, arrivals=6)
    assert show(plan)
    assert list(plan.inbox.glob("*.eml"))
