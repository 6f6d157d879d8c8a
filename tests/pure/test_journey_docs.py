"""What the guide to journeys and the recipes show can be published, and reads as they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from sojourn.errors import Invalid
from sojourn.journey.check import check
from sojourn.journey.text import data_of, journey_of, read_journey, write_journey
from sojourn.journey.text.schema import schema
from sojourn.rule.text import parse

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "journeys.md"
SCHEMA = Draft202012Validator(schema())
EXAMPLES = [
    pytest.param(YAML(typ="safe").load(text), text, id=f"{path.stem}: {text[:20]!r}")
    for path in (GUIDE, *sorted((DOCS / "recipes").glob("*.md")))
    for text in re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL)
]


@pytest.mark.parametrize(("data", "text"), EXAMPLES)
def test_an_example_is_what_it_is_shown_as(data: dict[str, Any], text: str) -> None:
    if "segment" in data:
        parse(data["rule"])
    elif "steps" in data:
        assert check(read_journey(text)) == []
        SCHEMA.validate(data)
        assert journey_of(data_of(read_journey(text))) == read_journey(write_journey(read_journey(text)))
    elif "then" not in data:  # a trace is played with the others
        whole = data if "enter" in data else {"steps": {**data, **_named(text)}}
        journey = {"journey": "x", "enter": [{"event": "A"}], "steps": {"a": {"leave": "b"}}, **whole}
        SCHEMA.validate(journey)
        journey_of(journey)


def _named(text: str) -> dict[str, Any]:
    """The steps that an excerpt leads to without showing them."""
    names = re.findall(r"(?:then|otherwise|clicked): (\w+)", text)
    return {name: {"send": {"template": name}} for name in names}


def test_the_guide_shows_the_error_that_there_is() -> None:
    guide = GUIDE.read_text()
    (text,) = (
        text
        for text in re.findall(r"```yaml\n(journey: nurture\n.*?)```", guide, re.DOTALL)
        if "steps" in text
    )
    with pytest.raises(Invalid) as caught:
        read_journey(text.replace("2 days", "2 dayz"), "nurture.yaml")
    assert str(caught.value) in guide
