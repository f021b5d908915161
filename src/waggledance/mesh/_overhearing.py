"""An asker's side of words that travel: it asks members for them while somebody listens, and puts them in order.

They are hints: nothing rests on them, and nothing is asked for twice. Where pieces were lost a sign stands for them;
what comes again, or under a number that this asker did not draw for its sender, is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random

from waggledance.core import PeerId, Words
from waggledance.mesh._telling import MAX_CHARS, WISH_SECONDS
from waggledance.mesh._words_messages import WORDS_NONCE_BYTES, AskWords, TellWords

AGAIN_SECONDS = WISH_SECONDS / 3
LOST = " … "
"""Stands where pieces were lost."""


class Overhearing:
    """What one node's questions overhear.

    Args:
        send: puts a payload on its way to a member.
        rng: draws numbers that nobody can guess.
        refused: where what is dropped is counted, under ``"words"``.
    """

    def __init__(self, send: Callable[[PeerId, AskWords], None], rng: Random, refused: Counter[str]) -> None:
        self._send, self._rng, self._refused = send, rng, refused
        self._heard: dict[str, _Heard] = {}

    def begin(self, channel: str, names: Mapping[PeerId, str], tell: Callable[[Words], None]) -> Callable[[], None]:
        """Ask members for their words in a channel of this node's own; return what ends it.

        Args:
            channel: the channel.
            names: those who sit there, with what people call them.
            tell: takes the words of each in order.
        """
        nonces = {peer: self._rng.randbytes(WORDS_NONCE_BYTES) for peer in names}
        heard = self._heard[channel] = _Heard(names, nonces, tell)
        self._ask(channel, heard)

        def end() -> None:
            if self._heard.get(channel) is heard:
                del self._heard[channel]
            if heard.timer is not None:
                heard.timer.cancel()

        return end

    def on(self, sender: PeerId, told: TellWords) -> None:
        """Take a piece that says it comes from a peer."""
        heard = self._heard.get(told.ch)
        if heard is None:  # it was on its way when the question ended
            return
        if heard.nonces.get(sender) != told.nonce or not heard.take(sender, told):
            self._refused["words"] += 1

    def _ask(self, channel: str, heard: _Heard) -> None:
        for peer, nonce in heard.nonces.items():
            self._send(peer, AskWords(channel, nonce))
        heard.timer = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._ask, channel, heard)


class _Heard:
    """What came of one question."""

    def __init__(
        self, names: Mapping[PeerId, str], nonces: Mapping[PeerId, bytes], tell: Callable[[Words], None]
    ) -> None:
        self.nonces = nonces
        self.timer: asyncio.TimerHandle | None = None
        self._names, self._tell = names, tell
        self._next: dict[tuple[PeerId, int], int] = {}
        self._left = dict.fromkeys(names, MAX_CHARS)

    def take(self, sender: PeerId, told: TellWords) -> bool:
        """Tell what is new in a piece; return whether there was anything, within what one peer may say."""
        speech = (sender, told.number)
        upto = self._next.get(speech, 0)
        text = told.text[max(0, upto - told.at) :][: self._left[sender]]
        if not text:
            return False
        self._left[sender] -= len(text)
        self._next[speech] = told.at + len(told.text)
        lost = LOST if told.at > upto else ""
        self._tell(Words(sender, self._names[sender], told.number, lost + text))
        return True
