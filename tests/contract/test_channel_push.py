"""Web push against a push service on loopback; what it takes is read as a browser reads it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import http_ece
import pytest
from channel_peers import EFFECT, outgoing, scripted
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sojourn.channel.contract import Outgoing, Receipt
from sojourn.channel.guard import Allowed
from sojourn.channel.providers.push_web import CHANNEL, Push, PushSettings
from sojourn.channel.retry import Standing
from sojourn.channel.web.encryption import MOST, coded, decoded, encrypted, public, subscription
from sojourn.channel.web.vapid import Vapid
from sojourn.errors import FarSideError, Invalid, Misconfigured, NotDelivered, TryLater

PRIVATE = coded(b"a private key of 32 octets, p256")
NOW = 1_760_000_100


@dataclass
class Browser:
    """A browser with its keys: it subscribes, and reads what it gets."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen octets.."

    def subscribes(self, port: int, path: str) -> str:
        """What `PushSubscription.toJSON()` gives."""
        keys = {"p256dh": coded(public(self.key)), "auth": coded(self.auth)}
        endpoint = f"http://127.0.0.1:{port}/{path}"
        return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys})

    def reads(self, body: bytes) -> Any:
        """What was sent to it."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return json.loads(plain)


@dataclass
class Service:
    """A push service that keeps what it gets; `answers` has the status by path."""

    answers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            path = first.split(" ")[1]
            self.got.append((path, headers, await reader.readexactly(int(headers["content-length"]))))
            status = self.answers.get(path, "201 Created\r\nLocation: https://push.example/m/1")
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()


def note(*subscriptions: str, **changes: Any) -> Outgoing:
    payload = {"title": "Grüß Gott", "body": "😀", "url": "https://shop.example/"}
    values = {"recipient": "", "subscriptions": subscriptions, "payload": json.dumps(payload).encode()}
    return outgoing(**(values | changes))


def played(
    service: Service, scene: Callable[[Push, int], Awaitable[None]], **changes: Any
) -> list[tuple[str, dict[str, str], bytes]]:
    values: dict[str, Any] = {"private_key": PRIVATE, "subject": "mailto:us@shop.example", "time_limit": 3.0}

    async def play() -> None:
        async with scripted(service) as port:
            channel = Push(PushSettings(**(values | {"allowed": Allowed(loopback=True)} | changes)))
            try:
                await scene(channel, port)
            finally:
                await channel.close()

    asyncio.run(play())
    return service.got


def test_only_the_browser_reads_it() -> None:
    ada, eve = Browser(), Browser(auth=b"another sixteen.")

    async def scene(channel: Push, port: int) -> None:
        receipt = await channel.deliver(note(ada.subscribes(port, "ada")))
        assert receipt == Receipt("https://push.example/m/1", receipt.digest, {"browsers": 1})

    [(path, headers, body)] = played(Service(), scene)
    said = {"title": "Grüß Gott", "body": "😀", "url": "https://shop.example/", "tag": EFFECT}
    assert path == "/ada"
    assert ada.reads(body) == said
    assert b"Gott" not in body
    with pytest.raises(http_ece.ECEException):
        eve.reads(body)
    assert headers["content-encoding"] == "aes128gcm"
    assert (headers["ttl"], headers["urgency"], headers["topic"]) == ("43200", "normal", EFFECT)


def test_the_digest_is_of_what_is_shown() -> None:
    ada, receipts = Browser(), list[Receipt]()

    async def scene(channel: Push, port: int) -> None:
        receipts.extend([await channel.deliver(note(ada.subscribes(port, "ada"))) for _ in range(2)])

    bodies = [body for _, _, body in played(Service(), scene)]
    assert bodies[0] != bodies[1]  # a fresh key and salt every time
    assert ada.reads(bodies[0]) == ada.reads(bodies[1])
    plain = http_ece.decrypt(bodies[0], private_key=ada.key, auth_secret=ada.auth)
    assert {one.digest for one in receipts} == {hashlib.sha256(plain).hexdigest()}


def test_the_push_service_knows_who_we_are() -> None:
    """VAPID (RFC 8292): a token for just this service, signed with the key that the browser knows."""

    async def scene(channel: Push, port: int) -> None:
        await channel.deliver(note(Browser().subscribes(port, "ada")))

    [(_, headers, _)] = played(Service(), scene)
    scheme, _, rest = headers["authorization"].partition(" ")
    said = dict(part.strip().split("=", 1) for part in rest.split(","))
    head, claims, signed = said["t"].split(".")
    assert scheme == "vapid"
    assert json.loads(decoded(head)) == {"typ": "JWT", "alg": "ES256"}
    told = json.loads(decoded(claims))
    assert told["aud"] == f"http://{headers['host']}"
    assert told["sub"] == "mailto:us@shop.example"
    assert NOW < told["exp"] <= NOW + 24 * 3600
    assert said["k"] == Vapid(PRIVATE, "").public_key
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(said["k"]))
    pair = decoded(signed)
    der = encode_dss_signature(int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big"))
    key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(der, f"{head}.{claims}x".encode(), ec.ECDSA(hashes.SHA256()))


def test_subscriptions_that_are_gone_are_told_and_the_others_get_it() -> None:
    """404 and 410 (RFC 8030, 7.3)."""
    service = Service({"/old": "410 Gone", "/lost": "404 Not Found"})

    async def scene(channel: Push, port: int) -> None:
        old, lost, new = (Browser().subscribes(port, path) for path in ("old", "lost", "new"))
        receipt = await channel.deliver(note(old, new, lost))
        assert receipt.gone == (old, lost)
        assert receipt.said == {"browsers": 1}
        with pytest.raises(NotDelivered) as gone:
            await channel.deliver(note(old, lost))
        assert gone.value.code == "gone"
        assert CHANNEL.standing("gone") is Standing.FINE

    assert [path for path, _, _ in played(service, scene)] == ["/old", "/new", "/lost", "/old", "/lost"]


@pytest.mark.parametrize(
    ("answer", "error", "code", "wait"),
    [
        ("429 Too Many Requests\r\nRetry-After: 30", TryLater, "429", 30),
        ("503 Service Unavailable", TryLater, "503", 0),
        ("500 Internal Server Error", TryLater, "500", 0),
        ("401 Unauthorized", TryLater, "401", 0),
        ("302 Found\r\nLocation: http://127.0.0.1/", TryLater, "302", 0),
        ("403 Forbidden", NotDelivered, "403", 0),
        ("413 Payload Too Large", NotDelivered, "413", 0),
        ("400 Bad Request", NotDelivered, "400", 0),
    ],
)
def test_each_answer_says_what_it_means(answer: str, error: type[FarSideError], code: str, wait: int) -> None:
    async def scene(channel: Push, port: int) -> None:
        with pytest.raises(FarSideError) as fate:
            await channel.deliver(note(Browser().subscribes(port, "ada")))
        assert type(fate.value) is error
        assert fate.value.code == code
        assert getattr(fate.value, "retry_after", 0) == wait

    assert len(played(Service({"/ada": answer}), scene)) == 1


def test_one_that_may_come_later_is_waited_for() -> None:
    service = Service({"/old": "410 Gone", "/busy": "429 Too Many Requests"})

    async def scene(channel: Push, port: int) -> None:
        with pytest.raises(TryLater):
            await channel.deliver(note(*(Browser().subscribes(port, path) for path in ("old", "busy"))))

    played(service, scene)


def test_a_repeat_takes_the_place_of_the_first() -> None:
    """Class A: the topic before it is delivered, the tag after."""
    ada = Browser()

    async def scene(channel: Push, port: int) -> None:
        for _ in range(2):
            await channel.deliver(note(ada.subscribes(port, "ada")))

    got = played(Service(), scene)
    assert {headers["topic"] for _, headers, _ in got} == {EFFECT}
    assert {ada.reads(body)["tag"] for _, _, body in got} == {EFFECT}
    assert CHANNEL.delivery.value == "A"


def test_an_endpoint_within_our_network_is_never_called() -> None:
    """A browser names the address, so anybody can."""
    inside = Browser().subscribes(80, "x").replace("http://127.0.0.1:80", "https://169.254.169.254")

    async def scene(channel: Push, _port: int) -> None:
        for message in (note(inside), note(Browser().subscribes(1, "x"))):
            with pytest.raises(NotDelivered) as refused:
                await channel.deliver(message)
            assert refused.value.code == "address"

    assert played(Service(), scene, allowed=Allowed()) == []


def test_a_notification_fits_or_is_refused() -> None:
    ada = Browser()
    frame = len(json.dumps({"title": "", "tag": EFFECT}, separators=(",", ":")))

    async def scene(channel: Push, port: int) -> None:
        fits, beyond = (json.dumps({"title": "x" * (MOST - frame + more)}).encode() for more in (0, 1))
        await channel.deliver(note(ada.subscribes(port, "ada"), payload=fits))
        with pytest.raises(NotDelivered) as refused:
            await channel.deliver(note(ada.subscribes(port, "ada"), payload=beyond))
        assert refused.value.code == "413"
        for broken in (b"", b"[]", b"no json"):
            with pytest.raises(NotDelivered):
                await channel.deliver(note(ada.subscribes(port, "ada"), payload=broken))
        with pytest.raises(NotDelivered):
            await channel.deliver(note())

    [(_, _, body)] = played(Service(), scene)
    assert len(body) == 4096


def test_the_example_of_the_standard_comes_out_to_the_byte() -> None:
    """RFC 8291, appendix A."""
    browser = ec.derive_private_key(
        int.from_bytes(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big"), ec.SECP256R1()
    )
    ours = ec.derive_private_key(
        int.from_bytes(decoded("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"), ec.SECP256R1()
    )
    keys = {"p256dh": coded(public(browser)), "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
    to = subscription(json.dumps({"endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
                                  "keys": keys}))  # fmt: skip
    assert keys["p256dh"] == (
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
    )
    made = encrypted(
        b"When I grow up, I want to be a watermelon", to, ours, decoded("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert coded(made) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6Tlz"
        "AC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "ftp://push.example/x"},
        {"endpoint": "https://push.example/" + "x" * 2048},
        {"keys": {"p256dh": "AAAA", "auth": coded(b"x" * 16)}},
        {"keys": {"p256dh": "!", "auth": coded(b"x" * 16)}},
        {"keys": {"p256dh": coded(b"\x04" + b"\x01" * 64), "auth": coded(b"x" * 16)}},
        {"keys": {"p256dh": coded(public(Browser().key)), "auth": "AAAA"}},
        {"keys": {}},
    ],
)
def test_what_is_no_subscription_is_refused(change: dict[str, Any]) -> None:
    good = json.loads(Browser().subscribes(443, "x"))
    assert subscription(json.dumps(good)).endpoint == "http://127.0.0.1:443/x"
    with pytest.raises(Invalid):
        subscription(json.dumps(good | change))


def test_a_key_is_read_in_either_notation() -> None:
    key = ec.derive_private_key(int.from_bytes(decoded(PRIVATE), "big"), ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    assert Vapid(pem, "").public_key == Vapid(PRIVATE, "").public_key
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for wrong in (
        "",
        "AAAA" * 20,
        "-----BEGIN PRIVATE KEY-----",
        other.decode(),
        base64.b64encode(b"\0" * 32).decode(),
    ):
        with pytest.raises(Misconfigured, match="openssl"):
            Vapid(wrong, "")
