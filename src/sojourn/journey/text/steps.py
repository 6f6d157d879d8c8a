"""Reads and writes the steps of a journey: each an id with one kind of step, and where its exits lead.

The list under a kind's key, if there is one, holds its ways: they are the first exits, with `then` in
each.  The other exits stand beside the kind under their own names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from sojourn import registry
from sojourn.errors import Invalid
from sojourn.journey import steps
from sojourn.journey.definition import Placed
from sojourn.journey.step import Step, StepKind
from sojourn.journey.text.fields import Fields

ID = "[A-Za-z][A-Za-z0-9_-]{0,63}"
_ID = re.compile(ID, re.ASCII)


@lru_cache(maxsize=1)
def kinds() -> dict[str, StepKind]:
    """All kinds of steps by the key that names them."""
    return registry.declared(steps, StepKind)


def read_steps(fields: Fields) -> tuple[Placed, ...]:
    """The steps in their order; Invalid with the path of the first mistake."""
    ids = list(fields.data)
    for name in ids:
        if not _ID.fullmatch(name):
            message = "a step's id is a letter and then letters, digits, _ or -, 64 at most"
            raise Invalid(message, place=fields.at(name))
    following = dict(zip(ids, [*ids[1:], ""], strict=True))
    return tuple(_placed(name, fields.mapping(name), following) for name in ids)


def write_steps(placed: tuple[Placed, ...]) -> dict[str, object]:
    """The mapping that `read_steps` reads, without what is so by default."""
    following = [*(one.id for one in placed[1:]), ""]
    return {one.id: _written(one, default) for one, default in zip(placed, following, strict=True)}


def whole_step(placed: Placed) -> dict[str, object]:
    """The mapping of one step that says of every exit where it leads; '' is the end."""
    return _written(placed, None)


def kind_of(step: Step) -> StepKind:
    """The kind that a step is of."""
    return next(kind for kind in kinds().values() if type(step) is kind.settings)


def _placed(name: str, fields: Fields, following: Mapping[str, str]) -> Placed:
    kind = _kind(fields)
    step = kind.read(fields)
    ways = fields.items(kind.name) if isinstance(fields.data[kind.name], list) else []
    beside = step.exits()[len(ways) :]
    led = [*((way, "then") for way in ways), *((fields, exit) for exit in beside)]
    targets = tuple(_target(one, key, following, default=following[name]) for one, key in led)
    fields.done()
    return Placed(name, step, targets)


def _kind(fields: Fields) -> StepKind:
    """The one kind that a step's mapping names."""
    found = [key for key in fields.data if key in kinds()]
    if len(found) == 1:
        return kinds()[found[0]]
    if found:
        message = f"has {len(found)} kinds ({', '.join(found)}); a step has exactly one"
        raise Invalid(message, place=fields.at(found[1]))
    for key in fields.data:
        if close := get_close_matches(key, kinds(), n=1):
            message = f"unknown kind of step {key!r}; did you mean {close[0]!r}?"
            raise Invalid(message, place=fields.at(key))
    raise Invalid(f"has no kind; a step has exactly one of {', '.join(kinds())}", place=fields.place)


def _target(fields: Fields, key: str, following: Mapping[str, str], default: str) -> str:
    """The step that is named under the key, by default the one that follows ('' completes)."""
    if key not in fields.data:
        fields.taken.add(key)
        return default
    target = fields.text(key)
    if target not in following:
        close = get_close_matches(target, following, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise Invalid(f"there is no step {target!r}{hint}", place=fields.at(key))
    return target


def _written(placed: Placed, following: str | None) -> dict[str, object]:
    kind = kind_of(placed.step)
    data = kind.write(placed.step)
    found = data[kind.name]
    ways = found if isinstance(found, list) else []
    for number, (exit, target) in enumerate(zip(placed.step.exits(), placed.targets, strict=True)):
        if target != following and number < len(ways):
            ways[number]["then"] = target
        elif target != following:
            data[exit] = target
    return data
