"""`sojourn receive`: hands one mail from a mail server's pipe to the running `serve`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer

from sojourn.cli import serving
from sojourn.cli.command import Command, Data

TRY_LATER = 75
"""EX_TEMPFAIL of sysexits.h.  For any other than this and 0 a mail server gives the mail up."""

LOOKED_AT = 1024 * 1024
"""Bytes that are handed on: reports stand at the beginning, and `serve` reads no more than that."""

_PATIENCE = 60.0  # seconds; mail servers wait for a quarter of an hour and more

To = Annotated[
    list[str], typer.Option("--to", metavar="ADDRESS", help="The recipient of the envelope; may be repeated.")
]
Server = Annotated[
    str,
    typer.Option(
        "--server", metavar="URL", help="Where `serve` is (else the one that runs on the data folder)."
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="A file that holds an API key of scope mail."),
]


def receive(
    to: To = [],  # noqa: B006 - typer reads it and never changes it
    server: Server = "",
    key_file: KeyFile = None,
    data: Data = None,
) -> None:
    """Hand over one mail from standard input: a bounce, a complaint, or of somebody who unsubscribes.

    Ends with 0 when it is taken, or says nothing about a mail of ours; with 75 when it shall be tried again.
    """
    raw = sys.stdin.buffer.read(LOOKED_AT)
    while sys.stdin.buffer.read(LOOKED_AT):
        continue  # a mail server takes a closed pipe for a failure
    import httpx

    try:
        url, key = _reached(server, key_file, data)
        answer = httpx.post(
            f"{url}/feedback/mail",
            params={"to": to},
            content=raw,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_PATIENCE,
        )
    except (OSError, msgspec.DecodeError, httpx.HTTPError, httpx.InvalidURL) as trouble:
        _try_later(f"{type(trouble).__name__}: {trouble}")
    if answer.status_code != httpx.codes.OK:
        _try_later(f"{url} answers {answer.status_code}")


def _reached(server: str, key_file: Path | None, data: Path | None) -> tuple[str, str]:
    """Where `serve` is, and a key for it."""
    if server and key_file:
        return server.rstrip("/"), key_file.read_text().strip()
    if server:
        _try_later("--server needs a --key-file")
    folder = (data or Path(os.environ.get("SOJOURN_DATA_DIR") or "data")).absolute()
    found = serving.running(folder)
    if found is None:
        _try_later(f"nothing serves {folder}")
    return found.url, found.key


def _try_later(why: str) -> NoReturn:
    """What is wrong here a person can mend, and the mail is still there then."""
    typer.echo(f"try again later: {why}", err=True)
    raise typer.Exit(TRY_LATER)


command = Command("receive", receive)
