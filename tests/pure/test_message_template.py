"""Templates: as data, in several languages, with mistakes named by part and line."""

from __future__ import annotations

import pytest

from sojourn.errors import Invalid
from sojourn.message.template import findings, html_of, is_mjml, parse

MAIL = {"name": "welcome", "subject": "Hi", "body": "<p>Hello</p>"}
SAID = "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>"


@pytest.mark.parametrize(
    ("change", "place", "line", "message"),
    [
        ({"subject": "Hi {{ customer.name"}, "subject", 1, "{{ is not closed by }}"),
        ({"body": "<p>\n\n{% if x %}</p>"}, "body", 3, "expected"),
        ({"body": "<p>\n{{ x | shout }}</p>"}, "body", 2, "unknown filter 'shout'"),
        ({"body": "{% include 'other' %}"}, "body", 1, "unexpected tag 'include'"),
        ({"body": "{% raw %}" * 20_000}, "body", 1, "{% raw %} is not closed"),
        ({"body": "{{" * 20_000}, "body", 1, "{{ is not closed by }}"),  # 126 s in the parser itself
        ({"body": "{{ a" + " " * 300 + "}}"}, "body", 1, "blanks in a row"),
        ({"body": "x" * 300_000}, "body", 0, "longer than 200,000 characters"),
        ({"body": "{% if a %}" * 30 + "{% endif %}" * 30}, "body", 1, "block nesting limit"),
        ({"subject": ""}, "subject", 0, "an e-mail needs a subject"),
        ({"body": ""}, "body", 0, "an e-mail needs a body or a text"),
        ({"languages": {"de": {"text": "{{"}}}, "languages.de.text", 1, "{{ is not closed"),
        ({"languages": {"de": {"txt": "x"}}}, "languages[...]", 0, "unknown field `txt`"),
        ({"payload": {"a": [{"b": "{{"}]}}, "payload.a[0].b", 1, "{{ is not closed"),
        ({"channel": "sms"}, "text", 0, "a text message needs a text"),
        ({"name": 7}, "name", 0, "Expected `str`"),
    ],
)
def test_mistakes_name_part_and_line(change: dict[str, object], place: str, line: int, message: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse({**MAIL, **change})
    assert (raised.value.place, raised.value.line) == (place, line)
    assert message in raised.value.message


def test_the_place_starts_where_the_template_stands() -> None:
    with pytest.raises(Invalid, match=r"mails.yaml:1: templates\[2\].subject: "):
        parse({**MAIL, "subject": "{{"}, place="templates[2]", source="mails.yaml")


def test_languages_fall_back_part_by_part() -> None:
    said = {"de": {"subject": "Hallo"}, "de_CH": {"subject": "Grüezi", "body": "<p>Sali</p>"}}
    template = parse({**MAIL, "languages": said})
    for locale, subject, body in [
        ("de", "Hallo", "<p>Hello</p>"),
        ("de-AT", "Hallo", "<p>Hello</p>"),
        ("DE-ch", "Grüezi", "<p>Sali</p>"),
        ("fr", "Hi", "<p>Hello</p>"),
        ("", "Hi", "<p>Hello</p>"),
    ]:
        assert (template.variant(locale).subject, template.variant(locale).body) == (subject, body)


def test_findings_point_at_what_works_but_hardly_as_meant() -> None:
    assert [finding.place for finding in findings(parse({**MAIL, "body": "x" * 150_000}))] == ["body", "body"]
    assert findings(parse({**MAIL, "purpose": "transactional"})) == ()
    assert findings(parse({**MAIL, "body": "<a href='{{ links.unsubscribe }}'>no more</a>"})) == ()


def test_mjml_becomes_html_that_loads_nothing() -> None:
    html = html_of(SAID.format("Hello &amp; &lt;b&gt;"))
    assert "Hello &amp; &lt;b&gt;" in html
    assert "fonts.googleapis.com" not in html


@pytest.mark.parametrize(
    "body",
    [
        "<mjml><mj-body>",
        "<mjml>\n<mj-body><mj-include path='/etc/passwd'/></mj-body></mjml>",
        "<mjml><mj-body><mj-include path='https://example.org/x.mjml'/></mj-body></mjml>",
        SAID.format("</mj-column>"),
    ],
)
def test_broken_mjml_is_an_error_of_the_body(body: str) -> None:
    with pytest.raises(Invalid, match="MJML") as raised:
        html_of(body)
    assert raised.value.place == "body"


@pytest.mark.parametrize(
    ("body", "expected"),
    [("<mjml>", True), (" \n<!-- a --> <mjml lang='de'>", True), ("<p><mjml>", False), ("mjml", False)],
)
def test_mjml_is_told_from_html(body: str, expected: bool) -> None:
    assert is_mjml(body) is expected


@pytest.mark.timeout(5)
def test_telling_takes_no_longer_for_strange_bodies() -> None:
    for body in (" " * 100_000 + "x", "<!--" * 50_000, "<!-- -->" * 20_000 + "x", "<?xml" * 40_000):
        assert not is_mjml(body)
