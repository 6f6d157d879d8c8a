"""P39: a kill while the lake seals and merges neither loses an event nor doubles one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np

from sojourn.lake.folder import Folder
from sojourn.lake.merge import due, merge
from sojourn.lake.read import load
from sojourn.lake.rows import Rows
from sojourn.lake.seal import seal
from sojourn.lake.segment import SUBJECTS_A_BUCKET, Segment

RANGE = 500
EVENTS = 60_000


class Listed(msgspec.Struct):
    """What the store keeps: which segments there are, and up to where the log is sealed."""

    sealed: int = 0
    segments: list[Segment] = []

    @staticmethod
    def read(path: Path) -> Listed:
        return msgspec.json.decode(path.read_bytes(), type=Listed) if path.exists() else Listed()

    def write(self, path: Path) -> None:
        path.with_suffix(".new").write_bytes(msgspec.json.encode(self))
        path.with_suffix(".new").rename(path)


def log(first: int, last: int) -> Rows:
    """Rows first..last of a log whose every row follows from its position."""
    position = np.arange(first, last + 1)
    n = len(position)
    return Rows(
        subject=position * 7919 % 900 + (position % 2) * SUBJECTS_A_BUCKET,
        happened=position,
        received=position,
        position=position,
        key=position,
        run=np.zeros(n, np.int64),
        name=["A"] * n,
        origin=np.full(n, 2),
        properties=['{"p":1}'] * n,
        traits=["{}"] * n,
    )


def work(root: Path) -> None:
    """Seals and merges until there is nothing left to do; what a worker does beside its ticks."""
    folder, path = Folder.local(root / "lake"), root / "list.json"
    while (listed := Listed.read(path)).sealed < EVENTS:
        first, last = listed.sealed + 1, listed.sealed + RANGE
        Listed(last, [*listed.segments, *seal(folder, log(first, last), first, last)]).write(path)
        for group in due(Listed.read(path).segments):
            merged, listed = merge(folder, group), Listed.read(path)
            kept = [segment for segment in listed.segments if segment not in group]
            Listed(listed.sealed, [*kept, merged]).write(path)
            for segment in group:
                folder.remove(segment.name)


def test_kills_while_sealing_and_merging_lose_and_double_nothing(tmp_path: Path) -> None:
    dice = random.Random(7)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    code += "from pathlib import Path; from test_lake_kill import work\n"
    code += "print('ready', flush=True); work(Path(sys.argv[1]))"
    for _ in range(4):
        worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        time.sleep(dice.uniform(0.1, 0.6))
        worker.kill()
        worker.wait()
        worker.stdout.close()
        listed = Listed.read(tmp_path / "list.json")
        folder = Folder.local(tmp_path / "lake")
        tail = log(listed.sealed + 1, EVENTS)
        assert np.array_equal(np.sort(load(folder, listed.segments, tail).keys), np.arange(1, EVENTS + 1))
    work(tmp_path)
    listed = Listed.read(tmp_path / "list.json")
    folder.sweep(frozenset(segment.name for segment in listed.segments), before=2**62)
    assert np.array_equal(np.sort(load(folder, listed.segments).keys), np.arange(1, EVENTS + 1))
    held = {str(path.relative_to(folder.root)) for path in Path(folder.root).rglob("*") if path.is_file()}
    assert held == {segment.name for segment in listed.segments}
