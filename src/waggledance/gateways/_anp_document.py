"""DID documents: which keys speak for a name. Ours says one, the peer's own; of others' the Ed25519 keys are read.

Source: Agent Network Protocol, chapter 03 §2.4-§2.5.2; W3C DID Core 1.0 §5.2-§5.3; RFC 8037 (Ed25519 as a JWK);
W3C Controlled Identifiers 1.0 §2.2.2 (Multikey, ``publicKeyMultibase``).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator, Mapping

import base58
import msgspec

from waggledance.core import PeerFault, PeerId, is_public_key
from waggledance.gateways._anp_did import WbaDid, jwk_of, thumbprint

MAX_DOCUMENT_BYTES = 64 * 1024
FRAGMENT = "key-1"
"""What our own key is called in our document."""
_TYPE = "Ed25519VerificationKey2018"
_TYPES = frozenset({_TYPE, "Ed25519VerificationKey2020", "Multikey", "JsonWebKey2020"})
_ED25519_MULTICODEC = b"\xed\x01"


class _Jwk(msgspec.Struct, frozen=True):
    kty: str = ""
    crv: str = ""
    x: str = ""
    d: str = ""


class _Method(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    type: str
    controller: str
    public_key_jwk: _Jwk | None = None
    public_key_multibase: str = ""
    public_key_base58: str = msgspec.field(name="publicKeyBase58", default="")


class _Document(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    verification_method: tuple[_Method, ...] = ()
    authentication: tuple[str | _Method, ...] = ()


def did_document(key: PeerId, did: WbaDid) -> bytes:
    """Return the document that says that a key speaks for a name, to be served at `did.url`.

    Args:
        key: a peer's public key.
        did: the name.
    """
    method = f"{did}#{FRAGMENT}"
    document = {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        "id": str(did),
        "verificationMethod": [
            {"id": method, "type": _TYPE, "controller": str(did), "publicKeyJwk": jwk_of(key)},
        ],
        "authentication": [method],
        "assertionMethod": [method],
    }
    return msgspec.json.encode(document)


def signing_keys(raw: bytes, did: WbaDid) -> Mapping[str, PeerId]:
    """Return the keys by which a name's requests may be signed, by their fragment.

    Keys of other kinds than Ed25519, and those of small order, for which anybody can forge, are passed over. Of a name
    that ends in a thumbprint only the key of that thumbprint counts, whatever the document says.

    Args:
        raw: the document as it came.
        did: whose it is.

    Raises:
        PeerFault: ``malformed`` or ``limits``: it is no DID document, another's, or names two keys alike.
    """
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise PeerFault("limits", f"a DID document of {len(raw):,} bytes; the limit is {MAX_DOCUMENT_BYTES:,}")
    try:
        document = msgspec.json.decode(raw, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise PeerFault("malformed", f"no DID document: {why}") from why
    if document.id != str(did):
        raise PeerFault("malformed", f"the DID document of {did} says that it is {document.id[:200]!r}'s")
    known = {method.id: method for method in document.verification_method}
    if len(known) < len(document.verification_method):
        raise PeerFault("malformed", f"the DID document of {did} has two keys of one name")
    keys: dict[str, PeerId] = {}
    for method in _authenticating(document, known):
        name, mark, fragment = method.id.partition("#")
        key = _key(method)
        if key is None or not mark or name != str(did) or method.controller != str(did):
            continue
        if keys.setdefault(fragment, key) != key:
            raise PeerFault("malformed", f"the DID document of {did} has two keys of one name")
    return {name: key for name, key in keys.items() if did.thumbprint in ("", thumbprint(key))}


def _authenticating(document: _Document, known: Mapping[str, _Method]) -> Iterator[_Method]:
    for entry in document.authentication:
        if isinstance(entry, _Method):
            yield entry
        elif entry in known:
            yield known[entry]


def _key(method: _Method) -> PeerId | None:
    if method.type not in _TYPES:
        return None
    jwk, raw = method.public_key_jwk, b""
    try:
        if jwk is not None:
            if (jwk.kty, jwk.crv, jwk.d) == ("OKP", "Ed25519", ""):
                raw = urlsafe_b64decode(jwk.x + "=" * (-len(jwk.x) % 4))
        elif method.public_key_multibase.startswith("z"):
            raw = base58.b58decode(method.public_key_multibase[1:])
            raw = raw.removeprefix(_ED25519_MULTICODEC) if len(raw) == 34 else raw
        elif method.public_key_base58:
            raw = base58.b58decode(method.public_key_base58)
    except (NoBase64, ValueError):
        return None
    return PeerId(raw) if is_public_key(raw) else None
