"""Imports of files that lie on this machine, for commands that find the database served already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
from litestar import get, post
from litestar.params import JSONBody

from sojourn.api.parts import Given
from sojourn.api.resource import Resource
from sojourn.ingest import importing
from sojourn.ingest.files.mapping import Mapping
from sojourn.ingest.importing import Imported
from sojourn.store.files import imports
from sojourn.store.files.imports import Import


class Wanted(msgspec.Struct, frozen=True):
    """A file of this machine, by its full path, and how its rows become events."""

    path: str
    mapping: Mapping
    format: str = ""


@get("/")
async def every(parts: Given) -> list[Import]:
    """All imports, the newest first; `done` is how many rows are stored."""
    return await parts.read(imports.every)


@post("/", status_code=200, opt={"scope": "admin"})
async def run(data: JSONBody[Wanted], parts: Given) -> Imported:
    """Import a file, or go on where it was broken off; answers when it is done."""
    return await asyncio.to_thread(
        importing.run, parts.database, parts.books, Path(data.path), data.mapping, data.format
    )


resource = Resource("imports", (every, run))
