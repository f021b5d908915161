"""The header by which a stranger says who it is: its name, a number used once, the time, and a signature over both and
the service that it is meant for.

    Authorization: DIDWba v="1.0", did="…", nonce="…", timestamp="…", verification_method="key-1", signature="…"
    signature = Ed25519(SHA-256(JCS({nonce, timestamp, service, did}))), in base64url

From version 1.1 on the service is called `aud` in what is signed. A header without a version may be of either. Ours say
1.0, which every verifier that is about reads.

Source: Agent Network Protocol, chapter 03 §3.1-§3.2; RFC 8785 (JCS); `v` and `aud` as in the protocol's SDK, `anp` 1.0.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
import rfc8785

from waggledance.core import Key, MessageId, PeerFault, PeerId, UsageError, signature_holds
from waggledance.gateways._anp_did import WbaDid, b64url
from waggledance.gateways._anp_document import FRAGMENT

SCHEME = "DIDWba"
MAX_HEADER_CHARS = 2_048
_FIELD = re.compile(r'\s*([a-z_]+)\s*=\s*"([^"\\]*)"\s*(?:,|\Z)')
_WORD = re.compile(r"[\x21-\x7e]{1,128}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|\+00:00)")
_NEEDED = frozenset({"did", "nonce", "timestamp", "verification_method", "signature"})


class WbaHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a header says; nothing of it is true before `holds`."""

    did: WbaDid
    nonce: str
    timestamp: str
    at_ms: int
    """The timestamp in milliseconds since 1970."""
    method: str
    """The fragment of the key, such as ``"key-1"``."""
    signature: bytes
    version: str = ""

    def holds(self, key: PeerId, service: str) -> bool:
        """Say whether a key has signed it for a service.

        Args:
            key: the key that the name's document has under `method`.
            service: the domain that the request was meant for.
        """
        names = ("service", "aud") if not self.version else ("service",) if self.version == "1.0" else ("aud",)
        return any(
            signature_holds(key, _digest(self.nonce, self.timestamp, name, service, self.did), self.signature)
            for name in names
        )

    def __str__(self) -> str:
        fields = {"v": self.version} if self.version else {}
        fields |= {
            "did": str(self.did), "nonce": self.nonce, "timestamp": self.timestamp,
            "verification_method": self.method, "signature": b64url(self.signature),
        }  # fmt: skip
        return f"{SCHEME} " + ", ".join(f'{name}="{value}"' for name, value in fields.items())


def signed_header(key: Key, did: WbaDid, service: str, *, nonce: str, now_ms: int) -> str:
    """Return the value of an ``Authorization`` header.

    Args:
        key: the key that the name's document has.
        did: who asks.
        service: the domain that is asked, as in ``"api.example.com"``, without a port.
        nonce: drawn for this request alone; 16 random bytes in hexadecimal are right.
        now_ms: the time, milliseconds since 1970.

    Raises:
        UsageError: the nonce is no word of 1 to 128 ASCII characters, or the service is empty.
    """
    if not _WORD.fullmatch(nonce) or '"' in nonce or "\\" in nonce:
        raise UsageError(f"a nonce has 1 to 128 ASCII characters, without spaces or quotes; got {nonce!r:.80}")
    if not service:
        raise UsageError("a header is signed for a service: give its domain")
    at = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = key.sign(_digest(nonce, at, "service", service, did))
    header = WbaHeader(
        did=did, nonce=nonce, timestamp=at, at_ms=now_ms // 1000 * 1000, method=FRAGMENT, signature=signature,
        version="1.0",
    )  # fmt: skip
    return str(header)


def read_header(text: str) -> WbaHeader:
    """Read the value of an ``Authorization`` header.

    Raises:
        PeerFault: ``malformed`` or ``limits``: it is not of the form; a field is missing, unknown or there twice.
    """
    if len(text) > MAX_HEADER_CHARS:
        raise PeerFault("limits", f"a header of {len(text):,} characters; the limit is {MAX_HEADER_CHARS:,}")
    scheme, _, rest = text.strip().partition(" ")
    fields: dict[str, str] = {}
    at = 0
    while at < len(rest) and scheme.lower() == SCHEME.lower():
        found = _FIELD.match(rest, at)
        if found is None or found[1] in fields or found[1] not in _NEEDED | {"v"}:
            raise PeerFault("malformed", f"a {SCHEME} header has each of its fields once and no others")
        fields[found[1]], at = found[2], found.end()
    missing = sorted(_NEEDED - set(fields))
    if missing:
        raise PeerFault("malformed", f"a {SCHEME} header has no {', '.join(missing)}")
    for name in ("nonce", "verification_method"):
        if not _WORD.fullmatch(fields[name]):
            raise PeerFault("malformed", f"the {name} of a {SCHEME} header has 1 to 128 ASCII characters")
    if fields.get("v", "1.0") not in ("1.0", "1.1"):
        raise PeerFault("malformed", f"a {SCHEME} header is of version 1.0 or 1.1, got {fields['v'][:20]!r}")
    try:
        did = WbaDid.read(fields["did"])
    except UsageError as why:
        raise PeerFault("malformed", str(why)) from why
    return WbaHeader(
        did=did, nonce=fields["nonce"], timestamp=fields["timestamp"], at_ms=_milliseconds(fields["timestamp"]),
        method=fields["verification_method"], signature=_signature(fields["signature"]), version=fields.get("v", ""),
    )  # fmt: skip


def _digest(nonce: str, timestamp: str, name: str, service: str, did: WbaDid) -> MessageId:
    signed = {"nonce": nonce, "timestamp": timestamp, name: service, "did": str(did)}
    return MessageId(sha256(rfc8785.dumps(dict(signed))).digest())


def _milliseconds(timestamp: str) -> int:
    if _TIME.fullmatch(timestamp):
        try:
            since = datetime.fromisoformat(timestamp) - datetime(1970, 1, 1, tzinfo=UTC)
        except ValueError:
            pass
        else:
            return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    raise PeerFault("malformed", f"a time is written as in 2026-01-31T12:00:00Z, got {timestamp[:40]!r}")


def _signature(written: str) -> bytes:
    try:
        raw = urlsafe_b64decode(written + "=" * (-len(written) % 4))
    except (NoBase64, ValueError):
        raw = b""
    if len(raw) != 64 or b64url(raw) != written.rstrip("="):
        raise PeerFault("malformed", "an Ed25519 signature is 64 bytes in base64url")
    return raw
