"""Names on the web and their documents: each has one form, one address, and says by which keys it signs."""

from __future__ import annotations

import json
from typing import Any

import base58
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Key, PeerFault, PeerId, UsageError
from waggledance.gateways import WbaDid, did_document
from waggledance.gateways._anp_did import b64url, thumbprint
from waggledance.gateways._anp_document import MAX_DOCUMENT_BYTES, signing_keys

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)
DID = WbaDid("example.com", None, ("user", "alice"))

labels = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
steps = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}", fullmatch=True)
names = st.builds(
    WbaDid,
    st.lists(labels, min_size=1, max_size=3).map(".".join),
    st.none() | st.integers(1, 65_535),
    st.lists(steps, max_size=3).map(tuple),
)


@given(names)
@settings(max_examples=60)
def test_a_name_is_read_as_it_was_written(did: WbaDid) -> None:
    assert WbaDid.read(str(did)) == did


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("did:wba:example.com", "https://example.com/.well-known/did.json"),
        ("did:wba:example.com:user:alice", "https://example.com/user/alice/did.json"),
        ("did:wba:example.com%3A3000:user:alice", "https://example.com:3000/user/alice/did.json"),
    ],
)
def test_the_addresses_are_those_of_the_specification(name: str, url: str) -> None:
    assert WbaDid.read(name).url == url


@pytest.mark.parametrize(
    "name",
    [
        "", "did:wba:", "did:web:example.com", "DID:wba:example.com", "did:wba:Example.com", "did:wba:127.0.0.1",
        "did:wba:127.1", "did:wba:[::1]", "did:wba:%3A80", "did:wba:a.b%3A0", "did:wba:a.b%3A65536", "did:wba:a.b%3a80",
        "did:wba:a.b%3A080", "did:wba:a.b:", "did:wba:a.b:..", "did:wba:a.b:.well-known", "did:wba:a.b:x%2Fy",
        "did:wba:a.b:x/y", "did:wba:a.b/x", "did:wba:a@b.c", "did:wba:-a.b", "did:wba:a..b", "did:wba:a.b?x",
        "did:wba:ä.b", "did:wba:a.b#key-1", "did:wba:" + "a" * 64 + ".b", "did:wba:" + "a." * 130 + "b",
        "did:wba:a.b:" + "x" * 600,
    ],
)  # fmt: skip
def test_what_is_no_name_or_not_in_its_one_form_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        WbaDid.read(name)


def test_a_document_says_the_key_that_it_was_made_for() -> None:
    raw = did_document(KEY.peer, DID)
    assert signing_keys(raw, DID) == {"key-1": KEY.peer}
    assert json.loads(raw)["id"] == "did:wba:example.com:user:alice"


def saying(**method: Any) -> bytes:
    said = {"id": f"{DID}#key-1", "type": "Multikey", "controller": str(DID), **method}
    return json.dumps({"id": str(DID), "verificationMethod": [said], "authentication": [said["id"]]}).encode()


@pytest.mark.parametrize(
    "method",
    [
        {"publicKeyMultibase": "z" + base58.b58encode(b"\xed\x01" + KEY.peer).decode()},
        {"type": "Ed25519VerificationKey2020", "publicKeyMultibase": "z" + base58.b58encode(KEY.peer).decode()},
        {"type": "Ed25519VerificationKey2018", "publicKeyBase58": base58.b58encode(KEY.peer).decode()},
        {"type": "JsonWebKey2020", "publicKeyJwk": {"kty": "OKP", "crv": "Ed25519", "x": b64url(KEY.peer)}},
    ],
)
def test_a_key_is_read_in_each_form_that_there_is(method: dict[str, Any]) -> None:
    assert signing_keys(saying(**method), DID) == {"key-1": KEY.peer}


SMALL = bytes([1]) + bytes(31)
JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64url(KEY.peer)}


@pytest.mark.parametrize(
    "method",
    [
        {"publicKeyJwk": {**JWK, "x": b64url(SMALL)}},
        {"publicKeyJwk": {**JWK, "x": b64url(bytes(32))}},
        {"publicKeyJwk": {**JWK, "x": "!"}},
        {"publicKeyJwk": {**JWK, "x": b64url(KEY.peer[:31])}},
        {"publicKeyJwk": {**JWK, "kty": "EC", "crv": "secp256k1"}},
        {"publicKeyJwk": {**JWK, "d": b64url(b"k" * 32)}},
        {"publicKeyMultibase": "z0OIl"},
        {"publicKeyMultibase": "u" + b64url(KEY.peer)},
        {"publicKeyMultibase": "z" + base58.b58encode(b"\xe7\x01" + KEY.peer).decode()},
        {"type": "EcdsaSecp256k1VerificationKey2019", "publicKeyJwk": JWK},
        {"controller": "did:wba:evil.example", "publicKeyJwk": JWK},
        {"id": "did:wba:evil.example#key-1", "publicKeyJwk": JWK},
        {"id": str(DID), "publicKeyJwk": JWK},
        {},
    ],
)
def test_a_key_that_anybody_could_use_or_that_is_not_of_the_name_is_none(method: dict[str, Any]) -> None:
    assert signing_keys(saying(**method), DID) == {}


def test_a_key_that_is_not_for_authentication_signs_no_request() -> None:
    document = json.loads(did_document(KEY.peer, DID))
    document["authentication"] = []
    assert signing_keys(json.dumps(document).encode(), DID) == {}


def test_a_name_with_a_thumbprint_has_no_other_key_whatever_its_document_says() -> None:
    bound = DID.bound_to(KEY.peer)
    assert bound.path[-1] == f"e1_{thumbprint(KEY.peer)}"
    assert signing_keys(did_document(KEY.peer, bound), bound) == {"key-1": KEY.peer}
    assert signing_keys(did_document(OTHER.peer, bound), bound) == {}


BAD = {
    "no JSON": b"{",
    "no UTF-8": b'{"id":"\xff"}',
    "deep": b"[" * 100_000,
    "another type": b"[]",
    "nothing": b"{}",
    "another's": did_document(KEY.peer, WbaDid("evil.example")),
    "too large": b" " * (MAX_DOCUMENT_BYTES + 1),
    "two keys of one name": json.dumps(
        {
            "id": str(DID),
            "authentication": [
                json.loads(saying(publicKeyBase58=base58.b58encode(key).decode()))["verificationMethod"][0]
                for key in (KEY.peer, OTHER.peer)
            ],
        }
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_document_of_the_name_is_refused(bad: str) -> None:
    with pytest.raises(PeerFault):
        signing_keys(BAD[bad], DID)


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    key = PeerId(bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
