"""Blobs and an installer that keep everything in memory, for swarms of hundreds in one process."""

from __future__ import annotations

from pathlib import Path

from blake3 import blake3

from waggledance.mesh._blobs import Blobs, ChunkId
from waggledance.mesh._install import InstallFailed


class MemoryBlobs(Blobs):
    """Blobs that share their bytes with others in this process, for swarms of hundreds."""

    def __init__(self) -> None:
        self.folder, self.limit_bytes = Path("memory"), 1 << 40
        self._chunks, self._lists, self._new = (self.folder / part for part in ("chunks", "lists", "new"))
        self._sizes, self._held_bytes = dict[ChunkId, int](), 0
        self._known = {}
        self._files = dict[Path, bytes]()

    def contents(self) -> list[bytes]:
        """Return everything that is kept: chunks, and lists of chunks."""
        return list(self._files.values())

    def _read(self, path: Path) -> bytes | None:
        return self._files.get(path)

    def _unlink(self, path: Path) -> None:
        self._files.pop(path, None)

    def _write(self, path: Path, content: bytes) -> None:
        self._files[path] = content
        self._held_bytes += len(content)


class MemorySlot:
    """An installer that keeps its content, and one step back, in memory."""

    def __init__(self, content: bytes | None = None) -> None:
        self.content = content
        self._before: list[bytes | None] = []

    @property
    def installed(self) -> bytes | None:
        return None if self.content is None else _hash(self.content)

    def install(self, content: bytes, ty: str, result: bytes) -> None:
        if _hash(content) != result:
            raise InstallFailed("memory", "another hash")
        self.content, self._before = content, [self.content]

    def restores_to(self, base: bytes | None) -> bool:
        return [base] == [None if before is None else _hash(before) for before in self._before]

    def restore(self) -> None:
        if self._before:
            self.content = self._before[0]


_hashes = dict[int, tuple[bytes, bytes]]()


def _hash(content: bytes) -> bytes:
    """Return the BLAKE3, computed once for each object: hundreds of peers share one."""
    known = _hashes.get(id(content))
    if known is None or known[0] is not content:
        known = _hashes[id(content)] = (content, blake3(content).digest())
    return known[1]
