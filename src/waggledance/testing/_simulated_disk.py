"""A disk in virtual time: a log that can be full, and lose its end or all of it when the power goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from waggledance.core import Message, RunFailed

AnyMessage = Message[Any]
LogLeft = Literal["old", "empty", "torn"]
"""What a process finds when it begins again: all that was flushed, nothing, or the first half of it."""


class SimulatedDisk:
    """A log in memory; see `MessageLog`. What was not flushed is gone when the power goes.

    The log on disk writes by itself after 50 ms; this one does only when it is told to, which loses more.

    Args:
        stored: what is on it already, in the order of arrival.
    """

    def __init__(self, stored: list[AnyMessage] | None = None) -> None:
        self._stored = stored or []
        self._sizes = Counter(message.channel for message in self._stored)
        self._pending: list[AnyMessage] = []
        self._notes: dict[str, tuple[int, bytes]] = {}
        self.full = False

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(message.channel for message in self._stored))

    def read(self, channel: str, /) -> tuple[AnyMessage, ...]:
        kept = {message.id: message for message in self._stored if message.channel == channel}
        return tuple(sorted(kept.values(), key=lambda m: (m.lamport, m.id)))

    def notes(self) -> dict[str, bytes]:
        return {name: note for name, (size, note) in self._notes.items() if self._sizes[name] == size}

    def keep_notes(self, notes: Mapping[str, bytes], /) -> None:
        if not self.full:
            self._notes.update((name, (self._sizes[name], note)) for name, note in notes.items())

    def append(self, message: AnyMessage, raw: bytes, /) -> None:
        self._pending.append(message)

    def flush_now(self) -> None:
        if self.full:
            raise RunFailed(f"simulated disk: no space left, {len(self._pending)} messages are only in memory")
        self._stored += self._pending
        self._sizes.update(message.channel for message in self._pending)
        self._pending.clear()

    def after_a_crash(self, left: LogLeft) -> SimulatedDisk:
        """Return the disk as the next process finds it."""
        kept = {"old": len(self._stored), "empty": 0, "torn": len(self._stored) // 2}[left]
        disk = SimulatedDisk(self._stored[:kept])
        disk._notes = dict(self._notes)
        return disk
