"""Reads and writes a journey as YAML; a mistake is named by file, line and path."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from sojourn import registry
from sojourn.errors import Invalid
from sojourn.journey import steps
from sojourn.journey.definition import Journey, Placed
from sojourn.journey.enter_text import read_goal, read_trigger, write_goal, write_trigger
from sojourn.journey.step import Fields, Step, StepKind
from sojourn.rule.text import dump, parse

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_PATH = re.compile(r"[^.\[\]]+")


@lru_cache(maxsize=1)
def kinds() -> dict[str, StepKind]:
    """All kinds of steps by the key that names them."""
    return registry.declared(steps, StepKind)


def read_journey(text: str, source: str = "") -> Journey:
    """The journey that the YAML `text` describes; Invalid with file, line and path of the first mistake."""
    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise Invalid(f"no YAML: {error.problem}", source=source, line=line) from error
    try:
        return journey_of(_plain(tree))
    except Invalid as error:
        line = _line(tree, error.place)
        raise Invalid(error.message, place=error.place, source=source, line=line) from error


def write_journey(journey: Journey) -> str:
    """The journey as YAML, in the one form that this module writes; `read_journey` reads it back."""
    yaml = YAML()
    yaml.default_flow_style, yaml.width = None, 110
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(data_of(journey), out)
    return out.getvalue()


def journey_of(data: object) -> Journey:
    """The journey that plain data describe; Invalid with the path of the first mistake."""
    if not isinstance(data, Mapping):
        raise Invalid("a journey is a mapping with the keys journey, enter and steps")
    fields = Fields(data, "")
    name = fields.text("journey")
    enter = tuple(read_trigger(item) for item in _at_top(fields.items("enter")))
    placed = _steps(_mapping(fields.need("steps"), "steps"))
    leave_if = fields.take("leave_if")
    journey = Journey(
        name=name,
        enter=enter,
        steps=placed,
        goal=read_goal(_mapping(fields.take("goal"), "goal")) if "goal" in data else None,
        leave_if=parse(leave_if, "leave_if") if leave_if is not None else None,
        holdout=_share(fields.take("holdout", 0)),
        priority=_whole(fields.take("priority", 0)),
        canvas=_canvas(fields.take("canvas", {}), placed),
    )
    fields.done()
    return journey


def data_of(journey: Journey) -> dict[str, object]:
    """The journey as plain data, with nothing in it that is the default."""
    data: dict[str, object] = {
        "journey": journey.name,
        "enter": [write_trigger(trigger) for trigger in journey.enter],
    }
    if journey.goal:
        data["goal"] = write_goal(journey.goal)
    if journey.leave_if:
        data["leave_if"] = dump(journey.leave_if)
    if journey.holdout:
        data["holdout"] = f"{journey.holdout * 100:g}%"
    if journey.priority:
        data["priority"] = journey.priority
    data["steps"] = _write_steps(journey.steps)
    if journey.canvas:
        data["canvas"] = {step: list(at) for step, at in journey.canvas.items()}
    return data


def _at_top(items: list[Fields]) -> list[Fields]:
    for item in items:
        item.place = item.place.lstrip(".")
    return items


def _mapping(data: object, place: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping) or not data:
        raise Invalid(f"must be a mapping with at least one entry, not {data!r}", place=place)
    return data


def _share(data: object) -> float:
    text = str(data).strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1
    if not 0 <= share < 1:
        raise Invalid(f"{data!r} must be a share such as '10%' or 0.1, below 100%", place="holdout")
    return share


def _whole(data: object) -> int:
    if isinstance(data, bool) or not isinstance(data, int):
        raise Invalid(f"must be a whole number, not {data!r}", place="priority")
    return data


def _canvas(data: object, placed: tuple[Placed, ...]) -> dict[str, tuple[float, float]]:
    known = {one.id for one in placed}
    if not isinstance(data, Mapping):
        raise Invalid("must be a mapping of steps to [x, y]", place="canvas")
    for step, at in data.items():
        if step not in known:
            raise Invalid(f"there is no step {step!r}", place=f"canvas.{step}")
        if not (isinstance(at, list) and len(at) == 2 and all(isinstance(x, (int, float)) for x in at)):
            raise Invalid("must be [x, y]", place=f"canvas.{step}")
    return {str(step): (at[0], at[1]) for step, at in data.items()}


def _steps(data: Mapping[str, object]) -> tuple[Placed, ...]:
    ids = list(data)
    for name in ids:
        if not _ID.fullmatch(str(name)):
            message = "a step's id is a letter and then letters, digits, _ or -"
            raise Invalid(message, place=f"steps.{name}")
    following = dict(zip(ids, [*ids[1:], ""], strict=True))
    return tuple(_placed(name, data[name], following) for name in ids)


def _placed(name: str, data: object, following: dict[str, str]) -> Placed:
    place = f"steps.{name}"
    fields = Fields(_mapping(data, place), place)
    found = [key for key in fields.data if key in kinds()]
    if len(found) != 1:
        raise Invalid(_no_kind(fields, found), place=place)
    step = kinds()[found[0]].read(fields)
    fields.take("then")
    fields.done()
    targets = tuple(fields.targets.get(exit, following[name]) for exit in step.exits())
    for exit, target in fields.targets.items():
        if target not in following:
            close = get_close_matches(target, following, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise Invalid(f"exit {exit!r} leads to {target!r}, which is no step{hint}", place=place)
    return Placed(name, step, targets)


def _no_kind(fields: Fields, found: list[str]) -> str:
    if found:
        return f"has {len(found)} kinds ({', '.join(found)}); a step has exactly one"
    for key in fields.data:
        close = get_close_matches(str(key), kinds(), n=1)
        if close:
            return f"unknown kind of step {key!r}; did you mean {close[0]!r}?"
    return f"has no kind; a step has exactly one of {', '.join(kinds())}"


def _write_steps(placed: tuple[Placed, ...]) -> dict[str, object]:
    written: dict[str, object] = {}
    for one, following in zip(placed, [*(other.id for other in placed[1:]), ""], strict=True):
        exits = zip(one.step.exits(), one.targets, strict=True)
        targets = {exit: target for exit, target in exits if target != following}
        written[one.id] = _kind_of(one.step).write(one.step, targets)
    return written


def _kind_of(step: Step) -> StepKind:
    return next(kind for kind in kinds().values() if isinstance(step, kind.settings))


def _plain(tree: Any) -> Any:
    """The tree without what remembers how it was written."""
    if isinstance(tree, Mapping):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(value) for value in tree]
    for plain in (bool, int, float, str):
        if isinstance(tree, plain):
            return plain(tree)
    return tree


def _line(tree: Any, place: str) -> int:
    """The line, from 1, of the deepest part of `place` that the tree has."""
    line = 1
    for part in _PATH.findall(place):
        try:
            line = (tree.lc.item(int(part)) if isinstance(tree, CommentedSeq) else tree.lc.key(part))[0] + 1
            tree = tree[int(part)] if isinstance(tree, CommentedSeq) else tree[part]
        except (AttributeError, KeyError, IndexError, ValueError, TypeError):
            break
    return line
