"""Who has the floor: several peers speak at once, and their words become one text that can be read.

The first to speak is heard word by word; what others say meanwhile is kept and told when the speaker has ended, each
under the peer's name.
"""

from __future__ import annotations

from typing import Any

from waggledance.core import Exchange, Message, Opening, Proposal, Roster, Words

MAX_KEPT_CHARS = 100_000
"""Of one speech that waits to be told: what is longer ends there."""

_At = tuple[bytes, int]
"""One speech: a peer, and the number of its call; a peer may be at several at once. Its exchange ends it; of a peer
elsewhere, whose exchanges are not seen here, whatever it writes ends all of its."""


class Floor:
    """Takes what happens, as it comes, and returns what is to be told of it."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}
        self._heard: set[bytes] = set()
        self._elsewhere: set[bytes] = set()
        """Peers whose words are heard and of whom no exchange was."""
        self._speaking: _At | None = None
        self._waiting: dict[_At, str] = {}
        self._ended: set[_At] = set()
        self._anything = False

    def hear(self, event: Words | Exchange | Message[Any]) -> str:
        """Take an event and return what is to be told now; often nothing.

        A proposal of a peer whose words were never heard, because it is no agent or thinks elsewhere, is told whole.
        """
        if isinstance(event, Words):
            return self._hear_words(event)
        if isinstance(event, Exchange):
            self._elsewhere.discard(event.author)
            return self._end((event.author, event.number))
        body: object = event.body
        if isinstance(body, (Opening, Roster)):
            self._names.update((member.id, member.name) for member in body.members)
        if isinstance(body, Proposal) and body.text and event.author not in self._heard:
            at = (event.author, -event.sequence)
            self._waiting[at] = body.text[:MAX_KEPT_CHARS]
            self._ended.add(at)
            return self._passed_on() if self._speaking is None else ""
        return "".join(self._end(at) for at in self._open_of(event.author)) if event.author in self._elsewhere else ""

    def rest(self) -> str:
        """Return all that still waits: nobody speaks any more."""
        self._ended.update(self._waiting)
        self._speaking = None
        return self._passed_on()

    def _hear_words(self, words: Words) -> str:
        at = (words.peer, words.number)
        if words.peer not in self._heard:
            self._heard.add(words.peer)
            self._elsewhere.add(words.peer)
        self._names[words.peer] = words.name
        if self._speaking is None:
            self._speaking = at
            return self._introduced(at) + words.text
        if self._speaking == at:
            return words.text
        self._waiting[at] = (self._waiting.get(at, "") + words.text)[:MAX_KEPT_CHARS]
        return ""

    def _open_of(self, peer: bytes) -> list[_At]:
        """Return a peer's speeches that have not ended; the one that is heard comes last, for its end passes on."""
        waiting = [at for at in self._waiting if at[0] == peer and at not in self._ended]
        return waiting if self._speaking is None or self._speaking[0] != peer else [*waiting, self._speaking]

    def _end(self, at: _At) -> str:
        """Let a speech end; return what can be told then."""
        if at != self._speaking:
            self._ended.add(at)
            return ""
        self._speaking = None
        return self._passed_on()

    def _passed_on(self) -> str:
        """Tell what waits of those who have ended; give the floor to the first who has not."""
        told = ""
        for at in [at for at in self._waiting if at in self._ended]:
            told += self._introduced(at) + self._waiting.pop(at)
            self._ended.discard(at)
        if self._waiting:
            at = next(iter(self._waiting))
            self._speaking = at
            told += self._introduced(at) + self._waiting.pop(at)
        return told

    def _introduced(self, at: _At) -> str:
        between = "\n\n" if self._anything else ""
        self._anything = True
        return f"{between}{self._names.get(at[0]) or at[0].hex()[:8]}: "
