"""Arranges the steps in a journey's text: new ones in, gone ones out, moved ones with their comments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

from sojourn.journey.definition import Journey
from sojourn.journey.text.layout import layout
from sojourn.journey.text.splice import Splices
from sojourn.journey.text.steps import write_steps


def arranged(text: str, before: Journey, after: Journey) -> str:
    """The text with the steps that there are to be, in their order; those that stay say what they said.

    It is the text itself if its steps do not stand in one mapping.
    """
    was, now = [one.id for one in before.steps], [one.id for one in after.steps]
    root, changes, new = layout(text), Splices(text), write_steps(after.steps)
    steps = root.values[root.at("steps")]
    if was == now or not set(was) <= set(steps.names):
        return text
    kept = _kept(was, now)
    if not kept or steps.flow:
        changes.replace(root, root.at("steps"), new)
        return changes.done()
    last = -1
    for step in now:
        if step in kept:
            last = steps.at(step)
        elif step in was:
            changes.paste(steps, last, changes.lines(steps, steps.at(step)))
            changes.cut(steps, steps.at(step))
        else:
            entry = changes.entry(steps, step, new[step])
            changes.paste(steps, last, f"{' ' * steps.column}{entry}{changes.eol}")
    changes.remove(steps, {steps.at(step) for step in was if step not in now})
    return changes.done()


def _kept(was: Sequence[str], now: Sequence[str]) -> Collection[str]:
    """The steps that can stay where they are while the others go around them."""
    blocks = SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks()
    return {step for block in blocks for step in was[block.a : block.a + block.size]}
