"""A file of frames, each with a checksum, that only grows: what is written stays written whatever kills the process.

    bytes 0-3    CRC-32 of all that follows in the frame, little-endian, as all numbers
    bytes 4-7    length of the payload in bytes
    byte  8      kind, one ASCII letter
    bytes 9-24   key: what the frame is about
    bytes 25-64  calls, prompt tokens, completion tokens, millionths of a dollar, milliseconds: 8 bytes each
    then         the payload

Every frame is handed to the operating system by itself, in one write, so a process that is killed loses none; a
machine that loses power may lose the last seconds. The one frame that a kill cut in two is cut off at the next start.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import TypeAlias
from zlib import crc32

from waggledance.core import Cost, RunFailed, UsageError

Frame: TypeAlias = tuple[int, bytes, bytes, list[int]]
"""Where a frame stands, its kind, its key, and what it says was spent."""
HEADER = Struct("<IIc16sQQQQQ")
_CHECKED = 4  # the checksum covers what follows it
MAX_PAYLOAD = 1 << 30


class JournalFailed(RunFailed):
    """The journal of a batch could not be written; what it holds is whole."""

    exit_code = 74

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def __str__(self) -> str:
        return (
            f"journal {self.path}: {self.why}. All that ended before is safe in it: make room on the disk and run the "
            "same command again, and it goes on from there"
        )


class RowFrames:
    """The frames of one file, open for appending by one process.

    Args:
        path: the file; made, for its owner alone, when it is not there.

    Raises:
        UsageError: it cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as why:
            raise UsageError(f"journal {path}: {(why.strerror or str(why)).lower()}; give another place") from why
        self.size = os.fstat(self._file).st_size
        self.cut_off = 0
        """Bytes that were not whole at the last scan, and are gone."""

    def append(self, kind: bytes, key: bytes, cost: Cost, payload: bytes) -> int:
        """Write a frame; return where it stands.

        Raises:
            UsageError: the payload has more than 1 GiB.
            JournalFailed: it could not be written; the file is as it was.
        """
        if len(payload) > MAX_PAYLOAD:
            raise UsageError(f"a result of {len(payload):,} bytes is too large to be kept; a step may return 1 GiB")
        header = HEADER.pack(
            0, len(payload), kind, key,
            cost.calls, cost.prompt_tokens, cost.completion_tokens, cost.micro_usd, cost.milliseconds,
        )  # fmt: skip
        frame = header[_CHECKED:] + payload
        frame = crc32(frame).to_bytes(_CHECKED, "little") + frame
        failed = None
        try:
            written = os.write(self._file, frame)
        except OSError as why:
            written, failed = 0, why
        if written < len(frame):
            os.ftruncate(self._file, self.size)
            said = (failed and failed.strerror) or os.strerror(errno.ENOSPC)
            raise JournalFailed(str(self.path), said.lower()) from failed
        at = self.size
        self.size += written
        return at

    def payload(self, at: int) -> bytes:
        """Return the payload of the frame that stands at `at`."""
        length = HEADER.unpack(os.pread(self._file, HEADER.size, at))[1]
        return os.pread(self._file, length, at + HEADER.size)

    def cost(self, at: int) -> Cost:
        """Return the cost in the header of the frame that stands at `at`."""
        return Cost(*HEADER.unpack(os.pread(self._file, HEADER.size, at))[4:])

    def scan(self) -> Iterator[Frame]:
        """Yield the frames that are whole, from the first on, and cut off what is not, and all behind it.

        A file without a single whole frame is left as it is: it may be something else.
        """
        good = 0
        if self.size:
            with mmap.mmap(self._file, self.size, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as view:
                for end, frame in _frames(view, self.size):
                    yield frame
                    good = end
        self.cut_off = self.size - good
        if self.cut_off and good:
            os.ftruncate(self._file, good)
            self.size = good

    def sync(self) -> None:
        """Return when everything is on the disk itself."""
        os.fsync(self._file)

    def empty(self) -> None:
        """Throw everything away."""
        os.ftruncate(self._file, 0)
        self.size = 0

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _frames(view: memoryview, size: int) -> Iterator[tuple[int, Frame]]:
    at, start, unpack = 0, HEADER.size, HEADER.unpack_from
    while at + start <= size:
        checksum, length, kind, key, *cost = unpack(view, at)
        end = at + start + length
        if end > size or crc32(view[at + _CHECKED : end]) != checksum:
            return
        yield end, (at, kind, key, cost)
        at = end
