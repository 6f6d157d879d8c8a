"""The commands that prove: terms published, costs imported, lift and return asked, as a person would."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_cli import answered, sojourn

from sojourn.cli.proving import sentence

JOURNEY = """\
journey: welcome
enter: [{event: Signed Up}]
goal: {event: Order Completed, within: 30 days}
holdout: 10%
steps:
  pause: {wait: 2 days}
"""
TERMS = """\
proof:
  holdout: 5%
  money: {event: Order Completed, property: revenue, currency: EUR}
  margin: 60%
"""
COSTS = "channel,period,amount,currency,journey\nemail,2026-03,1200.50,EUR,welcome\nsms,2026-03,7,EUR,\n"


def test_terms_costs_lift_and_return(tmp_path: Path) -> None:
    data, files = tmp_path / "data", {"w.yaml": JOURNEY, "proof.yaml": TERMS, "costs.csv": COSTS}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    published = answered("publish", tmp_path / "w.yaml", tmp_path / "proof.yaml", "--data", data)
    assert [one["kind"] for one in published] == ["proof", "journey"]

    costs = tmp_path / "costs.csv"
    costs.write_text(COSTS.replace("2026-03,7", "2026-3,7"))
    refused = sojourn("import", "costs", costs, "--data", data)
    assert refused.returncode == 2
    assert f"{costs}:3: column 'period': '2026-3' is not a period" in refused.stderr
    dry = sojourn("import", "costs", costs, "--dry-run", "--data", data)
    assert dry.returncode == 0
    assert f"{costs}:3: column 'period'" in dry.stdout
    costs.write_text(COSTS)
    assert answered("import", "costs", costs, "--data", data)["amounts"] == {"EUR": 1207.5}

    found = answered("ask", "lift", "welcome", "--data", data)
    assert (found["question"]["holdout"], found["answer"]["verdict"]) == (0.1, "too early to say")
    returned = answered("ask", "roi", "welcome", "--to", "2026-03-31", "--data", data)
    assert (returned["answer"]["cost"], returned["answer"]["margin"]) == (1200.5, 0.6)
    shown = sojourn("ask", "lift", "--data", data)
    assert "Too early to say: the journey has 0 customers" in shown.stdout
    assert sojourn("ask", "lift", "nobody", "--data", data).returncode == 2
    assert sojourn("ask", "lift", "--data", tmp_path / "nowhere").returncode == 2
    assert not (tmp_path / "nowhere" / "sojourn.db").exists(), "a question makes nothing"


@pytest.mark.parametrize(
    ("verdict", "money", "begins"),
    [
        ("more", False, "More customers reach the goal because of the journey: +10.0 points (between +5.0"),
        ("less", False, "Fewer customers reach the goal"),
        ("more", True, "Customers spend more because of the journey: +0.10 a customer (between +0.05"),
        ("too early to say", False, "Too early to say: few. So far +10.0 points (between +5.0 and +15.0)."),
        ("refused", False, "Refused: few. Find out why before you look at any number."),
    ],
)
def test_a_verdict_is_a_sentence(verdict: str, money: bool, begins: str) -> None:
    bounds = {"value": 0.1, "low": 0.05, "high": 0.15}
    told = {"verdict": verdict, "why": "few", "difference": bounds, "relative": {**bounds, "value": 0.5}}
    said = sentence(told, money)
    assert said.startswith(begins)
    assert ("+50% (between +5% and +15%)" in said) == (verdict in ("more", "less"))
