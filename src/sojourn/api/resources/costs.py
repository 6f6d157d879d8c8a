"""Costs: what was spent, on which channel, when, and for which journey."""

from __future__ import annotations

import msgspec
from litestar import get, post
from litestar.params import JSONBody

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.errors import Invalid
from sojourn.ingest.costs import BadLine, read
from sojourn.store.definitions import journeys
from sojourn.store.files import costs
from sojourn.store.files.costs import Cost

_SHOWN = 20
"""Lines that are wrong, of which the answer tells; whoever mends these will see the others."""


class Wanted(msgspec.Struct, frozen=True):
    """A CSV file with the columns channel, period, amount, currency and, if one likes, journey."""

    text: str
    dry_run: bool = False


class Brought(msgspec.Struct, frozen=True):
    """What a file holds: how many costs, how much in each currency, and which lines are wrong."""

    costs: int
    replaced: int  # that were known before: these hold now
    amounts: dict[str, float]
    bad: int
    first_bad: tuple[BadLine, ...]


@get("/")
async def every(parts: Given) -> list[Cost]:
    """All costs, the oldest first; amounts are in millionths of the currency's unit."""
    return await parts.read(costs.every)


@post("/", status_code=200, opt={"scope": "write"})
async def bring(data: JSONBody[Wanted], parts: Given) -> Brought:
    """Import costs: all of the file, or nothing if a line is wrong.  A dry run says what would come of it."""
    known = [journey.name for journey in await parts.read(journeys.every)]
    found, bad = read(data.text, known)
    if bad and not data.dry_run:
        first = bad[0]
        raise Invalid(f"{first.value!r} {first.why}", place=f"column {first.column!r}", line=first.line)
    replaced = 0
    if not data.dry_run:
        replaced = await parts.write(lambda c: costs.put(c, found, parts.database.now()))
    return Brought(len(found), replaced, _amounts(found), len(bad), tuple(bad[:_SHOWN]))


resource = Resource("costs", (every, bring))


def _amounts(found: list[Cost]) -> dict[str, float]:
    """What all of it comes to in each currency."""
    sums: dict[str, int] = {}
    for cost in found:
        sums[cost.currency] = sums.get(cost.currency, 0) + cost.amount
    return {currency: amount / costs.UNIT for currency, amount in sorted(sums.items())}
