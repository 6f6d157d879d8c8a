"""Publishes definitions all together or not at all, if nobody has changed any since they were read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from sojourn.customer.references import missing, refuse
from sojourn.errors import Conflict, Invalid
from sojourn.journey.check import ERROR
from sojourn.journey.text import read_journey
from sojourn.journey.text.source import Source
from sojourn.runtime.definitions.kind import Name, Written, kinds
from sojourn.runtime.publishing.publish import findings
from sojourn.runtime.publishing.published import definitions
from sojourn.store.definitions import journeys
from sojourn.tape.hashing import hash_text


def held(connection: Connection) -> dict[Name, str]:
    """The texts of all definitions that hold, in the order in which they build on each other."""
    return {
        Name(kind.name, name): text
        for kind in kinds().values()
        for name, text in sorted(kind.every(connection))
    }


def state(texts: dict[Name, str]) -> int:
    """What tells this state of an installation from any other: another after every change of a text.

    It is below 2**52, so that whatever reads JSON keeps all of its digits.
    """
    return hash_text("".join(f"{name}\n{len(text)}\n{text}\n" for name, text in texts.items())) >> 11


def publish(
    connection: Connection,
    files: Sequence[Written],
    gone: Collection[Name],
    now: int,
    match: int | None = None,
) -> list[Name]:
    """Make the files hold, and what is gone hold no longer; answers what was published.

    Raises Conflict where `match`, the state that was read, is not the present one, NotFound, and Invalid,
    with path and line, for what forbids it: the caller's transaction is to be rolled back then.
    """
    if match is not None and match != state(held(connection)):
        raise Conflict("the definitions have been changed since they were read")
    before, circular = _broken(connection) if gone else set(), _refused(connection)
    _remove(connection, [name for name in gone if name.kind == "journey"], now)
    for one in files:
        try:
            kinds()[one.named.kind].save(connection, one.named.name, one.file.text, now)
        except Invalid as error:
            raise Source(one.file.text, one.file.path).located(error) from error
    _remove(connection, [name for name in gone if name.kind != "journey"], now)
    if (wrong := _refused(connection)) and not circular:
        raise _located(wrong, files)
    for what, place in sorted(_broken(connection) - before if gone else ()):
        raise Invalid(f"is still needed: {what}", place=place)
    return [one.named for one in files]


def _refused(connection: Connection) -> Invalid | None:
    """What is wrong with how segments, scores, stages and lists ask for each other."""
    try:
        refuse(definitions(connection)[0])
    except Invalid as error:
        return error
    return None


def _located(error: Invalid, files: Sequence[Written]) -> Invalid:
    """The error with the file of the definition that is its place."""
    path = next((one.file.path for one in files if str(one.named) == error.place), "")
    return Invalid(error.message, place=error.place, source=path)


def _remove(connection: Connection, gone: Sequence[Name], now: int) -> None:
    """Take them away, those that build on others first."""
    order = list(kinds())
    for name in sorted(gone, key=lambda one: -order.index(one.kind)):
        kinds()[name.kind].remove(connection, name.name, now)


def _broken(connection: Connection) -> set[tuple[str, str]]:
    """What is wrong with definitions, and with the versions that customers are in or enter, and where."""
    known = definitions(connection)[0]
    found = {(what, called) for called, rules in known.rules().items() for what in missing(rules, known)}
    names = {one.id: one.name for one in journeys.every(connection) if one.state != "archived"}
    for version in journeys.in_use(connection):
        if version.journey in names:
            called = f"journey {names[version.journey]}, version {version.number}"
            for finding in findings(connection, read_journey(version.text)):
                if finding.severity == ERROR:
                    found.add((finding.what, f"{called}: steps.{finding.step}".removesuffix(": steps.")))
    return found
