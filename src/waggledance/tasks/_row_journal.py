"""The journal of a batch: what is done, so that a killed run goes on with nothing done twice but calls in flight.

Frames (see `RowFrames`) of four kinds: ``B`` what the run rests on (pipeline and seed), ``R`` a step's result,
``S`` a step that was skipped, ``E`` and ``F`` the end of a row, done or failed, with all of it. A row is known by the
hash of its id and its fields, so a row that was changed in between is done anew.

A row that had not ended is brought back by playing its results through the pipeline's own functions, loops included.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from operator import sub
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
from blake3 import blake3
from msgspec.structs import astuple

from waggledance.core import NO_COST, Cost, FileLock, UsageError
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._row import Failure, Row, Value
from waggledance.tasks._row_frames import RowFrames
from waggledance.tasks._step import Step

BEGIN, RESULT, SKIPPED, DONE, FAILED = b"B", b"R", b"S", b"E", b"F"
FORMAT = 1
_NO_KEY = bytes(16)
_JSON = msgspec.json.Encoder(order="deterministic")
_RAW = msgspec.json.Encoder()
_SAME_IN_JSON = frozenset({str, int, float, bool})


class PlanChanged(UsageError):
    """A journal was written by another plan; carries what differs, as lines that begin with - and +."""

    def __init__(self, path: str, difference: tuple[str, ...]) -> None:
        super().__init__(path, difference)
        self.path, self.difference = path, difference

    def __str__(self) -> str:
        shown = "\n".join(f"  {line}" for line in self.difference)
        return (
            f"journal {self.path} was written by another plan, so its results do not fit this one:\n{shown}\n"
            "Take the change back to go on, or start over with fresh (--fresh), which throws the journal away"
        )


class JournalInUse(UsageError):
    """Another process writes to this journal. Carries the journal and who holds it."""

    def __init__(self, path: str, holder: str) -> None:
        super().__init__(path, holder)
        self.path, self.holder = path, holder

    def __str__(self) -> str:
        return f"journal {self.path}: {self.holder} is running this batch; wait for it to end, or write elsewhere"


class _Begun(msgspec.Struct, frozen=True):
    """What the results of a run rest on."""

    format: int
    described: str


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row at its end, as it is kept."""

    id: str
    data: dict[str, Any]
    results: dict[str, Value] = {}
    hops: tuple[str, ...] = ()
    failure: Failure | None = None


class _UnderWay(msgspec.Struct, gc=False):
    """A row that has begun and not ended."""

    key: bytes
    data: bytes
    """Its fields, as JSON."""
    kept: Cost
    """What its frames so far say was spent."""


class RowJournal:
    """Keeps what a batch has done in one file.

    Args:
        path: the file; made when it is not there.
        pipeline: what the rows go through.
        seed: of the run.
        fresh: whether to throw away what an earlier run has left.
        again: whether rows that failed in an earlier run are tried again.

    Raises:
        PlanChanged: an earlier run had another pipeline or seed; says what differs.
        JournalInUse: another process writes to it.
        UsageError: the file is something else, or cannot be made there.
    """

    def __init__(
        self, path: str | Path, pipeline: Pipeline, *, seed: int = 0, fresh: bool = False, again: bool = False
    ) -> None:
        self.path = Path(path)
        self._lock = _locked(self.path)
        self._frames: RowFrames | None = None
        self._ended: dict[bytes, int] = {}
        self._open: dict[bytes, list[int]] = {}
        self._under_way: dict[int, _UnderWay] = {}
        self._order: list[bytes] = []
        self.cost_before = NO_COST
        """What the runs before cost."""
        try:
            self._frames = RowFrames(self.path)
            if fresh:
                self._start_over(self._frames)
            self._read(self._frames, f"seed: {seed}\n{pipeline.described}", again=again)
        except BaseException:
            self.close()
            raise

    @property
    def cut_off(self) -> int:
        """Bytes at the end of an earlier run's journal that were not whole, and are gone."""
        return self._file.cut_off

    @property
    def ended_before(self) -> int:
        """How many rows have ended, in this run and those before."""
        return len(self._ended)

    def begin(self, row: Row, pipeline: Pipeline) -> bool:
        """Bring a row to where an earlier run left it; return whether it has ended already.

        Raises:
            UsageError: its fields are nothing that JSON can hold.
        """
        data = _encoded(row.data, f"row {row.id!r}")
        key = blake3(b"%d\0%b\0%b" % (len(row.id), row.id.encode("utf-8", "surrogatepass"), data)).digest(length=16)
        self._order.append(key)
        if key in self._ended:
            return True
        for at in self._open.pop(key, ()) if self._open else ():
            self._play(at, row, pipeline)
        self._under_way[row.at] = _UnderWay(key, _RAW.encode(row.data), row.cost)  # fields in the order they came in
        return False

    def result(self, row: Row, step: Step, value: Value) -> Value:
        """Keep a step's result; return it as a later run would read it, so that steps get the same in both.

        Raises:
            UsageError: JSON cannot hold it.
            JournalFailed: the disk is full, for one; the result is not kept, and the file is whole.
        """
        payload = encoded_result(step, value)
        self._append(RESULT, row, payload)
        return read_back(step, value, payload)

    def skip(self, row: Row, step: Step) -> None:
        """Keep that a step was skipped; as `result`."""
        self._append(SKIPPED, row, _JSON.encode({"step": step.name}))

    def end(self, row: Row) -> None:
        """Keep a row's end; as `result`."""
        known = self._under_way[row.at]
        kept: dict[str, Any] = {"id": row.id, "data": msgspec.Raw(known.data), "results": row.results, "hops": row.hops}
        if row.failure is not None:
            kept["failure"] = row.failure
        self._ended[known.key] = self._append(DONE if row.failure is None else FAILED, row, _RAW.encode(kept))
        del self._under_way[row.at]

    def ended(self, order: Literal["input", "ended"] = "input") -> Iterator[Row]:
        """Yield the rows of this run that have ended, in this run or before.

        Args:
            order: as they came in, or as they ended.
        """
        decoder = msgspec.json.Decoder(_Kept)
        keys = [(at, key) for at, key in enumerate(self._order) if key in self._ended]
        if order == "ended":
            keys.sort(key=lambda item: self._ended[item[1]])
        for at, key in keys:
            kept = decoder.decode(self._file.payload(self._ended[key]))
            yield Row(kept.id, kept.data, kept.results, list(kept.hops), at=at, failure=kept.failure)

    def sync(self) -> None:
        """Return when everything is on the disk itself, safe from a power failure too."""
        self._file.sync()

    def close(self) -> None:
        """Let go of the file; closing twice is fine."""
        if self._frames is not None:
            self._frames.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, kind: bytes, row: Row, payload: bytes) -> int:
        """Write a frame about a row, with what was spent since the one before."""
        known, now = self._under_way[row.at], row.cost
        spent = Cost(*map(sub, astuple(now), astuple(known.kept)))
        at = self._file.append(kind, known.key, spent, payload)
        known.kept = now
        return at

    @property
    def _file(self) -> RowFrames:
        assert self._frames is not None, "the journal is closed"
        return self._frames

    def _start_over(self, frames: RowFrames) -> None:
        first = next(frames.scan(), None)
        if frames.size and (first is None or first[1] != BEGIN):
            raise self._something_else()
        frames.empty()

    def _something_else(self) -> UsageError:
        return UsageError(f"{self.path} is no journal but something else; write elsewhere")

    def _read(self, frames: RowFrames, described: str, *, again: bool) -> None:
        """Find out what an earlier run has left; begin the file when there was none."""
        begun, unended, ended = False, self._open, self._ended
        calls = prompt = completion = micro_usd = milliseconds = 0
        for at, kind, key, (a, b, c, d, e) in frames.scan():
            if not begun:
                self._check(frames.payload(at), kind, described)
                begun = True
            elif kind in (RESULT, SKIPPED):
                unended.setdefault(key, []).append(at)
            elif kind == DONE or not again:
                unended.pop(key, None)
                ended[key] = at
            calls, prompt, completion, micro_usd, milliseconds = (
                calls + a, prompt + b, completion + c, micro_usd + d, milliseconds + e,
            )  # fmt: skip
        self.cost_before = Cost(calls, prompt, completion, micro_usd, milliseconds)
        if not begun:
            if frames.cut_off:
                raise self._something_else()
            frames.append(BEGIN, _NO_KEY, NO_COST, _JSON.encode(_Begun(FORMAT, described)))

    def _check(self, payload: bytes, kind: bytes, described: str) -> None:
        if kind != BEGIN:
            raise self._something_else()
        begun = msgspec.json.decode(payload, type=_Begun)
        if begun.format != FORMAT:
            raise UsageError(f"journal {self.path} has format {begun.format}, this version reads {FORMAT}")
        if begun.described != described:
            lines = difflib.unified_diff(begun.described.split("\n"), described.split("\n"), n=0, lineterm="")
            changed = tuple(line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@")
            raise PlanChanged(str(self.path), changed)

    def _play(self, at: int, row: Row, pipeline: Pipeline) -> None:
        kept: Mapping[str, Any] = msgspec.json.decode(self._file.payload(at))
        step = pipeline[kept["step"]]
        if "value" not in kept:
            pipeline.skip(row, step)
            return
        row.cost += self._file.cost(at)
        try:
            pipeline.settle(row, step, _by_schema(step, kept["value"]))
        except Exception:  # noqa: BLE001 — what the plan's author wrote raised then too; the row meets it again by itself
            row.results.pop(step.name, None)
            row.hops.pop()


def _locked(path: Path) -> FileLock:
    try:
        return FileLock(path.with_name(path.name + ".lock"), lambda holder: JournalInUse(str(path), holder))
    except OSError as why:
        raise UsageError(f"journal {path}: {(why.strerror or str(why)).lower()}; give another place") from why


def encoded_result(step: Step, value: Value) -> bytes:
    """Return a step's result as JSON.

    Raises:
        UsageError: JSON cannot hold it.
    """
    payload = _encoded({"step": step.name, "value": value}, f"what step {step.name!r} returned")
    if b"null" in payload and not _finite(value):  # JSON would say nothing where there was no number
        raise UsageError(
            f"what step {step.name!r} returned cannot be kept: a number in it is NaN or infinite. Return None or a text"
        )
    return payload


def read_back(step: Step, value: Value, payload: bytes) -> Value:
    """Return a step's result as it is read from its JSON: a tuple as a list, by its schema where the step has one."""
    if value is None or type(value) in _SAME_IN_JSON:
        return value
    kept = msgspec.json.decode(payload)["value"]
    try:
        return _by_schema(step, kept)
    except msgspec.ValidationError as why:
        raise UsageError(f"what step {step.name!r} returned cannot be read back by its schema: {why}") from None


def _by_schema(step: Step, kept: Value) -> Value:
    return kept if step.schema is None else msgspec.convert(kept, step.schema)


def _finite(value: object) -> bool:
    """Say whether no number in what JSON can hold is NaN or infinite."""
    left = [msgspec.to_builtins(value)]
    while left:
        part = left.pop()
        if isinstance(part, float) and not math.isfinite(part):
            return False
        if isinstance(part, dict):
            left += part.values()
        elif isinstance(part, list | tuple | set | frozenset):
            left += part
    return True


def _encoded(value: object, what: str) -> bytes:
    try:
        return _JSON.encode(value)
    except (TypeError, ValueError, RecursionError) as why:
        raise UsageError(f"{what} cannot be kept: {why}. Use what JSON can hold") from None
