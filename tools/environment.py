"""Makes the folder of the virtual environment with pip in it, also where Debian has taken `ensurepip` away.

Run by the Python of the machine, so it uses nothing but the standard library.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

PIP = "https://files.pythonhosted.org/packages/07/25/ee8c38ae72d66b844ce8eb9711ba905dba21ca1a8a0c960057c41cd23337/pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def make(folder: Path) -> None:
    """Make the environment in `folder`; one that is there already is kept."""
    with_pip = importlib.util.find_spec("ensurepip") is not None
    venv.create(folder, with_pip=with_pip, symlinks=os.name != "nt")
    if not with_pip:
        _install_pip(folder)


def _install_pip(folder: Path) -> None:
    """A wheel of pip is a zip that Python can run, so pip installs itself."""
    try:
        with urllib.request.urlopen(PIP, timeout=60) as answer:
            wheel = answer.read()
    except OSError as trouble:
        sys.exit(
            f"This Python has no ensurepip and pip could not be fetched ({trouble}).\n"
            "Install it (Debian: apt install python3-venv ca-certificates) and run make again."
        )
    if hashlib.sha256(wheel).hexdigest() != PIP_SHA256:
        sys.exit(f"{PIP} is not the file it was: refusing to run it.")
    path = folder / PIP.rpartition("/")[2]
    path.write_bytes(wheel)
    python = folder / "bin" / "python"
    subprocess.run([python, path / "pip", "install", "--quiet", "--no-index", path], check=True)
    path.unlink()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
