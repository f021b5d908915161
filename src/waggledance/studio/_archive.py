"""What the studio holds of a log: its index, and the few channels that were looked at last. Any thread may ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from waggledance.core import Message, MessageId, Opening, PeerId, UnknownName
from waggledance.studio._channel import Drawn
from waggledance.studio._conversation import Conversation, opened
from waggledance.studio._index import Index, is_being_written
from waggledance.studio._log_window import LogWindow

MESSAGES_HELD = 60_000
"""In all channels held; the one looked at last is held whatever its size."""
READ_AT_ONCE = 5_000
"""A channel of no more messages than this is read whole when any of it is: that takes a tenth of a second."""


class Archive:
    """One log, as far as it was looked at.

    Args:
        path: the log's file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.window = LogWindow(path)
        self.index = Index(self.window)
        self.lock = threading.RLock()
        """Held by whoever reads what is here."""
        self._held: OrderedDict[str, Drawn] = OrderedDict()
        self._files = 0

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.window.path

    @property
    def mark(self) -> tuple[int, int, bool]:
        """What differs when anything that is shown may differ."""
        return (self.window.files, self.window.last, self.writing)

    @property
    def writing(self) -> bool:
        """Whether somebody has the log open for writing."""
        return is_being_written(self.path)

    def refresh(self) -> bool:
        """Look whether the log has changed; return whether it has."""
        with self.lock:
            changed = self.window.refresh()
            if self._files != self.window.files:
                self._held.clear()
                self._files = self.window.files
            self.index.read_on()
            return changed

    def check(self, name: str) -> None:
        """Look whether the log has a channel.

        Raises:
            UnknownName: it has not.
        """
        with self.lock:
            if name not in self.index:
                raise UnknownName("channel", name, self.index.names()[-20:])

    def drawn(self, name: str, most: int | None = None) -> Drawn:
        """Return a channel, up to its newest message; of a long one so many as are asked for.

        Args:
            name: the channel's.
            most: read no further than so many messages; everything when None.

        Raises:
            UnknownName: the log has no such channel.
        """
        with self.lock:
            self.check(name)
            drawn = self._held.get(name)
            if drawn is None:
                drawn = self._held[name] = Drawn(Conversation(name))
            self._held.move_to_end(name)
            count, last = self.index.size(name)
            drawn.conversation.read_on(self.window, most=None if count <= READ_AT_ONCE else most, last=last)
            self._let_go()
            return drawn

    def opening(self, name: str) -> Opening | None:
        """Return how a channel was opened; None where it was not.

        Raises:
            UnknownName: the log has no such channel.
        """
        with self.lock:
            self.check(name)
            return self.index.opening(name)

    def message(self, name: str, id: MessageId) -> Message[Any] | None:
        """Return one message of a channel, without reading the others; None when there is no such message.

        Raises:
            UnknownName: the log has no such channel.
        """
        with self.lock:
            self.check(name)
            drawn = self._held.get(name)
            held = None if drawn is None else drawn.conversation.messages.get(id)
            row = self.window.row(name, id) if held is None else None
            return held if row is None else opened(row)

    def goals(self, name: str) -> Mapping[bytes, str]:
        """Return what the tasks of a channel are about, as far as the channel was read."""
        drawn = self._held.get(name)
        return {} if drawn is None else drawn.conversation.goals

    def names(self, name: str) -> Mapping[PeerId, str]:
        """Return what the peers of a channel are called, as far as the channel was read."""
        drawn = self._held.get(name)
        return {} if drawn is None else drawn.conversation.names

    def is_live(self, name: str) -> bool:
        """Say whether a channel is still being written, as far as can be told from the file."""
        return self.index.is_open(name) and self.writing

    def close(self) -> None:
        """Let go of the log."""
        self.window.close()

    def _let_go(self) -> None:
        held = sum(len(drawn.conversation.messages) for drawn in self._held.values())
        while held > MESSAGES_HELD and len(self._held) > 1:
            _, oldest = self._held.popitem(last=False)
            held -= len(oldest.conversation.messages)
