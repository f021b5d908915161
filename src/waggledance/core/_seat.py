"""A peer's place in one channel: all that a protocol may see, which is what lets it run anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, TypeVar

import msgspec
from blake3 import blake3

from waggledance.core._bodies import Judgement, Note, Proposal, Question, Verdict, well_formed
from waggledance.core._budget import NO_COST, Meter
from waggledance.core._channel import AnyMessage, Channel
from waggledance.core._clock import Clock
from waggledance.core._condition import Condition, after
from waggledance.core._decision import Decision
from waggledance.core._errors import RunFailed
from waggledance.core._exchange import UNSEEN, Exchange, Exchanges, Witness, Words
from waggledance.core._ids import MessageId, PeerId
from waggledance.core._message import MAX_BODY_BYTES, Body, Message
from waggledance.core._news import News
from waggledance.core._peer import Call, Peer

B = TypeVar("B", bound=Body)
T = TypeVar("T")


class Table(msgspec.Struct, frozen=True):
    """What all seats of one question share: the question, who sits there, their weights, the seed."""

    question: Question
    roster: tuple[PeerId, ...]
    names: Mapping[PeerId, str]
    weights: Mapping[PeerId, int]
    """Voting weight in parts per million of one peer."""
    seed: int = 0


class Seat:
    """One peer's view of one question. Protocols await nothing but its methods."""

    __slots__ = ("_calls", "_channel", "_heard", "_hidden", "_peer", "_rng", "_unhurried", "_witness", "clock", "me",
                 "meter", "table")  # fmt: skip

    def __init__(
        self,
        *,
        me: PeerId,
        peer: Peer,
        table: Table,
        channel: Channel,
        clock: Clock,
        meter: Meter,
        opening: AnyMessage | None = None,
        witness: Witness = UNSEEN,
        hidden: Random | None = None,
    ) -> None:
        self.me, self.table, self.clock, self.meter = me, table, clock, meter
        self._peer, self._channel, self._witness = peer, channel, witness
        self._heard: list[AnyMessage] = [] if opening is None else [opening]
        self._rng: Random | None = None
        self._hidden = hidden
        self._calls = 0
        self._unhurried = meter.budget.seconds is None

    # -- what is known ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The peer's name as people see it."""
        return self.table.names.get(self.me) or self.me.hex()[:8]

    @property
    def skills(self) -> frozenset[str]:
        """What the peer at this seat can do."""
        return self._peer.skills

    @property
    def question(self) -> Question:
        return self.table.question

    @property
    def roster(self) -> tuple[PeerId, ...]:
        """Everybody who sits in this channel, the seat itself included, in one order for all."""
        return self.table.roster

    @property
    def weights(self) -> Mapping[PeerId, int]:
        """Voting weight of every peer, in parts per million."""
        return self.table.weights

    @property
    def channel(self) -> str:
        """The channel's name."""
        return self._channel.name

    @property
    def seed(self) -> int:
        """The run's seed, the same for all seats: for what everybody must draw alike."""
        return self.table.seed

    @property
    def rng(self) -> Random:
        """This seat's own generator: the same seed, channel and peer draw the same numbers."""
        if self._rng is None:
            self._rng = Random(self._derived_seed(0))
        return self._rng

    @property
    def hidden_rng(self) -> Random:
        """Luck that no other peer can foresee, where peers do not trust each other; else this seat's own generator."""
        return self.rng if self._hidden is None else self._hidden

    def find(self, id: MessageId) -> AnyMessage | None:
        """Return a message that has arrived here, or None."""
        return self._channel.get(id)

    def said(self, body: type[B], round: int = 0) -> tuple[Message[B], ...]:
        """Return what is here by now, sorted by id, without waiting and without counting it as heard."""
        return self._channel.said(body, round)

    # -- publish and collect ------------------------------------------------------------------------------------

    async def publish(self, body: B) -> Message[B]:
        """Write a message to the channel, built on everything collected since the last one.

        Where messages go out over a network, waits while too many are on their way out.

        Raises:
            BudgetSpent: the run's budget of messages is spent.
            UsageError: the body is larger than 64 KiB.
        """
        self.meter.admit_message()
        if self._channel.congested:
            await self._channel.room()
        message = self._channel.publish(self.me, body, self._heard, self.clock.wall_ms())
        self._heard.clear()
        return message

    def collect(
        self, body: type[B], round: int = 0, *, until: Condition, of: frozenset[PeerId] | None = None
    ) -> Coroutine[Any, Any, tuple[Message[B], ...]]:
        """Wait until the condition holds or the budget's time is over; return what was said, sorted by id.

        Args:
            body: the type of body to wait for.
            round: its round.
            until: when to stop waiting.
            of: wait for these peers only, and return only what they said; the whole roster when None.
        """
        if not self._unhurried:
            until = until | after(self.meter.seconds_left())
        expected = len(self.table.roster) if of is None else len(of)
        return self._channel.collect(
            body, round, until=until, expected=expected, of=of, who=self.table.names.get(self.me, ""), heard=self._heard
        )

    def listen(self) -> News:
        """Follow everything that is said here, by anybody and in any round.

            with seat.listen() as news:
                said = await news.next(within_s=5)

        Each listener is told all, from the first message on, and what it is told counts as heard.
        """
        return News(self._channel, self._heard, self.meter.seconds_left)

    @property
    def forked(self) -> frozenset[PeerId]:
        """The peers who wrote two different messages with one number: what they said does not count."""
        return self._channel.forked

    def remember(self, decision: Decision) -> None:
        """Tell the peer what this seat has decided, if it has a memory: a method ``remember(question, decision)``."""
        keep: Callable[[Question, Decision], None] | None = getattr(self._peer, "remember", None)
        if keep is not None:
            keep(self.table.question, decision)

    async def sleep(self, seconds: float) -> None:
        """Wait on this seat's clock, no longer than the budget allows."""
        await asyncio.sleep(min(seconds, self.meter.seconds_left()))

    # -- thinking -----------------------------------------------------------------------------------------------

    async def propose(
        self, round: int = 0, guide: Sequence[Message[Note]] = (), *, luck_of: PeerId | None = None
    ) -> Proposal:
        """Ask the peer for its answer, guided by notes; an abstention that says why, when it could give none.

        Args:
            round: the proposal's round.
            guide: notes to go by.
            luck_of: draw what this peer draws in its first call, so that the same model, asked the same, says the same.
        """
        self._read(guide)
        try:
            self.meter.admit_call()
            call = self._call("propose", round, guide, luck_of)
            thinking = self._peer.propose(call)
            said = await (thinking if self._unhurried else self._in_time(thinking))
        except RunFailed as why:
            refs = tuple([note.id for note in guide])
            return Proposal(round=round, key=None, refs=refs, lapse=well_formed(str(why)))
        refs = said.refs
        if guide or refs:
            refs = _fitting((*[note.id for note in guide], *refs), said)
        return Proposal(round=round, key=said.key, text=said.text, confidence_ppm=said.confidence_ppm,
                        refs=refs, lapse=said.lapse, cost=call.cost)  # fmt: skip

    async def work(self, question: Question, guide: Sequence[Message[Note]] = ()) -> Proposal:
        """Ask the peer something else than the seat's question: a part of it, with what others found as notes.

        Raises:
            RunFailed: the peer could not answer, or the budget is spent.
        """
        self.meter.admit_call()
        call = self._call("propose", 0, guide, question=question)
        thinking = self._peer.propose(call)
        said = await (thinking if self._unhurried else self._in_time(thinking))
        return msgspec.structs.replace(said, cost=call.cost)

    async def revise(
        self, mine: Message[Proposal], heard: Sequence[Message[Proposal]], guide: Sequence[Message[Note]] = ()
    ) -> Proposal:
        """Ask the peer for its answer after hearing others; its earlier one again, saying why, when it could not.

        The answer names what it was made from: its own earlier one, the notes, then what was heard, in the order given
        and as far as a body has room.
        """
        self._read((mine, *guide))
        round = mine.body.round + 1
        try:
            self.meter.admit_call()
            call = self._call("revise", round, guide)
            thinking = self._peer.revise(call, mine, heard)
            said = await (thinking if self._unhurried else self._in_time(thinking))
        except RunFailed as why:
            before = mine.body
            return Proposal(round=round, key=before.key, text=before.text, confidence_ppm=before.confidence_ppm,
                            refs=(mine.id,), lapse=well_formed(str(why)))  # fmt: skip
        refs = (mine.id, *[m.id for m in heard if m.id != mine.id])
        if guide:
            refs = (mine.id, *[note.id for note in guide], *refs[1:])
        refs = _fitting(refs, said)
        return Proposal(round=round, key=said.key, text=said.text, confidence_ppm=said.confidence_ppm,
                        refs=refs, lapse=said.lapse, cost=call.cost)  # fmt: skip

    async def note(
        self, about: str, material: Sequence[AnyMessage] = (), round: int = 0, *, question: Question | None = None
    ) -> Note:
        """Ask the peer for words that are no answer; a note without text that says why, when it had none.

        Args:
            about: what is wanted, such as ``"outline"``; see `Note.about`.
            material: the messages to make it from.
            round: the note's round.
            question: what it is about, when that is something else than the seat's question: a part of it.

        Raises:
            UsageError: `about` is no short name, or the peer was not made to write such notes.
        """
        self._read(material)
        wanted = Note(round=round, about=about, text="")
        try:
            self.meter.admit_call()
            call = self._call("note", round, question=question)
            thinking = self._peer.note(call, about, material)
            text = well_formed(await (thinking if self._unhurried else self._in_time(thinking)))
        except RunFailed as why:
            return msgspec.structs.replace(wanted, lapse=well_formed(str(why)))
        said = msgspec.structs.replace(wanted, text=text, cost=call.cost)
        return msgspec.structs.replace(said, refs=_fitting(tuple([m.id for m in material]), said))

    async def compare(self, pairs: Sequence[tuple[Message[Proposal], Message[Proposal]]], round: int = 0) -> Judgement:
        """Ask the peer which of each two proposals is better; the verdicts it could give, together in one judgement."""
        return await self._judge("compare", round, [partial(self._peer.compare, a=a, b=b) for a, b in pairs])

    async def critique(self, proposals: Sequence[Message[Proposal]], round: int = 0) -> Judgement:
        """Ask the peer for a grade of each proposal; the verdicts it could give, together in one judgement."""
        self._read(proposals)
        return await self._judge("critique", round, [partial(self._peer.critique, proposal=p) for p in proposals])

    def _read(self, messages: Sequence[AnyMessage]) -> None:
        """Count as heard what the peer is told, where that was only looked at; of this channel, as parents are."""
        self._heard.extend([m for m in messages if m.id in self._channel])

    async def _judge(self, skill: str, round: int, asks: Sequence[Callable[[Call], Awaitable[Verdict]]]) -> Judgement:
        calls: list[Call] = []
        lapses: list[str] = []

        async def one(ask: Callable[[Call], Awaitable[Verdict]], call: Call) -> Verdict | None:
            try:
                self.meter.admit_call()
                calls.append(call)
                return await (ask(call) if self._unhurried else self._in_time(ask(call)))
            except RunFailed as why:
                lapses.append(well_formed(str(why)))
                return None

        made = [(ask, self._call(skill, round)) for ask in asks]
        verdicts = await asyncio.gather(*(one(ask, call) for ask, call in made))
        cost = sum((call.cost for call in calls), NO_COST)
        kept = tuple(verdict for verdict in verdicts if verdict is not None)
        return Judgement(round=round, verdicts=kept, lapse="; ".join(sorted(set(lapses))), cost=cost)

    def _call(
        self,
        skill: str,
        round: int,
        guide: Sequence[Message[Note]] = (),
        luck_of: PeerId | None = None,
        question: Question | None = None,
    ) -> Call:
        self._calls += 1
        table = self.table
        if luck_of is None:
            draw, number = self._derived_seed, self._calls
        else:
            draw, number = partial(self._derived_seed, who=luck_of), 1
        asked, seen = question or table.question, self._seen(skill, round)
        return Call(asked, round, self.me, table.names, draw, number, self.meter, tuple(guide), *seen)

    def _seen(self, skill: str, round: int) -> tuple[Exchanges | None, Callable[[str], None] | None]:
        """Return what tells a witness of the call that begins now: of its exchanges, and of its words."""
        witness, number, exchanges, hear = self._witness, self._calls, None, None
        if witness.exchange is not None:
            like = Exchange(channel=self.channel, author=self.me, number=number, skill=skill, round=round)
            exchanges = Exchanges(witness.exchange, self.clock, self._next_sequence, like)
        if (words := witness.words) is not None and (witness.wanted is None or witness.wanted()):
            hear = partial(self._pass_on, words, number)
        return exchanges, hear

    def _pass_on(self, words: Callable[[Words], None], number: int, text: str) -> None:
        words(Words(self.me, self.name, number, text))

    def _next_sequence(self) -> int:
        head = self._channel.head(self.me)
        return 1 if head is None else head.sequence + 1

    async def _in_time(self, thinking: Awaitable[T]) -> T:
        """Await a skill, no longer than the budget's time."""
        left = self.meter.seconds_left()
        try:
            async with asyncio.timeout(left):
                return await thinking
        except TimeoutError:
            spent = self.meter.spent_out()
            raise spent if spent is not None else RunFailed(f"no answer within {left:.1f} s") from None

    def _derived_seed(self, number: int, *, who: PeerId | None = None) -> int:
        """Return the seed of a seat's call of a number, from 1, of this one's or another's; 0 seeds its generator."""
        text = b"%d\0%d\0%s\0%s" % (number, self.table.seed, self._channel.name.encode(), who or self.me)
        return int.from_bytes(blake3(text).digest(4)) & 0x7FFF_FFFF


def _fitting(refs: tuple[MessageId, ...], said: Proposal | Note) -> tuple[MessageId, ...]:
    """Return the first of the references: as many as a body has room for beside what is said."""
    room = MAX_BODY_BYTES - _OTHER_FIELDS_BYTES
    key = (said.key or "") if isinstance(said, Proposal) else said.about
    if 4 * (len(said.text) + len(said.lapse) + len(key)) + _REF_BYTES * len(refs) <= room:
        return refs
    room -= sum(len(text.encode()) for text in (said.text, said.lapse, key))
    return refs[: max(0, room // _REF_BYTES)]


_REF_BYTES = 34
"""Of an id in MessagePack: a type, a length, 32 bytes."""
_OTHER_FIELDS_BYTES = 512
"""What a body has beside words and references: names of fields, confidence, costs, round; under 300 bytes."""
