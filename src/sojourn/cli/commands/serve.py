"""`sojourn serve`: web and worker together, until told to stop."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from sojourn.cli import answer, logs, serving
from sojourn.cli.command import Command, Data, Database, Url
from sojourn.cli.installation import opened_at
from sojourn.errors import Invalid, Misconfigured

if TYPE_CHECKING:
    from litestar import Litestar

    from sojourn.app import App
    from sojourn.cli.serving import Serving

KEY = "command line"
"""The name of the key by which other commands of this machine reach a running `serve`."""


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    url: Url = None,
    mail_in: Annotated[
        str,
        typer.Option(
            "--mail-in", metavar="HOST:PORT", help="Also take bounces and unsubscribe mails, by SMTP or LMTP."
        ),
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Log everything.")] = False,
    data: Data = None,
    database: Database = None,
) -> None:
    """Serve the API, run journeys and send messages, all in one process."""
    entrance = _address(mail_in) if mail_in else None
    from sojourn.api import server
    from sojourn.app import settings

    logs.begin(debug=verbose)
    place, local = settings(data, database), f"http://{host}:{port}"
    public = url or place.url or local
    with (
        serving.claimed(place.data, local) as claim,
        opened_at(place) as app,
        app.working(public),
        _in_time(app),
    ):
        _let_in(app, claim)

        def started() -> None:
            serving.announce(place.data, claim)
            answer.say(f"Sojourn serves at {local} from {place.data}; Ctrl-C ends it.")

        web = app.web(public)
        server.run(web, host, port, started=started, beside=_door(web, *entrance) if entrance else None)


def _address(mail_in: str) -> tuple[str, int]:
    host, _, port = mail_in.rpartition(":")
    if not host or not port.isdecimal():
        raise Invalid("must be HOST:PORT, as 127.0.0.1:2525", place="--mail-in")
    return host.strip("[]"), int(port)


def _door(web: Litestar, host: str, port: int) -> AbstractAsyncContextManager[int]:
    try:
        from sojourn.api.mail import door
    except ImportError as missing:
        raise Misconfigured("--mail-in needs a library: pip install 'sojourn[mail-in]'") from missing
    return door.listening(web.state["parts"], host, port)


def _in_time(app: App) -> AbstractContextManager[None]:
    from sojourn.demo_clock import DemoClock

    clock = app.database.now
    return clock.ringing(app.database) if isinstance(clock, DemoClock) else nullcontext()


def _let_in(app: App, claim: Serving) -> None:
    """Give other commands of this machine a key; those of earlier runs end."""
    from sqlalchemy import Connection

    from sojourn.api.authority import mint
    from sojourn.store.definitions import keys

    def write(connection: Connection) -> None:
        now = app.database.now()
        for key in keys.every(connection):
            if key.name == KEY and not key.revoked:
                keys.revoke(connection, key.id, now)
        mint(connection, KEY, ["admin"], now, claim.key)

    app.database.write(write)


command = Command("serve", serve)
