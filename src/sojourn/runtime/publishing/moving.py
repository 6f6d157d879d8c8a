"""Moves runs to the newest version of their journey, at once; or says what would become of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

import msgspec
import numpy as np
from sqlalchemy import Connection

from sojourn.ingest.event import Origin
from sojourn.journey.changing.versions import Going, moved, targets
from sojourn.journey.play import Playing, play
from sojourn.journey.program import MOVED, REASONS, Program
from sojourn.journey.runs import Runs
from sojourn.runtime.catalogue import Catalogue, Offered
from sojourn.runtime.deciding import world_of
from sojourn.runtime.ticking import written
from sojourn.store import counts, log, partitions, runs
from sojourn.store.access import crash
from sojourn.store.counts import Counted
from sojourn.store.names import Names
from sojourn.store.partitions import PARTITIONS, Held
from sojourn.tape.distinct import distinct
from sojourn.tape.grain import on_grain
from sojourn.tape.hashing import hash_text, mix
from sojourn.tape.tape import Codes, Ints, Tape

INTO, OVER = "into", "over"
"""What counts say of runs that came from another version, and of those that went to one."""

LEFT = "Journey Left"


class Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of those inside when a version is published.

    They `stay` on theirs, `follow` on the step of the same id, or `move` as `map` says: from old steps to
    new ones, '' for those who are to leave.  Who has no step to go on at leaves as `moved`.
    """

    kind: Literal["stay", "follow", "move"] = "stay"
    map: Mapping[str, str] = {}


class Fate(msgspec.Struct, frozen=True):
    """What becomes of so many runs: where they stand, and where they will, or why they leave."""

    version: int  # the store's number of it
    step: str
    to: str  # '' where they leave
    leaves: str  # '' inside
    count: int


def move(connection: Connection, names: Names, offered: Offered, inside: Inside, now: int) -> int:
    """Let those inside go over to the newest version; how many do, or leave as `moved`.

    All ticks wait meanwhile, and after a kill nobody has moved.
    """
    held, done = partitions.lock_these(connection, np.arange(PARTITIONS)), 0
    for old, stored, going in _going(connection, offered, inside, held, now):
        runs.save(connection, _changed(stored, going))
        counts.count(connection, 0, _counted(old, offered.newest, going))
        if not going.over.all():
            log.append(connection, _left(connection, names, old, stored, going))
        done += len(stored)
    partitions.save(connection, replace(held, due=np.minimum(held.due, now)))
    crash.point("within a move")
    return done


def preview(
    connection: Connection,
    tape_of: Callable[[Ints], Tape],
    catalogue: Catalogue,
    offered: Offered,
    inside: Inside,
    now: int,
) -> list[Fate]:
    """What `move` and the tick after it would come to, most runs first; nothing is written.

    `tape_of` answers the tape of customers (ids, int64[c]).
    """
    held, new = partitions.every(connection), offered.newest
    found: Counter[tuple[int, str, str, str]] = Counter()
    for old, stored, going in _going(connection, offered, inside, held, now):
        over = np.flatnonzero(going.over)
        tape = tape_of(distinct(stored.customers))
        rows = np.searchsorted(tape.customers, stored.customers)
        player = _played(catalogue, new, tape, replace(going.runs, rows=rows).take(over))
        after = {
            run: (("", new.reasons[why]) if why >= 0 else (new.placed[step].id, ""))
            for run, step, why in zip(
                *(getattr(player.runs, name).tolist() for name in ("ids", "steps", "reasons")), strict=True
            )
        }
        for run, step in zip(stored.ids.tolist(), going.before.tolist(), strict=True):
            to, leaves = after.get(run, ("", REASONS[MOVED]))
            found[old.version, old.placed[step].id, to, leaves] += 1
    return [Fate(*key, count=n) for key, n in sorted(found.items(), key=lambda one: (-one[1], one[0]))]


def _going(
    connection: Connection, offered: Offered, inside: Inside, held: Held, now: int
) -> Iterator[tuple[Program, runs.Runs, Going]]:
    """Of each older version that has runs inside: these, and how they go."""
    stored = runs.of_journey(connection, offered.id)
    for old in offered.programs[:-1]:
        mine = stored.take(np.flatnonzero(stored.versions == old.version))
        if inside.kind == "stay" or not len(mine):
            continue
        to = targets(old, offered.newest, inside.map if inside.kind == "move" else {})
        met = held.met[np.searchsorted(held.ids, mine.partitions)]
        instants = on_grain(np.maximum(met + 1, now))
        as_runs = written.journey_runs(mine, distinct(mine.customers))
        yield old, mine, moved(as_runs, old, offered.newest, to, instants)


def _changed(stored: runs.Runs, going: Going) -> runs.Runs:
    """The runs as the store keeps them."""
    now = going.runs
    return replace(
        stored,
        versions=now.versions,
        steps=now.steps.astype(np.int64),
        hops=now.hops.astype(np.int64),
        since=now.since,
        due=now.due,
        left=now.left,
        reasons=["" if over else REASONS[MOVED] for over in going.over.tolist()],
    )


def _counted(old: Program, new: Program, going: Going) -> dict[Counted, int]:
    """Who went, as additions to the counts of both versions."""
    found: dict[Counted, int] = {(new.version, -1, INTO, ""): int(going.over.sum())}
    for step, n in _times(going.before[going.over]):
        found[old.version, step, OVER, ""] = n
    for step, n in _times(going.before[~going.over]):
        found[old.version, step, "left", REASONS[MOVED]] = n
    for step, n in _times(going.runs.steps[going.over]):
        found[new.version, step, "visit", ""] = n
    return {key: n for key, n in found.items() if n}


def _times(steps: Codes) -> Iterator[tuple[int, int]]:
    """How often each step is there."""
    codes, times = np.unique(steps, return_counts=True)
    return zip(codes.tolist(), times.tolist(), strict=True)


def _left(connection: Connection, names: Names, old: Program, stored: runs.Runs, going: Going) -> log.Events:
    """The marks of those who leave."""
    gone = np.flatnonzero(~going.over)
    owners, ids, instants = stored.customers[gone], stored.ids[gone], going.runs.left[gone]
    told = {"journey": old.name, "version": old.version, "reason": REASONS[MOVED]}
    return log.Events(
        partitions=partitions.of(owners),
        subjects=owners,
        keys=mix(ids, hash_text(LEFT)),
        runs=ids,
        names=names.codes(connection, [LEFT] * len(gone)),
        happened=instants,
        received=instants,
        origins=np.full(len(gone), int(Origin.OURS)),
        properties=[msgspec.json.encode(told).decode()] * len(gone),
        traits=[""] * len(gone),
    )


def _played(catalogue: Catalogue, new: Program, tape: Tape, known: Runs) -> Playing:
    """The runs after the tick that comes next."""
    world = world_of(catalogue, tape)
    until = int(known.due.max(initial=0))
    after = np.full(len(tape.customers), until)
    np.minimum.at(after, known.rows, known.due - 1)
    player = Playing((new,), world, after, until, known)
    play([player], world, until)
    return player
