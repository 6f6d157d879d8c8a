"""Thresholds of scores and stages of the lifecycle, kept up to date by ticks like segments."""

from __future__ import annotations

import pytest
from belonging_place import BEGIN, HOUR, MINUTE, Installation, installation_on

from sojourn.store.database import Database

SCORE = "score: lead\nhalf_life: 2 hours\npoints: [{event: Viewed, points: 40}]"
STAGES = "lifecycle: [cold, {MQL: {if: {score: lead, at_least: 50}, leave_below: 20}}]"
HOT = """
journey: hot
enter: [{event: Score Changed, where: {score: lead, threshold: 50, rising: true}, again: parallel}]
steps: {wait: {wait: 1 hour}}
"""


@pytest.fixture
def installation(database: Database) -> Installation:
    found = installation_on(database)
    found.write("score", SCORE)
    return found


def views(installation: Installation, *customers: int) -> None:
    for customer in customers:
        installation.happens(customer, "Viewed")
        installation.happens(customer, "Viewed")


def stages(installation: Installation) -> list[tuple[int, object, object]]:
    told = installation.all_told("Lifecycle Changed")
    return [(who, said["from"], said["to"]) for who, _, said, _ in told]


def test_nobody_listens_so_nothing_is_told(installation: Installation) -> None:
    views(installation, 1)
    installation.until(BEGIN + 5 * HOUR)
    assert installation.all_told("Score") == []


def test_who_is_beyond_a_threshold_already_does_not_cross_it(installation: Installation) -> None:
    views(installation, 1, 2)
    installation.until(BEGIN + MINUTE)
    installation.publish(HOT)
    installation.until(BEGIN + 2 * MINUTE)
    assert installation.all_told("Score") == [], "they had crossed it before anybody listened"
    installation.until(BEGIN + 10 * HOUR)
    assert [(who, said["rising"]) for who, _, said, _ in installation.all_told("Score")] == [
        (1, False),
        (2, False),
    ]
    views(installation, 2, 3)
    installation.until(BEGIN + 11 * HOUR)
    rising = [one for one in installation.all_told("Score") if one[2]["rising"]]
    assert [(who, said["score"], said["threshold"]) for who, _, said, _ in rising] == [
        (2, "lead", 50),
        (3, "lead", 50),
    ]
    assert all(77 < float(str(said["value"])) < 84 for _, _, said, _ in rising)
    assert [who for who, *_ in installation.all_told("Journey Entered")] == [2, 3]


def test_stages_are_kept_until_the_score_has_fallen_far_enough(installation: Installation) -> None:
    installation.write("lifecycle", STAGES)
    views(installation, 7)
    installation.until(BEGIN + 3 * HOUR)
    assert stages(installation) == [(7, "cold", "MQL")], "28 of 80 points are left: below 50, not below 20"
    installation.until(BEGIN + 5 * HOUR)
    assert stages(installation) == [(7, "cold", "MQL"), (7, "MQL", "cold")]


def test_a_new_lifecycle_moves_everybody_to_where_they_belong(installation: Installation) -> None:
    views(installation, 1, 65)
    installation.happens(2, "Viewed")
    installation.until(BEGIN + MINUTE)
    installation.write("lifecycle", STAGES)
    installation.until(BEGIN + 2 * MINUTE)
    assert stages(installation) == [(1, "cold", "MQL"), (65, "cold", "MQL")]
    installation.write("lifecycle", STAGES.replace("MQL", "warm").replace("50", "30"))
    installation.until(BEGIN + 3 * MINUTE)
    assert sorted(stages(installation)[2:]) == [(1, "MQL", "warm"), (2, "cold", "warm"), (65, "MQL", "warm")]


def test_stages_in_another_order_are_other_stages(installation: Installation) -> None:
    low, high = "{a: {if: {score: lead, at_least: 10}}}", "{b: {if: {score: lead, at_least: 20}}}"
    installation.write("lifecycle", f"lifecycle: [cold, {low}, {high}]")
    views(installation, 1)
    installation.until(BEGIN + MINUTE)
    installation.write("lifecycle", f"lifecycle: [cold, {high}, {low}]")
    installation.until(BEGIN + 2 * MINUTE)
    assert stages(installation) == [(1, "cold", "b"), (1, "b", "a")]


def test_a_changed_score_moves_who_has_other_points_now(installation: Installation) -> None:
    installation.write("lifecycle", STAGES)
    views(installation, 1)
    installation.until(BEGIN + MINUTE)
    installation.write("score", SCORE.replace("40", "5"))
    installation.until(BEGIN + 2 * MINUTE)
    assert stages(installation) == [(1, "cold", "MQL"), (1, "MQL", "cold")]


def test_a_segment_of_a_stage_follows_it(installation: Installation) -> None:
    installation.write("lifecycle", STAGES)
    installation.define("ripe", {"lifecycle": "MQL"})
    installation.define("unripe", {"lifecycle": "cold"})
    views(installation, 1)
    installation.happens(2, "Other")
    installation.until(BEGIN + MINUTE)
    assert (installation.members("ripe"), installation.members("unripe")) == ([1], [2])
    installation.until(BEGIN + 6 * HOUR)
    assert (installation.members("ripe"), installation.members("unripe")) == ([], [1, 2])
