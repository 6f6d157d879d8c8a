"""The examples in the guide to proving are what it says they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sojourn.analytics.statistics.arm import Arm
from sojourn.analytics.statistics.compare import contrast
from sojourn.analytics.statistics.wilson import wilson
from sojourn.ingest.costs import read
from sojourn.journey.check import check
from sojourn.journey.text import read_journey
from sojourn.runtime.proving.terms import parse

GUIDE = (Path(__file__).parents[2] / "docs" / "proving.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_the_journey_and_the_terms_are_what_can_be_published() -> None:
    journey, terms = blocks("yaml")
    assert read_journey(journey).holdout == 0.1
    assert [finding for finding in check(read_journey(journey)) if finding.severity == "error"] == []
    found = parse(YAML(typ="safe").load(terms)["proof"])
    assert (found.holdout, found.margin, found.money.currency) == (0.05, 0.6, "EUR")
    assert found.money.properties == ("revenue", "total")


def test_the_costs_can_be_imported() -> None:
    (csv,) = blocks("csv")
    found, bad = read(csv, ["welcome"])
    assert bad == []
    assert [cost.journey for cost in found] == ["welcome", "welcome", ""]


def test_the_numbers_of_the_first_answer_follow_from_its_counts() -> None:
    found = contrast(Arm.of_counts("journey", 3218, 868), Arm.of_counts("held out", 782, 134))
    assert found.difference
    assert found.relative
    shown = [found.difference.value, found.difference.low, found.difference.high]
    assert [round(100 * one, 1) for one in shown] == [9.8, 5.1, 14.6]
    ratio = [found.relative.value, found.relative.low, found.relative.high]
    assert [round(one, 2) for one in ratio] == [0.57, 0.25, 1.09]
    assert wilson(868, 3218) == pytest.approx((0.255, 0.285), abs=0.001)
    assert wilson(134, 782) == pytest.approx((0.147, 0.199), abs=0.001)
