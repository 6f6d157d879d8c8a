"""The links and pages that customers meet: nothing on GET, nothing leaks, nothing leads astray (3.2, 3.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from api_place import URL, Place
from litestar.testing import TestClient

from sojourn.api.app import create
from sojourn.api.parts import Parts
from sojourn.message.links import TRAP
from sojourn.message.tokens import Click, Confirmation, Keyring, Open, Recipient
from sojourn.store import customers, effects, messages
from sojourn.store.effects import Planned
from sojourn.store.reach import consents

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
SHOP = "https://shop.example/offer?a=1&b=2"


@dataclass(frozen=True)
class Mailed:
    """A mail that was sent to somebody, and how to sign its links."""

    place: Place
    customer: int
    effect: int

    @property
    def keys(self) -> Keyring:
        return self.place.parts.publicly.keys

    def click(self, number: int = 1) -> str:
        return f"/c/{self.keys.sign(Click(self.effect, number))}"

    def pixel(self) -> str:
        return f"/o/{self.keys.sign(Open(self.effect))}"

    def unsubscribe(self) -> str:
        return f"/u/{self.keys.sign(Recipient(self.customer, 'email', 'news', self.effect))}"

    def visit(self, path: str, method: str = "GET", **options: Any) -> Any:
        headers = PERSON | options.pop("headers", {})
        return self.place.web.request(method, path, headers=headers, follow_redirects=False, **options)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What the tape heard of it, without what is the same in all."""
        same = {"template", "channel", "purpose", "journey", "step", "effect"}
        return [(name, {k: v for k, v in said.items() if k not in same}) for name, said in self.place.told()]


@pytest.fixture
def mailed(place: Place) -> Mailed:
    effect = 0x123456789ABCDEF
    database = place.app.database

    def write(connection: Any) -> int:
        customer = int(customers.identify(connection, [("email", "ada@example.org")], 1).customers[0])
        one = np.ones(1, np.int64)
        planned = Planned(
            keys=one * effect, runs=one * 77, versions=one, journeys=one, steps=one, customers=one * customer,
            partitions=one * (customer % 64), channels=["email"], templates=["welcome"], purposes=["news"],
            kinds=["send"], data=['{"journey":"hello","step":"first"}'], planned=one, due=one,
        )  # fmt: skip
        effects.plan(connection, planned)
        messages.link(connection, effect, {1: SHOP, 2: "https://shop.example/2", 3: "https://shop.example/3"})
        return customer

    return Mailed(place, database.write(write), effect)


def test_a_click_is_led_to_where_the_mail_said_and_told(mailed: Mailed) -> None:
    answer = mailed.visit(mailed.click())
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    ((name, said),) = mailed.place.told()
    assert name == "Email Link Clicked"
    assert said == {
        "template": "welcome", "channel": "email", "purpose": "news", "journey": "hello", "step": "first",
        "effect": "0123456789abcdef", "machine": False, "link": 1, "url": SHOP,
    }  # fmt: skip
    rows = mailed.place.logged()
    assert (rows.runs.tolist(), rows.origins.tolist()) == ([77], [4])


def test_a_head_request_is_a_machines(mailed: Mailed) -> None:
    answer = mailed.visit(mailed.click(), "HEAD")
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert mailed.told() == [("Email Link Clicked", {"machine": True, "link": 1, "url": SHOP})]


def test_the_hidden_link_gives_machines_away(mailed: Mailed) -> None:
    assert mailed.visit(mailed.click(TRAP)).status_code == 200
    mailed.visit(mailed.click(1))
    assert [said["machine"] for _, said in mailed.told()] == [True, True]


def test_a_scanner_that_follows_all_links_is_no_person(mailed: Mailed) -> None:
    for number in (1, 2, 3):
        mailed.visit(mailed.click(number))
    assert [said["machine"] for _, said in mailed.told()][-1]


def test_an_open_is_told_with_who_fetched_it(mailed: Mailed) -> None:
    for agent in (PERSON["User-Agent"], "Mozilla/5.0"):
        answer = mailed.visit(mailed.pixel(), headers={"User-Agent": agent})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert mailed.told() == [("Email Opened", {"machine": False}), ("Email Opened", {"machine": True})]


@pytest.mark.parametrize("path", ["/c/{}", "/u/{}", "/confirm/{}", "/o/{}"])
@pytest.mark.parametrize("token", ["x", "a" * 40, "%00", "é" * 30, "a" * 5000, "..%2f..%2fetc%2fpasswd"])
def test_a_token_that_is_none_is_met_neutrally(mailed: Mailed, path: str, token: str) -> None:
    for method in ("GET", "POST") if path.startswith(("/u", "/confirm")) else ("GET",):
        answer = mailed.visit(path.format(token), method)
        assert answer.status_code in (200, 404)
        assert "location" not in answer.headers
    assert not mailed.place.told()


def test_a_token_for_one_use_is_none_for_another_and_cannot_be_bent(mailed: Mailed) -> None:
    click = mailed.click().removeprefix("/c/")
    for path in ("/u/", "/o/", "/confirm/"):
        assert "location" not in mailed.visit(path + click).headers
    # Not the last letter: two of its six bits may say nothing.
    bent = click[:-2] + ("A" if click[-2] != "A" else "B") + click[-1]
    assert mailed.visit(f"/c/{bent}").status_code == 404
    assert not mailed.place.told()


def test_a_link_of_somebody_erased_leads_on_and_leaves_nothing(mailed: Mailed) -> None:
    def erase(connection: Any) -> None:
        connection.exec_driver_sql("DELETE FROM effects")

    mailed.place.app.database.write(erase)
    assert mailed.visit(mailed.click()).headers["location"] == SHOP
    assert not mailed.place.told()
    with mailed.place.app.database.reading() as connection:
        assert not len(messages.hits_of(connection, mailed.effect).at)


def test_a_visit_that_was_not_told_is_told_by_the_next_process(mailed: Mailed) -> None:
    visits = mailed.place.parts.visits
    mailed.visit(mailed.click())
    mailed.place.app.database.write(lambda c: c.exec_driver_sql("DELETE FROM events"))
    mailed.place.app.database.write(visits._recover)
    mailed.place.app.database.write(visits._recover)
    assert [name for name, _ in mailed.told()] == ["Email Link Clicked"]


def stated(mailed: Mailed) -> list[tuple[str, str, str, str]]:
    with mailed.place.app.database.reading() as connection:
        said = consents.of_customers(connection, [mailed.customer])
    return list(zip(said.states, said.channels, said.purposes, said.sources, strict=True))


def test_looking_at_the_way_out_changes_nothing(mailed: Mailed) -> None:
    answer = mailed.visit(mailed.unsubscribe())
    assert answer.status_code == 200
    assert '<form method="post"><button type="submit">Unsubscribe</button></form>' in answer.text
    assert not re.search(r"<script|https?:|src=|href=", answer.text)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    for method in ("HEAD", "OPTIONS"):
        mailed.visit(mailed.unsubscribe(), method)
    assert (stated(mailed), mailed.told()) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
        {"content": b"anything", "headers": {"Content-Type": "application/octet-stream"}},
    ],
    ids=["urlencoded", "multipart", "empty", "odd"],
)
def test_one_click_unsubscribes_whatever_the_encoding(mailed: Mailed, body: dict[str, Any]) -> None:
    for _ in range(2):
        answer = mailed.visit(mailed.unsubscribe(), "POST", **body)
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert "unsubscribed" in answer.text
    assert stated(mailed) == [("withdrawn", "email", "news", "unsubscribe link")]
    assert mailed.told() == [("Unsubscribed", {"source": "unsubscribe link"})]


def test_who_comes_back_can_leave_again_by_the_same_link(mailed: Mailed) -> None:
    mailed.visit(mailed.unsubscribe(), "POST")
    wish = {"state": "given", "channel": "email", "purpose": "news"}
    assert mailed.place.ask("POST", "/api/customers/ada@example.org/consents", json=wish).status_code == 200
    mailed.visit(mailed.unsubscribe(), "POST")
    assert [state for state, *_ in stated(mailed)] == ["withdrawn", "given", "withdrawn"]
    assert [name for name, _ in mailed.told()] == ["Unsubscribed", "Consent Given", "Unsubscribed"]


def asked(mailed: Mailed) -> str:
    wish = {"state": "asked", "channel": "email", "purpose": "news", "source": "footer form"}
    answer = mailed.place.ask("POST", "/api/customers/email:ada@example.org/consents", json=wish)
    url: str = answer.json()["confirm_url"]
    return url.removeprefix(URL)


def test_a_double_opt_in_is_confirmed_by_a_button_only(mailed: Mailed) -> None:
    path = asked(mailed)
    assert mailed.told() == [("Consent Asked", {"source": "footer form", "confirm_url": URL + path})]
    answer = mailed.visit(path)
    assert '<form method="post"><button type="submit">Confirm</button></form>' in answer.text
    mailed.visit(path, "HEAD")
    assert stated(mailed) == []
    for _ in range(2):
        answer = mailed.visit(path, "POST")
        assert answer.status_code == 200
        assert "confirmed" in answer.text
    assert stated(mailed) == [("given", "email", "news", "double opt-in")]
    assert [name for name, _ in mailed.told()] == ["Consent Asked", "Consent Given"]


def test_an_old_confirmation_says_so(mailed: Mailed) -> None:
    token = mailed.keys.sign(Confirmation(1, expires=1))
    for method in ("GET", "POST"):
        assert mailed.visit(f"/confirm/{token}", method).status_code == 410
    assert stated(mailed) == []


def test_a_confirmation_that_nobody_asked_for_gives_nothing(mailed: Mailed) -> None:
    token = mailed.keys.sign(Confirmation(1, expires=2**62))
    mailed.visit(f"/confirm/{token}", "POST")
    assert stated(mailed) == []


def test_after_a_merge_it_is_still_the_same_customer_who_leaves(mailed: Mailed) -> None:
    place = mailed.place
    place.ask("POST", "/v1/identify", "server", json={"userId": "u0"})
    place.ask("POST", "/v1/identify", "server", json={"userId": "u0", "traits": {"email": "ada@example.org"}})
    mailed.visit(mailed.unsubscribe(), "POST")
    rows = place.logged()
    with place.app.database.reading() as connection:
        owners = customers.customers_of(connection, rows.subjects).tolist()
    assert len(set(owners)) == 1


def held(mailed: Mailed, *numbers: int) -> list[bool]:
    """Whether a machine made each of these clicks, where they are held back for a while."""
    parts = mailed.place.parts
    about = replace(parts.settings, settle=30.0)
    patient = Parts(parts.database, parts.names, parts.history, parts.publicly, about)
    with TestClient(create(patient), base_url=URL) as web:
        for number in numbers:
            web.get(mailed.click(number), headers=PERSON, follow_redirects=False)
        assert all(said["machine"] for _, said in mailed.told())
    return [said["machine"] for _, said in mailed.told()]  # whoever stops tells what is held


def test_a_click_is_judged_when_its_fellows_have_come(mailed: Mailed) -> None:
    assert held(mailed, 1, 2, 3) == [True, True, True]


def test_a_click_alone_is_a_persons(mailed: Mailed) -> None:
    assert held(mailed, 1) == [False]
