"""`sojourn sql`: a SELECT over all events, read-only and without access to anything else."""

from __future__ import annotations

from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.installation import opened


def sql(
    question: Annotated[
        str, typer.Argument(metavar="SELECT", help="Such as: SELECT name, count(*) FROM events GROUP BY 1")
    ],
    rows: Annotated[int, typer.Option(help="The most rows to answer with.")] = 10_000,
    seconds: Annotated[float, typer.Option(help="The longest it may take.")] = 30.0,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Answer a SELECT over the view `events`.

    Its columns: customer, name, happened, received, properties, traits, origin.
    """
    from sojourn.lake.sql import Asked, Limits
    from sojourn.lake.sql import answer as answered

    with opened(data, database) as app:
        past = app.history.past()
        asked = Asked(app.history.folder, past.segments, past.tail, past.merged)
        found = answered(question, asked, Limits(seconds=seconds, rows=rows))
    if json:
        answer.as_json(found)
        return
    answer.as_table(found.columns, found.rows)
    if found.more:
        answer.say(f"... and more; --rows asks for more than {rows}")


command = Command("sql", sql)
