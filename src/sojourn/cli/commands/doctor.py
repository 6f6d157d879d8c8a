"""`sojourn doctor`: is everything here that Sojourn needs, and does it work?"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sojourn.cli import answer, serving
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.installation import opened_at
from sojourn.errors import Misconfigured, NotFound

if TYPE_CHECKING:
    from sojourn.app import App


def doctor(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Say whether everything is here that Sojourn needs, and works."""
    findings = dict(_findings(data, database))
    if json:
        answer.as_json(findings)
    else:
        answer.as_table(("what", "is"), findings.items())


def _findings(data: Path | None, database: str | None) -> Iterator[tuple[str, object]]:
    from sojourn.app import settings

    yield "python", platform.python_version()
    yield "kernels", _kernels()
    try:
        place = settings(data, database, make=False)
    except NotFound as nothing:
        yield "data", str(nothing)
        return
    yield "data", str(place.data)
    yield "free", f"{shutil.disk_usage(place.data).free / 1e9:.1f} GB"
    other = serving.running(place.data)
    yield "served", f"at {other.url}" if other else "no"
    with opened_at(place) as app:
        yield from _contents(app)


def _kernels() -> str:
    """Compiles what is not compiled yet."""
    from sojourn.tape.kernels.warm import warm

    start = time.perf_counter()
    count = warm()
    return f"{count} ready after {time.perf_counter() - start:.1f} s, kept in {os.environ['NUMBA_CACHE_DIR']}"


def _contents(app: App) -> Iterator[tuple[str, object]]:
    from sojourn.runtime.dispatch.halt import halted
    from sojourn.runtime.dispatch.ways import CHANNELS
    from sojourn.store import customers, effects
    from sojourn.store.definitions import journeys, settings
    from sojourn.store.files import lake_segments, quarantine

    with app.database.reading() as connection:
        yield "database", app.database.dialect
        yield "sending", f"halted: {why}" if (why := halted(connection)) else "goes on"
        yield from _channels(settings.get(connection, CHANNELS, {}))
        yield "customers", customers.count(connection)
        yield "journeys", len(journeys.every(connection))
        yield "events at rest", sum(listed.rows for listed in lake_segments.every(connection))
        yield "in quarantine", quarantine.count(connection)
        for state, count in effects.counts(connection).items():
            yield f"messages {state.name.lower()}", count
    found = app.audit()
    yield "audit", f"{len(found.violations)} violations" if found.violations else "everything agrees"
    for number, violation in enumerate(found.violations, 1):
        yield f"violation {number}", str(violation)


def _channels(given: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """By whom each kind of message goes, and what is promised of it."""
    from sojourn.runtime.dispatch.ways import open_ways, provider

    for kind in given:
        try:
            found = provider(kind, given)
            open_ways({kind: given[kind]})
        except Misconfigured as error:
            yield f"channel {kind}", str(error)
        else:
            assert found is not None  # it was given
            channel = found[0]
            yield (
                f"channel {kind}",
                f"{channel.name}, class {channel.delivery.value}: {channel.delivery.promise}",
            )


command = Command("doctor", doctor)
