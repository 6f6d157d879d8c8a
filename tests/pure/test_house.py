"""The house is in order: sizes, names, first sentences, the map, links that lead somewhere."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import house_map
from house_map import ROOT, SOURCE

MODULES = [
    path for folder in ("src", "tests", "tools", "bench", "demo") for path in house_map.modules(ROOT / folder)
]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
ROOMS = [path for path in SOURCE.iterdir() if (path / "__init__.py").exists()]
PLUG_INS = [
    (".".join(path.relative_to(SOURCE.parent).with_suffix("").parts), call)
    for path in house_map.modules(SOURCE)
    for call in re.findall(r"(?<!def )\b(?:registry\.)?declared\(\w+, \w+\)", path.read_text())
]
LONGEST_MODULE = 350
LARGEST_ROOM = 12
UNWANTED = {
    *(
        "util",
        "utils",
        "helper",
        "helpers",
        "common",
        "base",
        "misc",
        "manager",
        "service",
        "handler",
        "engine",
    ),
    *("node", "workflow", "campaign", "contact", "profile"),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_says_what_it_is_for_and_stays_short(path: Path) -> None:
    assert house_map.first_sentence(path).endswith((".", ":", "?")), (
        "starts with one sentence that says what it is for"
    )
    assert len(path.read_text().splitlines()) <= LONGEST_MODULE, "does two things: find the seam"
    assert not UNWANTED & set(path.stem.split("_")), "is named by a word of the glossary"


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_a_room_holds_a_dozen_modules_beside_its_plug_ins(room: Path) -> None:
    names = [path.stem for path in room.glob("*.py") if path.name != "__init__.py"]
    assert len(names) <= LARGEST_ROOM, sorted(names)


@pytest.mark.parametrize(("module", "call"), PLUG_INS)
def test_a_plug_in_is_one_file_that_declares_one_thing(module: str, call: str) -> None:
    names = vars(importlib.import_module(module))
    found = eval(call, names)  # the very call by which the room finds them; it raises for none or two
    assert found


def test_the_map_is_drawn_from_the_code() -> None:
    assert house_map.MAP.read_text() == house_map.drawn(), "run `make fix`"
    assert {room.name for room in ROOMS} <= set(house_map.ROOMS), "a new room needs a place on the map"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_in_documents_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text())
    missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert missing == []


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
