"""Costs on both stores: one a journey, channel, period and currency; what comes later holds."""

from __future__ import annotations

from msgspec.structs import replace
from store_rows import NOW

from sojourn.store.database import Database
from sojourn.store.files import costs
from sojourn.store.files.costs import Cost

MARCH = Cost("welcome", "email", "2026-03", "EUR", 100, 200, 1_200_500_000)
OTHERS = (
    replace(MARCH, channel="sms"),
    replace(MARCH, journey=""),
    replace(MARCH, currency="USD"),
    replace(MARCH, begins=50, amount=2**53),
)


def test_costs_are_kept_and_replaced(database: Database) -> None:
    assert database.write(lambda c: costs.put(c, [MARCH, *OTHERS], NOW)) == 0
    changed = replace(MARCH, amount=7, period="2026-03-01/2026-03-31")
    assert database.write(lambda c: costs.put(c, [changed], NOW + 1)) == 1
    assert database.write(lambda c: costs.put(c, [], NOW + 1)) == 0
    with database.reading() as connection:
        every = costs.every(connection)
        assert len(every) == 5
        assert set(every) == {changed, *OTHERS}
        assert [one.begins for one in every] == [50, 100, 100, 100, 100]
        assert costs.of_journey(connection, "") == [OTHERS[1]]
        assert {one.journey for one in costs.of_journey(connection, "welcome")} == {"welcome"}
