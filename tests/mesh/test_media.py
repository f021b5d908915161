"""What a part holds: never more than was said, never other than was said, and where it is missing there are words."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from waggledance.core import (
    BlobRef,
    Channel,
    Message,
    Meta,
    Part,
    PeerFault,
    Say,
    Transcript,
    local_peer_id,
    swarm_id,
)
from waggledance.mesh import Blobs
from waggledance.mesh._blobs import blob_of
from waggledance.mesh._media import (
    checked_content,
    content_of,
    differing_transcripts,
    received_blob,
    tracks,
    wav_milliseconds,
)

ADA, BOB = local_peer_id("ada"), local_peer_id("bob")


def wav(milliseconds: int, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(2 * rate * milliseconds // 1_000))
    return file.getvalue()


def ref(content: bytes, size_bytes: int | None = None) -> BlobRef:
    return BlobRef(blob_of(content), len(content) if size_bytes is None else size_bytes)


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def test_a_gigabyte_that_was_said_to_be_ten_kilobytes_is_cut_off_there() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 4_096
            yield bytes(4_096)

    with pytest.raises(PeerFault, match="10,240 bytes goes on") as fault:
        await received_blob(BlobRef(bytes(32), 10_240), endless())
    assert fault.value.reason == "oversize"
    assert sent <= 10_240 + 4_096


async def test_what_is_short_or_of_another_hash_is_not_taken() -> None:
    content = b"a" * 700_000
    assert await received_blob(ref(content), pieces(content[:9], content[9:])) == content
    for wrong in ((content[:-1],), (b"b" * 700_000,)):
        with pytest.raises(PeerFault) as fault:
            await received_blob(ref(content), pieces(*wrong))
        assert fault.value.reason == "corrupt"
    assert await received_blob(ref(b""), pieces()) == b""


def test_a_missing_blob_leaves_the_words_and_a_false_size_is_as_good_as_missing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    content = wav(100)
    part = Part(type="audio/wav", blob=ref(content), alt="hello")
    assert content_of(part, blobs) is None
    assert part.words == "hello"
    blobs.put(content)
    assert content_of(part, blobs) == content
    assert content_of(Part(type="audio/wav", blob=ref(content, 9), alt="hello"), blobs) is None
    assert content_of(Part(type="image/gif", inline=b"GIF", alt="dot"), blobs) == b"GIF"
    assert content_of(Part(type="text/plain", text="hé"), blobs) == "hé".encode()


def test_length_and_content_are_checked_before_anybody_decodes() -> None:
    content = wav(2_500)
    part = Part(type="audio/wav", blob=ref(content), alt="x", meta=Meta(milliseconds=2_500))
    assert checked_content(part, content) == content
    with pytest.raises(PeerFault, match="not what the part refers to"):
        checked_content(part, content + b"\0")
    longer = Part(type="audio/wav", blob=ref(content), alt="x", meta=Meta(milliseconds=900))
    with pytest.raises(PeerFault) as fault:
        checked_content(longer, content)
    assert fault.value.reason == "limits"


@pytest.mark.parametrize("milliseconds", [0, 40, 1_000, 59_000])
def test_how_long_a_wav_plays_is_in_its_header(milliseconds: int) -> None:
    assert abs(wav_milliseconds(wav(milliseconds)) - milliseconds) <= 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"ID3" + bytes(99),
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + bytes(16),
        b"RIFF\0\0\0\0WAVE" + b"LIST\xff\xff\xff\xff" * 9,
    ],
)
def test_what_is_no_wav_is_none(content: bytes) -> None:
    with pytest.raises(PeerFault) as fault:
        wav_milliseconds(content)
    assert fault.value.reason == "corrupt"


def test_a_lying_description_shows_when_somebody_else_listens() -> None:
    channel = Channel(swarm_id("bees"), "talk")
    part = Part(type="audio/wav", blob=BlobRef(b"h" * 32, 9), alt="Yes, I agree.")
    channel.publish(ADA, Say(parts=(part,)), [], 0)
    alike = channel.publish(BOB, Transcript(of=b"h" * 32, text="yes I agree", by="ear"), [], 0)
    other = channel.publish(local_peer_id("cyd"), Transcript(of=b"h" * 32, text="No!", by="ear"), [], 0)
    elsewhere = channel.publish(local_peer_id("dov"), Transcript(of=b"x" * 32, text="No!", by="ear"), [], 0)
    assert differing_transcripts(part, (alike, other, elsewhere)) == (other,)


def test_tracks_come_in_causal_order_whoever_asks_and_missing_ones_as_words(tmp_path: Path) -> None:
    blobs, channel = Blobs(tmp_path), Channel(swarm_id("bees"), "talk")
    here = wav(50)
    blobs.put(here)
    last: list[Message[Say]] = []
    for i in range(6):
        content = here if i % 2 else wav(60 + i)
        part = Part(type="audio/wav", blob=ref(content), alt=str(i), meta=Meta(milliseconds=50))
        last = [channel.publish((ADA, BOB)[i % 2], Say(parts=(part, Part(type="text/plain", text="t"))), last, 0)]
    said = channel.said(Say)
    found = tracks(said, {ADA: "ada"}, blobs)
    assert found == tracks(tuple(reversed(said)), {ADA: "ada"}, blobs)
    assert [track.words for track in found] == list("012345")
    assert [track.content is not None for track in found] == [False, True] * 3
    assert [track.name for track in found[:2]] == ["ada", BOB.hex()[:8]]
