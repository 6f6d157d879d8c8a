"""Machines are told from people by what they do (promises 3.8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.message.machine import SECOND, Hit, origins

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
LATER = 600 * SECOND


def click(link: int = 1, at: int = LATER, **facts: object) -> Hit:
    return Hit(**{"kind": "click", "at": at, "link": link, "agent": CHROME, "address": "192.0.2.1", **facts})  # type: ignore[arg-type]


def opened(at: int = LATER, **facts: object) -> Hit:
    return Hit(**{"kind": "open", "at": at, "agent": CHROME, **facts})  # type: ignore[arg-type]


def machines(*hits: Hit) -> list[bool]:
    return [origin.machine for origin in origins(hits)]


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ([click()], [False]),
        ([click(method="HEAD"), click(at=LATER + SECOND)], [True, False]),
        ([click(method="OPTIONS")], [True]),
        ([click(0)], [True]),
        ([click(1), click(0, LATER + 30 * SECOND)], [True, True]),  # the trap, from the same address
        ([click(1), click(0, address="198.51.100.1")], [False, True]),
        ([click(1), click(0, LATER + 90 * SECOND)], [False, True]),
        ([click(link, LATER + link * SECOND // 2) for link in (1, 2, 3)], [True, True, True]),
        ([click(link, LATER + link * 5 * SECOND) for link in (1, 2, 3)], [False, False, False]),
        ([click(1), click(1), click(1), click(2)], [False] * 4),  # a double click is no scan
        ([click(agent="Barracuda Sentinel (EE)")], [True]),
        ([click(agent="python-requests/2.32")], [True]),
        ([click(agent="")], [True]),
        ([click(agent="Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 20) Chrome/120")], [False]),
        ([click(at=SECOND, accepted=1, data_centre=True)], [True]),
        ([click(at=SECOND, accepted=1)], [False]),  # a quick colleague
        ([click(at=SECOND, accepted=1, data_centre=True, confirmed=True)], [False]),  # and we saw them
        ([opened()], [False]),
        ([opened(agent="Mozilla/5.0")], [True]),  # Apple fetches for nobody
        ([opened(agent=GMAIL)], [False]),
        ([opened(agent=GMAIL, at=SECOND, accepted=1)], [True]),
    ],
)
def test_known_behaviour(hits: list[Hit], expected: list[bool]) -> None:
    assert machines(*hits) == expected


def test_every_answer_says_why() -> None:
    assert [origin.why for origin in origins([click(method="HEAD"), click(0)])] == [
        "asked by HEAD",
        "followed the hidden link",
    ]


hits = st.lists(
    st.builds(
        click,
        link=st.integers(0, 4),
        at=st.integers(0, 20).map(lambda second: LATER + second * SECOND),
        address=st.sampled_from(["192.0.2.1", "192.0.2.2"]),
    ),
    max_size=8,
)


@given(hits.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_in_which_hits_are_told_does_not_matter(orders: tuple[list[Hit], list[Hit]]) -> None:
    first, second = (sorted(zip(told, machines(*told), strict=True), key=repr) for told in orders)
    assert first == second


@given(hits, hits)
def test_more_hits_never_make_a_machine_a_person(first: list[Hit], more: list[Hit]) -> None:
    before, after = machines(*first), machines(*first, *more)
    assert all(later or not earlier for earlier, later in zip(before, after[: len(first)], strict=True))
