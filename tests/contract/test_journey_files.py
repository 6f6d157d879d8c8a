"""Files of journeys: whatever is in one, the answer names it, the line and the path."""

from __future__ import annotations

from pathlib import Path

import pytest

from sojourn.cli.documents import check, read, read_draft
from sojourn.errors import Invalid, NotFound

DRAFT = "journey: x\nenter: [{event: A}]\nsteps:\n  a: {wait: 1 day}\n  b: {leave: done}\n"


def test_a_draft_is_read_with_or_without_a_mark_of_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "draft.yaml"
    for start in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(start + DRAFT.replace("done", "fertig für heute").encode())
        assert read_draft(path).steps[1].step.reasons() == ("fertig für heute",)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (DRAFT.replace("done", "für heute").encode("latin-1"), "draft.yaml: cannot be read as text"),
        (DRAFT.encode("utf-16"), "draft.yaml: cannot be read as text"),
        (b"", "draft.yaml: has none of the keys that say what it is"),
        (b"journey: \x00", "draft.yaml: no YAML"),
        (b"journey: x\nsteps: [", "draft.yaml:2: no YAML"),
        (DRAFT.replace("1 day", "1 dya").encode(), "draft.yaml:4: steps.a.wait: unknown unit 'dya'"),
        (DRAFT.replace("{wait: 1 day}", "{leave: x}").encode(), "draft.yaml:5: steps.b: no way leads here"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, written: bytes, said: str) -> None:
    path = tmp_path / "draft.yaml"
    path.write_bytes(written)
    with pytest.raises(Invalid) as caught:
        gone_through(path)
    assert said in str(caught.value)


def gone_through(path: Path) -> None:
    """All that is done with a file before it is published."""
    check(read(path))
    read_draft(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"missing\.yaml"):
        read_draft(tmp_path / "missing.yaml")
