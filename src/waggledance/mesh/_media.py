"""What a part of a message holds: fetched up to the size that was said, checked by size and hash before it is decoded.

Nothing here decodes. Decoders of sound and pictures are a way in for attackers; whoever wants to decode does so in a
sandbox (`tasks.Sandbox`), after `checked_content`. What is missing or wrong is no failure of a conversation: there are
always the part's words.

Source: the rules of the project's card on Zhang et al. 2024, "SpeechAgents", arXiv:2401.03945.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from waggledance.core import BlobRef, Message, Part, PeerFault, PeerId, Say, Transcript
from waggledance.mesh._blobs import BlobId, BlobMissing, Blobs, blob_of

_WAV_HEADER_BYTES = 65_536
"""Where the chunk with a sound's format must have begun."""


def held(ref: BlobRef, blobs: Blobs) -> bytes | None:
    """Return a blob's content; None where not all of it is here, or it is not of the size that was said."""
    if blobs.size_bytes(BlobId(ref.hash)) != ref.size_bytes:
        return None
    try:
        return blobs.get(BlobId(ref.hash))
    except BlobMissing:
        return None


def content_of(part: Part, blobs: Blobs) -> bytes | None:
    """Return what a part holds; None where it is not here: then its words stand for it."""
    if part.blob is not None:
        return held(part.blob, blobs)
    return part.text.encode() if part.text else part.inline


async def received_blob(ref: BlobRef, pieces: AsyncIterator[bytes]) -> bytes:
    """Take a blob from whoever sends it, piece by piece, and no more of it than was said.

    Raises:
        PeerFault: with reason ``oversize``: there is more than was said, of which no more was read; with ``corrupt``:
            there is less, or its hash is another.
    """
    content = bytearray()
    async for piece in pieces:
        if len(content) + len(piece) > ref.size_bytes:
            raise PeerFault("oversize", f"a blob that was said to have {ref.size_bytes:,} bytes goes on after them")
        content += piece
    if len(content) < ref.size_bytes:
        raise PeerFault("corrupt", f"a blob of {ref.size_bytes:,} bytes ended after {len(content):,}")
    whole = bytes(content)
    if blob_of(whole) != ref.hash:
        raise PeerFault("corrupt", f"{len(whole):,} bytes are not the blob that they were sent as")
    return whole


def checked_content(part: Part, content: bytes) -> bytes:
    """Return content that may be decoded: it is what the part refers to, and a WAV plays as long as the part says.

    Raises:
        PeerFault: with reason ``corrupt``: other content than the part's; with ``limits``: it plays longer than said.
    """
    if part.blob is not None and (len(content) != part.blob.size_bytes or blob_of(content) != part.blob.hash):
        raise PeerFault("corrupt", f"{len(content):,} bytes are not what the part refers to")
    said_ms = 0 if part.meta is None else part.meta.milliseconds
    if part.type in ("audio/wav", "audio/x-wav") and said_ms:
        plays_ms = wav_milliseconds(content)
        if plays_ms > said_ms + 1_000:
            raise PeerFault("limits", f"a sound of {said_ms:,} ms, as it was said, plays {plays_ms:,} ms")
    return content


def wav_milliseconds(content: bytes) -> int:
    """Return how long a WAV plays, by its header and its length, without decoding a sample.

    Raises:
        PeerFault: with reason ``corrupt``: it is no WAV, or its header cannot be.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise PeerFault("corrupt", "content that is said to be a WAV does not begin like one")
    at = 12
    while at + 8 <= min(len(content), _WAV_HEADER_BYTES):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == b"fmt " and at + 24 <= len(content):
            bytes_a_second = int.from_bytes(content[at + 16 : at + 20], "little")
            if not 1_000 <= bytes_a_second <= 2_000_000:
                raise PeerFault("corrupt", f"a WAV of {bytes_a_second:,} bytes a second is none")
            return (len(content) - at) * 1_000 // bytes_a_second
        at += 8 + size + size % 2
    raise PeerFault("corrupt", "a WAV without a format")


class Track(msgspec.Struct, frozen=True):
    """One sound of a conversation."""

    name: str
    """Who speaks."""
    words: str
    """What is said, as the speaker wrote it down."""
    type: str
    milliseconds: int
    """How long, as the speaker says; 0 where that is not said."""
    content: bytes | None
    """The sound; None where it is not here, and the words are all there is."""


def tracks(said: Sequence[Message[Say]], names: Mapping[PeerId, str], blobs: Blobs) -> tuple[Track, ...]:
    """Return the sounds of a conversation in causal order, ties by id: the same on every peer with the same turns."""
    ordered = sorted(said, key=lambda message: (message.lamport, message.id))
    return tuple(
        Track(
            names.get(message.author) or message.author.hex()[:8],
            part.alt,
            part.type,
            0 if part.meta is None else part.meta.milliseconds,
            content_of(part, blobs),
        )
        for message in ordered
        for part in message.body.parts
        if part.type.startswith("audio/")
    )


def differing_transcripts(part: Part, transcripts: Sequence[Message[Transcript]]) -> tuple[Message[Transcript], ...]:
    """Return the transcripts of a part's content by others that do not say what the part's sender says of it.

    Words are compared without capitals, signs and spacing; sorted by id. Who is right, they do not tell.
    """
    claimed = _spoken(part.alt)
    mine = () if part.blob is None else (t for t in transcripts if t.body.of == part.blob.hash)
    return tuple(sorted(t for t in mine if _spoken(t.body.text) != claimed))


def _spoken(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.casefold()))
