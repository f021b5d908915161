"""Fetching from several peers: hashes are believed, nobody else; what is owed is fetched elsewhere."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from waggledance.core import UsageError, local_peer_id
from waggledance.mesh import (
    AskBlob,
    BlobFetch,
    BlobId,
    BlobPayload,
    Blobs,
    BlobServer,
    GiveChunk,
    HaveBlob,
    NoChunk,
    WantChunk,
)
from waggledance.mesh._blob_messages import CHUNK_BYTES
from waggledance.mesh._blobs import blob_id, chunk_id
from waggledance.testing._blob_wire import Wire, corrupt, honest, silent
from waggledance.testing._in_memory import MemoryBlobs


def some(size: int, seed: int = 0) -> bytes:
    return Random(seed).randbytes(size)


def test_64_mib_from_three_of_whom_one_lies_and_one_dies_come_at_06_of_the_best_alone() -> None:
    content = some(64 << 20)
    alone = Wire(content, [honest])
    alone_s = alone.run(alone.fetch(MemoryBlobs()))

    def dies(now: float, payload: BlobPayload) -> BlobPayload | None:
        return payload if now < alone_s / 6 else None

    wire = Wire(content, [corrupt, honest, dies])
    blobs = MemoryBlobs()
    fetch = wire.fetch(blobs)
    took_s = wire.run(fetch)
    assert fetch.done
    assert blobs.get(wire.blob) == content
    assert list(fetch.faults) == [wire.peers[0]]
    assert wire.given[wire.peers[2]] > 0
    assert took_s <= alone_s / 0.6


@pytest.mark.parametrize("seed", range(4))
def test_what_one_provider_corrupts_is_refused_by_its_hash_and_fetched_elsewhere(tmp_path: Path, seed: int) -> None:
    liar = Random(seed).randrange(3)
    wire = Wire(some(5 * CHUNK_BYTES + 1, seed), [corrupt if i == liar else honest for i in range(3)], seed=seed)
    blobs = Blobs(tmp_path)
    fetch = wire.fetch(blobs)
    wire.run(fetch)
    assert fetch.done
    assert blobs.get(wire.blob) == wire.content
    assert set(fetch.faults) <= {wire.peers[liar]}


@pytest.mark.parametrize("loss", [0.1, 0.4])
def test_loss_delays_and_does_not_stop(loss: float) -> None:
    wire = Wire(some(20 * CHUNK_BYTES), [honest, honest], loss=loss)
    fetch = wire.fetch(MemoryBlobs())
    wire.run(fetch)
    assert fetch.done


def test_a_clean_link_carries_every_chunk_once() -> None:
    wire = Wire(some(40 * CHUNK_BYTES), [honest, honest, honest])
    fetch = wire.fetch(MemoryBlobs())
    wire.run(fetch)
    assert sum(wire.given.values()) < 1.05 * len(wire.content)
    assert min(wire.given.values()) > 0.2 * len(wire.content)


def test_a_fetch_that_was_killed_goes_on_with_what_is_on_the_disk(tmp_path: Path) -> None:
    wire = Wire(some(12 * CHUNK_BYTES), [honest])
    blobs = Blobs(tmp_path)
    wire.run(wire.fetch(blobs), until=lambda: blobs.held_bytes > 6 * CHUNK_BYTES)
    given = wire.given[wire.peers[0]]
    again = Blobs(tmp_path)
    assert 0 < len(again.missing(wire.blob)) <= 6
    fetch = wire.fetch(again)
    wire.run(fetch)
    assert again.get(wire.blob) == wire.content
    assert wire.given[wire.peers[0]] - given < 7 * CHUNK_BYTES


def test_what_is_here_is_done_without_asking(tmp_path: Path) -> None:
    wire = Wire(some(CHUNK_BYTES), [honest])
    blobs = Blobs(tmp_path)
    blobs.put(wire.content)
    fetch = wire.fetch(blobs)
    assert fetch.done
    assert fetch.tick(0.0) == []
    assert fetch.next_at is None


def test_only_chunks_that_another_blob_lacks_travel() -> None:
    old = some(6 * CHUNK_BYTES)
    wire = Wire(old[: 5 * CHUNK_BYTES] + some(CHUNK_BYTES, seed=1), [honest])
    blobs = MemoryBlobs()
    blobs.put(old)
    wire.run(wire.fetch(blobs))
    assert blobs.get(wire.blob) == wire.content
    assert wire.given[wire.peers[0]] < 1.1 * CHUNK_BYTES


def test_partial_holders_together_make_a_whole() -> None:
    content = some(8 * CHUNK_BYTES)
    wire = Wire(content, [honest, honest])
    chunks = [chunk_id(content[i : i + CHUNK_BYTES]) for i in range(0, len(content), CHUNK_BYTES)]
    for peer, part in zip(wire.peers, (chunks[:5], chunks[4:]), strict=True):
        held = MemoryBlobs()
        held.keep_list(wire.blob, chunks)
        for chunk in part:
            i = chunks.index(chunk) * CHUNK_BYTES
            held.keep(chunk, content[i : i + CHUNK_BYTES])
        wire.servers[peer] = BlobServer(held)
    fetch = wire.fetch(MemoryBlobs())
    wire.run(fetch)
    assert fetch.done


def test_who_says_to_have_what_it_has_not_is_asked_for_other_things() -> None:
    def boasts(now: float, payload: BlobPayload) -> BlobPayload:
        return NoChunk(payload.chunk) if isinstance(payload, GiveChunk) else payload

    wire = Wire(some(8 * CHUNK_BYTES), [boasts, honest])
    fetch = wire.fetch(MemoryBlobs())
    wire.run(fetch)
    assert fetch.done


def test_nobody_but_liars_fails_at_once_and_says_who() -> None:
    wire = Wire(some(CHUNK_BYTES), [corrupt, corrupt])
    fetch = wire.fetch(MemoryBlobs())
    assert wire.run(fetch) < 5
    assert not fetch.done
    assert "nobody is left to ask" in fetch.failed
    assert fetch.failed.count("corrupt") == 2


def test_silence_fails_after_the_patience() -> None:
    wire = Wire(some(CHUNK_BYTES), [silent])
    fetch = wire.fetch(MemoryBlobs(), patience_s=7)
    assert wire.run(fetch) == pytest.approx(7)
    assert "nothing new came for 7 s" in fetch.failed
    assert fetch.on(wire.peers[0], NoChunk(bytes(32)), 8.0) == []


def test_a_provider_learnt_of_later_is_asked(tmp_path: Path) -> None:
    wire = Wire(some(2 * CHUNK_BYTES), [silent, honest])
    fetch = BlobFetch(wire.blob, len(wire.content), Blobs(tmp_path), wire.peers[:1], wire.luck, 0.0)
    wire.run(fetch, until=lambda: wire.now > 3)
    fetch.add(wire.peers)
    wire.run(fetch)
    assert fetch.done
    assert fetch.asked == 2


def torn(have: HaveBlob) -> HaveBlob:
    return HaveBlob(have.blob, have.chunks[:-1], have.have)


def shorter(have: HaveBlob) -> HaveBlob:
    return HaveBlob(have.blob, have.chunks[32:], have.have)


def boastful(have: HaveBlob) -> HaveBlob:
    return HaveBlob(have.blob, have.chunks, have.have + b"\xff")


@pytest.mark.parametrize("lie", [torn, shorter, boastful])
def test_a_list_that_is_not_the_blobs_is_blamed_on_who_gave_it(lie: Callable[[HaveBlob], HaveBlob]) -> None:
    def lies(now: float, payload: BlobPayload) -> BlobPayload:
        return lie(payload) if isinstance(payload, HaveBlob) else payload

    wire = Wire(some(3 * CHUNK_BYTES), [lies])
    fetch = wire.fetch(MemoryBlobs())
    wire.run(fetch)
    assert list(fetch.faults) == wire.peers


@pytest.mark.parametrize("said", [CHUNK_BYTES - 1, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_another_size_than_was_said_is_refused(said: int) -> None:
    wire = Wire(some(CHUNK_BYTES), [honest])
    fetch = BlobFetch(wire.blob, said, MemoryBlobs(), wire.peers, Random(0), 0.0)
    wire.run(fetch)
    assert "as was said" in fetch.failed


def test_a_full_folder_fails_with_what_to_do(tmp_path: Path) -> None:
    wire = Wire(some(3 * CHUNK_BYTES), [honest])
    fetch = wire.fetch(Blobs(tmp_path, limit_bytes=2 * CHUNK_BYTES))
    wire.run(fetch)
    assert "make room on the disk" in fetch.failed


def test_strangers_and_things_not_asked_for_change_nothing(tmp_path: Path) -> None:
    wire = Wire(some(2 * CHUNK_BYTES), [honest])
    blobs = Blobs(tmp_path)
    fetch = wire.fetch(blobs)
    junk = GiveChunk(chunk_id(b"junk"), b"junk")
    assert fetch.on(local_peer_id("stranger"), junk, 0.0) == []
    fetch.on(wire.peers[0], junk, 0.0)
    fetch.on(wire.peers[0], HaveBlob(bytes(32), bytes(32), b"\x01"), 0.0)
    fetch.on(wire.peers[0], WantChunk(bytes(32)), 0.0)
    assert blobs.held_bytes == 0
    assert fetch.faults == {}


def test_an_empty_blob_is_there_without_anybody(tmp_path: Path) -> None:
    fetch = BlobFetch(blob_id(()), 0, Blobs(tmp_path), [local_peer_id("a")], Random(0), 0.0)
    assert fetch.done


def test_a_fetch_asks_for_the_list_only_where_it_lacks_it(tmp_path: Path) -> None:
    wire = Wire(some(2 * CHUNK_BYTES), [honest])
    fetch = wire.fetch(Blobs(tmp_path))
    assert fetch.tick(0.0) == [(wire.peers[0], AskBlob(wire.blob, listed=False))]


@pytest.mark.parametrize(
    ("size", "peers", "patience_s"), [(-1, 1, 1), (9 << 30, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, float("nan"))]
)
def test_a_fetch_that_cannot_be_is_a_usage_error(tmp_path: Path, size: int, peers: int, patience_s: float) -> None:
    providers = [local_peer_id("a")] * peers
    with pytest.raises(UsageError):
        BlobFetch(BlobId(bytes(32)), size, Blobs(tmp_path), providers, Random(0), 0.0, patience_s=patience_s)
