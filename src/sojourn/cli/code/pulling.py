"""Merges what an installation says into a folder: by what both were when they were last the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sojourn.cli.code.folder import Folder, paths, write
from sojourn.runtime.definitions.kind import Name
from sojourn.runtime.definitions.plan import digest


@dataclass
class Merged:
    """What is to be done with the files of a folder; nothing while `both` sides changed something."""

    folder: Folder
    written: dict[Path, str] = field(default_factory=dict)
    removed: list[Path] = field(default_factory=list)
    kept: list[Name] = field(default_factory=list)  # changed here, not there
    both: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Do it."""
        for path, text in self.written.items():
            write(path, text)
        for path in self.removed:
            path.unlink()

    def names(self, files: Iterable[Path]) -> list[str]:
        """Paths as people know them, within the folder."""
        return sorted(str(path.relative_to(self.folder.path)) for path in files)


def merge(folder: Folder, there: list[dict[str, Any]], *, force: bool) -> Merged:
    """What makes the folder say what is `there`, but for what was changed here since both were the same."""
    merged, places = Merged(folder), paths(folder.path, there)
    texts = {Name(one["kind"], one["name"]): one["text"] for one in there}
    base = folder.base or {}
    for name in {**texts, **folder.files}:
        file = folder.files.get(name)
        here, known = file.text if file else None, base.get(str(name))
        now = texts.get(name)
        if here == now or (now is None and known is None):
            continue
        if force or _digest(here) == known:
            _take(merged, Path(file.path) if file else places[name], now)
        elif _digest(now) == known:
            merged.kept.append(name)
        else:
            merged.both.append(str(name))
    return merged


def _take(merged: Merged, path: Path, text: str | None) -> None:
    if text is None:
        merged.removed.append(path)
    else:
        merged.written[path] = text


def _digest(text: str | None) -> str | None:
    return None if text is None else digest(text)
