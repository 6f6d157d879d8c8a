"""The examples in the guide to messages are what it says they are."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from sojourn.message import policy, template
from sojourn.message.render import About, render

GUIDE = Path(__file__).parents[2] / "docs" / "messages.md"
EXAMPLES = [
    YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
]


def test_the_templates_can_be_sent() -> None:
    written = (template.parse(example) for example in EXAMPLES if "name" in example)
    welcome, hook, *others = written
    about = About(
        {"plan": "trial", "locale": "de-AT"}, {"at": "2026-03-01"}, links={"unsubscribe": "https://u.example"}
    )
    message = render(welcome, about)
    assert message.subject == "Willkommen, und hallo"
    assert "01 March for the trial plan" in message.text
    assert template.findings(welcome) == ()
    assert render(hook, about).text == '{"id": "", "plan": "trial", "tags": [""]}'
    texts = {one.channel: render(one, about).text for one in others}
    assert texts["sms"] == "Hello , your parcel is here: https://example.org/orders/"
    assert '"title": "Hello, your cart is waiting"' in texts["push"]
    assert texts["slack"].startswith("** asked for a price")


def test_the_policy_is_one() -> None:
    (rules,) = (policy.parse(example) for example in EXAMPLES if "caps" in example)
    assert rules.caps[0].reason == "cap: 1 a day email marketing"
    assert rules.quiet[1].reason == "quiet hours 22:00 to 08:00"
