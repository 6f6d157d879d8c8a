"""Says whether this process can do its work, and how much of it is waiting."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from sqlalchemy import Connection

from sojourn.api.parts import Given, Parts
from sojourn.runtime.belated import LATE
from sojourn.store import counts, effects
from sojourn.store.files import quarantine


@get("/healthz", media_type=MediaType.JSON, include_in_schema=False)
async def healthy(parts: Given) -> dict[str, str]:
    """Answers 200 while the database can be read."""
    await parts.read(_look)
    return {"status": "ok"}


@get("/metrics", media_type=MediaType.TEXT, include_in_schema=False)
async def metrics(request: Request[Any, Any, Any], parts: Given) -> Response[str]:
    """Figures for Prometheus, for who has a key that may read."""
    await parts.authority.allow(request.headers.get("authorization"), "read")
    return Response(await asyncio.to_thread(_figures, parts), media_type="text/plain; version=0.0.4")


def _look(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT 1")


def _figures(parts: Parts) -> str:
    with parts.database.reading() as connection:
        figures = {
            "sojourn_intake_backlog_events": parts.intake.backlog,
            "sojourn_write_backlog_works": parts.database.backlog,
            "sojourn_disk_full": int(parts.database.full),
            "sojourn_quarantine_waiting": quarantine.count(connection),
            "sojourn_events_late": counts.total(connection, LATE),
        }
        states = effects.counts(connection)
    lines = [f"{name} {value}" for name, value in figures.items()]
    lines += [f'sojourn_effects{{state="{state.name.lower()}"}} {count}' for state, count in states.items()]
    return "\n".join(lines) + "\n"


router = Router("/", route_handlers=[healthy, metrics])
