"""What is signed cannot be bent, and what arrives has bounds."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from waggledance.core import Key, PeerId, swarm_id
from waggledance.mesh._swim_messages import (
    MAX_INCARNATION,
    MAX_NEWS,
    News,
    Ping,
    SwimPayload,
    death,
    genuine,
    leave_note,
    refutation,
    suspicion,
)

SWARM = swarm_id("bees")
ALICE, BOB, CAROL = (Key(bytes([n]) * 32) for n in range(1, 4))
CLAIM = refutation(BOB, SWARM, 2).signature
EVERY = [
    refutation(BOB, SWARM, 2),
    leave_note(BOB, SWARM, 2),
    suspicion(ALICE, SWARM, BOB.peer, 2, CLAIM),
    death(ALICE, SWARM, BOB.peer, 2, CLAIM),
]
_decode = msgspec.msgpack.Decoder(SwimPayload).decode


@dataclass(frozen=True)
class Bent:
    field: str
    value: object


@pytest.mark.parametrize("piece", EVERY, ids=lambda piece: type(piece).__name__)
def test_news_holds_as_it_was_signed_and_not_with_any_field_bent(piece: News) -> None:
    assert genuine(piece, SWARM, b"")
    assert not genuine(piece, swarm_id("wasps"), b"")
    for bent in (
        Bent("peer", CAROL.peer),
        Bent("incarnation", 3),
        Bent("incarnation", 0),
        Bent("signature", bytes(64)),
        Bent("accuser", CAROL.peer),
        Bent("claim", bytes(64)),
        Bent("claim", b""),
    ):
        if hasattr(piece, bent.field):
            assert not genuine(msgspec.structs.replace(piece, **{bent.field: bent.value}), SWARM, b"")


def test_one_kind_of_news_is_no_signature_of_another() -> None:
    alive, left, suspect, dead = EVERY
    assert not genuine(msgspec.structs.replace(alive, signature=left.signature), SWARM, b"")
    assert not genuine(msgspec.structs.replace(left, signature=alive.signature), SWARM, b"")
    assert not genuine(msgspec.structs.replace(suspect, signature=dead.signature), SWARM, b"")
    assert not genuine(msgspec.structs.replace(dead, signature=suspect.signature), SWARM, b"")


def test_a_claim_that_is_known_is_not_verified_again_and_an_unknown_one_is() -> None:
    asked: list[PeerId] = []

    def watching(author: PeerId, id: bytes, signature: bytes) -> bool:
        asked.append(author)
        return True

    accusation = EVERY[2]
    assert genuine(accusation, SWARM, CLAIM, watching)
    assert asked == [ALICE.peer]
    assert genuine(accusation, SWARM, b"", watching)
    assert asked == [ALICE.peer, BOB.peer, ALICE.peer]


def test_every_piece_of_news_survives_the_wire_and_takes_at_most_two_hundred_and_fifteen_bytes() -> None:
    ping = Ping((1 << 63) - 1, tuple(EVERY * 3)[:MAX_NEWS])
    assert _decode(msgspec.msgpack.encode(ping)) == ping
    assert max(len(msgspec.msgpack.encode(piece)) for piece in EVERY) <= 215


@pytest.mark.parametrize(
    "wrong",
    [
        ["ping", -1, []],
        ["ping", 1 << 63, []],
        ["ping", 1, [["r", bytes(31), 0, bytes(64)]]],
        ["ping", 1, [["r", bytes(32), -1, bytes(64)]]],
        ["ping", 1, [["r", bytes(32), MAX_INCARNATION + 1, bytes(64)]]],
        ["ping", 1, [["r", bytes(32), 0, bytes(63)]]],
        ["ping", 1, [["d", bytes(32), 0, bytes(65), bytes(32), bytes(64)]]],
        ["ping", 1, [["r", bytes(32), 0, bytes(64)]] * (MAX_NEWS + 1)],
        ["ping", 1, [["x", bytes(32), 0, bytes(64)]]],
        ["ping-request", 1, bytes(31), []],
    ],
)
def test_what_is_out_of_bounds_does_not_decode(wrong: list[object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        _decode(msgspec.msgpack.encode(wrong))
