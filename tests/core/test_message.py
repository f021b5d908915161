"""The envelope: what another implementation must agree on, and what no bytes from outside can do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loading import load
from waggledance.core import (
    Body,
    Channel,
    Key,
    MessageId,
    Note,
    PeerFault,
    PeerId,
    Proposal,
    Unknown,
    UsageError,
    encode,
    frame,
    local_peer_id,
    open_frame,
    raw_of,
    show,
    signature_holds,
    swarm_id,
)
from waggledance.core._message import KINDS, MAX_BODY_BYTES, compose, decode, decode_body, message_id

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("envelope_vectors.json").read_text())
VALID: list[dict[str, Any]] = VECTORS["valid"]
REFUSED: list[dict[str, Any]] = VECTORS["refused"]
FRAMES = [bytes.fromhex(v["frame"]) for v in VALID]
ADA = local_peer_id("ada")
SWARM = swarm_id("bees")


def named(vector: dict[str, Any]) -> str:
    return str(vector["name"])


# -- vectors ----------------------------------------------------------------------------------------------------


def test_there_are_vectors_enough_for_another_implementation() -> None:
    assert len(VALID) >= 10
    assert len(REFUSED) >= 10
    assert {v["reason"] for v in REFUSED} == {"malformed", "not-canonical", "limits"}


@pytest.mark.parametrize("vector", VALID, ids=named)
def test_a_valid_vector_opens_to_its_fields_and_its_id(vector: dict[str, Any]) -> None:
    message = open_frame(bytes.fromhex(vector["frame"]))
    fields = vector["fields"]
    assert message.id.hex() == vector["id"] == message_id(bytes.fromhex(vector["canonical"])).hex()
    assert message.author.hex() == fields["au"]["hex"]
    assert (message.channel, message.kind, message.lamport) == (fields["ch"], fields["ki"], fields["lc"])
    assert (message.sequence, message.wall_ms, message.swarm.hex()) == (
        fields["sq"],
        fields["ts"],
        fields["net"]["hex"],
    )
    assert message.previous == (fields["pv"] and bytes.fromhex(fields["pv"]["hex"]))
    assert [id.hex() for id in message.parents] == [p["hex"] for p in fields["pa"]]
    assert message.expires_ms == fields.get("xp")
    assert [(b.h.hex(), b.n, b.ty) for b in message.blobs] == [
        (b["h"]["hex"], b["n"], b["ty"]) for b in fields.get("bl", [])
    ]


@pytest.mark.parametrize("vector", VALID, ids=named)
def test_a_valid_vector_encodes_to_its_bytes_and_carries_its_signature(vector: dict[str, Any]) -> None:
    received = bytes.fromhex(vector["frame"])
    message = open_frame(received)
    assert encode(message).hex() == vector["canonical"]
    assert frame(message) == received
    key = Key(bytes.fromhex(vector["seed"]))
    assert key.peer == message.author
    assert key.sign(message.id).hex() == vector["signature"]
    assert signature_holds(message.author, message.id, message.signature)


@pytest.mark.parametrize("vector", REFUSED, ids=named)
def test_a_refused_vector_is_refused_for_its_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(PeerFault) as refused:
        open_frame(bytes.fromhex(vector["frame"]))
    assert refused.value.reason == vector["reason"]


# -- any bytes at all -------------------------------------------------------------------------------------------


def opens_or_is_refused(received: bytes) -> None:
    try:
        message = open_frame(received)
    except PeerFault:
        return
    assert frame(message) == received


@given(received=st.binary(max_size=300))
def test_any_bytes_open_to_the_same_bytes_or_are_refused(received: bytes) -> None:
    opens_or_is_refused(received)


@given(raw=st.binary(max_size=300))
def test_any_envelope_opens_to_the_same_bytes_or_is_refused(raw: bytes) -> None:
    opens_or_is_refused(msgspec.msgpack.encode((raw, b"")))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(plain=PLAIN, kind=st.sampled_from(["dance/9", "proposal/1", "cut/1"]))
def test_any_body_opens_to_the_same_bytes_or_is_refused(plain: object, kind: str) -> None:
    valid = msgspec.msgpack.decode(bytes.fromhex(VALID[0]["canonical"]))
    body = msgspec.msgpack.encode(plain, order="sorted")
    raw = msgspec.msgpack.encode(valid | {"bo": body, "ki": kind}, order="sorted")
    opens_or_is_refused(msgspec.msgpack.encode((raw, b"")))


@settings(max_examples=400)
@given(data=st.data())
def test_a_valid_frame_with_a_few_bytes_changed_opens_to_itself_or_is_refused(data: st.DataObject) -> None:
    received = bytearray(data.draw(st.sampled_from(FRAMES)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(received) - 1))
        match data.draw(st.sampled_from(["change", "insert", "remove"])):
            case "change":
                received[at] = data.draw(st.integers(0, 255))
            case "insert":
                received.insert(at, data.draw(st.integers(0, 255)))
            case _:
                del received[at]
    opens_or_is_refused(bytes(received))


def test_a_frame_or_body_beyond_its_size_is_refused() -> None:
    valid = msgspec.msgpack.decode(bytes.fromhex(VALID[0]["canonical"]))
    body = msgspec.msgpack.encode(bytes(MAX_BODY_BYTES))
    raw = msgspec.msgpack.encode(valid | {"bo": body, "ki": "dance/9"}, order="sorted")
    for received, reason in ((msgspec.msgpack.encode((raw, b"")), "malformed"), (bytes(96 * 1024 + 1), "oversize")):
        with pytest.raises(PeerFault) as refused:
            open_frame(received)
        assert refused.value.reason == reason


def test_a_note_that_arrives_under_no_short_name_is_refused() -> None:
    good = msgspec.msgpack.encode(msgspec.to_builtins(Note(about="outline", text="x")), order="sorted")
    assert decode_body("note/1", good) == Note(about="outline", text="x")
    bad = msgspec.msgpack.encode(msgspec.msgpack.decode(good) | {"about": "../system"}, order="sorted")
    with pytest.raises(PeerFault, match="malformed") as refused:
        decode_body("note/1", bad)
    assert refused.value.reason == "malformed"


@given(depth=st.integers(1, 60_000))
def test_nesting_is_refused_alike_however_deep(depth: int) -> None:
    valid = msgspec.msgpack.decode(bytes.fromhex(VALID[0]["canonical"]))
    raw = msgspec.msgpack.encode(valid | {"bo": b"\x91" * depth + b"\xc0", "ki": "dance/9"}, order="sorted")
    if depth <= 64:
        decode(raw)
    else:
        with pytest.raises(PeerFault):
            decode(raw)


# -- bodies -----------------------------------------------------------------------------------------------------


def test_a_body_can_be_checked_by_who_does_not_know_its_kind() -> None:
    class Waggle(Body, frozen=True):
        kind: ClassVar[str] = "waggle-of-this-test/1"
        zeal: int
        angle: int

    _, raw = compose(ADA, Waggle(zeal=1, angle=2), 1, None, (), 1, 0, SWARM, "q1")
    assert isinstance(decode(raw).body, Waggle)
    del KINDS[Waggle.kind]
    stranger = decode(raw)
    assert isinstance(stranger.body, Unknown)
    assert stranger.kind == Waggle.kind
    assert encode(stranger) == raw


def test_two_types_cannot_share_a_kind() -> None:
    with pytest.raises(UsageError, match="proposal/1"):

        class Second(Body, frozen=True):  # pyright: ignore[reportUnusedClass]
            kind: ClassVar[str] = "proposal/1"


def test_a_body_without_a_kind_is_not_published() -> None:
    class Nameless(Body, frozen=True):
        pass

    with pytest.raises(UsageError, match="Nameless has no kind"):
        Channel(SWARM, "q1").publish(ADA, Nameless(), [], 0)


def test_a_body_beyond_64_kib_is_not_published() -> None:
    channel = Channel(SWARM, "q1")
    with pytest.raises(UsageError, match="the limit is 65,536"):
        channel.publish(ADA, Proposal(key="4", text="x" * MAX_BODY_BYTES), [], 0)
    assert len(channel) == 0


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), round=st.integers(0, 2**31))
def test_whatever_is_published_opens_to_itself(text: str, round: int) -> None:
    proposal = msgspec.structs.replace(Proposal.of(text, text, confidence=0.3, lapse=text), round=round)
    message, raw = compose(ADA, proposal, 1, None, (), 1, 0, SWARM, "q1")
    framed = frame(message)
    back = open_frame(framed)
    assert (back.id, back.body, encode(back), raw_of(framed)) == (message.id, proposal, raw, raw)


def test_messages_are_equal_when_their_ids_are() -> None:
    message, raw = compose(ADA, Proposal(key="4"), 1, None, (), 1, 0, SWARM, "q1")
    assert message == decode(raw)
    assert len({message, decode(raw)}) == 1
    assert message != "something else"


# -- keys -------------------------------------------------------------------------------------------------------


def test_a_signature_holds_for_its_author_and_message_only() -> None:
    ada, bea = Key(bytes([1]) * 32), Key(bytes([2]) * 32)
    id, other = MessageId(bytes(32)), MessageId(bytes([1]) * 32)
    signature = ada.sign(id)
    assert signature_holds(ada.peer, id, signature)
    assert not signature_holds(bea.peer, id, signature)
    assert not signature_holds(ada.peer, other, signature)
    assert not signature_holds(ada.peer, id, signature[:-1])
    assert not signature_holds(PeerId(b"short"), id, signature)


def test_a_key_signs_its_own_messages_only() -> None:
    message, _ = compose(ADA, Proposal(key="4"), 1, None, (), 1, 0, SWARM, "q1")
    with pytest.raises(UsageError, match=f"cannot sign a message by {show(ADA)}"):
        Key(bytes(32)).signed(message)


def test_a_key_shows_nothing_secret_and_needs_32_bytes() -> None:
    seed = bytes(range(32))
    assert seed.hex()[:12] not in repr(Key(seed))
    with pytest.raises(UsageError, match="32 secret bytes, got 5"):
        Key(b"short")


def test_the_vectors_file_is_what_its_maker_writes() -> None:
    maker = load(Path(__file__).with_name("make_envelope_vectors.py"))
    assert maker.vectors() == VECTORS
