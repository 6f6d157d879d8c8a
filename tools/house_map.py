"""Writes docs/map.md: the first sentence of every module, room by room, from the doors down to the floor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "sojourn"
MAP = ROOT / "docs" / "map.md"
ROOMS = (
    *("cli", "api", "runtime", "ingest", "store", "lake", "channel"),
    *("journey", "message", "analytics", "customer", "rule", "tape"),
)
HEAD = """# The map

Every module's first sentence, from the doors down to the floor: read in order, they are the project.
Made by `make fix` from the code (`tools/house_map.py`); do not edit.
"""


def write() -> None:
    """Write the map anew."""
    MAP.write_text(drawn())


def drawn() -> str:
    """The text that docs/map.md should have."""
    house = _section("sojourn", [path for path in modules(SOURCE) if path.parent == SOURCE])
    rooms = [_section(room, list(modules(SOURCE / room))) for room in ROOMS]
    return "\n".join([HEAD, house, *filter(None, rooms)])


def modules(folder: Path) -> Iterator[Path]:
    """The modules of a folder and the folders in it: a folder's own first, then by name."""
    yield from sorted(
        folder.rglob("*.py"), key=lambda path: (path.parent, path.name != "__init__.py", path.name)
    )


def first_sentence(path: Path) -> str:
    """The first sentence of a module; empty if it has none."""
    paragraph = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0]
    return " ".join(paragraph.split())


def _section(room: str, paths: list[Path]) -> str:
    return "\n".join([f"## {room}", "", *map(_line, paths), ""]) if paths else ""


def _line(path: Path) -> str:
    shown = path.parent if path.name == "__init__.py" else path
    name = shown.relative_to(SOURCE).as_posix().removesuffix(".py") if shown != SOURCE else "sojourn"
    link = f"../{path.relative_to(ROOT).as_posix()}"
    return f"- [{name}]({link}): {first_sentence(path)}"


if __name__ == "__main__":
    write()
