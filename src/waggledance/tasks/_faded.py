"""Means over outcomes that fade: of each kind and worker, in whole numbers, so that all who fold come to the same.

    weight of an outcome = g ^ (number of outcomes of its kind that come after it)

Powers of g are fixed-point with 30 bits, and a sum is brought up to date when it is next written or read.

Source: Garivier, Moulines 2011, "On upper-confidence bound policies for switching bandits" (discounting).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from waggledance.core import UNIT, Message, PeerId, UsageError
from waggledance.tasks._card import UNSAID_PPM
from waggledance.tasks._outcome import TaskOutcome

ONE = 1 << 30
"""The weight of an outcome that has not faded."""


class Seen(NamedTuple):
    """A worker's outcomes of one kind."""

    weight: int
    """Faded number of outcomes, in units of `ONE`."""
    total: int
    """Faded sum of rewards: parts per million times `ONE`."""
    outcomes: int
    """All of them, not faded."""
    rewards: int
    """The sum of all rewards in parts per million, not faded."""


class Faded:
    """Faded statistics of every kind and worker.

    Args:
        keep_ppm: g in parts per million, 1 to 1,000,000; the latter forgets nothing.

    Raises:
        UsageError: g out of range.
    """

    __slots__ = ("_clock", "_keep", "_now", "_priors", "_rows")

    def __init__(self, keep_ppm: int) -> None:
        if not 0 < keep_ppm <= UNIT:
            raise UsageError(
                f"what an outcome keeps of its weight lies in 1 to {UNIT:,} parts per million, got {keep_ppm}"
            )
        self._keep = keep_ppm
        self._clock: dict[str, int] = {}
        self._rows: dict[str, dict[PeerId, tuple[int, Seen]]] = {}
        self._now: dict[str, dict[PeerId, Seen]] = {}
        self._priors: dict[str, dict[PeerId, int]] = {}

    def learn(self, said: Message[TaskOutcome]) -> None:
        """Take in one outcome; they come in their order."""
        body = said.body
        kind, worker, now = body.task_kind, PeerId(body.worker), self._clock.get(body.task_kind, 0) + 1
        self._clock[kind] = now
        self._now.pop(kind, None)
        self._priors.pop(kind, None)
        rows = self._rows.setdefault(kind, {})
        at, seen = rows.get(worker, (now, NOTHING))
        kept = power(self._keep, now - at)
        rows[worker] = (
            now,
            Seen(
                (seen.weight * kept >> 30) + ONE,
                (seen.total * kept >> 30) + body.reward_ppm * ONE,
                seen.outcomes + 1,
                seen.rewards + body.reward_ppm,
            ),
        )

    def of(self, kind: str) -> dict[PeerId, Seen]:
        """Return what is known of all workers at a kind of task, as of its last outcome."""
        known = self._now.get(kind)
        if known is None:
            now, keep = self._clock.get(kind, 0), self._keep
            known = self._now[kind] = {
                worker: seen if at == now else _faded(seen, power(keep, now - at))
                for worker, (at, seen) in self._rows.get(kind, {}).items()
            }
        return known

    def priors(self, kind: str) -> Mapping[PeerId, int]:
        """Return the faded mean reward of all workers at a kind, in ppm, one outcome of one half beside each."""
        known = self._priors.get(kind)
        if known is None:
            known = self._priors[kind] = {
                worker: (seen.total + ONE * UNSAID_PPM) // (seen.weight + ONE) for worker, seen in self.of(kind).items()
            }
        return known

    def copy(self) -> Faded:
        """Return a copy that learns for itself."""
        other = Faded(self._keep)
        other._clock = dict(self._clock)
        other._rows = {kind: dict(rows) for kind, rows in self._rows.items()}
        return other


NOTHING = Seen(0, 0, 0, 0)


def _faded(seen: Seen, kept: int) -> Seen:
    return Seen(seen.weight * kept >> 30, seen.total * kept >> 30, seen.outcomes, seen.rewards)


@lru_cache(maxsize=1 << 14)
def power(keep_ppm: int, n: int) -> int:
    """Return g^n in units of `ONE`, rounded down at each squaring; the same on every machine.

    >>> power(500_000, 3) == ONE // 8
    True
    """
    result, base = ONE, keep_ppm * ONE // UNIT
    while n and result:
        if n & 1:
            result = result * base >> 30
        base = base * base >> 30
        n >>= 1
    return result
