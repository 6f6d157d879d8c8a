"""The demo's histories: two data sets shifted so that they end today, and an address for everybody there."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sojourn.errors import NotFound
from sojourn.ingest.files.mapping import Mapping
from sojourn.tape.hashing import hash_text

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Sao_Paulo", "UTC")


@dataclass(frozen=True)
class History:
    """A file and how its rows become events."""

    file: Path
    mapping: Mapping
    title: str


def prepare(sources: Path, folder: Path, now: datetime) -> list[History]:
    """The files to import, made in `folder` from the data sets in `sources`.

    Raises NotFound where the data sets were not fetched.
    """
    purchases, clicks = list(_purchases(sources)), list(_clicks(sources))
    people = dict.fromkeys([row[0] for row in purchases] + [row[0] for row in clicks])
    folder.mkdir(parents=True, exist_ok=True)
    return [
        History(
            _written(
                folder / "purchases.csv", ("customer", "date", "discs", "total"), _shifted(purchases, now)
            ),
            Mapping(customer="customer", name="=Order Completed", time="date"),
            "CDNOW: purchases of real customers (from the package lifetimes, MIT)",
        ),
        History(
            _written(
                folder / "clicks.csv",
                ("customer", "time", "event", "session", "platform"),
                _shifted(clicks, now),
            ),
            Mapping(customer="customer", name="event", time="time"),
            "ecom: a synthetic clickstream (from the package retentioneering, Apache-2.0)",
        ),
        History(
            _written(folder / "people.csv", ("customer", "email", "timezone", "since"), _people(people, now)),
            Mapping(customer="customer", time="since", traits=True),
            "an address and a time zone for each of them (made up)",
        ),
    ]


def _purchases(sources: Path) -> Iterator[tuple[str, ...]]:
    with _found(sources / "CDNOW_master.txt").open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            customer, day, discs, total = line.split()
            yield customer, datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).isoformat(" "), discs, total


def _clicks(sources: Path) -> Iterator[tuple[str, ...]]:
    with gzip.open(_found(sources / "ecom.csv.gz"), "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield (
                row["user_id"],
                f"{row['timestamp']}+00:00",
                row["event"],
                row["session_id"],
                row["platform"],
            )


def _found(path: Path) -> Path:
    if not path.exists():
        raise NotFound(f"there is no {path}: `make demo-data` fetches it")
    return path


def _shifted(rows: list[tuple[str, ...]], now: datetime) -> Iterator[tuple[str, ...]]:
    """The rows, all by as many days later as make the last of them the newest."""
    last = max(datetime.fromisoformat(row[1]) for row in rows)
    by = timedelta(days=(now - last).days)
    for customer, time, *rest in rows:
        yield customer, (datetime.fromisoformat(time) + by).isoformat(" "), *rest


def _people(people: Iterable[str], now: datetime) -> Iterator[tuple[str, ...]]:
    since = (now - timedelta(days=3 * 365)).date().isoformat()
    for name in people:
        yield name, f"{name.replace('_', '.')}@example.com", ZONES[hash_text(name) % len(ZONES)], since


def _written(path: Path, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        writer.writerows(rows)
    return path
