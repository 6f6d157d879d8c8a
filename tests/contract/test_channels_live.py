"""What far sides answer to text messages, notifications and notices, and what we then do, on both stores."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import http_ece
import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection

from sojourn.app import App, Settings, open_app
from sojourn.channel.web.encryption import coded, public
from sojourn.ingest.accept import Books
from sojourn.ingest.event import Event, Origin, Reading
from sojourn.ingest.intake import Intake
from sojourn.runtime.dispatch.halt import halt, resume
from sojourn.store import customers, effects, log
from sojourn.store.definitions import journeys, settings, templates
from sojourn.store.effects import State
from sojourn.store.log import Offset
from sojourn.store.reach import consents, subscriptions
from sojourn.tape.hashing import hash_text
from sojourn.tape.kernels.warm import warm
from twilio_fake import ACCOUNT, SENDER, TOKEN, twilio

JOURNEY = """
journey: note
enter: [{event: Noted, again: parallel}]
steps:
  say: {send: {template: say, purpose: transactional}}
"""


class Peer:
    """A web server that keeps what it gets, answers with a status by path, and says `ok`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes, float]] = []
        self.statuses: dict[str, int] = {}
        peer = self

        class Desk(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                peer.got.append((self.path, body, time.monotonic()))
                self.send_response(peer.statuses.get(self.path, 201))
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    warm()


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[App]:
    with open_app(Settings(tmp_path, database_url, b"k" * 32)) as app:
        yield app


def publish(
    app: App, kind: str, chosen: dict[str, Any], template: dict[str, Any], purpose: str = "transactional"
) -> None:
    """A journey whose one step says something by this channel."""

    def define(connection: Connection) -> None:
        settings.put(connection, "channels", {kind: chosen})
        settings.put(connection, "policy", {"consent": {"transactional": "none", "marketing": "opt_out"}})
        templates.save(connection, "say", json.dumps({"name": "say", "channel": kind, **template}), 1)
        journey = JOURNEY.replace("transactional", purpose)
        journeys.create(connection, "note", journey, 1)
        journeys.publish(connection, "note", journey, 1)

    app.database.write(define)


def note(app: App, who: str, number: int = 0, **traits: str) -> Event:
    now = app.database.now()
    return Event(
        key=hash_text(f"{who} {number}"),
        name="Noted",
        identities=(("user_id", who),),
        happened=now,
        received=now,
        origin=Origin.SERVER,
        traits=traits,
    )


def noted(app: App, who: str, number: int = 0, **traits: str) -> None:
    take(app, note(app, who, number, **traits))


def take(app: App, *events: Event) -> None:
    Intake(app.database, Books(app.names)).take(Reading(events), "test").result()


def told(app: App) -> list[tuple[str, dict[str, Any]]]:
    with app.database.reading() as connection:
        rows = log.read(connection, Offset(), 10_000)
    names = app.names.names(rows.names)
    pairs = zip(rows.names.tolist(), rows.properties, strict=True)
    return [(names[code], msgspec.json.decode(text) if text else {}) for code, text in pairs]


def of(app: App, name: str) -> list[dict[str, Any]]:
    return [said for called, said in told(app) if called == name]


def eventually(found: Callable[[], Any], seconds: float = 40) -> Any:
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return answer


def test_a_notification_reaches_the_browsers_that_are_left(app: App, peer: Peer) -> None:
    key, auth = ec.generate_private_key(ec.SECP256R1()), b"sixteen octets.."
    keys = {"p256dh": coded(public(key)), "auth": coded(auth)}
    own = {"private_key": "B" * 43, "subject": "mailto:us@shop.example", "allowed": {"loopback": True}}
    payload = {"title": "Hi {{ customer.name }}", "url": "https://shop.example/"}
    publish(app, "push", {"provider": "push_web", "settings": own}, {"payload": payload})
    peer.statuses["/old"] = 410

    def subscribe(connection: Connection) -> None:
        ada = int(customers.identify(connection, [("user_id", "ada")], 1).customers[0])
        for at, path in enumerate(("/old", "/new")):
            text = json.dumps({"endpoint": peer.url + path, "keys": keys})
            subscriptions.subscribe(connection, ada, peer.url + path, text, at)

    app.database.write(subscribe)
    with app.working("https://t.shop.example"):
        noted(app, "ada", 1, name="Ada")
        assert eventually(lambda: of(app, "Push Sent"))[0]["browsers"] == 1
        assert [path for path, *_ in peer.got] == ["/old", "/new"]
        shown = json.loads(http_ece.decrypt(peer.got[1][1], private_key=key, auth_secret=auth))
        assert shown["title"] == "Hi Ada"
        assert shown["url"].startswith("https://t.shop.example/c/")
        assert shown["tag"] == of(app, "Push Sent")[0]["effect"]
        peer.statuses["/new"] = 404
        noted(app, "ada", 2)
        assert eventually(lambda: of(app, "Push Bounced"))[0]["code"] == "gone"
        assert [path for path, *_ in peer.got] == ["/old", "/new", "/new"]
        noted(app, "ada", 3)
        assert eventually(lambda: of(app, "Push Bounced")[1:])[0]["code"] == "none"
    assert len(peer.got) == 3


def test_who_has_told_twilio_to_stop_has_told_us(app: App) -> None:
    ada = "+14155552671"
    with twilio() as fake:
        fake.refuses[ada] = 21610
        own = {"account_sid": ACCOUNT, "auth_token": TOKEN, "api": fake.url, "allowed": {"loopback": True}}
        publish(app, "sms", {"provider": "sms_twilio", "sender": SENDER, "settings": own}, {"text": "Hi"})
        with app.working("https://t.shop.example"):
            noted(app, "ada", phone="+1 415 555 2671")
            (bounced,) = eventually(lambda: of(app, "SMS Bounced"))
    assert (bounced["code"], bounced["hard"], bounced["address"]) == ("21610", False, ada)
    assert of(app, "Consent Withdrawn") == [{"channel": "sms", "source": "told the provider"}]
    with app.database.reading() as connection:
        said = consents.of_customers(connection, [1])
    assert (list(said.states), list(said.channels)) == (["withdrawn"], ["sms"])
    assert "21610" in said.proofs[0]
    assert not app.audit().violations


def test_of_what_nobody_knows_one_is_sent_and_another_by_hand(app: App) -> None:
    """Class C (M3): marketing goes out at most once, and again under its id if somebody says so."""
    ada = "+14155552671"
    with twilio() as fake:
        fake.silent.add(ada)
        own = {"account_sid": ACCOUNT, "auth_token": TOKEN, "api": fake.url, "allowed": {"loopback": True}}
        chosen = {"provider": "sms_twilio", "sender": SENDER, "settings": own | {"time_limit": 0.5}}
        publish(app, "sms", chosen, {"text": "Hi {{ customer.name }}"}, "marketing")

        def unknown() -> list[int]:
            with app.database.reading() as connection:
                found: list[int] = effects.in_state(connection, State.UNKNOWN, 10).keys.tolist()
            return found

        with app.working("https://t.shop.example"):
            noted(app, "ada", name="Ada", phone=ada)
            (key,) = eventually(unknown)
            fake.silent.clear()
            now = app.database.now()
            app.database.write(lambda c: effects.replan(c, np.array([key]), now), wake=True)
            eventually(lambda: of(app, "SMS Sent"))
    bodies = [(one["Body"], one["StatusCallback"]) for one in fake.messages.values()]
    assert bodies == [("Hi Ada", f"https://t.shop.example/callbacks/sms/{key:016x}")] * 2


def test_the_team_is_told_once_a_second(app: App, peer: Peer) -> None:
    peer.statuses["/hook"] = 200
    own = {"webhook": f"{peer.url}/hook", "allowed": {"loopback": True}}
    publish(app, "slack", {"provider": "slack", "settings": own}, {"text": "*{{ customer.name }}* asks"})
    for number in range(3):
        noted(app, f"p{number}", name="<!channel>")
    with app.working("https://t.shop.example"):
        eventually(lambda: len(of(app, "Slack Sent")) == 3)
    assert {json.loads(body)["text"] for _, body, _ in peer.got} == {"*&lt;!channel&gt;* asks"}
    at = [instant for *_, instant in peer.got]
    assert min(later - earlier for earlier, later in pairwise(at)) > 0.7


def test_a_provider_whose_settings_are_wrong_keeps_what_waits(app: App) -> None:
    own = {"private_key": base64.b64encode(b"no key").decode() * 9, "subject": "mailto:us@shop.example"}
    publish(app, "push", {"provider": "push_web", "settings": own}, {"payload": {"title": "Hi"}})
    with app.working("https://t.shop.example"):
        noted(app, "ada")
        eventually(lambda: of(app, "Message Planned"))
        time.sleep(0.2)
    assert not of(app, "Push Bounced")


def test_halted_sending_begins_nothing_and_loses_nothing(app: App, peer: Peer) -> None:
    """P31: within two seconds, over a restart, in the middle of what is being sent."""
    own = {"webhook": f"{peer.url}/hook", "allowed": {"loopback": True}}
    peer.statuses["/hook"] = 200
    chosen = {"provider": "slack", "settings": own, "rate": 20}
    publish(app, "slack", chosen, {"text": "{{ customer.name }}"})
    everybody = {f"P{number}" for number in range(40)}
    take(app, *(note(app, name.lower(), name=name) for name in sorted(everybody)))
    with app.working("https://t.shop.example"):
        eventually(lambda: len(peer.got) > 3)
        app.database.write(lambda c: halt(c, "a mistake in the text"), wake=True)
        committed = time.monotonic()
        time.sleep(2.2)
        begun = len(peer.got)
        assert begun < 40
        assert max(at for *_, at in peer.got) < committed + 2
    with app.working("https://t.shop.example"):
        time.sleep(0.5)
        assert len(peer.got) == begun
        app.database.write(resume, wake=True)
        eventually(lambda: len(of(app, "Slack Sent")) == 40)
    assert sorted(json.loads(body)["text"] for _, body, _ in peer.got) == sorted(everybody)
