"""Which 32 bytes are a peer's key, and which only look like one."""

from __future__ import annotations

import pytest

from waggledance.core import Key, MessageId, PeerId, is_public_key, signature_holds

ORDER = 2**255 - 19
SMALL_ORDER = (
    bytes([1]) + bytes(31),  # the identity, of order 1
    (ORDER - 1).to_bytes(32, "little"),  # order 2
    bytes(32),  # order 4
    bytes(31) + b"\x80",  # order 4
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),  # order 8
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),  # order 8
)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_small_order_point_is_no_key(point: bytes) -> None:
    assert not is_public_key(point)


def test_attack_d14_no_signature_holds_for_the_identity_point() -> None:
    forged = bytes([1]) + bytes(63)  # R the identity, S = 0: it fulfils the equation for any message
    assert not any(signature_holds(PeerId(SMALL_ORDER[0]), MessageId(bytes([n]) * 32), forged) for n in range(64))


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), b"\xff" * 32, (ORDER + 1).to_bytes(32, "little")])
def test_other_lengths_and_other_forms_of_a_point_are_no_keys(key: bytes) -> None:
    assert not is_public_key(key)


def test_the_public_half_of_a_key_is_a_key() -> None:
    assert all(is_public_key(Key(bytes([n]) * 32).peer) for n in range(20))
