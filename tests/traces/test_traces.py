"""Every trace comes out as it is told: those of this folder, and those in the guide and the recipes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from trace_library import filled_in
from trace_play import Trace

from sojourn.journey.check import ERROR, check

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"


def traces() -> Iterator[object]:
    """All traces, each with where it is from."""
    for path in sorted(HERE.glob("*.yaml")):
        for number, data in enumerate(YAML(typ="safe").load_all(path), start=1):
            yield pytest.param(Trace(filled_in(data)), id=f"{path.stem}: {data.get('trace', number)}")
    for path in (DOCS / "journeys.md", *sorted((DOCS / "recipes").glob("*.md"))):
        yield from _in_document(path)


def _in_document(path: Path) -> Iterator[object]:
    """The traces of a document, which may be of a journey in it."""
    texts = re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL)
    examples = [example for text in texts if isinstance(example := YAML(typ="safe").load(text), dict)]
    journeys = {one["journey"]: one for one in examples if "steps" in one}
    for number, data in enumerate((one for one in examples if "then" in one), start=1):
        data["journey"] = journeys.get(data["journey"], data["journey"])
        yield pytest.param(Trace(data), id=f"{path.stem}: {data.get('trace', number)}")


TRACES = list(traces())


@pytest.mark.parametrize("trace", TRACES)
def test_a_trace_comes_out_as_it_is_told(trace: Trace) -> None:
    assert "\n".join(trace.happened()) == "\n".join(trace.expected())
    for should, does in trace.stood():
        assert does == should


@pytest.mark.parametrize("trace", TRACES)
def test_the_journey_of_a_trace_could_be_published(trace: Trace) -> None:
    assert [found for found in check(trace.journey) if found.severity == ERROR] == []
