"""Giving chunks: one answer a request, no more than the rate, and nobody more than its share."""

from random import Random

import msgspec
import pytest

from waggledance.core import PeerId, UsageError, local_peer_id
from waggledance.mesh import AskBlob, BlobId, BlobPayload, BlobServer, GiveChunk, HaveBlob, NoChunk, WantChunk
from waggledance.mesh._blob_messages import CHUNK_BYTES, MAX_CHUNKS
from waggledance.mesh._blobs import ChunkId, chunk_id
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES
from waggledance.testing._in_memory import MemoryBlobs

ALICE, BOB = local_peer_id("alice"), local_peer_id("bob")
CONTENT = Random(0).randbytes(3 * CHUNK_BYTES)
FIRST = chunk_id(CONTENT[:CHUNK_BYTES])


def server(rate: float = 1e9) -> tuple[BlobServer, BlobId]:
    blobs = MemoryBlobs()
    return BlobServer(blobs, bytes_per_s=rate), blobs.put(CONTENT)


def asked(giver: BlobServer, peer: PeerId, seconds: float, every_s: float = 0.001) -> int:
    """Return how many bytes of content a peer gets that asks without end."""
    got = 0
    for step in range(round(seconds / every_s)):
        for _, answer in giver.on(peer, WantChunk(FIRST), step * every_s):
            got += len(answer.content) if isinstance(answer, GiveChunk) else 0
    return got


def test_who_asks_is_told_what_is_here_and_given_it() -> None:
    giver, blob = server()
    [(to, have)] = giver.on(ALICE, AskBlob(blob), 0.0)
    assert to == ALICE
    assert isinstance(have, HaveBlob)
    assert have.have == b"\x07"
    assert len(have.chunks) == 96
    assert giver.on(ALICE, AskBlob(blob, listed=True), 0.0) == [(ALICE, HaveBlob(blob, b"", b"\x07"))]
    assert giver.on(ALICE, WantChunk(FIRST), 0.0) == [(ALICE, GiveChunk(FIRST, CONTENT[:CHUNK_BYTES]))]


def test_what_is_not_here_is_said() -> None:
    giver, _ = server()
    assert giver.on(ALICE, AskBlob(bytes(32)), 0.0) == [(ALICE, HaveBlob(bytes(32)))]
    assert giver.on(ALICE, WantChunk(bytes(32)), 0.0) == [(ALICE, NoChunk(bytes(32)))]


def test_answers_are_no_requests() -> None:
    giver, blob = server()
    for payload in (HaveBlob(blob), NoChunk(FIRST), GiveChunk(FIRST, b"x")):
        assert giver.on(ALICE, payload, 0.0) == []


def test_a_flood_of_requests_gets_the_share_of_a_peer_and_no_more() -> None:
    giver, _ = server(rate=40 * CHUNK_BYTES)
    burst = 5 * CHUNK_BYTES
    assert asked(giver, ALICE, 5.0) <= 5.0 * 20 * CHUNK_BYTES + burst


def test_a_flood_of_one_peer_leaves_the_others_theirs() -> None:
    giver, _ = server(rate=40 * CHUNK_BYTES)
    bob = 0
    for step in range(2_000):
        now = step * 0.001
        for _ in range(5):
            giver.on(ALICE, WantChunk(FIRST), now)
        if step % 100 == 0:
            bob += any(isinstance(answer, GiveChunk) for _, answer in giver.on(BOB, WantChunk(FIRST), now))
    assert bob >= 18


def test_who_had_its_share_is_told_when_to_come_again_and_gets_it_then() -> None:
    giver, _ = server(rate=8 * CHUNK_BYTES)
    while isinstance((answer := giver.on(ALICE, WantChunk(FIRST), 0.0)[0][1]), GiveChunk):
        pass
    assert isinstance(answer, NoChunk)
    assert 0 < answer.wait_ms <= 1_000
    [(_, later)] = giver.on(ALICE, WantChunk(FIRST), answer.wait_ms / 1000 + 0.001)
    assert isinstance(later, GiveChunk)


def test_who_asks_on_regardless_is_not_answered() -> None:
    giver, _ = server(rate=8 * CHUNK_BYTES)
    answers = [len(giver.on(ALICE, WantChunk(FIRST), 0.0)) for _ in range(5_000)]
    assert answers[-1] == 0


def test_a_clock_that_goes_back_gives_nothing_for_free() -> None:
    giver, _ = server(rate=8 * CHUNK_BYTES)
    times = [10.0, 0.0] * 2_000
    got = sum(isinstance(a, GiveChunk) for now in times for _, a in giver.on(ALICE, WantChunk(FIRST), now))
    assert got <= 5


def test_chunks_spoilt_on_the_disk_are_not_given() -> None:
    blobs = MemoryBlobs()
    blobs.put(CONTENT)
    blobs._files[blobs._path(FIRST)] = b"spoilt"
    assert BlobServer(blobs).on(ALICE, WantChunk(FIRST), 0.0) == [(ALICE, NoChunk(FIRST))]


def test_the_largest_answers_go_into_a_datagram() -> None:
    for answer in (
        HaveBlob(bytes(32), bytes(32 * MAX_CHUNKS), bytes(MAX_CHUNKS // 8)),
        GiveChunk(bytes(32), bytes(CHUNK_BYTES)),
    ):
        assert len(msgspec.msgpack.encode(answer)) < MAX_DATAGRAM_BYTES - 1_000


@pytest.mark.parametrize(
    "payload",
    [
        WantChunk(ChunkId(bytes(31))),
        GiveChunk(bytes(32), bytes(CHUNK_BYTES + 1)),
        GiveChunk(bytes(32), b""),
        HaveBlob(bytes(32), bytes(32 * MAX_CHUNKS + 32)),
        NoChunk(bytes(32), -1),
    ],
)
def test_what_breaks_a_limit_does_not_decode(payload: BlobPayload) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(payload), type=BlobPayload)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_a_usage_error(rate: float) -> None:
    with pytest.raises(UsageError, match="positive number of bytes"):
        BlobServer(MemoryBlobs(), bytes_per_s=rate)
