"""Codes: pools of incentives' codes, imported, and how many of each are left to give."""

from __future__ import annotations

from functools import partial

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.errors import Invalid
from sojourn.store.portions import codes

LONGEST = 200


class Pool(msgspec.Struct, frozen=True):
    """One pool, and how many of its codes nobody has been given."""

    name: str
    free: int
    codes: int


class Wanted(msgspec.Struct, frozen=True):
    """Codes, one a line; empty lines do not count."""

    text: str


class Brought(msgspec.Struct, frozen=True):
    """How many codes there were, and how many of them the pool did not have yet."""

    codes: int
    new: int


@get("/")
async def every(parts: Given) -> list[Pool]:
    """All pools, by name."""
    found = await parts.read(codes.left)
    return [Pool(name, free, known) for name, (free, known) in sorted(found.items())]


@post("/{pool:str}", status_code=200)
async def bring(pool: FromPath[str], data: JSONBody[Wanted], parts: Given) -> Brought:
    """Add codes to a pool; what it has already stays as it is."""
    read = [(number, line.strip()) for number, line in enumerate(data.text.splitlines(), start=1)]
    for number, code in read:
        if len(code) > LONGEST:
            raise Invalid(f"a code has at most {LONGEST} characters", line=number)
    new = [code for _, code in read if code]
    added = await parts.write(partial(codes.load, pool=pool, new=new))
    return Brought(len(new), added)


CODES = Resource("codes", (every, bring))
