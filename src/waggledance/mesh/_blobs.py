r"""Large bodies on disk, named by what is in them: chunks by their hash, a blob by the hash of its list of chunks.

    chunks/ab/cdef…   one file a chunk, named by the BLAKE3 of its bytes, up to 256 KiB
    lists/…           one file a blob, its chunks' hashes in order, named by BLAKE3("waggle/blob/1\0" ‖ hashes)
    new/…             what is being written; a file gets its name when it is whole

A kill at any moment leaves whole files only; a list is written before its chunks when they are fetched, so that
fetching goes on where it stopped, and after them when a blob is put. There is no waiting for the disk at every chunk:
what a loss of power spoils no longer has the hash that it is named by, and is found out when it is read. Two blobs that
share chunks share them on disk and on the way, too. One process a folder.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from logging import getLogger
from pathlib import Path
from typing import NewType

from blake3 import blake3

from waggledance.core import PeerFault, RunFailed, UsageError, show
from waggledance.mesh._blob_messages import CHUNK_BYTES, MAX_CHUNKS

logger = getLogger(__name__)

BlobId = NewType("BlobId", bytes)
"""A blob: the hash of its list of chunks, 32 bytes."""
ChunkId = NewType("ChunkId", bytes)
"""A chunk: the BLAKE3 of its bytes, 32 bytes."""

LIMIT_BYTES = 16 << 30
"""How much a folder may hold unless told otherwise."""

_DOMAIN = b"waggle/blob/1\0"


class BlobsFull(RunFailed):
    """A blob found no room: the folder's limit, or the disk. What was there before is as it was."""

    def __init__(self, folder: str, held_bytes: int, why: str) -> None:
        super().__init__(folder, held_bytes, why)
        self.folder, self.held_bytes, self.why = folder, held_bytes, why

    def __str__(self) -> str:
        return (
            f"blobs in {self.folder}: {self.why}; {self.held_bytes:,} bytes are held. "
            "Drop blobs that are not needed, make room on the disk, or open the folder with a higher limit_bytes"
        )


class BlobMissing(RunFailed):
    """A blob is not here, or not all of it."""

    def __init__(self, blob: bytes, missing: int, of: int) -> None:
        super().__init__(blob, missing, of)
        self.blob, self.missing, self.of = blob, missing, of

    def __str__(self) -> str:
        what = f"{self.missing} of its {self.of} chunks are not here" if self.of else "its list of chunks is not here"
        return f"blob {show(self.blob)}: {what}, or were spoilt on the disk; fetch it from a peer that has it"


def blob_id(chunks: Iterable[ChunkId]) -> BlobId:
    """Return the id of the blob that consists of these chunks, in this order."""
    return BlobId(blake3(_DOMAIN + b"".join(chunks)).digest())


def blob_of(content: bytes) -> BlobId:
    """Return the id of the blob that has this content."""
    return blob_id(chunk_id(content[i : i + CHUNK_BYTES]) for i in range(0, len(content), CHUNK_BYTES))


def chunk_id(content: bytes) -> ChunkId:
    """Return the name of a chunk."""
    return ChunkId(blake3(content).digest())


class Blobs:
    """A folder of blobs."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        """Open a folder, or make one that only its owner can read.

        What an interrupted `put` left behind is removed; what an interrupted fetch left is kept.

        Raises:
            UsageError: it cannot be made there, or the limit is negative.
        """
        if limit_bytes < 0:
            raise UsageError(f"a folder of blobs cannot hold {limit_bytes} bytes; give a limit of 0 or more")
        self.folder, self.limit_bytes = folder, limit_bytes
        self._chunks, self._lists, self._new = folder / "chunks", folder / "lists", folder / "new"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.rmtree(self._new, ignore_errors=True)
            for part in (self._chunks, self._lists, self._new):
                part.mkdir(exist_ok=True)
        except OSError as why:
            raise UsageError(f"blobs in {folder}: {why.strerror or why}; give another folder") from why
        self._sizes = dict(self._on_disk())
        self._known = dict(self._lists_on_disk())
        self._held_bytes = sum(self._sizes.values()) + 32 * sum(map(len, self._known.values()))
        self._remove(self._sizes.keys() - self._listed())

    @property
    def held_bytes(self) -> int:
        """How many bytes of chunks and lists are here."""
        return self._held_bytes

    def put(self, content: bytes | Path) -> BlobId:
        """Keep bytes, or the content of a file; return their id. What is here already is not written again.

        Raises:
            BlobsFull: no room; nothing of it was kept.
            UsageError: the file cannot be read, or has more than 8 GiB.
        """
        chunks, fresh = list[ChunkId](), list[ChunkId]()
        try:
            for piece in _pieces(content):
                chunk = chunk_id(piece)
                if chunk not in self._sizes:
                    self.keep(chunk, piece)
                    fresh.append(chunk)
                chunks.append(chunk)
            blob = blob_id(chunks)
            self.keep_list(blob, chunks)
        except BaseException:
            self._remove(fresh)
            raise
        return blob

    def keep_list(self, blob: BlobId, chunks: Sequence[ChunkId]) -> None:
        """Keep the list of a blob's chunks, before or after the chunks.

        Raises:
            PeerFault: with reason ``corrupt``: it is not the list that the blob is named by.
            BlobsFull: no room.
        """
        if len(chunks) > MAX_CHUNKS or blob_id(chunks) != blob:
            raise PeerFault("corrupt", f"a list of {len(chunks)} chunks is not the one of blob {show(blob)}")
        if blob not in self._known:
            self._write(self._lists / blob.hex(), b"".join(chunks))
            self._known[blob] = tuple(chunks)

    def keep(self, chunk: ChunkId, content: bytes) -> None:
        """Keep one chunk.

        Raises:
            PeerFault: with reason ``corrupt``: the content is not what the chunk is named by.
            BlobsFull: no room.
        """
        if len(content) > CHUNK_BYTES or chunk_id(content) != chunk:
            raise PeerFault("corrupt", f"{len(content):,} bytes are not chunk {show(chunk)}")
        if chunk not in self._sizes:
            self._write(self._path(chunk), content)
            self._sizes[chunk] = len(content)

    def list_of(self, blob: BlobId) -> tuple[ChunkId, ...] | None:
        """Return the ids of a blob's chunks in their order; None where the list is not here."""
        return self._known.get(blob)

    def holds(self, chunk: ChunkId) -> bool:
        """Say whether a chunk is here, by its name; `chunk` reads and checks it."""
        return chunk in self._sizes

    def chunk(self, chunk: ChunkId) -> bytes | None:
        """Return a chunk's bytes; None where it is not here, or is spoilt, which also removes it."""
        if chunk not in self._sizes:
            return None
        content = self._read(self._path(chunk))
        if content is None or chunk_id(content) != chunk:
            logger.warning("chunk %s is spoilt on the disk, and was removed", show(chunk))
            self._remove([chunk])
            return None
        return content

    def missing(self, blob: BlobId) -> tuple[ChunkId, ...]:
        """Return the chunks of a blob that are not here, each once, in their order.

        Raises:
            BlobMissing: its list is not here.
        """
        chunks = self.list_of(blob)
        if chunks is None:
            raise BlobMissing(blob, 0, 0)
        return tuple(dict.fromkeys(chunk for chunk in chunks if chunk not in self._sizes))

    def has(self, blob: BlobId) -> bool:
        """Say whether all of a blob is here, by the names of its chunks."""
        chunks = self.list_of(blob)
        return chunks is not None and all(chunk in self._sizes for chunk in chunks)

    def size_bytes(self, blob: BlobId) -> int:
        """Return how many bytes of a blob are here, by the sizes of its chunks; 0 where its list is not here."""
        return sum(self._sizes.get(chunk, 0) for chunk in self.list_of(blob) or ())

    def get(self, blob: BlobId) -> bytes:
        """Return a blob's bytes, every chunk of them checked.

        Raises:
            BlobMissing: not all of it is here; what was spoilt is gone now, and can be fetched again.
        """
        chunks = self.list_of(blob)
        if chunks is None:
            raise BlobMissing(blob, 0, 0)
        read = [self.chunk(chunk) for chunk in chunks]
        whole = [content for content in read if content is not None]
        if len(whole) < len(read):
            raise BlobMissing(blob, len(read) - len(whole), len(read))
        return b"".join(whole)

    def drop(self, blob: BlobId) -> None:
        """Forget a blob, and those of its chunks that no other blob here has. Dropping what is not here is harmless."""
        chunks = self._known.pop(blob, None)
        if chunks is not None:
            self._unlink(self._lists / blob.hex())
            self._held_bytes -= 32 * len(chunks)
            self._remove(set(chunks) - self._listed())

    def _listed(self) -> set[ChunkId]:
        return {chunk for chunks in self._known.values() for chunk in chunks}

    def _lists_on_disk(self) -> Iterator[tuple[BlobId, tuple[ChunkId, ...]]]:
        for path in tuple(self._lists.iterdir()):
            if _is_hash(path.name):
                raw = self._read(path) or b""
                chunks = tuple(ChunkId(raw[i : i + 32]) for i in range(0, len(raw), 32))
                if blob_id(chunks).hex() == path.name:
                    yield blob_id(chunks), chunks
                else:
                    logger.warning("the list of blob %s is spoilt on the disk, and was removed", path.name[:12])
                    path.unlink(missing_ok=True)

    def _on_disk(self) -> Iterator[tuple[ChunkId, int]]:
        for folder in self._chunks.iterdir():
            for path in folder.iterdir() if folder.is_dir() else ():
                if _is_hash(name := folder.name + path.name):
                    yield ChunkId(bytes.fromhex(name)), path.stat().st_size

    def _remove(self, chunks: Iterable[ChunkId]) -> None:
        for chunk in tuple(chunks):
            self._unlink(self._path(chunk))
            self._held_bytes -= self._sizes.pop(chunk, 0)

    def _path(self, chunk: ChunkId) -> Path:
        name = chunk.hex()
        return self._chunks / name[:2] / name[2:]

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except OSError:
            return None

    def _unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            BlobsFull: over the limit, or the disk refused.
        """
        if self.held_bytes + len(content) > self.limit_bytes:
            raise BlobsFull(str(self.folder), self.held_bytes, f"the limit is {self.limit_bytes:,} bytes")
        place = ""
        try:
            handle, place = tempfile.mkstemp(dir=self._new)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            path.parent.mkdir(exist_ok=True)
            Path(place).replace(path)
            self._held_bytes += len(content)
        except OSError as why:
            with suppress(OSError):
                Path(place).unlink()
            raise BlobsFull(str(self.folder), self.held_bytes, why.strerror or str(why)) from why


def _is_hash(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", name) is not None


def _pieces(content: bytes | Path) -> Iterator[bytes]:
    try:
        size_bytes = len(content) if isinstance(content, bytes) else content.stat().st_size
        if size_bytes > MAX_CHUNKS * CHUNK_BYTES:
            raise UsageError(f"a blob has at most {MAX_CHUNKS * CHUNK_BYTES:,} bytes, got {size_bytes:,}; split it")
        with BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece
    except OSError as why:
        raise UsageError(f"cannot read {content!r}: {why.strerror or why}; name a file that there is") from why
