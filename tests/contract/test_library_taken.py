"""A journey of the library is taken, published and backtested by the command line."""

from __future__ import annotations

from pathlib import Path

from test_cli import answered, sojourn

from sojourn.cli.commands.library import ABOUT, names, texts

ORDERS = """\
who,what,at,total
ada,Order Completed,2024-01-01 09:00,50
ada,Order Completed,2024-01-20 09:00,60
ada,Order Completed,2024-02-01 09:00,70
bob,Order Completed,2024-01-02 09:00,10
"""


def test_all_of_them_are_taken_published_and_backtested(tmp_path: Path) -> None:
    data, mine = tmp_path / "data", tmp_path / "mine"
    log = tmp_path / "orders.csv"
    log.write_text(ORDERS)
    columns = ("--customer", "who", "--name", "what", "--time", "at")
    assert sojourn("import", "events", log, *columns, "--data", data).returncode == 0
    for name in names():
        assert sojourn("library", "take", name, mine).returncode == 0
        assert (mine / name / ABOUT).read_text() == texts(name)[ABOUT]
    published = answered("publish", mine, "--data", data)
    assert [one["name"] for one in published if one["kind"] == "journey"] == list(names())
    entered = {
        name: answered("backtest", mine / name / "journey.yaml", "--until", "2024-12-31", "--data", data)[
            "entered"
        ]
        for name in ("win-back", "upsell", "sunset", "welcome")
    }
    assert entered == {"win-back": 2, "upsell": 1, "sunset": 2, "welcome": 0}


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    assert sojourn("library", "take", "upsell", tmp_path).returncode == 0
    journey = tmp_path / "upsell" / "journey.yaml"
    (tmp_path / "upsell" / ABOUT).unlink()
    journey.write_text("mine")
    refused = sojourn("library", "take", "upsell", tmp_path)
    assert refused.returncode == 2
    assert "there is a" in refused.stderr
    assert journey.read_text() == "mine"
    assert not (tmp_path / "upsell" / ABOUT).exists(), "nothing at all is written"


def test_the_library_is_listed_and_shown() -> None:
    assert [one["name"] for one in answered("library", "list")] == list(names())
    assert answered("library", "show", "sunset")["files"] == texts("sunset")
    shown = sojourn("library", "show", "sunset").stdout
    assert "deactivate:" in shown
    assert "segments/silent.yaml" in shown
    assert "win-back" in sojourn("library", "show", "nothing").stderr
