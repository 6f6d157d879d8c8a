"""The settings in the guide to channels are settings."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from sojourn.channel import providers
from sojourn.channel.contract import Channel
from sojourn.registry import declared
from sojourn.runtime.dispatch.ways import provider

GUIDE = Path(__file__).parents[2] / "docs" / "channels.md"


def test_each_example_chooses_a_provider_and_its_settings() -> None:
    found = set()
    for text in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL):
        for kind, chosen in YAML(typ="safe").load(text)["channels"].items():
            declaration = provider(kind, {kind: chosen})
            assert declaration is not None
            channel, settings = declaration
            assert channel.kind == kind
            channel.open(settings)
            found.add(channel.name)
    assert found >= {"sms_twilio", "push_web", "slack"}


def test_each_provider_is_in_the_guide_with_its_class() -> None:
    text = GUIDE.read_text()
    for channel in declared(providers, Channel).values():
        (row,) = (line for line in text.splitlines() if line.startswith(f"| `{channel.name}` |"))
        assert f"class {channel.delivery.value}" in row
