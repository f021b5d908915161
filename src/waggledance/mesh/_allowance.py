"""How much one peer may make us do: a bucket of messages and one of bytes, filled steadily, up to a burst."""

from __future__ import annotations

from waggledance.core import PeerId

BURST_SECONDS = 4.0


class Allowance:
    """Buckets by peer; pure but for what was taken: time comes in as `now`.

    Args:
        messages_s: messages a second, > 0.
        bytes_s: bytes a second, > 0.

    >>> allowance = Allowance(messages_s=1, bytes_s=1_000)
    >>> [allowance.takes(PeerId(b"a"), 10, now=0.0) for _ in range(5)], allowance.takes(PeerId(b"a"), 10, now=1.0)
    ([True, True, True, True, False], True)
    """

    def __init__(self, *, messages_s: float, bytes_s: float) -> None:
        self._rates = (messages_s, bytes_s)
        self._left: dict[PeerId, tuple[float, float, float]] = {}

    def allows(self, peer: PeerId, size: int, now: float) -> bool:
        """Say whether a message of so many bytes is within what a peer may send; count nothing."""
        _, messages, size_left = self._at(peer, now)
        return messages >= 1 and size_left >= size

    def count(self, peer: PeerId, size: int, now: float) -> None:
        """Count a message, whether it was allowed or not: what is owed is made up for before more is allowed."""
        at, messages, size_left = self._at(peer, now)
        self._left[peer] = (at, messages - 1, size_left - size)

    def takes(self, peer: PeerId, size: int, now: float) -> bool:
        """Say whether a message of so many bytes is within what a peer may send, and count it if it is."""
        allowed = self.allows(peer, size, now)
        if allowed:
            self.count(peer, size, now)
        return allowed

    def _at(self, peer: PeerId, now: float) -> tuple[float, float, float]:
        messages_s, bytes_s = self._rates
        most, most_bytes = messages_s * BURST_SECONDS, bytes_s * BURST_SECONDS
        at, messages, size_left = self._left.get(peer, (now, most, most_bytes))
        passed = now - at
        return now, min(messages + passed * messages_s, most), min(size_left + passed * bytes_s, most_bytes)
