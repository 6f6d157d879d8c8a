"""Keeps requests that others choose the address of away from our own network (server-side request forgery).

A name is resolved once, every address it has is checked, and the connection goes to the very
address that was checked, so that neither a second reading of the URL nor a second answer of the
DNS can lead elsewhere.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

import httpx
import msgspec

from sojourn.errors import NotDelivered, TryLater

REFUSED = "address"
"""The code of what is refused here, for good."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host; raises OSError."""

_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Only 2000::/3 is given out.  Outside of it: loopback, unique local, link local, multicast, and
        # all that carries an IPv4 address (::/96, ::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48).
        *("::/3", "4000::/2", "8000::/1"),
        # Within it: protocols' own and Teredo, documentation, 6to4.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
"""Explicit, since `is_global` of Python 3.11 lets several of these pass."""

_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_ODD = re.compile(r"[\0-\x20\x7f\\]")
"""What two readers of a URL read in two ways."""


class Allowed(msgspec.Struct, frozen=True):
    """What may be reached."""

    ports: tuple[int, ...] = (80, 443)
    plain_http: bool = False
    loopback: bool = False  # for development: this machine, by http too and on any port


class Target(msgspec.Struct, frozen=True):
    """Where to connect, and what to say there."""

    url: httpx.URL  # its host is the address that was checked
    host: str  # for the Host header
    server_name: str  # for SNI and the certificate


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system's resolver knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def vetted(url: str, allowed: Allowed, resolve: Resolve = resolve) -> Target:
    """Where a request to this URL may go.

    Raises NotDelivered with the code `address` if it may not, TryLater if the name cannot be
    resolved now.
    """
    parsed = _parsed(url)
    name = parsed.raw_host.decode("ascii")
    port = parsed.port or {"http": 80, "https": 443}[parsed.scheme]
    try:
        addresses = await resolve(name, port)
    except (OSError, UnicodeError) as trouble:  # UnicodeError: a label that is too long for the DNS
        raise TryLater(f"{name} cannot be resolved: {trouble}", code="dns") from trouble
    if not addresses:
        raise TryLater(f"{name} has no address", code="dns")
    on_loopback = allowed.loopback and all(_within(address, _LOOPBACK) for address in addresses)
    if not on_loopback:
        _check(parsed, port, addresses, allowed)
    return Target(parsed.copy_with(host=addresses[0]), parsed.netloc.decode("ascii"), name)


def _parsed(url: str) -> httpx.URL:
    if _ODD.search(url):
        raise NotDelivered(f"{url!r} holds a space, a control character or a backslash", code=REFUSED)
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as trouble:
        raise NotDelivered(f"{url!r} is no URL: {trouble}", code=REFUSED) from trouble
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise NotDelivered(f"{url!r} is no URL of the web", code=REFUSED)
    if parsed.userinfo:
        raise NotDelivered("a URL with a user's name in it is not called", code=REFUSED)
    return parsed


def _check(url: httpx.URL, port: int, addresses: Sequence[str], allowed: Allowed) -> None:
    if url.scheme == "http" and not allowed.plain_http:
        raise NotDelivered(f"{url.host} is not called by plain http", code=REFUSED)
    if port not in allowed.ports:
        raise NotDelivered(f"port {port} is not among those that may be called", code=REFUSED)
    if any(_within(address, _FORBIDDEN) for address in addresses):
        # Which address it was is not said: an answer here would be a map of our network.
        raise NotDelivered(f"{url.host} is not on the public internet", code=REFUSED)


def _within(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(parsed.version == network.version and parsed in network for network in networks)
