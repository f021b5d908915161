"""What peers say to each other about blobs: who has which chunks, give me one, here it is.

These travel as datagrams and are not kept. Anyone who knows a chunk's hash may ask for it: to know the hash is to hold
the list, and to hold the list is to have been given the blob's id.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from waggledance.core import PeerId

CHUNK_BYTES = 256 * 1024
"""Of every chunk but a blob's last, which may be shorter. Source: the roll-out's specification."""
MAX_CHUNKS = 32_768
"""Of one blob, 8 GiB: so that a list of chunks, 1 MiB, goes into one datagram."""

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class AskBlob(msgspec.Struct, frozen=True, array_like=True, tag="blob?", gc=False):
    """Which chunks of this blob do you have?"""

    blob: _Hash
    listed: bool = False
    """Whether the asker has the list of chunks already, so that only the map of who has what comes back."""


class HaveBlob(msgspec.Struct, frozen=True, array_like=True, tag="blob", gc=False):
    """These; an empty map says none."""

    blob: _Hash
    chunks: Annotated[bytes, msgspec.Meta(max_length=32 * MAX_CHUNKS)] = b""
    """The hashes of the chunks in their order, 32 bytes each; nothing where the asker has them, or nobody here does."""
    have: Annotated[bytes, msgspec.Meta(max_length=MAX_CHUNKS // 8)] = b""
    """One bit a chunk in their order, the lowest bit of the first byte first: 1 for what is here."""


class WantChunk(msgspec.Struct, frozen=True, array_like=True, tag="chunk?", gc=False):
    """Give me this chunk."""

    chunk: _Hash


class GiveChunk(msgspec.Struct, frozen=True, array_like=True, tag="chunk", gc=False):
    """Here it is; the receiver believes the hash and nobody's word."""

    chunk: _Hash
    content: Annotated[bytes, msgspec.Meta(min_length=1, max_length=CHUNK_BYTES)]


class NoChunk(msgspec.Struct, frozen=True, array_like=True, tag="chunk-", gc=False):
    """Not here, or not now."""

    chunk: _Hash
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 0
    """Milliseconds after which to ask again, because the asker or this peer has had its share; 0 for not here."""


BlobPayload = AskBlob | HaveBlob | WantChunk | GiveChunk | NoChunk
"""Everything that peers say about blobs."""

Sends = list[tuple[PeerId, BlobPayload]]
"""What is to be sent, and to whom."""
