"""A member's side of words that travel: what its peer is saying goes to whoever asked the question, while it is said.

Only while the asker wants it: a wish holds for some seconds and is said again as long as somebody listens. Pieces are
gathered for a moment, so that a token is no datagram; where the way out is full, or a peer says without end, they are
dropped, and the listener sees that something is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from waggledance.core import Message, PeerId, Words, well_formed
from waggledance.mesh._held import Held
from waggledance.mesh._transport import Transport
from waggledance.mesh._words_messages import MAX_SPEECHES, PIECE_CHARS, AskWords, TellWords

WISH_SECONDS = 15.0
"""So long a wish holds that is not said again."""
WISHES = 1_024
"""So many are kept; of more, the oldest are forgotten."""
GATHER_SECONDS = 0.05
"""So long pieces are gathered, after the first of a run, which goes at once."""
MAX_CHARS = 200_000
"""Of all that one peer says over one question."""


class Telling:
    """The wishes that came to one node, and how its peer's words go out.

    Args:
        transport: the node's.
        send: puts a payload on its way to a member.
        now: the node's clock.
    """

    def __init__(
        self, transport: Transport, send: Callable[[PeerId, TellWords], None], now: Callable[[], float]
    ) -> None:
        self._transport, self._send, self._now = transport, send, now
        self._wishes: dict[tuple[PeerId, str], tuple[float, bytes]] = {}

    def on(self, sender: PeerId, asked: AskWords) -> None:
        """Take a member's wish; whether the channel is its own shows when there is something to tell."""
        self._wishes.pop((sender, asked.ch), None)
        self._wishes[sender, asked.ch] = (self._now() + WISH_SECONDS, asked.nonce)
        if len(self._wishes) > WISHES:
            del self._wishes[next(iter(self._wishes))]

    def nonce(self, held: Held) -> bytes | None:
        """Return the number to tell words with in a channel; None while whoever opened it wants none."""
        if held.opener is None:
            return None
        until, nonce = self._wishes.get((held.opener, held.name), (0.0, b""))
        return nonce if nonce and self._now() < until else None

    def speech(self, held: Held, me: PeerId) -> Speech:
        """Return what takes this peer's words in a channel; close it when the peer has done."""
        return Speech(self, held, me)

    def tell(self, held: Held, number: int, at: int, text: str) -> None:
        """Put a piece on its way, if it is wanted and there is room."""
        nonce = self.nonce(held)
        if nonce is None or held.opener is None or self._transport.congested:
            return
        for start in range(0, len(text), PIECE_CHARS):
            piece = text[start : start + PIECE_CHARS]
            self._send(held.opener, TellWords(held.name, nonce, number, at + start, piece))


class Speech:
    """What one peer says over one question, in pieces."""

    def __init__(self, telling: Telling, held: Held, me: PeerId) -> None:
        self._telling, self._held, self._me = telling, held, me
        self._said: dict[int, int] = {}
        self._gathered: dict[int, str] = {}
        self._left = MAX_CHARS
        self._timer: asyncio.TimerHandle | None = None
        self._unsubscribe = held.copy.subscribe(self._before_a_message)

    @property
    def wanted(self) -> bool:
        """Whether the asker listens at this moment."""
        return self._telling.nonce(self._held) is not None

    def hear(self, words: Words) -> None:
        """Take a piece. Never blocks, never raises."""
        text = well_formed(words.text)[: self._left]
        if text and words.number <= MAX_SPEECHES:
            self._left -= len(text)
            self._gathered[words.number] = self._gathered.get(words.number, "") + text
            if self._timer is None:
                self._tell()

    def close(self) -> None:
        """Tell what is gathered, and no more."""
        self._flush()
        self._unsubscribe()
        if self._timer is not None:
            self._timer.cancel()

    def _before_a_message(self, message: Message[Any], _raw: bytes) -> None:
        """Tell what is gathered before the message goes out that it became."""
        if message.author == self._me:
            self._flush()

    def _tell(self) -> None:
        self._timer = None
        if self._gathered:
            self._flush()
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell)

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, {}
        for number, text in gathered.items():
            at = self._said.get(number, 0)
            self._said[number] = at + len(text)
            self._telling.tell(self._held, number, at, text)
