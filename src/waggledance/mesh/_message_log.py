"""Where a node keeps every message: what it asks of a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from waggledance.core import Message


class MessageLog(Protocol):
    """What a `Node` asks of a log; `Log` is one, on disk."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all channels that something was kept of."""
        ...

    def read(self, channel: str, /) -> tuple[Message[Any], ...]:
        """Return what was kept of a channel, causes before effects."""
        ...

    def notes(self) -> Mapping[str, bytes]:
        """Return what was noted about channels to which nothing was added since."""
        ...

    def keep_notes(self, notes: Mapping[str, bytes], /) -> None:
        """Note something about channels, to be found until anything is added to them."""
        ...

    def append(self, message: Message[Any], raw: bytes, /) -> None:
        """Take a message with its canonical bytes; it is kept at the latest by `flush_now`."""
        ...

    def flush_now(self) -> None:
        """Keep all that was taken.

        Raises:
            RunFailed: it could not be kept; the next flush tries again.
        """
        ...
