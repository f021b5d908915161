"""How much one peer may make us do: a bucket of messages and one of bytes, filled steadily, up to a burst."""

from __future__ import annotations

from collections.abc import Mapping

from waggledance.core import PeerId

BURST_SECONDS = 4.0


class Allowance:
    """Buckets by peer; pure but for what was taken: time comes in as `now`.

    Args:
        messages_s: messages a second, > 0.
        bytes_s: bytes a second, > 0.
        burst_s: so many seconds' worth may come at once.

    >>> allowance = Allowance(messages_s=1, bytes_s=1_000)
    >>> [allowance.takes(PeerId(b"a"), 10, now=0.0) for _ in range(5)], allowance.takes(PeerId(b"a"), 10, now=1.0)
    ([True, True, True, True, False], True)
    """

    def __init__(self, *, messages_s: float, bytes_s: float, burst_s: float = BURST_SECONDS) -> None:
        self._messages_s, self._bytes_s = messages_s, bytes_s
        self._most, self._most_bytes = messages_s * burst_s, bytes_s * burst_s
        self._left: dict[PeerId, tuple[float, float, float]] = {}

    def allows(self, peer: PeerId, size: int, now: float) -> bool:
        """Say whether a message of so many bytes is within what a peer may send; count nothing."""
        _, messages_left, size_left = self._at(peer, now)
        return messages_left >= 1 and size_left >= size

    def left(self, peer: PeerId, now: float) -> tuple[float, float]:
        """Return how many messages and bytes a peer may send at once; below 0 what it owes."""
        _, messages_left, size_left = self._at(peer, now)
        return messages_left, size_left

    def count(self, peer: PeerId, size: int, now: float, *, messages: int = 1) -> None:
        """Count a message, whether it was allowed or not: what is owed is made up for before more is allowed."""
        at, messages_left, size_left = self._at(peer, now)
        self._left[peer] = (at, messages_left - messages, size_left - size)

    def takes(self, peer: PeerId, size: int, now: float) -> bool:
        """Say whether a message of so many bytes is within what a peer may send, and count it if it is."""
        allowed = self.allows(peer, size, now)
        if allowed:
            self.count(peer, size, now)
        return allowed

    def drained(self, now: float) -> dict[PeerId, tuple[float, float, float]]:
        """Return when each bucket that is not full was last looked at and what was in it; forget those that are."""
        full = (self._most, self._most_bytes)
        self._left = {p: row for p, row in self._left.items() if self._at(p, now)[1:] != full}
        return dict(self._left)

    def restore(self, drained: Mapping[PeerId, tuple[float, float, float]]) -> None:
        """Take up buckets where `drained` left them."""
        self._left.update(drained)

    def _at(self, peer: PeerId, now: float) -> tuple[float, float, float]:
        row = self._left.get(peer)
        if row is None:
            return now, self._most, self._most_bytes
        at, messages, size_left = row
        if now <= at:  # a clock that was set back fills nothing
            return now, messages, size_left
        messages, size_left = messages + (now - at) * self._messages_s, size_left + (now - at) * self._bytes_s
        return now, min(messages, self._most), min(size_left, self._most_bytes)
