"""Names of strangers on the web: `did:wba`, a domain and perhaps a path, under which a document with keys is served.

    did:wba:example.com                      https://example.com/.well-known/did.json
    did:wba:example.com%3A3000:user:alice    https://example.com:3000/user/alice/did.json

Who controls the web address controls the name. A last part ``e1_…`` names the key as well: the RFC 7638 thumbprint of
the Ed25519 key, so that whoever serves the document cannot put another key in its place.

Source: Agent Network Protocol, chapter 03, "did:wba Method Design Specification" §2.2, §2.5; `e1_` as in the protocol's
SDK, `anp` 1.0.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
import rfc8785

from waggledance.core import PeerId, UsageError

MAX_DID_CHARS = 512
_PREFIX = "did:wba:"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?P<host>{_LABEL}(?:\.{_LABEL})*)(?:%3[Aa](?P<port>[1-9][0-9]{{0,4}}))?")
_STEP = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_BOUND = "e1_"


class WbaDid(msgspec.Struct, frozen=True):
    """A `did:wba` name.

    Raises:
        UsageError: the host is no domain name, or the port or the path cannot be.
    """

    host: str
    """A domain name in lower case; never an IP address."""
    port: int | None = None
    """1 to 65,535; None for that of https."""
    path: tuple[str, ...] = ()
    """Letters, digits, ``_``, ``-`` and, but for the first place, ``.``."""

    def __post_init__(self) -> None:
        found = _HOST.fullmatch(self.host)
        if found is None or found["port"] or len(self.host) > 253 or self.host != self.host.lower():
            raise UsageError(
                f"a did:wba names a domain in lower case, as in did:wba:example.com; got {self.host!r:.80}"
            )
        if _is_address(self.host):
            raise UsageError(f"a did:wba names a domain and no IP address, got {self.host!r}")
        if self.port is not None and not 1 <= self.port <= 65_535:
            raise UsageError(f"a port lies between 1 and 65535, got {self.port}")
        if any(_STEP.fullmatch(step) is None for step in self.path) or len(str(self)) > MAX_DID_CHARS:
            raise UsageError(
                f"a did:wba's path is letters, digits, _, - and ., at most {MAX_DID_CHARS} characters in all; "
                f"got {self.path!r:.80}"
            )

    def __str__(self) -> str:
        port = "" if self.port is None else f"%3A{self.port}"
        return _PREFIX + ":".join((self.host + port, *self.path))

    @classmethod
    def read(cls, text: str) -> WbaDid:
        """Read a name.

        Raises:
            UsageError: it is no `did:wba`, or not in its one form.

        >>> WbaDid.read("did:wba:example.com%3A3000:user:alice").url
        'https://example.com:3000/user/alice/did.json'
        """
        host, *path = text.removeprefix(_PREFIX).split(":")
        found = _HOST.fullmatch(host)
        if not text.startswith(_PREFIX) or found is None or len(text) > MAX_DID_CHARS:
            raise UsageError(f"a stranger's name is as in did:wba:example.com:user:alice, got {text!r:.80}")
        did = cls(found["host"], int(found["port"]) if found["port"] else None, tuple(path))
        if str(did) != text:
            raise UsageError(f"a port in a did:wba is written %3A{did.port}, got {text!r:.80}")
        return did

    @classmethod
    def of_url(cls, url: str) -> WbaDid:
        """Return the name of who is at an https address; the address's path is the name's.

        Raises:
            UsageError: it is no https address of a domain.

        >>> str(WbaDid.of_url("https://swarm.example:8443/bees/"))
        'did:wba:swarm.example%3A8443:bees'
        """
        try:
            split = urlsplit(url)
            host, port = split.hostname, split.port
        except ValueError as why:
            raise UsageError(f"{url!r:.80} is no address: {why}") from why
        if split.scheme != "https" or not host or split.username is not None or split.query or split.fragment:
            raise UsageError(f"a did:wba is of an https address, as in https://swarm.example; got {url!r:.80}")
        return cls(host, port, tuple(step for step in split.path.split("/") if step))

    @property
    def where(self) -> str:
        """The path at its host where the document is served."""
        return "/".join(("", *(self.path or (".well-known",)), "did.json"))

    @property
    def url(self) -> str:
        """Where the document is served."""
        return f"https://{self.host}{'' if self.port is None else f':{self.port}'}{self.where}"

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the only key that may speak for it; empty where the name does not say."""
        last = self.path[-1] if self.path else ""
        return last.removeprefix(_BOUND) if last.startswith(_BOUND) else ""

    def bound_to(self, key: PeerId) -> WbaDid:
        """Return the name with the thumbprint of a key as its last part."""
        return msgspec.structs.replace(self, path=(*self.path, _BOUND + thumbprint(key)))


def thumbprint(key: PeerId) -> str:
    """Return the RFC 7638 thumbprint of an Ed25519 key, 43 characters of base64url; the key below is RFC 8037's (A.3).

    >>> thumbprint(PeerId(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")))
    'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    """
    return b64url(sha256(rfc8785.dumps(dict(jwk_of(key)))).digest())


def jwk_of(key: PeerId) -> dict[str, str]:
    """Return a key as a JSON Web Key (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url(key)}


def b64url(raw: bytes) -> str:
    """Return bytes in URL-safe base64 without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdecimal()  # such as 127.1, which resolvers read as an address
    return True
