"""A folder of definitions: which file says what, and what the installation said when both were the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sojourn.cli.documents import expanded, read_text
from sojourn.errors import NotFound
from sojourn.runtime.definitions.kind import File, Name, read, read_all
from sojourn.runtime.definitions.plan import digest

BASE = ".sojourn.json"
"""Holds the digests of all texts as they were in the installation; of this folder alone, so not for Git."""

_AWKWARD = re.compile(r"[^\w .+-]+")


class Base(msgspec.Struct, frozen=True):
    """By definition, as `segment lapsed`, the digest of its text."""

    digests: dict[str, str]


@dataclass(frozen=True)
class Folder:
    """The definitions of a folder by name, and what they were made from; None if nobody knows."""

    path: Path
    files: Mapping[Name, File]
    base: Mapping[str, str] | None

    def digests(self) -> dict[str, str]:
        """The digests of what the files say."""
        return {str(name): digest(file.text) for name, file in self.files.items()}

    def gone(self) -> tuple[Name, ...]:
        """What the folder was made from and does not hold any more."""
        held = {str(name) for name in self.files}
        kind_and_name = (key.partition(" ")[::2] for key in self.base or () if key not in held)
        return tuple(Name(*parts) for parts in kind_and_name)


def opened(path: Path, base: Path | None = None) -> Folder:
    """The folder, which was made from the definitions in the folder `base`, else from what was pulled.

    Raises NotFound, and Invalid, with file and line, for what is no definition.
    """
    if not path.is_dir():
        raise NotFound(f"there is no folder {path}")
    found = [File(str(file), read_text(file)) for file in expanded([path])]
    files = {one.named: one.file for one in read_all(found)}
    if base:
        return Folder(path, files, opened(base).digests())
    kept = path / BASE
    known = msgspec.json.decode(kept.read_bytes(), type=Base).digests if kept.exists() else None
    return Folder(path, files, known)


def remember(path: Path, digests: Mapping[str, str]) -> None:
    """Keep what the installation says now."""
    text = msgspec.json.format(msgspec.json.encode(Base(dict(sorted(digests.items())))), indent=1)
    (path / BASE).write_bytes(text + b"\n")


def published(files: Collection[File]) -> None:
    """Keep that the installation says now what these files say, in the folders that were pulled."""
    for file in files:
        folder = next((one for one in Path(file.path).absolute().parents if (one / BASE).exists()), None)
        if folder:
            known = msgspec.json.decode((folder / BASE).read_bytes(), type=Base).digests
            remember(folder, known | {str(read(file).named): digest(file.text)})


def paths(path: Path, wanted: Collection[Mapping[str, Any]]) -> dict[Name, Path]:
    """Where definitions go that have no file yet: always the same, whatever else there is."""
    found: dict[Path, list[Name]] = {}
    for one in wanted:
        stem = _AWKWARD.sub("-", one["name"]).strip(" .") or one["kind"]
        found.setdefault(path / one["folder"] / f"{stem}.yaml", []).append(Name(one["kind"], one["name"]))
    return {
        name: file
        if file.stem == (name.name or name.kind)
        else file.with_stem(f"{file.stem}-{digest(name.name)[:6]}")
        for file, names in found.items()
        for name in names
    }


def write(path: Path, text: str) -> None:
    """Write a file letter by letter, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
