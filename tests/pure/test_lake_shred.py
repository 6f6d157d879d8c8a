"""Shredding: what a JSON object carries is what its typed columns hold."""

from __future__ import annotations

import math

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import BrokenInvariant
from sojourn.lake.shred import MOST_NAMES, carried, shredded, typed

scalars = st.one_of(
    st.text(max_size=4),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**40), 2**40),
    st.booleans(),
    st.none(),
)
objects = st.dictionaries(st.sampled_from(["plan", "amount", "a.b", "é#n", "x"]), scalars, max_size=3)


@given(st.lists(objects, min_size=1, max_size=20))
def test_columns_hold_what_the_objects_carry(told: list[dict[str, object]]) -> None:
    texts = pa.array([msgspec.json.encode(values).decode() for values in told])
    found = shredded(texts, "p.")
    assert found.rest == ()
    columns = {name: column.to_pylist() for name, column in found.columns.items()}
    nothing = [None] * len(told)
    for row, values in enumerate(told):
        for name in ("plan", "amount", "a.b", "é#n", "x"):
            number, text = columns.get(f"p.{name}#n", nothing)[row], columns.get(f"p.{name}#t", nothing)[row]
            match values.get(name, ...):
                case str(value):
                    assert (number, text) == (None, value)
                case None:
                    assert math.isnan(number)
                    assert text is None
                case bool() | int() | float() as value:
                    assert (number, text) == (float(value), None)
                case _:
                    assert (number, text) == (None, None)


@given(st.lists(st.one_of(st.none(), objects), max_size=20))
def test_a_tape_carries_what_the_objects_do(told: list[dict[str, object] | None]) -> None:
    columns = carried(["" if values is None else msgspec.json.encode(values).decode() for values in told])
    assert set(columns) == {name for values in told for name in values or ()}
    for name in columns:
        column = columns[name]
        assert column.positions.tolist() == [row for row, values in enumerate(told) if name in (values or ())]
        for row, number, code in zip(column.positions, column.numbers, column.codes, strict=True):
            value = (told[row] or {})[name]
            if isinstance(value, str):
                assert column.texts[code] == value
                assert math.isnan(number)
            else:
                assert code == -1
                assert math.isnan(number) if value is None else number == float(value)


def test_lists_stay_json_and_huge_integers_become_infinite() -> None:
    found = shredded(pa.array(['{"a":[1, 2],"b":' + "9" * 400 + "}"]), "t.")
    assert found.columns["t.a#t"].to_pylist() == ["[1,2]"]
    assert found.columns["t.b#n"].to_pylist() == [math.inf]


def test_only_the_commonest_names_are_shredded_and_the_rest_is_told() -> None:
    texts = [msgspec.json.encode({"common": 1, f"rare{i}": 2}).decode() for i in range(MOST_NAMES + 10)]
    found = shredded(pa.array(texts), "p.")
    assert "p.common" in typed(found.columns)
    assert len(typed(found.columns)) == MOST_NAMES
    assert len(found.rest) == 11
    assert not set(found.rest) & set(typed(found.columns))


@pytest.mark.parametrize("text", ["[1]", "{", '"x"', "[" * 5000])
def test_what_is_no_object_is_our_fault(text: str) -> None:
    with pytest.raises(BrokenInvariant):
        shredded(pa.array([text]), "p.")
