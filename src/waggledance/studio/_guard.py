"""Who may see the studio and change something in it.

A page somewhere in the web can make its visitor's browser send requests to this machine, under a name of its own that
it lets point here. So the host name must be ours (against DNS rebinding); what changes something must come from our own
page and bring the secret that only our page was given (against forged requests); and where others can reach the port,
so must everything else. Answers forbid the browser to load anything from elsewhere, to run what stands in a text, and
to show the page inside another one.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from waggledance.gateways._loopback import LOOPBACK, host_name, is_loopback
from waggledance.studio._answers import refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every answer."""
TOKEN_HEADER = "x-waggle-token"  # noqa: S105  # the name of a header


class Guard:
    """Says whether a request may pass.

    Args:
        host: what the server is bound to.
        locked: whether everything asks for the token, also on this machine alone; so it is wherever others can reach
            the port.
        names: host names that the server goes by, besides its address.
    """

    def __init__(self, host: str, *, locked: bool = False, names: Collection[str] = ()) -> None:
        self.token = secrets.token_urlsafe(24)
        """The secret: in the address that is printed, where it is asked for, and in the page's cookie."""
        self.locked = locked or not is_loopback(host)
        """Whether even looking asks for the token."""
        reached = {host.lower(), socket.gethostname().lower()} if self.locked else frozenset[str]()
        self._hosts = frozenset(LOOPBACK) | reached | {name.lower() for name in names}
        self.cookie = f"waggle_studio_{blind(self.token)}"
        """The cookie's name: browsers send a host's cookies to all its ports, and two studios may run."""

    def refusal(self, request: Request) -> Response | None:
        """Return why a request may not pass; None when it may."""
        if not self.is_ours(request.headers.get("host", "")):
            return refused(
                421,
                "The studio does not go by this name.",
                "A page elsewhere could let a name of its own point here.",
                "Open the address that `waggle studio` has printed.",
            )
        changes = request.method not in ("GET", "HEAD")
        if changes and not self._from_our_page(request):
            return refused(
                403,
                "Nothing was changed.",
                "The request did not come from the studio's own page.",
                "Open the address that `waggle studio` has printed, and do it there.",
            )
        if (changes or self.locked) and not self._knows(request, changes=changes):
            return refused(
                401,
                "The studio is locked.",
                "The token is missing or wrong.",
                "Open the address that `waggle studio` has printed, whole; it holds the token.",
            )
        return None

    def is_token(self, text: str) -> bool:
        """Say whether a text is the token; takes as long for every text."""
        return hmac.compare_digest(text.encode(), self.token.encode())

    def let_in(self, response: Response) -> None:
        """Give a browser the token, out of reach of scripts."""
        response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")

    def _knows(self, request: Request, *, changes: bool) -> bool:
        given = request.headers.get(TOKEN_HEADER)
        if given is not None:
            return self.is_token(given)
        if changes and "sec-fetch-site" not in request.headers and "origin" not in request.headers:
            return False  # no browser that says where it comes from: the header has to say that it is meant
        return self.is_token(request.cookies.get(self.cookie, ""))

    def _from_our_page(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site", "same-origin")
        origin = request.headers.get("origin")
        ours = origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
        return site == "same-origin" and ours

    def is_ours(self, host: str) -> bool:
        """Say whether the server goes by a host name."""
        name = host_name(host)
        return name in self._hosts or (self.locked and _is_address(name))


def blind(token: str) -> str:
    """Return a name that says which studio it is, and nothing of its token."""
    from blake3 import blake3

    return blake3(token.encode()).hexdigest(4)


def _is_address(name: str) -> bool:
    """Say whether a host name is an address: no page can make one point elsewhere."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
