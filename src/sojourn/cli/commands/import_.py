"""`sojourn import`: history from files, resumed where it was broken off, costs and codes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from sojourn.cli import answer, serving
from sojourn.cli.client import Api
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.installation import opened_at
from sojourn.errors import Invalid

if TYPE_CHECKING:
    from sojourn.app import Settings
    from sojourn.ingest.files.format import Survey
    from sojourn.ingest.files.mapping import Mapping
    from sojourn.ingest.importing import Imported

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines or Parquet; gzip is fine.")]
Customer = Annotated[str, typer.Option(metavar="COLUMN", help="Who: the column with the customer's id.")]
Kind = Annotated[
    str,
    typer.Option(
        "--id-kind", metavar="KIND", help="What that id is: user_id, email, anonymous_id, phone ..."
    ),
]
Time = Annotated[
    str, typer.Option(metavar="COLUMN", help="When: the column with the time; UTC unless it says.")
]
TimeFormat = Annotated[
    str, typer.Option(metavar="FORMAT", help="How times are written, such as %d/%m/%Y %H:%M.")
]
Format = Annotated[
    str, typer.Option("--format", metavar="NAME", help="The file's format, if its ending does not tell.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be imported, and import nothing.")]


def events(
    file: File,
    customer: Customer,
    name: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="What: the column with the event's name, or =NAME for all rows."),
    ],
    time: Time,
    id_kind: Kind = "user_id",
    time_format: TimeFormat = "",
    format_: Format = "",
    dry_run: DryRun = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Import a log of events; the columns that are left become properties."""
    from sojourn.ingest.files.mapping import Mapping

    mapping = Mapping(customer=customer, name=name, time=time, kind=id_kind, time_format=time_format)
    _bring(file, mapping, format_, dry_run, json, _place(data, database))


def traits(
    file: File,
    customer: Customer,
    time: Time = "",
    id_kind: Kind = "user_id",
    time_format: TimeFormat = "",
    format_: Format = "",
    dry_run: DryRun = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Import what is known of customers; the columns that are left become traits, by default as of now."""
    from sojourn.ingest.files.mapping import Mapping

    mapping = Mapping(customer=customer, time=time, kind=id_kind, time_format=time_format, traits=True)
    _bring(file, mapping, format_, dry_run, json, _place(data, database))


def costs(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV with the columns channel, period, amount, currency, journey."
        ),
    ],
    dry_run: DryRun = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Import what was spent; the same journey, channel and period again replaces what was known."""
    from sojourn.cli.client import reached
    from sojourn.cli.documents import read_text

    text = read_text(file)
    with reached(data, database) as api:
        try:
            found = api.call("POST", "/api/costs", {"text": text, "dry_run": dry_run})
        except Invalid as error:
            raise Invalid(error.message, place=error.place, source=str(file), line=error.line) from error
    if json:
        answer.as_json(found)
        return
    told = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in found["amounts"].items())
    answer.as_table(
        ("costs", "replaced", "amount", "bad"), [(found["costs"], found["replaced"], told, found["bad"])]
    )
    for bad in found["first_bad"]:
        answer.say(f"{file}:{bad['line']}: column {bad['column']!r}: {bad['value']!r} {bad['why']}")


def codes(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A text file with a code in each line.")],
    pool: Annotated[str, typer.Option(metavar="NAME", help="The pool that journeys give from.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Import codes of incentives; those that the pool has already stay as they are."""
    from sojourn.cli.client import reached
    from sojourn.cli.documents import read_text

    text = read_text(file)
    with reached(data, database) as api:
        try:
            found = api.call("POST", f"/api/codes/{pool}", {"text": text})
        except Invalid as error:
            raise Invalid(error.message, source=str(file), line=error.line) from error
    if json:
        answer.as_json(found)
    else:
        answer.say(f"{found['new']:,} of {found['codes']:,} codes were new to the pool {pool!r}")


def _place(data: Path | None, database: str | None) -> Settings:
    from sojourn.app import settings

    return settings(data, database)


def _bring(file: Path, mapping: Mapping, format_: str, dry_run: bool, json: bool, place: Settings) -> None:
    found = _survey(file, mapping, format_) if dry_run else _import(file, mapping, format_, place)
    if json:
        answer.as_json(found)
    else:
        _show(found)


def _survey(file: Path, mapping: Mapping, format_: str) -> Survey:
    from sojourn.ingest.importing import survey
    from sojourn.store.access.clock import wall

    return survey(file, mapping, wall(), format_)


def _import(file: Path, mapping: Mapping, format_: str, place: Settings) -> Imported:
    from sojourn.ingest.accept import Books
    from sojourn.ingest.importing import run
    from sojourn.runtime.merging.merging import Merging

    served = serving.running(place.data)
    if served and place.embedded:
        return _import_through(Api(served.url, served.key), file, mapping, format_)
    bars = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with opened_at(place) as app, Progress(*bars, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("rows", total=None)

        def progress(done: int, rows: int) -> None:
            shown.update(bar, completed=done, total=rows)

        books = Books(app.names, on_merge=Merging(app.names))
        return run(app.database, books, file, mapping, format_, progress)


def _import_through(api: Api, file: Path, mapping: Mapping, format_: str) -> Imported:
    """Let the `serve` import it: SQLite has one writer."""
    from sojourn.ingest.importing import Imported

    wanted = {"path": str(file.absolute()), "mapping": mapping, "format": format_}
    with Console(stderr=True).status("importing"):
        return msgspec.convert(api.call("POST", "/api/imports", wanted), Imported)


def _show(found: Survey | Imported) -> None:
    from sojourn.ingest.importing import Imported

    if isinstance(found, Imported):
        answer.as_table(
            ("rows", "new events", "known", "bad", "done before"), [msgspec.structs.astuple(found)]
        )
        return
    heads = ("rows", "bad", "customers", "earliest", "latest")
    answer.as_table(
        heads, [(found.rows, found.bad, found.customers, _day(found.earliest), _day(found.latest))]
    )
    answer.as_table(("event", "times"), found.names)
    for bad in found.first_bad:
        answer.say(f"row {bad.row}, column {bad.column}: {bad.value!r} {bad.why}")


def _day(instant: int | None) -> str:
    from sojourn.runtime.explain import iso

    return "" if instant is None else iso(instant)


command = Command(
    "import", parts=(events, traits, costs, codes), help="Import history, costs and codes from files."
)
