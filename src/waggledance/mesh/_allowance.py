"""How much one author may make us take: a bucket of messages and one of bytes, filled steadily, up to a burst."""

from __future__ import annotations

from waggledance.core import PeerId

BURST_SECONDS = 4.0


class Allowance:
    """Buckets by author; pure but for what was taken: time comes in as `now`.

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

    def takes(self, author: PeerId, size: int, now: float) -> bool:
        """Say whether a message of so many bytes is within what an author may send, and count it if it is."""
        messages_s, bytes_s = self._rates
        at, messages, size_left = self._left.get(author, (now, messages_s * BURST_SECONDS, bytes_s * BURST_SECONDS))
        messages = min(messages + (now - at) * messages_s, messages_s * BURST_SECONDS) - 1
        size_left = min(size_left + (now - at) * bytes_s, bytes_s * BURST_SECONDS) - size
        if messages < 0 or size_left < 0:
            return False
        self._left[author] = (now, messages, size_left)
        return True
