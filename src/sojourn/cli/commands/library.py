"""`sojourn library`: ready-made journeys, to be read, taken and changed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.command import Command, Json
from sojourn.errors import Conflict, Invalid, NotFound

ABOUT = "about.md"

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `sojourn library list` tells it.")]
Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Where your journeys are; a folder NAME is made in it.")
]


def list(json: Json = False) -> None:  # noqa: A001 - this is what the command is called
    """List the journeys that come with Sojourn."""
    found = [(name, _says(name)) for name in names()]
    if json:
        answer.as_json([{"name": name, "about": says} for name, says in found])
    else:
        answer.as_table(("journey", "what it does"), found)


def show(name: Name, json: Json = False) -> None:
    """Say what a journey is for, what it expects and what to change first, and print it."""
    found = texts(name)
    if json:
        answer.as_json({"name": name, "files": found})
        return
    answer.say(found[ABOUT])
    answer.say(found["journey.yaml"])
    answer.say("With it come " + ", ".join(path for path in found if path.count("/")) + ".")


def take(name: Name, folder: Folder) -> None:
    """Write the files of a journey into a folder, for you to change; nothing is ever overwritten."""
    found, place = texts(name), folder / name
    for path in found:
        if (place / path).exists():
            raise Conflict(f"there is a {place / path} already; nothing was written")
    for path, text in found.items():
        _write(place / path, text)
    answer.say(f"{len(found)} files in {place}: read {place / ABOUT}, change what is yours, and then")
    answer.say(f"  sojourn check {place}")


def names() -> tuple[str, ...]:
    """What the journeys of the library are called, by name."""
    return tuple(sorted(one.name for one in _library().iterdir() if one.is_dir()))


def texts(name: str) -> dict[str, str]:
    """The files of a journey by path, in order.  Raises NotFound."""
    if name not in names():
        raise NotFound(f"there is no journey {name!r} in the library; there are {', '.join(names())}")
    return dict(_within(_library() / name, ""))


def _library() -> Traversable:
    return files("sojourn") / "library"


def _within(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_dir():
            yield from _within(one, f"{path}{one.name}/")
        else:
            yield f"{path}{one.name}", one.read_text(encoding="utf-8")


def _says(name: str) -> str:
    """What its first comment says."""
    return texts(name)["journey.yaml"].partition("\n")[0].removeprefix("# ")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as trouble:
        raise Invalid(f"cannot be written ({trouble.strerror})", source=str(path)) from trouble


command = Command("library", parts=(list, show, take), help="Ready-made journeys.")
