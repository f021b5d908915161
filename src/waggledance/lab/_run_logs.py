"""The logs of one arm: every message of its runs, in parts, one a sitting.

A run is found again by its opening, whose seed is made from the comparison's seed, the task and the repeat. A run
without an outcome was cut short and does not count; it is run anew in the next part, under the same channel name and
seed, so that it goes as it would have gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from blake3 import blake3

from waggledance.core import Log, Message, Opening, outcome_of

AnyMessages = tuple[Message[Any], ...]


def run_seed(seed: int, task: str, repeat: int) -> int:
    """Return the seed of one run, 0 ≤ seed < 2**62: different runs have different ones."""
    return int.from_bytes(blake3(b"%d\0%s\0%d" % (seed, task.encode(), repeat)).digest(8)) >> 2


class RunLogs:
    """The logs of one arm.

    Args:
        folder: where its parts lie; made when the first message is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log: Log | None = None

    def parts(self) -> list[Path]:
        """Return the files that are there, the oldest first."""
        return sorted(self.folder.glob("part-*.db"))

    def finished(self) -> set[int]:
        """Return the seeds of all runs that came to their outcome."""
        return {seed_of(messages) for messages in self.read()}

    def read(self) -> Iterator[AnyMessages]:
        """Yield the messages of every run that came to its outcome, the first where one was run twice."""
        seen: set[int] = set()
        for part in self.parts():
            with Log(part, "r") as log:
                for name in log.names():
                    messages = log.read(name)
                    if _came_to_its_end(messages) and seed_of(messages) not in seen:
                        seen.add(seed_of(messages))
                        yield messages

    def append(self, message: Message[Any], raw: bytes) -> None:
        """Take a message into this sitting's part."""
        self.open().append(message, raw)

    def open(self) -> Log:
        """Return this sitting's part, made when it is first asked for."""
        if self._log is None:
            self._log = Log(self.folder / f"part-{len(self.parts()) + 1:04}.db")
        return self._log

    def close(self) -> None:
        """Write what is left."""
        if self._log is not None:
            log, self._log = self._log, None
            log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Numbered:
    """A run's journal: writes to its arm's log, under a channel number that does not depend on which run came first."""

    def __init__(self, logs: RunLogs, number: int) -> None:
        self._logs, self._number = logs, number

    def append(self, message: Message[Any], raw: bytes) -> None:
        self._logs.append(message, raw)

    async def flush(self) -> None:
        await self._logs.open().flush()

    def __len__(self) -> int:
        return self._number

    def __contains__(self, channel: str) -> bool:
        return False


def seed_of(messages: AnyMessages) -> int:
    """Return the seed that a run's opening names; -1 without an opening."""
    return next((m.body.seed for m in messages if isinstance(m.body, Opening)), -1)


def _came_to_its_end(messages: AnyMessages) -> bool:
    """Say whether a run has an outcome that nobody hurried."""
    outcome = outcome_of(messages)
    return outcome is not None and not any(note.startswith("interrupted") for note in outcome.body.notes)
