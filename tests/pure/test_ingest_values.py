"""What events carry becomes flat values that a column can hold."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.ingest.reserved import outside
from sojourn.ingest.values import flat
from sojourn.ingest.wire.limits import SEGMENT
from sojourn.journey.effects import believed
from sojourn.rule.definition import EVENTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON), st.booleans())
def test_every_leaf_is_a_scalar_that_a_column_can_hold(data: dict[str, Any], nulls: bool) -> None:
    for value in flat(data, "properties", SEGMENT, "p.", nulls=nulls).values():
        assert value is None or isinstance(value, (str, bool, int, float))
        assert nulls or value is not None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            assert math.isfinite(value)
            assert isinstance(value, float) or -(2**63) <= value < 2**63


def test_paths_are_dotted_behind_the_prefix() -> None:
    data = {"a": {"b": {"c": 1}}, "d": None, "e": [1, {"f": 2}], "g": 10**400}
    assert flat(data, "p", SEGMENT, "p.") == {"p.a.b.c": 1, "p.e": '[1,{"f":2}]'}
    assert flat(data, "p", SEGMENT, nulls=True) == {"a.b.c": 1, "d": None, "e": '[1,{"f":2}]', "g": None}


def nested(depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(depth):
        data = {"a": data}
    return data


@pytest.mark.parametrize("data", [nested(65), nested(2000), [], "text", 7])
def test_what_is_too_deep_or_no_object_names_its_place(data: Any) -> None:
    with pytest.raises(Invalid) as raised:
        flat(data, "properties", SEGMENT)
    assert raised.value.place == "properties"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Order Completed", "Order Completed"),
        ("Invoice Sent", "Invoice Sent"),
        ("Email Opened", "Email Opened (reported)"),
        ("Email Link Clicked", "Email Link Clicked (reported)"),
        ("SMS Delivered", "SMS Delivered (reported)"),
        ("Cheque Bounced", "Cheque Bounced (reported)"),
        ("Unsubscribed", "Unsubscribed (reported)"),
        ("Journey Requested", "Journey Requested (reported)"),
        ("Customers Merged", "Customers Merged (reported)"),
        ("Newsletter Unsubscribed", "Newsletter Unsubscribed"),
    ],
)
def test_what_would_pass_for_ours_gets_another_name(name: str, kept: str) -> None:
    assert outside(name) == kept


def test_all_that_journeys_may_not_emit_gets_another_name_from_outside() -> None:
    ours = {name for names in EVENTS.values() for name in names} | {"Message Suppressed", "Lifecycle Changed"}
    for name in sorted(ours):
        assert believed(name)
        assert outside(name) == f"{name} (reported)"
