"""Fetches the two data sets that the demo and some tests read, out of the packages that carry them.

CDNOW (purchases of real customers, 1997 to 1998) comes with `lifetimes`, MIT; `ecom` (a synthetic
clickstream) with `retentioneering`, Apache-2.0.  The packages are downloaded, never installed.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """One package and the files we take out of it, each under the name it gets here."""

    requirement: str
    sha256: str
    files: tuple[tuple[str, str], ...]


SOURCES = (
    Source(
        "lifetimes==0.11.3",
        "261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8",
        (
            ("lifetimes/datasets/CDNOW_master.txt", "CDNOW_master.txt"),
            ("Lifetimes-0.11.3.dist-info/LICENSE.txt", "CDNOW_master.LICENSE"),
        ),
    ),
    Source(
        "retentioneering==5.2.4",
        "f4ab91b67c6deed93728bfb6e503adfe304f101a53e9112ee0219b304b0f3b1a",
        (
            ("retentioneering/datasets/ecom.csv.gz", "ecom.csv.gz"),
            ("retentioneering-5.2.4.dist-info/licenses/LICENSE", "ecom.LICENSE"),
            ("retentioneering-5.2.4.dist-info/licenses/NOTICE", "ecom.NOTICE"),
        ),
    ),
)


def fetch(folder: Path) -> None:
    """Put all files into `folder`; what is there already is not fetched again."""
    for source in SOURCES:
        if not all((folder / name).exists() for _, name in source.files):
            _unpack(source, _download(source, folder / "packages"), folder)


def _download(source: Source, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, source.requirement], check=True
        )
    except subprocess.CalledProcessError:
        sys.exit(f"The demo's data could not be fetched: {source.requirement} is out of reach.")
    for path in folder.glob("*.whl"):
        if hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256:
            return path
    sys.exit(f"The demo's data could not be fetched: {source.requirement} is not the package it was.")


def _unpack(source: Source, package: Path, folder: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        for member, name in source.files:
            (folder / name).write_bytes(archive.read(member))


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
