"""Writes what a play did in the store's own columns, and reads runs back from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from sojourn.ingest.event import Origin
from sojourn.journey.effects import Effects, Marks, Notice, Send, Values
from sojourn.journey.play import Playing
from sojourn.journey.program import JUMP
from sojourn.journey.runs import Runs
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.store import effects, log, runs
from sojourn.store.counts import Counted
from sojourn.store.partitions import PARTITIONS
from sojourn.tape.tape import Ints

TRANSACTIONAL = "transactional"
"""The purpose of what nobody has to agree to."""


def journey_runs(stored: runs.Runs, customers: Ints) -> Runs:
    """The stored runs of one journey on a tape whose customers are these (int64[c], increasing).

    Why a run left is not read back: nothing that is still to come depends on it.
    """
    return Runs(
        ids=stored.ids,
        rows=np.searchsorted(customers, stored.customers),
        slots=stored.slots,
        entries=stored.entry_keys,
        versions=stored.versions,
        entered=stored.entered,
        now=stored.seen,
        steps=stored.steps.astype(np.int32),
        hops=stored.hops.astype(np.int32),
        since=stored.since,
        due=stored.due,
        left=stored.left,
        reasons=np.full(len(stored), -1, np.int32),
    )


def stored_runs(moved: Runs, offered: Offered, customers: Ints) -> runs.Runs:
    """The runs of one journey as the store keeps them."""
    n, owners = len(moved), customers[moved.rows]
    return runs.Runs(
        ids=moved.ids,
        versions=moved.versions,
        journeys=np.full(n, offered.id),
        customers=owners,
        partitions=owners % PARTITIONS,
        slots=moved.slots,
        steps=moved.steps.astype(np.int64),
        hops=moved.hops.astype(np.int64),
        entered=moved.entered,
        since=moved.since,
        due=moved.due,
        seen=moved.now,
        left=moved.left,
        reasons=_reasons(moved, offered),
        entry_keys=moved.entries,
    )


def _reasons(moved: Runs, offered: Offered) -> list[str]:
    """Why each run left, an empty text inside."""
    told = np.full(len(moved), "", np.object_)
    for program in offered.programs:
        mine = moved.versions == program.version
        told[mine] = np.array((*program.reasons, ""), np.object_)[moved.reasons[mine]]
    return list(told)


def planned(
    player: Playing, offered: Offered, catalogue: Catalogue, customers: Ints
) -> list[effects.Planned]:
    """The messages that the play allowed and the notices to the team, as the ledger plans them."""
    said = [one for one in player.effects if isinstance(one.ask, Send | Notice) and one.reasons is None]
    return [_planned(part, offered, catalogue, customers) for part in said]


def _planned(part: Effects, offered: Offered, catalogue: Catalogue, customers: Ints) -> effects.Planned:
    n, owners, (send, kind, more) = len(part), customers[part.rows], _message(part, catalogue)
    program = next(one for one in offered.programs if one.version == part.version)
    told = {"journey": part.journey, "step": part.step, **more}
    asked = msgspec.json.encode(told).decode().removeprefix("{")
    return effects.Planned(
        keys=part.keys,
        runs=part.runs,
        versions=np.full(n, part.version),
        journeys=np.full(n, offered.id),
        steps=np.full(n, program.codes[part.step]),
        customers=owners,
        partitions=owners % PARTITIONS,
        channels=[send.channel] * n,
        templates=[send.template] * n,
        purposes=[send.purpose] * n,
        kinds=[kind] * n,
        data=[f'{{"entry":{key},{asked}' for key in part.entries.tolist()],
        planned=part.now,
        due=part.now,
    )


def _message(part: Effects, catalogue: Catalogue) -> tuple[Send, str, dict[str, str]]:
    """What is sent, of which kind, and what else dispatching has to know."""
    if isinstance(part.ask, Notice):
        plain = Send(part.ask.template, TRANSACTIONAL, part.ask.channel)
        return catalogue.resolve(plain), effects.NOTICE, {"to": part.ask.to}
    assert isinstance(part.ask, Send)
    return catalogue.resolve(part.ask), effects.MESSAGE, {}


def logged(
    told: Sequence[tuple[Marks, Ints]], customers: Ints, codes: Callable[[Sequence[str]], Ints]
) -> log.Events | None:
    """The marks as events of the log, with the instants at which their customers met them."""
    if not told:
        return None
    sizes = [len(marks) for marks, _ in told]
    owners = np.concatenate([customers[marks.rows] for marks, _ in told])
    received = np.concatenate([instants for _, instants in told])
    return log.Events(
        partitions=owners % PARTITIONS,
        subjects=owners,
        keys=np.concatenate([marks.keys for marks, _ in told]),
        runs=np.concatenate([marks.runs for marks, _ in told]),
        names=np.repeat(codes([marks.name for marks, _ in told]), sizes),
        happened=received,
        received=received,
        origins=np.full(len(owners), int(Origin.TICK)),
        properties=_texts([(marks.properties, marks.each) for marks, _ in told], sizes),
        traits=_texts([(marks.traits, marks.each_trait) for marks, _ in told], sizes),
    )


def _texts(
    values: Sequence[tuple[Mapping[str, object], Mapping[str, Values]]], sizes: Sequence[int]
) -> list[str]:
    """The properties of each mark as JSON, an empty text where it has none."""
    found: list[str] = []
    for (same, each), size in zip(values, sizes, strict=True):
        if each:
            rows = zip(*(value.tolist() for value in each.values()), strict=True)
            found += [_text({**same, **_there(dict(zip(each, row, strict=True)))}) for row in rows]
        else:
            found += [_text(same)] * size
    return found


def _there(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value not in ("", None) and value == value}


def _text(values: Mapping[str, object]) -> str:
    return msgspec.json.encode(values).decode() if values else ""


def counted(player: Playing) -> dict[Counted, int]:
    """What the play counted, as additions to the store's counts; what is of no step is of step -1."""
    found: dict[Counted, int] = {}
    for program in player.programs.values():
        counted = player.counts[program.version]
        found[program.version, -1, "entered", ""] = counted.entered
        for step, placed in enumerate(program.placed):
            found[program.version, step, "visit", ""] = int(counted.visits[step])
            for exit, name in enumerate(placed.step.exits()):
                found[program.version, step, "exit", name] = int(counted.taken[step, exit])
            found[program.version, step, "exit", JUMP] = int(counted.jumped[step].sum())
        for step, reason in zip(*np.nonzero(counted.left), strict=True):
            place = int(step) if step < len(program.placed) else -1
            found[program.version, place, "left", program.reasons[reason]] = int(counted.left[step, reason])
    return {key: n for key, n in found.items() if n}
