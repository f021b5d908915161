"""Real answers, kept in a file and given again: exact, offline, free.

A bank is JSON lines (gzipped when its name ends in ``.gz``), one ``{"key", "model", "request", "completion"}`` a line.
The key is the BLAKE3 hash of the model's name and everything in the request that shapes the answer; the time-out does
not. The first answer to a key counts. A line cut off by a crash is skipped and counted.
"""

import gzip
import logging
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from blake3 import blake3

from waggledance.core._errors import UsageError
from waggledance.models._errors import NotRecorded
from waggledance.models._model import Completion, Model, Request

logger = logging.getLogger(__name__)

_CHUNK = 1 << 16


class _Entry(msgspec.Struct, frozen=True):
    """One line of a bank."""

    key: str
    model: str
    request: Request
    completion: Completion


def request_key(model: str, request: Request) -> str:
    """The hash that names a question to a model: 64 hexadecimal digits, the same on any machine."""
    shapes = (
        model,
        [(turn.role, turn.text) for turn in request.turns],
        request.max_tokens,
        float(request.temperature),
        request.seed,
        list(request.stop),
        request.logprobs,
    )
    return blake3(msgspec.json.encode(shapes)).hexdigest()


class Recorded:
    """A model that gives recorded answers and no others.

    Args:
        path: the bank, ``.jsonl`` or ``.jsonl.gz``.
        model: whose answers to give, when the bank holds those of several models.

    Raises:
        UsageError: there is no such file, or it does not say whose answers to give.
    """

    def __init__(self, path: Path | str, *, model: str | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UsageError(
                f"there is no bank of recorded answers at {self.path}; record one with Recorder(model, path)"
            )
        bank = _Bank(self.path)
        if bank.skipped:
            logger.warning(
                "%s: skipped %d broken lines of %d", self.path, bank.skipped, bank.skipped + len(bank.answers)
            )
        if model is None:
            if len(bank.models) != 1:
                held = ", ".join(sorted(bank.models)) or "no answers at all"
                raise UsageError(f"{self.path} holds {held}; say whose answers to give: recorded:PATH#MODEL")
            (model,) = bank.models
        elif model not in bank.models:
            raise UsageError(
                f"{self.path} has no answers of {model}; it holds {', '.join(sorted(bank.models)) or 'none'}"
            )
        self.model = model
        self.name = f"recorded:{model}"
        self.skipped = bank.skipped
        """Broken lines that were left out."""
        self._answers = bank.answers

    def __len__(self) -> int:
        return len(self._answers)

    async def complete(self, request: Request) -> Completion:
        """Give the recorded answer."""
        answer = self._answers.get(request_key(self.model, request))
        if answer is None:
            question = " ".join(request.turns[-1].text.split())
            raise NotRecorded(
                self.name,
                f"no answer is recorded for {question[:120]!r} (seed {request.seed}, "
                f"temperature {request.temperature:g}, max_tokens {request.max_tokens})",
                f"Record it by asking {self.model} through Recorder(model, {str(self.path)!r}).",
            )
        return answer

    async def aclose(self) -> None:
        """Do nothing: the bank is in memory."""


class Recorder:
    """A model that asks another one and keeps every answer in a bank.

    What the bank already holds is given from there, so that an interrupted recording goes on where it stopped. Each
    answer is one append to the file, so a killed process loses at most the line it was writing.
    """

    def __init__(self, model: Model, path: Path | str) -> None:
        self.model, self.path = model, Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._bank = _Bank(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if self._bank.torn_at is not None:
            os.ftruncate(self._file, self._bank.torn_at)

    @property
    def name(self) -> str:
        """The name of the model behind."""
        return self.model.name

    async def complete(self, request: Request) -> Completion:
        """Ask, keep the answer, give it."""
        key = request_key(self.name, request)
        if (known := self._bank.answers.get(key)) is not None:
            return known
        completion = await self.model.complete(request)
        line = msgspec.json.encode(_Entry(key, self.name, request, completion)) + b"\n"
        written = gzip.compress(line, mtime=0) if self.path.suffix == ".gz" else line
        while written:
            written = written[os.write(self._file, written) :]
        self._bank.answers.setdefault(key, completion)
        return completion

    async def aclose(self) -> None:
        """Close the file and the model behind."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        await self.model.aclose()


class _Bank:
    """What a file holds: answers by key, whose they are, and where a crash tore it."""

    def __init__(self, path: Path) -> None:
        self.answers: dict[str, Completion] = {}
        self.models: set[str] = set()
        self.skipped = 0
        self.torn_at: int | None = None
        """Bytes of the file that are whole, when its end is not."""
        raw = path.read_bytes() if path.is_file() else b""
        text = b""
        if path.suffix == ".gz":
            whole = 0
            for member, end in _members(raw):
                text += member
                whole = end
            if whole < len(raw):
                self.torn_at = whole
                self.skipped += 1
        else:
            text = raw
            if raw and not raw.endswith(b"\n"):
                self.torn_at = raw.rfind(b"\n") + 1
        for line in text.splitlines():
            if line.strip():
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            entry = msgspec.json.decode(line, type=_Entry)
        except msgspec.MsgspecError:
            self.skipped += 1
            return
        self.answers.setdefault(entry.key, entry.completion)
        self.models.add(entry.model)


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
