"""Banks: files of what models really said, one answer a line, appended and never rewritten.

A bank is JSON lines (gzipped when its name ends in ``.gz``). Every line is at least an `Entry`; who records for a
purpose adds fields of its own, and a reader takes those that it knows, so that every bank can be replayed as a model.
Each line is one append, so a killed process loses at most the line it was writing; that line is skipped and counted.
"""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from blake3 import blake3

from waggledance.core._errors import UsageError
from waggledance.models._model import Completion, Request

_CHUNK = 1 << 16


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a bank: what a model answered to what."""

    key: str
    """What was asked, as `request_key` names it."""
    model: str
    """The model's name."""
    request: Request | None = None
    """What was asked, in full; None where a bank must not hold the questions themselves."""
    completion: Completion


decode_entry = msgspec.json.Decoder(Entry).decode
"""Reads a line of any bank for what all lines have."""

E = TypeVar("E")


def request_key(model: str, request: Request) -> str:
    """The hash that names a question to a model: 64 hexadecimal digits, the same on any machine.

    It covers the model's name and everything in the request that shapes the answer; the time-out does not.
    """
    shapes: tuple[object, ...] = (
        model,
        [(turn.role, turn.text) for turn in request.turns],
        request.max_tokens,
        float(request.temperature),
        request.seed,
        list(request.stop),
        request.logprobs,
    )
    with_calls = [(turn.calls, turn.call) for turn in request.turns]
    if request.tools or request.schema or any(calls or call for calls, call in with_calls):
        shapes = (*shapes, request.tools, request.schema, with_calls)
    if any(turn.pictures for turn in request.turns):
        shapes = (*shapes, [turn.pictures for turn in request.turns])
    return blake3(msgspec.json.encode(shapes)).hexdigest()


@dataclass(frozen=True)
class Contents(Generic[E]):
    """What a bank's file holds."""

    entries: tuple[E, ...]
    """Its whole lines, in the order in which they were written."""
    skipped: int
    """Lines that could not be read."""
    torn_at: int | None
    """Bytes of the file that are whole, when a crash tore its end."""


def read(path: Path, decode: Callable[[bytes], E]) -> Contents[E]:
    """Read a bank's lines; a file that is not there is an empty bank.

    Args:
        path: the bank, ``.jsonl`` or ``.jsonl.gz``.
        decode: reads one line, as `decode_entry` does; raises `msgspec.MsgspecError` where it cannot.
    """
    raw = path.read_bytes() if path.is_file() else b""
    torn_at, skipped = None, 0
    text = raw
    if path.suffix == ".gz":
        members = list(_members(raw))
        text = b"".join(content for content, _ in members)
        whole = members[-1][1] if members else 0
        if whole < len(raw):
            torn_at, skipped = whole, 1
    entries: list[E] = []
    for line in text.split(b"\n"):
        if line.strip():
            try:
                entries.append(decode(line))
            except msgspec.MsgspecError:
                skipped += 1
                if torn_at is None and path.suffix != ".gz" and raw.endswith(line):
                    torn_at = len(raw) - len(line)  # the last line, without its end: a beginning is never valid JSON
    return Contents(tuple(entries), skipped, torn_at)


class Appender:
    """A bank open for writing; the folder is made when it is not there.

    Args:
        path: the bank.
        torn_at: where `read` found its end torn; what is behind is cut off.
        alone: whether to refuse when another process that asked for the same is writing to it.

    Raises:
        UsageError: another process is writing to it, and one of both wants to be alone.
    """

    def __init__(self, path: Path, torn_at: int | None = None, *, alone: bool = False) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        if alone and not _locked(self._file):
            self.close()
            raise UsageError(f"another process is recording into {path}; wait for it, or give another file")
        if torn_at is not None:
            os.ftruncate(self._file, torn_at)
        elif path.suffix != ".gz" and _ends_inside_a_line(path):
            os.write(self._file, b"\n")

    def append(self, entry: Entry) -> None:
        """Write one line at the end."""
        line = msgspec.json.encode(entry) + b"\n"
        written = gzip.compress(line, mtime=0) if self._path.suffix == ".gz" else line
        while written:
            written = written[os.write(self._file, written) :]

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _ends_inside_a_line(path: Path) -> bool:
    """Whether somebody's editor left out the last line's end."""
    with path.open("rb") as file:
        return file.seek(0, os.SEEK_END) > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"


try:
    import fcntl

    def _locked(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

except ImportError:  # pragma: no cover — outside POSIX there is no such lock; two recorders would repeat each other

    def _locked(file: int) -> bool:
        return True


def _members(raw: bytes) -> Iterator[tuple[bytes, int]]:
    """Each whole gzip member's content and where it ends; stops at the first that is not whole."""
    view, at = memoryview(raw), 0
    while at < len(raw):
        unpacker, read = zlib.decompressobj(wbits=31), at  # 31: gzip header, 32 kB window
        content: list[bytes] = []
        try:
            while not unpacker.eof and read < len(raw):
                content.append(unpacker.decompress(view[read : read + _CHUNK]))
                read = min(read + _CHUNK, len(raw))
        except zlib.error:
            return
        if not unpacker.eof:
            return
        at = read - len(unpacker.unused_data)
        yield b"".join(content), at
