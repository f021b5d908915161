"""Where notifications may go: a caller names an address, and this server connects to it; so not to just any.

By default to any public address, and to none that is loopback, private, link-local, shared, reserved or multicast, in
IPv4, IPv6, or one inside the other: else a caller could reach what only this machine can. With an allow-list, to what
is on it and nowhere else. A name is looked up when it is connected to, every address of it is checked, and the
connection goes to one that was checked: a name that points elsewhere a moment later gains nothing. Redirects are not
followed, proxies not asked.

Source: Agent2Agent protocol 1.0, §13.2 (push notification security); OWASP, Server-Side Request Forgery Prevention.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from waggledance.core import RunFailed, UsageError

MAX_URL_CHARS = 2_048
LOOKUP_S = 5.0
"""For the addresses of a name."""
_NAT64 = IPv6Network("64:ff9b::/96")


class Refused(RunFailed):
    """An address that notifications may not go to."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where, self.why = where, why

    def __str__(self) -> str:
        return f"no notifications go to {self.where[:200]!r}: {self.why}"


@dataclass(frozen=True)
class Webhooks:
    """Which addresses notifications may go to.

    Args:
        allow: host names, and networks such as ``"10.1.0.0/16"``; with any, nothing else is allowed, and what is listed
            is, private or not. A name allows whatever it points to.
        loopback: whether this machine itself is allowed, too.

    Raises:
        UsageError: an entry is neither a name nor a network.
    """

    allow: tuple[str, ...] = ()
    loopback: bool = False

    def __post_init__(self) -> None:
        for entry in self.allow:
            if "/" in entry:
                try:
                    ip_network(entry)
                except ValueError as why:
                    raise UsageError(f"{entry!r} is no network that notifications may go to: {why}") from why
            elif not entry or any(mark in entry for mark in ":@?# "):
                raise UsageError(f"{entry!r} is no host name; write it as in hooks.example.com, without a scheme")

    async def check(self, url: str) -> None:
        """Refuse an address that notifications may not go to, as far as it can be told now.

        A name that points nowhere now may be one that only the network of later knows: it is looked up again, and
        checked, whenever something is sent.

        Raises:
            Refused: it may not be sent to; says why.
        """
        host, port = parts_of(url)
        try:
            found = await _looked_up(host, port)
        except OSError:
            found = []
            if self.allow and host not in self._names():
                raise Refused(url, "its host is not on the list of those allowed") from None
        self._checked(host, found)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, all of them allowed.

        Raises:
            Refused: one of them is not.
            OSError: it has none.
        """
        return self._checked(host.lower(), await _looked_up(host, port))

    def _names(self) -> frozenset[str]:
        return frozenset(entry.lower() for entry in self.allow if "/" not in entry)

    def _checked(self, host: str, found: Iterable[str]) -> list[str]:
        addresses = list(found)
        if host not in self._names():
            for address in addresses:
                self._check_address(host, address)
        return addresses

    def _check_address(self, host: str, written: str) -> None:
        address = within(ip_address(written.partition("%")[0]))
        if self.loopback and address.is_loopback:
            return
        networks = [ip_network(entry) for entry in self.allow if "/" in entry]
        if self.allow:
            if not any(address.version == network.version and address in network for network in networks):
                raise Refused(host, "it is not on the list of those allowed")
        elif not address.is_global or address.is_multicast or address.is_reserved:
            raise Refused(host, f"it points to {written}, which is not a public address")


def within(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, by mapping, 6to4, Teredo or NAT64; else the same.

    >>> str(within(ip_address("::ffff:127.0.0.1"))), str(within(ip_address("64:ff9b::7f00:1")))
    ('127.0.0.1', '127.0.0.1')
    """
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = None if address.teredo is None else address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or teredo or address


def parts_of(url: str) -> tuple[str, int]:
    """Return the host and port of an address that could be sent to.

    Raises:
        Refused: it is no http or https address, or has a user in it.
    """
    if len(url) > MAX_URL_CHARS or not url.isascii() or any(c <= " " or c == "\x7f" or c == "\\" for c in url):
        raise Refused(url, f"it has characters that no address has, or more than {MAX_URL_CHARS:,}")
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port
    except ValueError as why:
        raise Refused(url, str(why)) from why
    if split.scheme not in ("http", "https"):
        raise Refused(url, "it begins with neither http:// nor https://")
    if not host or split.username is not None or split.password is not None:
        raise Refused(url, "it has no host, or a user name in it")
    return host.lower(), port or (443 if split.scheme == "https" else 80)


async def _looked_up(host: str, port: int) -> list[str]:
    async with asyncio.timeout(LOOKUP_S):
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(entry[4][0]) for entry in found})
