"""The protocol's own SDK lets in who signs with ours, and ours who signs with the SDK."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anp.authentication import create_did_wba_document
from anp.authentication import did_wba as theirs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from waggledance.core import Key
from waggledance.gateways import Strangers, WbaDid, did_document, signed_header

ALICE = Key(b"a" * 32)
US = "swarm.example"
NOW_MS = 1_790_000_000_000


class Clock:
    def now(self) -> float:
        return NOW_MS / 1000

    def wall_ms(self) -> int:
        return NOW_MS


@pytest.mark.parametrize("did", [WbaDid("bees.example"), WbaDid("bees.example", 8443, ("alice",))])
def test_their_verifier_takes_our_header_with_our_document(did: WbaDid) -> None:
    sdk: Any = theirs
    document: dict[str, Any] = json.loads(did_document(ALICE.peer, did))
    said = signed_header(ALICE, did, US, nonce="n1", now_ms=NOW_MS)
    assert sdk.validate_did_document_binding(document)
    assert sdk.verify_auth_header_signature(said, document, US) == (True, "Verification successful")
    assert sdk.verify_auth_header_signature(said, document, "other.example")[0] is False
    assert sdk.verify_auth_header_signature(said.replace("n1", "n2"), document, US)[0] is False


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("path", [None, ["user", "alice"]])
async def test_our_verifier_takes_their_header_with_their_document(version: str, path: list[str] | None) -> None:
    document, keys = create_did_wba_document("bees.example", path_segments=path)
    secret = load_pem_private_key(keys["key-1"][0], None)
    assert isinstance(secret, Ed25519PrivateKey)

    def sign(content: bytes, fragment: str) -> bytes:
        assert fragment == "key-1"
        return secret.sign(content)

    async def served(_: WbaDid) -> bytes:
        return json.dumps(document).encode()

    sdk: Any = theirs
    said: str = sdk.generate_auth_header(document, US, sign, version=version, timestamp="2026-09-21T14:13:20Z")
    did: str = document["id"]
    assert WbaDid.read(did).thumbprint == ("" if path is None else did.rpartition("e1_")[2])
    assert await Strangers([did], [US], served, clock=Clock()).holder(said) == did
