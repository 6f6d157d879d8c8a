"""`sojourn explain`: why a customer did or did not enter a journey, go where they went and get a message."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sojourn.cli import answer
from sojourn.cli.command import Command, Data, Database, Json
from sojourn.cli.documents import read_draft
from sojourn.cli.installation import opened
from sojourn.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sojourn.app import App
    from sojourn.journey.program import Program
    from sojourn.runtime.explain import Explanation, Happened
    from sojourn.tape.tape import Ints

KINDS = ("user_id", "email", "anonymous_id", "phone")
"""The kinds of identities that a customer is looked for by when none is said."""


def explain(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Their id or email, or KIND:VALUE.")],
    journey: Annotated[
        str, typer.Argument(metavar="JOURNEY", help="A published journey, or a file with a draft.")
    ],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Say gate by gate, with what each looked at, why a customer is where they are in a journey."""
    from sojourn.lake.layout import Wanted
    from sojourn.runtime.explain import explain as explained

    with opened(data, database) as app:
        subjects = _subjects(app, customer)
        program = _program(app, journey)
        tape = app.history.tape(Wanted(subjects=subjects))
        found = explained(program, tape, app.catalogue(), app.database.now())
    if json:
        answer.as_json(found)
    else:
        _show(customer, found)


def _subjects(app: App, customer: str) -> Ints:
    """All subjects that are this customer, int64[k], strictly increasing."""
    from sojourn.customer.identity import IdentityRules, normal
    from sojourn.store import customers

    kind, colon, value = customer.partition(":")
    asked = ((kind, value),) if colon and kind else tuple((known, customer) for known in KINDS)
    named = [identity for one in asked if (identity := normal(*one, IdentityRules()))]
    with app.database.reading() as connection:
        found = customers.find(connection, [(one.kind, one.value) for one in named]).customers
        if not found.any():
            raise NotFound(f"nobody is known as {customer!r} ({', '.join(kind for kind, _ in asked)})")
        subjects: Ints = customers.subjects_of(connection, int(found[found > 0][0]))["id"]
    return subjects


def _program(app: App, journey: str) -> Program:
    from sojourn.journey.program import Program
    from sojourn.runtime.publishing.publish import newest

    offered = {one.newest.name: one.newest for one in app.catalogue().journeys}
    if journey in offered:
        return offered[journey]
    if Path(journey).is_file():
        return Program(read_draft(Path(journey)))
    with suppress(NotFound), app.database.reading() as connection:
        return newest(connection, journey)  # it is paused
    known = ", ".join(offered) or "none is published"
    raise NotFound(f"{journey!r} is no published journey and no file; published: {known}")


def _show(customer: str, found: Explanation) -> None:
    answer.say(f"{customer} in {found.journey}: entered {found.entered} times, {found.where}")
    for one in found.happened:
        _show_one(one)


def _show_one(one: Happened) -> None:
    answer.say(f"{one.at}  {one.step or '(entry)'}: {one.what}")
    for rule in one.rules:
        _show_rule(rule, 1)
    for gate in one.gates:
        facts = ", ".join(f"{name} {value}" for name, value in gate.facts.items())
        verdict = f"stopped, {gate.stopped}" if gate.stopped else "passed"
        answer.say(f"    gate {gate.name}: {verdict}" + (f" ({facts})" if facts else ""))


def _show_rule(rule: Mapping[str, object], depth: int) -> None:
    inputs, parts = rule["inputs"], rule["parts"]
    assert isinstance(inputs, dict)
    assert isinstance(parts, list)
    facts = ", ".join(f"{name}: {value}" for name, value in inputs.items())
    sign = "yes" if rule["answer"] else "no"
    answer.say(f"{'    ' * depth}{sign}: {rule['rule']}" + (f" ({facts})" if facts else ""))
    for part in parts:
        _show_rule(part, depth + 1)


command = Command("explain", explain)
