"""Shows a plan as people read it: what comes, changes and goes, for whom, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

import msgspec

from sojourn.cli import answer
from sojourn.cli.client import Api
from sojourn.cli.code.folder import Folder
from sojourn.journey.changing.diff import Change, sentence
from sojourn.runtime.definitions.plan import JOURNEY
from sojourn.runtime.definitions.planned import Backtested, Figures, Inside, Plan, Planned

_MARKS = {"new": "+", "changed": "~", "reworded": "≈", "gone": "-"}
_MARKS_OF_CHANGES = {
    "added": "+",
    "removed": "-",
    "replaced": "±",
    "rewired": ">",
    "setting": "~",
    "drawn": "·",
}


def asked(folder: Folder, api: Api, since: int | None, *, backtest: bool) -> Plan:
    """What publishing the folder would change in the installation behind `api`."""
    body: dict[str, Any] = {"files": list(folder.files.values()), "gone": folder.gone(), "backtest": backtest}
    body |= {} if since is None else {"since": since}
    return msgspec.convert(api.call("POST", "/api/definitions/plan", body), Plan)


def overtaken(plan: Plan, folder: Folder) -> list[str]:
    """What somebody else has changed, made or removed since the folder was made, and this would undo."""
    base = folder.base or {}
    keys = {f"{one.kind} {one.name}".rstrip(): one.digest for one in plan.definitions}
    return [key for key, digest in keys.items() if base.get(key, "") != digest]


def show(plan: Plan, folder: Folder) -> None:
    """Print the plan."""
    stale = set(overtaken(plan, folder)) if folder.base is not None else set[str]()
    for one in plan.definitions:
        key = f"{one.kind} {one.name}".rstrip()
        answer.say(f"{_MARKS[one.what]} {key}  ({one.what}{f', {one.path}' if one.path else ''})")
        for line in _about(one):
            answer.say(f"    {line}")
        if key in stale:
            answer.say("    somebody else has changed it since this folder was made")
        if one.figures:
            _show_figures(one.figures)
    for changed in plan.affected:
        answer.say(f"~ {JOURNEY} {changed.journey}  (its text stays, what it does changes)")
        _show_figures(changed)
    answer.say(_summary(plan))


def _about(one: Planned) -> Iterator[str]:
    for change in one.changes:
        yield from _lines(change)
    if one.what == "reworded":
        yield "says the same in other words"
    if one.inside and one.inside.runs:
        yield _who(one.inside, gone=one.what == "gone")
    for warning in one.warnings:
        yield f"warning: {f'steps.{warning.step}: ' if warning.step else ''}{warning.what}"


def _lines(change: Change) -> Iterator[str]:
    """The change on one line; of longer texts the lines that differ."""
    mark = _MARKS_OF_CHANGES[change.what]
    was, now = change.before, change.after
    if not (isinstance(was, str) and isinstance(now, str) and "\n" in was + now):
        yield f"{mark} {sentence(change)}"
        return
    yield f"{mark} {change.place}:"
    lines = list(unified_diff(was.splitlines(), now.splitlines(), lineterm="", n=0))
    yield from (f"    {line}" for line in lines[2:] if not line.startswith("@@"))


def _who(inside: Inside, *, gone: bool) -> str:
    if gone:
        return f"{inside.runs:,} are inside: they stand still, nobody is moved on any more"
    standing = sum(inside.on_changed.values())
    steps = ", ".join(f"{step} {count:,}" for step, count in inside.on_changed.items())
    where = f"; {standing:,} of them stand on steps that change: {steps}" if standing else ""
    return f"{inside.runs:,} are inside and stay on their version{where}"


def _show_figures(found: Backtested) -> None:
    if not any(side and side.entered for side in (found.before, found.after)):
        answer.say("    backtest: nobody would have entered")
        return
    before, after = _rows(found.before), _rows(found.after)
    rows = [(f"    {row}", before.get(row), after.get(row)) for row in {**before, **after}]
    answer.as_table(("    backtest", "before", "after"), rows)


def _rows(figures: Figures | None) -> Mapping[str, int]:
    if figures is None:
        return {}
    steps = {f"  {step}": visits for step, visits in figures.steps.items()}
    head = {"entered": figures.entered, "converted": figures.converted, "sent": figures.sent}
    return head | {"waiting": figures.waiting} | steps


def _summary(plan: Plan) -> str:
    if not plan.definitions:
        return "nothing to do: the installation says what the folder says"
    counts = (
        (sum(one.what == what for one in plan.definitions), what)
        for what in ("new", "changed", "reworded", "gone")
    )
    others = f"; {len(plan.others)} more stay as they are, in no file here" if plan.others else ""
    return ", ".join(f"{count} {what}" for count, what in counts if count) + others
