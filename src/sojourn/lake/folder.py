"""Where segments lie: a folder of this machine or of an object store, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyarrow import fs

from sojourn.errors import BrokenInvariant, Unavailable

_PART = ".part"


class Gone(BrokenInvariant):
    """A listed file is not there: a merge or an erasure has removed it since the list was read, so read
    the list again; if it is still listed then, the lake is damaged."""


@dataclass(frozen=True)
class Folder:
    """Files by name under one root.  A name may hold slashes."""

    files: fs.FileSystem
    root: str

    @staticmethod
    def local(path: Path) -> Folder:
        path.mkdir(parents=True, exist_ok=True)
        return Folder(fs.LocalFileSystem(), str(path.absolute()))

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def read(self, name: str) -> pa.NativeFile:
        """The file, open.  It stays readable though it be removed meanwhile.  Raises Gone."""
        try:
            return self.files.open_input_file(self.path(name))
        except FileNotFoundError as error:
            raise Gone(f"segment {name} is listed, but the lake does not hold it") from error

    @contextmanager
    def writing(self, name: str) -> Iterator[pa.NativeFile]:
        """A stream whose bytes are there under this name, durable, once the block ends, and never in part.

        Raises Unavailable where the disk does not take them.
        """
        try:
            yield from self._local(name) if self._is_local else self._remote(name)
        except OSError as error:
            raise Unavailable(f"the lake cannot take {name}: {error}") from error

    def remove(self, name: str) -> None:
        """Removes the file; it is no error if it is gone."""
        try:
            self.files.delete_file(self.path(name))
        except FileNotFoundError:
            return

    def sweep(self, listed: frozenset[str], before: int) -> tuple[str, ...]:
        """Removes what no list of segments names and was last written before an instant (microseconds
        UTC): the remains of a kill.  Answers their names."""
        selector = fs.FileSelector(self.root, recursive=True, allow_not_found=True)
        found = (info for info in self.files.get_file_info(selector) if info.type == fs.FileType.File)
        old = (info.path.removeprefix(f"{self.root}/") for info in found if info.mtime_ns // 1000 < before)
        stray = tuple(sorted(name for name in old if name not in listed))
        for name in stray:
            self.remove(name)
        return stray

    @property
    def _is_local(self) -> bool:
        return isinstance(self.files, fs.LocalFileSystem)

    def _local(self, name: str) -> Iterator[pa.NativeFile]:
        """A rename is what makes a file there at once; both it and the bytes are synced to the disk."""
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{uuid4().hex}{_PART}")
        try:
            with pa.OSFile(str(part), "wb") as stream:
                yield stream
            _sync(part)
            part.rename(target)
            _sync(target.parent)
        finally:
            part.unlink(missing_ok=True)

    def _remote(self, name: str) -> Iterator[pa.NativeFile]:
        """An object is there once its upload is closed."""
        with self.files.open_output_stream(self.path(name)) as stream:
            yield stream


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
