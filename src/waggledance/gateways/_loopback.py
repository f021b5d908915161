"""What is reached by this machine alone, and how a request names the host that it is meant for."""

from __future__ import annotations

from ipaddress import ip_address

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""The host names of this machine to itself, as requests write them."""


def is_loopback(address: str) -> bool:
    """Say whether only this machine can reach what is bound to an address.

    >>> [is_loopback(address) for address in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.7", "elsewhere")]
    [True, True, True, False, False, False]
    """
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """Return the name in a Host header, without its port, in lower case.

    >>> host_name("[::1]:8000"), host_name("Example.org:80")
    ('[::1]', 'example.org')
    """
    text = host.lower()
    return text[: text.find("]") + 1] if text.startswith("[") else text.partition(":")[0]
