"""No URL that a stranger writes leads into our own network, however spelled and whatever the DNS says."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.channel.guard import REFUSED, Allowed, Target, vetted
from sojourn.errors import NotDelivered, TryLater

USUAL = Allowed()
PUBLIC = "93.184.216.34"
LOOPBACK = Allowed(loopback=True)


def _vetted(url: str, *addresses: str, allowed: Allowed = USUAL) -> Target:
    """Vetted with a name service that knows but these addresses."""

    async def answers(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return asyncio.run(vetted(url, allowed, answers))


def _refused(url: str, *addresses: str, allowed: Allowed = USUAL) -> None:
    with pytest.raises(NotDelivered) as refused:
        _vetted(url, *addresses, allowed=allowed)
    assert refused.value.code == REFUSED


@pytest.mark.parametrize(
    ("url", "addresses", "connect_to", "host", "server_name"),
    [
        ("https://hook.example/a?b=c", [PUBLIC], f"https://{PUBLIC}/a?b=c", "hook.example", "hook.example"),
        ("https://hook.example:443/", [PUBLIC], f"https://{PUBLIC}/", "hook.example", "hook.example"),
        ("https://HOOK.example", [PUBLIC, "8.8.8.8"], f"https://{PUBLIC}", "hook.example", "hook.example"),
        ("https://bücher.example/", [PUBLIC], f"https://{PUBLIC}/", *["xn--bcher-kva.example"] * 2),
        ("https://hook.example/", ["2606:4700::1"], "https://[2606:4700::1]/", *["hook.example"] * 2),
        ("https://8.8.8.8/", ["8.8.8.8"], "https://8.8.8.8/", "8.8.8.8", "8.8.8.8"),
        ("https://hook.example:80/", [PUBLIC], f"https://{PUBLIC}:80/", "hook.example:80", "hook.example"),
    ],
)
def test_the_connection_goes_to_the_address_that_was_checked(
    url: str, addresses: list[str], connect_to: str, host: str, server_name: str
) -> None:
    target = _vetted(url, *addresses)
    assert (str(target.url), target.host, target.server_name) == (connect_to, host, server_name)


FORBIDDEN = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1"),
    *("192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"),
    *("2001::1", "2001:0:4136:e378::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1"),
    *("fd00:ec2::254", "fdff::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_no_address_of_ours_is_called(address: str) -> None:
    _refused("https://hook.example/", address)
    _refused("https://hook.example/", PUBLIC, address)
    _refused("https://hook.example/", address, PUBLIC)


@given(st.ip_addresses())
def test_nothing_that_the_standard_library_calls_local_passes(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        _refused("https://hook.example/", str(address))


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0"),
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "0xa9fea9fe"),
        *("\uff11\uff12\uff17.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"),
    ],
)
def test_no_spelling_of_this_machine_is_called(host: str) -> None:
    """With the system's own resolver, which reads all of these as numbers."""
    for url in (f"https://{host}/", f"http://{host}:80/", f"https://{host}:443/latest/meta-data"):
        with pytest.raises((NotDelivered, TryLater)) as refused:
            asyncio.run(vetted(url, Allowed(plain_http=True)))
        assert refused.value.code in (REFUSED, "dns")


@pytest.mark.parametrize(
    "url",
    [
        *("https://hook.example@127.0.0.1/", "https://user:pass@hook.example/", "https://@hook.example/x@y"),
        *("https://hook.example\\@127.0.0.1/", "https:\\\\127.0.0.1/", "https://127.0.0.1\\.hook.example/"),
        *(
            "https://hook.example /",
            "https://hook.example\r\nHost: x/",
            "https://hook.example\t/",
            "https://a\0b/",
        ),
        *(
            "file:///etc/passwd",
            "gopher://hook.example/",
            "ftp://hook.example/",
            "//hook.example/",
            "hook.example",
        ),
        *("javascript:alert(1)", "https://", "https:///x", "", "https://[::1/", "https://[fe80::1%25eth0]x/"),
        *("https://hook.example:99999/", "https://hook.example:-1/", "https://hook.example:0x50/"),
    ],
)
def test_what_two_readers_may_read_in_two_ways_is_refused(url: str) -> None:
    if url == "https://@hook.example/x@y":
        assert _vetted(url, PUBLIC).host == "hook.example"
    else:
        _refused(url, PUBLIC)


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8080, 65535])
def test_only_the_ports_that_are_set_are_called(port: int) -> None:
    _refused(f"https://hook.example:{port}/", PUBLIC)
    assert _vetted(f"https://hook.example:{port}/", PUBLIC, allowed=Allowed(ports=(port,))).url.port == port


def test_plain_http_must_be_allowed() -> None:
    _refused("http://hook.example/", PUBLIC)
    assert _vetted("http://hook.example/", PUBLIC, allowed=Allowed(plain_http=True)).url.scheme == "http"


def test_loopback_is_open_for_development_only_and_nothing_else_with_it() -> None:
    assert _vetted("http://localhost:9000/x", "127.0.0.1", "::1", allowed=LOOPBACK).url.port == 9000
    _refused("http://localhost:9000/x", "127.0.0.1", "10.0.0.1", allowed=LOOPBACK)
    _refused("https://hook.example/", "::ffff:127.0.0.1", allowed=LOOPBACK)
    _refused("http://hook.example/", PUBLIC, allowed=LOOPBACK)


def test_a_name_is_resolved_once() -> None:
    """Rebinding: whatever a second question would be answered, there is none."""
    answers = [[PUBLIC], ["127.0.0.1"]]

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    target = asyncio.run(vetted("https://hook.example/", Allowed(), rebinding))
    assert target.url.host == PUBLIC
    assert answers == [["127.0.0.1"]]


def test_a_name_without_an_address_is_asked_again_later() -> None:
    async def fails(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no answer")

    with pytest.raises(TryLater) as trouble:
        asyncio.run(vetted("https://hook.example/", USUAL, fails))
    assert trouble.value.code == "dns"
    with pytest.raises(TryLater):
        _vetted("https://hook.example/")
