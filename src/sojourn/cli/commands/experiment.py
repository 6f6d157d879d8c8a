"""`sojourn experiment`: how the variants of a step compare, and which is given from now on."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import typer

from sojourn.cli import answer
from sojourn.cli.client import reached
from sojourn.cli.command import Command, Data, Database, Json

Name = Annotated[str, typer.Argument(metavar="JOURNEY")]
Step = Annotated[str, typer.Argument(metavar="STEP", help="The id of the experiment.")]


def show(
    journey: Name,
    step: Step,
    money: Annotated[bool, typer.Option("--money", help="Compare what is spent, not the goal.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Say what came of each variant, and whether one has won."""
    asked = urlencode({"journey": journey, "step": step, "money": str(money).lower()})
    with reached(data, database) as api:
        found = api.call("GET", f"/api/proof/variants?{asked}")
    if json:
        answer.as_json(found)
        return
    told = found["answer"]
    rows = (
        (one["name"], one["group"]["entered"], one["group"]["count"], one["group"].get("mean"))
        for one in told["variants"]
    )
    answer.as_table(("variant", "given to", "time is up of", "mean"), rows)
    answer.say(f"{told['winner']} has won" if told["winner"] else f"{told['verdict']}: {told['why']}")


def decide(
    journey: Name,
    step: Step,
    variant: Annotated[str, typer.Argument(metavar="[VARIANT]", help="None: draw them again.")] = "",
    data: Data = None,
    database: Database = None,
) -> None:
    """Let whoever comes from now on get one variant."""
    with reached(data, database) as api:
        api.call("PUT", "/api/proof/winner", {"journey": journey, "step": step, "variant": variant})
    answer.say(f"{journey}, {step}: {variant or 'all variants are drawn'} from now on")


command = Command("experiment", parts=(show, decide), help="How variants compare, and which is given.")
