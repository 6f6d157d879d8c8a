"""Tracked links lead where the template said, and nowhere else; tokens cannot be forged or swapped."""

from __future__ import annotations

import re
import time
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.errors import Invalid, Misconfigured
from sojourn.message import links
from sojourn.message.links import MOST_LINKS, TRAP, Tracking, rewritten, tracked
from sojourn.message.render import About, Rendered, render
from sojourn.message.template import Template
from sojourn.message.tokens import Click, Confirmation, Keyring, Nameable, Open, Recipient

KEYS = Keyring({1: b"a" * 32, 2: b"b" * 32})
OURS = "https://t.example.org"
EFFECT = 0x7FFF_FFFF_FFFF_FFFF
TRACKING = Tracking(KEYS, EFFECT, OURS, pixel=False, trap=False)


class Reader(HTMLParser):
    """The addresses of the links, as the standard library reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "area"):
            self.found += [value or "" for name, value in attrs if name == "href"][:1]


def leads(html: str) -> list[object]:
    """Where each link of tracked HTML leads: the number of a tracked one, or its address."""
    found: list[object] = []
    for target in Reader(html).found:
        token = target.removeprefix(f"{OURS}/c/")
        click = KEYS.verify(token, Click)
        found.append(click.number if click else target)
    return found


@pytest.mark.parametrize(
    ("href", "destination"),
    [
        ("https://shop.example/a?b=1&amp;c=2#d", "https://shop.example/a?b=1&c=2#d"),
        ("HTTP://Shop.Example", "http://Shop.Example"),
        (" https://shop.example/a b ", "https://shop.example/a%20b"),
        ("https://shop.example/grün?x=ö", "https://shop.example/gr%C3%BCn?x=%C3%B6"),
        ("https://müller.example/", "https://xn--mller-kva.example/"),
        ("https://shop.example/%C3%BC", "https://shop.example/%C3%BC"),
    ],
)
def test_web_links_are_numbered_and_kept(href: str, destination: str) -> None:
    html, destinations = rewritten(f'<p><a class="x" href="{href}" target=_blank>Go</a></p>', TRACKING)
    assert (leads(html), destinations) == ([1], (destination,))
    assert destination not in unescape(html)
    assert re.sub(r'href="[^"]*"', "", html) == '<p><a class="x"  target=_blank>Go</a></p>'


@pytest.mark.parametrize(
    ("href", "left"),
    [
        ("mailto:ada@example.org?subject=Hi", "mailto:ada@example.org?subject=Hi"),
        ("tel:+4930123", "tel:+4930123"),
        ("#top", "#top"),
        (f"{OURS}/u/token", f"{OURS}/u/token"),
        ("javascript:alert(1)", "#"),
        ("java\nscript:alert(1)", "#"),
        ("data:text/html,x", "#"),
        ("vbscript:x", "#"),
        ("//evil.example", "#"),
        ("/relative", "#"),
        ("https:evil.example", "#"),
        ("https://user@evil.example", "#"),
        ("https://\\evil.example", "#"),
        ("http://", "#"),
        (f"{OURS}.evil.example", None),
    ],
)
def test_other_links_stay_or_go(href: str, left: str | None) -> None:
    html, destinations = rewritten(f"<a href='{href}'>x</a>", TRACKING)
    assert leads(html) == [1 if left is None else left]
    assert len(destinations) == (left is None)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<!--[if mso]><a href='https://a.example'>x</a><![endif]-->", []),
        ("<style>a[href='<a href=https://a.example>'] {}</style><a href=https://b.example>x</a>", [1]),
        ("<a title='> href=\"https://a.example\"' href='https://b.example'>x</a>", [1]),
        ("<A\nHREF = https://a.example>x</A><area href='https://b.example'>", [1, 2]),
        ("<a data-href='https://a.example'>x</a><abbr href='https://a.example'>", []),
        ("<a href='https://a.example' href='javascript:x'>x</a>", [1, "javascript:x"][:1]),
        ("<a name=x>x</a><a href>y</a>", [""]),
        ("<!-- never closed <a href='https://a.example'>x</a>", []),
    ],
)
def test_only_links_that_readers_see_are_changed(html: str, expected: list[object]) -> None:
    found, destinations = rewritten(html, TRACKING)
    visible = [] if found.startswith("<!-- never") else leads(found)
    assert (visible, len(destinations)) == (expected, sum(isinstance(each, int) for each in expected))


pieces = st.sampled_from(
    [
        "<a ",
        "href=",
        "'",
        '"',
        ">",
        "<",
        "</a>",
        "https://a.example/x",
        " ",
        "<!--",
        "-->",
        "<p>",
        "x",
        "=",
        "<area ",
        "&amp;",
    ]
)


@given(st.lists(pieces, max_size=25).map("".join))
def test_any_html_keeps_all_but_its_links(html: str) -> None:
    found, destinations = rewritten(html, TRACKING)
    assert all(destination.startswith("https://a.example/x") for destination in destinations)
    assert masked(found) == masked(html)


def masked(html: str) -> str:
    """The HTML without the addresses of its links."""
    end, kept = 0, ""
    for start, stop in links._targets(html):
        kept, end = kept + html[end:start] + "@", stop
    return kept + html[end:]


@given(
    st.lists(
        st.sampled_from(["https://a.example/1", "https://b.example/2", "mailto:x@example.org"]), max_size=8
    )
)
def test_link_n_leads_to_the_nth_destination(targets: list[str]) -> None:
    html, destinations = rewritten(
        "".join(f'<p><a href="{target}">x</a></p>' for target in targets), TRACKING
    )
    assert [destinations[to - 1] if isinstance(to, int) else to for to in leads(html)] == targets


def test_pixel_and_trap_stand_at_the_end_of_the_body() -> None:
    message = Rendered("email", html="<html><body><a href='https://a.example'>x</a></body></html>")
    html = tracked(message, Tracking(KEYS, EFFECT, OURS)).html
    assert leads(html) == [1, TRAP]
    pixel = re.search(rf'<img src="{OURS}/o/([\w-]+)" [^>]*></body></html>$', html)
    assert pixel
    assert KEYS.verify(pixel[1], Open) == Open(EFFECT)


def test_what_goes_to_machines_is_not_tracked() -> None:
    message = Rendered("webhook", text='{"url":"https://a.example"}')
    assert tracked(message, TRACKING) is message


def test_links_made_of_traits_are_tracked_and_never_scripts() -> None:
    body = (
        '<a href="{{ customer.site }}">x</a><a href="https://a.example/?{{ customer.n | url_encode }}">y</a>'
    )
    message = render(Template(name="t", body=body), About({"site": "javascript:alert(1)", "n": "a&b c"}))
    assert leads(tracked(message, TRACKING).html) == ["#", 1]
    assert tracked(message, TRACKING).links == ("https://a.example/?a%26b+c",)


def test_too_much_is_refused() -> None:
    with pytest.raises(Invalid, match="more than 500 links"):
        rewritten("<a href='https://a.example'>x</a>" * (MOST_LINKS + 1), TRACKING)
    with pytest.raises(Invalid, match="more than 8000 characters"):
        rewritten(f"<a href='https://a.example/{'x' * 9_000}'>x</a>", TRACKING)


@pytest.mark.parametrize(
    "piece", ["<a ", "<a '", '<a "', "<a href='", "<!--", "<a href=", "<style>", "<a x=y ", "<a\t<"]
)
def test_strange_html_takes_no_longer(piece: str) -> None:
    started = time.perf_counter()
    rewritten(piece * (400_000 // len(piece)), TRACKING)
    assert time.perf_counter() - started < 2


NAMED: list[Nameable] = [
    Click(EFFECT, 3),
    Open(EFFECT),
    Recipient(7, "email", "news", EFFECT),
    Confirmation(5, 6),
]


@pytest.mark.parametrize("named", NAMED, ids=lambda named: type(named).__name__)
def test_tokens_name_what_they_were_made_for_and_nothing_else(
    named: Nameable,
) -> None:
    token = KEYS.sign(named)
    assert re.fullmatch(r"[\w-]{27,90}", token)
    for kind in (Click, Open, Recipient, Confirmation):
        assert KEYS.verify(token, kind) == (named if isinstance(named, kind) else None)


@given(st.data(), st.sampled_from(NAMED))
def test_no_changed_token_is_ours(data: st.DataObject, named: Nameable) -> None:
    token = KEYS.sign(named)
    at = data.draw(st.integers(0, len(token) - 1))
    changed = token[:at] + data.draw(st.sampled_from("ABab01-_ =.é")) + token[at + 1 :]
    if changed != token:
        assert KEYS.verify(changed, type(named)) in (None, named)  # the last character has unused bits
        assert not any(KEYS.verify(cut, type(named)) for cut in (token[1:], token[:-4], token + "AAAA", ""))


@given(st.text(max_size=80))
def test_any_text_is_looked_at_calmly(text: str) -> None:
    assert KEYS.verify(text, Click) is None


def test_old_keys_verify_and_removed_ones_do_not() -> None:
    old = Keyring({1: b"a" * 32})
    token = old.sign(NAMED[0])
    assert KEYS.verify(token, Click) == NAMED[0]
    assert Keyring({2: b"b" * 32}).verify(token, Click) is None
    assert Keyring({1: b"c" * 32}).verify(token, Click) is None


@pytest.mark.parametrize("secrets", [{}, {1: b"short"}, {256: b"a" * 32}])
def test_bad_keys_stop_at_the_start(secrets: dict[int, bytes]) -> None:
    with pytest.raises(Misconfigured):
        Keyring(secrets)
