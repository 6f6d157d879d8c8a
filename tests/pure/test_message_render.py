"""Rendering: escaped, limited, without missing parts, and fixed by its hash (P30, template injection)."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid
from sojourn.message.render import About, Rendered, nested, render
from sojourn.message.template import Template, Variant

NOW = 1_780_000_000_000_000  # 2026-05-28 20:26:40 UTC


def mail(body: str = "", *, subject: str = "Hi", **parts: Any) -> Template:
    return Template(name="t", subject=subject, body=body, **parts)


def said(source: str, /, **customer: Any) -> str:
    return render(mail(source), About(customer, now=NOW, zone="Europe/Berlin")).html


def test_a_template_speaks_of_customer_event_journey_and_links() -> None:
    template = mail(
        "{{ customer.first_name }} {{ event.order.id }} {{ journey.name }} {{ links.unsubscribe }}",
        subject="For {{ customer.address.city | default: 'you' }}",
        sender="{{ customer.owner }} <team@example.org>",
        reply_to="{{ customer.nobody }}",
    )
    about = About(
        {"first_name": "Ada", "address.city": "Köln", "owner": "Bo"},
        {"order.id": 7.0},
        {"name": "welcome"},
        {"unsubscribe": "https://t.example.org/u/x"},
    )
    message = render(template, about)
    assert (message.subject, message.html) == ("For Köln", "Ada 7 welcome https://t.example.org/u/x")
    assert message.headers == {"From": "Bo <team@example.org>"}


def test_what_is_missing_is_empty_and_noted() -> None:
    body = "{{ customer.name | default: 'friend' }}{{ customer.city }}{{ customer.a.b }}{% if x %}{% endif %}"
    message = render(mail(body), About({}))
    assert (message.html, message.missing) == ("friend", ("customer.city", "customer.a"))


def test_languages_follow_the_customers_locale() -> None:
    template = mail("Hello", languages={"de": Variant(subject="Hallo")})
    assert render(template, About({"locale": "de_DE"})).subject == "Hallo"
    assert render(template, About({"locale": None})).subject == "Hi"


PAYLOADS = [
    "{{ 7*7 }}",
    "{{ customer }}{% assign x = 1 %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<!--",
    "]]>",
    "</title><script>",
    "${7*7}",
    "<%= 7*7 %>",
    "#{7*7}",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_trait_is_never_source_nor_markup(payload: str) -> None:
    html = said('<p title="{{ customer.x }}">{{ customer.x }}</p>', x=payload)
    assert "49" not in html
    assert html.count("<") == 2
    assert html.count('"') == 2


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nor_is_it_in_mjml(payload: str) -> None:
    frame = (
        "<mjml><mj-head><mj-title>{0}</mj-title><mj-preview>{0}</mj-preview></mj-head><mj-body><mj-section>"
    )
    frame += "<mj-column><mj-text>{0}</mj-text><mj-button href='{0}'>{0}</mj-button></mj-column></mj-section>"
    frame += "</mj-body></mjml>"
    harmless = said(frame.format("{{ customer.x }}"), x="abc")
    html = said(frame.format("{{ customer.x }}"), x=payload)
    assert html.count("<script") == harmless.count("<script") == 0
    assert html.count("<") == harmless.count("<")


@pytest.mark.parametrize(
    "source",
    [
        "{{ customer.__class__.__mro__ }}",
        "{{ customer.keys }}{{ customer.items }}",
        "{{ customer.x.__init__.__globals__ }}",
        "{{ ''.__class__ }}",
    ],
)
def test_objects_show_nothing_of_themselves(source: str) -> None:
    with suppress(Invalid):
        assert said(source, x="y") == ""


BOMBS = [
    "{% for i in (1..1000000000) %}x{% endfor %}",
    "{% for i in (1..1000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}",
    "{% tablerow i in (1..100000000) %}{% endtablerow %}",
    "{% assign a = 'xx' %}" + "{% assign a = a | append: a %}" * 40,
    "{% capture a %}" + "{{ customer.big }}" * 9 + "{% endcapture %}",
    "{{ 'a'" + " | replace: 'a', 'aaaaaaaaaa'" * 12 + " }}",
    "{{ 9" + " | times: 999999999" * 400 + " }}",
    "{{ (1..1000000000) | join: 'x' }}",
    "{{ (1..1000000000) | reverse | first }}",
    "{{ customer.big | split: '' | uniq | size }}",
    "{% assign l = customer.big | split: 'zz' %}" + "{% assign l = l | concat: l %}" * 9 + "{{ l }}",
    "{% for i in (1..1999) %}{{ customer.big | upcase | size }}{% endfor %}",
    "{{ 'now' | date: '%999999999d' }}",
    "{{ customer.big | ceil }}{{ customer.inf | ceil }}",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_at_once(bomb: str) -> None:
    started = time.perf_counter()
    with pytest.raises(Invalid) as raised:
        said(bomb, big="a" * 100_000, inf=float("inf"))
    assert raised.value.place == "body"
    assert time.perf_counter() - started < 2


def test_dates_are_by_the_customers_clock() -> None:
    assert said("{{ 'now' | date: '%Y-%m-%d %H:%M' }}") == "2026-05-28 22:26"
    assert said("{{ customer.at | date: '%H:%M' }}", at="2026-01-28T20:26:40Z") == "21:26"
    assert said("{{ customer.at | date: '%d %b' }}", at="2026-01-28") == "28 Jan"
    assert said("{{ customer.at | date }}", at=NOW // 1_000_000) == "2026-05-28"
    assert said("{{ customer.at | date: '%Y' }}", at="soon") == "soon"


def test_html_of_others_is_cleaned() -> None:
    html = said(
        "{{ customer.bio | clean_html }}",
        bio="<b onclick=x>hi</b><script>x</script><a href='javascript:x'>y</a>",
    )
    assert html == '<b>hi</b><a rel="noopener noreferrer">y</a>'
    with pytest.raises(Invalid, match="unknown filter 'safe'"):
        said("{{ customer.bio | safe }}")


@pytest.mark.parametrize("part", ["subject", "sender", "reply_to", "preheader"])
@pytest.mark.parametrize("breaks", ["\r\nBcc: eve@example.org", "\n", "\r", "\x00x", "\u2028x", "\x85x"])
def test_no_part_of_a_header_holds_a_line_break(part: str, breaks: str) -> None:
    template = mail("<p>x</p>", **{"subject": "Hi", part: "A {{ customer.name }} Z"})
    with pytest.raises(Invalid, match="control character") as raised:
        render(template, About({"name": f"Ada{breaks}"}))
    assert raised.value.place == {"sender": "from"}.get(part, part)


def test_a_subject_is_no_html() -> None:
    assert (
        render(mail("x", subject="{{ customer.name }}"), About({"name": "O'Hara & <Co>"})).subject
        == "O'Hara & <Co>"
    )
    with pytest.raises(Invalid, match="longer than 900 bytes"):
        render(mail("x", subject="{{ customer.name }}"), About({"name": "ü" * 500}))


def test_the_text_part_is_made_from_the_body() -> None:
    body = """<html><head><title>T</title><style>p {}</style></head><body><div
    style="display: none">pre</div><h1>Hello {{ customer.name }}</h1><p>Some &amp; more<br>text</p>
    <ul>{% for i in event.items %}<li>{{ i }}</li>
    {% endfor %}</ul><p><a href="{{ links.shop }}">Shop</a> <img src="x" alt="Logo"></p></body></html>"""
    about = About({"name": "<Ada>"}, {"items": ["a", "b"]}, links={"shop": "https://shop.example"})
    text = render(mail(body), about).text
    assert text == "Hello <Ada>\n\nSome & more\ntext\n\n- a\n\n- b\n\nShop (https://shop.example) Logo"
    assert render(mail(body, text="Own {{ customer.name }}"), about).text == "Own <Ada>"


def test_the_text_of_mjml() -> None:
    body = """<mjml><mj-head><mj-preview>no</mj-preview></mj-head><mj-body><mj-section><mj-column>
    <mj-text>Hi</mj-text><mj-button href="https://a.example">Go</mj-button></mj-column></mj-section></mj-body></mjml>"""
    assert render(mail(body), About({})).text == "Hi\n\nGo (https://a.example)"


def test_the_preheader_comes_first_and_is_hidden() -> None:
    html = render(
        mail("<html><body class='a'><p>x</p></body></html>", preheader="A & {{ customer.n }}"),
        About({"n": "<b>"}),
    ).html
    assert html.index("<body") < html.index("A &amp; &lt;b&gt;") < html.index("<p>x")
    assert "display:none" in html


def test_a_webhook_posts_json_whose_shape_no_value_changes() -> None:
    hook = Template(
        name="t", channel="webhook", payload={"who": "{{ customer.name }}", "list": ["{{ event.n }}"], "n": 1}
    )
    message = render(hook, About({"name": '", "admin": true, "x": "'}, {"n": 2.0}))
    assert json.loads(message.text) == {"who": '", "admin": true, "x": "', "list": ["2"], "n": 1}


def test_a_webhook_without_payload_posts_what_is_known_and_renders_none_of_it() -> None:
    message = render(Template(name="t", channel="webhook"), About({"name": "{{ 7 | times: 7 }}"}))
    assert json.loads(message.text)["customer"] == {"name": "{{ 7 | times: 7 }}"}


def test_only_plain_data_is_shown() -> None:
    with pytest.raises(Invalid, match="cannot show a object"):
        render(mail("x"), About({"x": object()}))
    deep: dict[str, Any] = {}
    for _ in range(20):
        deep = {"a": deep}
    with pytest.raises(Invalid, match="nested"):
        render(mail("x"), About(deep))


def test_strange_characters_go_through() -> None:
    assert said("{{ customer.x }}", x="emoji 😀 עברית \ud800\x00") == "emoji 😀 עברית ?"


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.none() | st.lists(st.text())))
def test_any_customer_can_be_written_to(traits: dict[str, Any]) -> None:
    body = (
        "{% for trait in customer %}{{ trait }}{% endfor %}{{ customer.name | upcase }}{{ customer | size }}"
    )
    assert "<" not in render(mail(body), About(traits)).html


@given(st.dictionaries(st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(".".join), st.integers()))
def test_nesting_keeps_every_value_that_has_a_place(flat: dict[str, Any]) -> None:
    made = nested(flat)
    for name, value in flat.items():
        parents = name.split(".")
        if not any(".".join(parents[:length]) in flat for length in range(1, len(parents))):
            found: Any = made
            for parent in parents:
                found = found[parent]
            assert found == value or any(other.startswith(f"{name}.") for other in flat)


def test_the_hash_is_of_every_part_and_of_nothing_else() -> None:
    message = Rendered("email", "s", "h", "t", {"From": "a"}, ("https://a.example",))
    assert (
        message.hash == Rendered("email", "s", "h", "t", {"From": "a"}, ("https://a.example",), ("x",)).hash
    )
    others = [
        Rendered("sms", *list(parts(message).values())[1:]),
        *(
            Rendered(**{**parts(message), name: change})
            for name, change in {
                "subject": "S",
                "html": "H",
                "text": "T",
                "headers": {"From": "b"},
                "links": (),
            }.items()
        ),
    ]
    assert len({message.hash, *(other.hash for other in others)}) == 7


def parts(message: Rendered) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__struct_fields__}
