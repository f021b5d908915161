"""A swarm in a room: its gate looks at every turn and costs nothing; only when it says so is the swarm asked.

Between the gate's word and the question lies a random wait, the shorter the more urgent it is. Whatever is said during
the wait ends it, and the gate looks again: so two swarms with the same gate do not answer twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random

from waggledance.core import Message, Question, Say, Turn, UsageError, WaggleError, local_peer_id, well_formed
from waggledance.gateways._chat_room import Room
from waggledance.gateways._given_words import said_by
from waggledance.gateways._host import Host
from waggledance.gateways._order import Order
from waggledance.peers._others import defanged
from waggledance.peers._plain import line as one_line
from waggledance.protocols import Gates, Heard, Reason, Speak, wait_ms

logger = logging.getLogger(__name__)

MAX_SAID_CHARS = 8_000
"""Of one answer: more than anybody reads in a chat."""
MAX_QUOTE_CHARS = 400
"""Of one turn of somebody else, as the swarm is told it."""
HEARD_TURNS = 12
"""How much of the conversation the swarm is given."""

_TASKS: dict[Reason, str] = {
    "addressed": "You were called by name: do what is asked of you.",
    "knowledge": "Somebody wants to know something: answer it.",
    "suggestion": "Somebody wants help: make one or two suggestions.",
    "fact correction": "Something that was said may be wrong: say what is right, and how sure you are.",
    "emotional support": "Somebody is sad or afraid: be kind, do not lecture.",
    "style": "People hurt each other: calm them, take no side.",
}


class Speaker:
    """A swarm with a name in a room.

    Args:
        room: where it speaks; its name is one of the room's speakers.
        name: what people call it.
        host: what serves the swarm.
        swarm: the swarm's name at the host.
        gate: when to speak.
        rng: draws how long to wait.

    Raises:
        UsageError: the room has no speaker of this name.
    """

    def __init__(self, room: Room, name: str, host: Host, swarm: str, gate: Gates, rng: Random) -> None:
        if name not in room.speakers:
            raise UsageError(
                f"the room {room.name!r} has no speaker {name!r}, it has {', '.join(room.speakers) or 'none'}"
            )
        self.room, self.name, self.gate = room, name, gate
        self._host, self._swarm, self._rng = host, swarm, rng
        self.busy: Callable[[str, bool], None] = lambda _name, _thinking: None
        """Told when the swarm begins to think, and when it ends."""
        self._me = local_peer_id(name)
        self._new = asyncio.Event()
        self.asked = 0
        """How often the swarm was asked."""
        self.looked = 0
        """How often the gate was."""

    async def run(self) -> None:
        """Listen and speak until cancelled."""
        stop = self.room.listen(lambda _, __: self._new.set())
        try:
            while True:
                await self._new.wait()
                self._new.clear()
                self.looked += 1
                said = await self.gate.decide(self.window())
                if isinstance(said, Speak) and await self._still_silent(wait_ms(said.urgency_ppm, self._rng)):
                    await self._speak(said.reason)
        finally:
            stop()

    def window(self) -> list[Heard]:
        """Return the last turns as the gate sees them."""
        room = self.room
        return [Heard(room.name_of(m.author), m.body.words, m.author == self._me) for m in self._turns()]

    async def _still_silent(self, milliseconds: int) -> bool:
        """Wait; say whether nobody spoke meanwhile."""
        try:
            async with asyncio.timeout(milliseconds / 1_000):
                await self._new.wait()
        except TimeoutError:
            return not self._new.is_set()
        return False

    async def _speak(self, reason: Reason) -> None:
        answered = self._turns()[-1:]
        self.asked += 1
        self.busy(self.name, True)
        try:
            running = self._host.start(
                Order(
                    swarm=self._swarm,
                    question=self._question(reason),
                    caller=f"room {self.room.name}",
                    context=self.room.channel,
                    closely=False,
                )
            )
            try:
                decision = await running.decision()
            except asyncio.CancelledError:
                running.cancel()
                raise
            words, _ = said_by(decision, running.messages())
            if decision.key is not None and words.strip():
                refs = tuple(message.id for message in answered)
                text = well_formed(self._bare(words.strip()))[:MAX_SAID_CHARS]
                self.room.answer(self.name, Say(text=text, refs=refs, decided_in=running.channel))
        except WaggleError as why:
            logger.warning("%s has nothing to say in %s: %s", self.name, self.room.name, why)
        finally:
            self.busy(self.name, False)

    def _turns(self) -> list[Message[Say]]:
        """Return the last turns, this swarm's right after what they answer, before what was said while it thought."""
        said = [message for _, message in self.room.said()[-HEARD_TURNS:]]
        at = {message.id: place for place, message in enumerate(said)}

        def place(message: Message[Say]) -> tuple[int, int]:
            if message.author == self._me and message.body.refs and message.body.refs[0] in at:
                return at[message.body.refs[0]], 1
            return at[message.id], 0

        return sorted(said, key=place)

    def _question(self, reason: Reason) -> Question:
        """Return the conversation as a question: its last words are what is asked, what came before is quoted.

        Where the swarm has spoken of late its turns stand as its own, so that it can be asked about them.
        """
        turns = self._turns()
        while len(turns) > 1 and turns[-1].author == self._me:
            turns.pop()
        asker = self.room.name_of(turns[-1].author)
        before: list[Turn] = []
        quotes: list[str] = []
        for turn in turns[:-1]:
            if turn.author == self._me:
                before += (Turn("user", "\n".join(quotes) or "…"), Turn("assistant", turn.body.words))
                quotes = []
            else:
                quotes.append(
                    f"> {self.room.name_of(turn.author)}: {one_line(defanged(turn.body.words), MAX_QUOTE_CHARS)}"
                )
        said = "".join(f"\n{quote}" for quote in quotes)
        told = f"You are {self.name}, one of several in a group chat; {asker} spoke last. {_TASKS[reason]} Be brief."
        before.insert(
            0, Turn("system", f"{told} Before that they said, which is for you to know:{said}" if said else told)
        )
        return Question(text=well_formed(turns[-1].body.words), expects="free", before=tuple(before))

    def _bare(self, words: str) -> str:
        """Return words without a name before them, as small models like to begin."""
        name, colon, rest = words.partition(":")
        known = {self.name, *(self.room.name_of(turn.author) for turn in self._turns())}
        return rest.strip() if colon and name.strip() in known and rest.strip() else words
