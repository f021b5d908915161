"""Opening frames and checking signatures: what follows from the bytes alone, done once where nodes share a process."""

from __future__ import annotations

from typing import Any

from waggledance.core import Message, MessageId, PeerId, open_frame, signature_holds


class Reader:
    """Opens frames and checks signatures, and remembers what it found, if it is told to.

    A node in a process of its own gets each message once, and remembering would cost more than it saves.

    Args:
        remember: so many frames and signatures at most; 0 for none.
    """

    def __init__(self, remember: int = 0) -> None:
        self._remember = remember
        self._opened: dict[bytes, Message[Any]] = {}
        self._checked: dict[tuple[PeerId, MessageId, bytes], bool] = {}

    def open(self, framed: bytes) -> Message[Any]:
        """Return the message in a frame; see `open_frame`, also for what it raises."""
        message = self._opened.get(framed)
        if message is None:
            message = open_frame(framed)
            if self._remember:
                if len(self._opened) >= self._remember:
                    self._opened.clear()
                self._opened[framed] = message
        return message

    def holds(self, author: PeerId, id: MessageId, signature: bytes) -> bool:
        """Return whether a signature is its author's; see `signature_holds`."""
        if not self._remember:
            return signature_holds(author, id, signature)
        statement = (author, id, signature)
        known = self._checked.get(statement)
        if known is None:
            if len(self._checked) >= self._remember:
                self._checked.clear()
            known = self._checked[statement] = signature_holds(author, id, signature)
        return known
