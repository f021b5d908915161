"""A peer that answers from the record while it is asked what it was asked then, and asks a live peer otherwise.

What a peer was asked is what its message was made from: a proposal names its author's earlier one, the notes that
guided it and the proposals it heard; a note its material; a verdict its subjects. The record answers when what these
*say* is the same, whatever they are called in the new run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar, cast

import msgspec

from waggledance.core import (
    NO_COST,
    Call,
    Cost,
    Judgement,
    Message,
    Note,
    Peer,
    Proposal,
    Question,
    RunFailed,
    UsageError,
    Verdict,
    WaggleError,
)
from waggledance.peers import Agent
from waggledance.safety._recorded_course import Course
from waggledance.safety._recorded_model import THINKING, Memory, NotRemembered, Thinking, remembering

AnyMessage = Message[Any]
T = TypeVar("T")

Live = Literal["never", "needed", "after"]
"""When a peer is asked anew: ``"never"``; where the record has no answer to what is asked; or also in everything that
comes after a moment, whether that depends on a change or not."""


class MissingRecord(WaggleError):
    """A replay without live calls came to a question that the record does not answer; carries the first such."""

    exit_code = 3

    def __init__(self, channel: str, peer: str, skill: str, round: int, why: str) -> None:
        super().__init__(channel, peer, skill, round, why)
        self.channel, self.peer, self.skill, self.round, self.why = channel, peer, skill, round, why

    def __str__(self) -> str:
        return (
            f"channel {self.channel!r}: the record does not say what {self.peer} answers when it is asked to "
            f"{self.skill} in round {self.round}: {self.why}. Let it be asked: live='needed'"
        )


class FellSilent(BaseException):
    """A seat has come to where it fell silent in the record. Ends the seat; no skill's failure, so no `Exception`."""


class Asked(msgspec.Struct, frozen=True):
    """One call that a replay could not answer from the record, and why it was made anew."""

    peer: str
    skill: str
    round: int
    why: str


class Counts:
    """What one replay has asked: of the record, and of live peers."""

    def __init__(self) -> None:
        self.recorded = 0
        self.live: list[Asked] = []
        self.spent = NO_COST


class RecordedPeer:
    """A seat's peer in a replay.

    Args:
        name: the peer's name.
        course: the seat's way through the record.
        counts: where calls are counted.
        ask: gives the live peer, when one is needed.
        live: whether one may be asked.
        around: wraps a live call, for those who wait for it.
        question: what the seats were asked.
        memory: what the live peer's model answered then.
        seed: draws other numbers in live calls than the run's own; None draws the same.
    """

    skills = frozenset({"propose", "revise", "note", "compare", "critique"})

    def __init__(
        self,
        name: str,
        course: Course,
        counts: Counts,
        *,
        ask: Callable[[], Peer],
        live: Live,
        around: Callable[[Awaitable[Any]], Awaitable[Any]],
        question: Question,
        memory: Memory,
        seed: int | None = None,
    ) -> None:
        self.name = name
        self._course, self._counts, self._ask, self._live, self._around = course, counts, ask, live, around
        self._question, self._memory, self._seed = question, memory, seed
        self._charged: set[bytes] = set()

    async def propose(self, call: Call) -> Proposal:
        gists = self._course.gists
        guide = gists.several(call.guide)
        for then in self._course.to_come():
            body = then.body
            if call.question != self._question or not isinstance(body, Proposal) or self._revises(body):
                continue
            if gists.named(body.refs[: len(call.guide)]) == guide:
                return self._said(call, then)
        why = "it was guided by something else then" if call.guide else "its first answer is not there"
        return await self._anew(call, "propose", Proposal, why, lambda peer, call: peer.propose(call))

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        gists = self._course.gists
        others = [m for m in heard if m.id != mine.id]
        made_from = gists.several((mine, *call.guide, *others))
        why = ""
        for then in self._course.to_come():
            body = then.body
            if not (isinstance(body, Proposal) and self._revises(body)):
                continue
            named = gists.named(body.refs)
            if _failed(body) and len(body.refs) == 1:
                same = named == gists.several([mine]) and self._heard_then(then, others)
            else:
                same = named == made_from or _cut_short(body, named, made_from)
            if same:
                return self._said(call, then)
            why = why or ("it heard something else then" if named[gists.of(mine)] else "its earlier answer was another")
        why = why or "its answer of that round is not there"
        return await self._anew(call, "revise", Proposal, why, lambda peer, call: peer.revise(call, mine, heard))

    async def note(self, call: Call, about: str, material: Sequence[AnyMessage]) -> str:
        gists, course = self._course.gists, self._course
        made_from = gists.several(material)
        for then in course.to_come():
            body = then.body
            if not (isinstance(body, Note) and body.about == about and (body.refs or body.text or body.lapse)):
                continue
            named = gists.named(body.refs)
            lapsed = not body.text and body.cost == NO_COST
            if lapsed or named == made_from or _cut_short(body, named, made_from):
                course.taken.add(then.id)
                self._counts.recorded += 1
                if lapsed:
                    raise RunFailed(body.lapse)
                call.cost = body.cost
                return body.text
        why = "it was made from something else then" if material else "its note is not there"
        return await self._anew(call, "note", Note, why, lambda peer, call: peer.note(call, about, material))

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        return await self._judge(call, "compare", (a, b), lambda peer, call: peer.compare(call, a, b))

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        return await self._judge(call, "critique", (proposal,), lambda peer, call: peer.critique(call, proposal))

    async def _judge(
        self,
        call: Call,
        skill: str,
        subjects: tuple[Message[Proposal], ...],
        ask: Callable[[Peer, Call], Awaitable[Verdict]],
    ) -> Verdict:
        gists, course = self._course.gists, self._course
        wanted = tuple(gists.of(m) for m in subjects)
        lapsed: Message[Judgement] | None = None
        for then in course.to_come():
            body = then.body
            if not isinstance(body, Judgement):
                continue
            for verdict in body.verdicts:
                if gists.subjects(verdict.subjects) == wanted:
                    self._charge(call, then)
                    return Verdict(tuple(m.id for m in subjects), verdict.scores, verdict.reason)
            if body.lapse and lapsed is None and body.round == call.round:
                lapsed = then
        if lapsed is not None and all(self._known_then(m) for m in subjects):
            self._charge(call, lapsed)
            raise RunFailed(lapsed.body.lapse)
        return await self._anew(call, skill, Judgement, "its verdict on these is not there", ask)

    # -- from the record ----------------------------------------------------------------------------------------

    def _said(self, call: Call, then: Message[Proposal]) -> Proposal:
        body = then.body
        self._course.taken.add(then.id)
        self._counts.recorded += 1
        if _failed(body):
            raise RunFailed(body.lapse)
        call.cost = body.cost
        refs = body.refs[len(call.guide) :] if not self._revises(body) else ()
        return Proposal(
            key=body.key,
            text=body.text,
            confidence_ppm=body.confidence_ppm,
            refs=refs,
            lapse=body.lapse,
            cost=body.cost,
        )

    def _charge(self, call: Call, then: Message[Judgement]) -> None:
        """Let the first verdict from a judgement cost what all of it cost."""
        self._counts.recorded += 1
        call.cost = NO_COST if then.id in self._charged else then.body.cost
        self._charged.add(then.id)

    def _revises(self, body: Proposal) -> bool:
        """Say whether a recorded proposal was made from an earlier one: this peer's, or a draft of another's."""
        if not body.refs:
            return False
        first = self._course.history.by_id.get(body.refs[0])
        return body.refs[0] in self._course.withheld if first is None else isinstance(first.body, Proposal)

    def _heard_then(self, then: AnyMessage, heard: Sequence[AnyMessage]) -> bool:
        """Say whether a message's author had heard all this by then, as far as its envelope says."""
        gists = self._course.gists
        before = gists.named((*then.parents, *(m.id for m in self._course.mine if m.sequence < then.sequence)))
        return gists.several(heard) <= before

    def _known_then(self, message: AnyMessage) -> bool:
        gist = self._course.gists.of(message)
        return any(self._course.gists.of(m) == gist for m in self._course.history.messages)

    # -- anew ---------------------------------------------------------------------------------------------------

    async def _anew(
        self, call: Call, skill: str, body: type[Any], why: str, ask: Callable[[Peer, Call], Awaitable[T]]
    ) -> T:
        course = self._course
        if course.fell_silent(body.kind, call.round):
            raise FellSilent
        if self._live == "never" and course.ended and not course.history.finished:
            raise FellSilent
        missing = MissingRecord(course.history.opening.channel, self.name, skill, call.round, why)
        if self._live == "never" and not self._memory:
            raise missing
        peer = remembering(self._ask(), self._memory)
        if skill not in peer.skills:
            raise UsageError(f"peer {self.name!r} is to {skill} anew, and the peer given for it has no such skill")
        thinking, entry = Thinking(self._live != "never"), Asked(self.name, skill, call.round, why)
        self._counts.live.append(entry)
        asked = call if self._seed is None else call.redrawn(self._seed)
        before = THINKING.set(thinking)
        try:
            return cast("T", await self._around(ask(peer, asked)))
        except NotRemembered:
            raise missing from None
        finally:
            THINKING.reset(before)
            call.cost = asked.cost
            self._count(entry, asked.cost, made=thinking.asked or not isinstance(peer, Agent) or not self._memory)

    def _count(self, entry: Asked, cost: Cost, *, made: bool) -> None:
        """Count a call as made, or where its peer's own record had all the answers, as answered from that."""
        if made:
            self._counts.spent += cost
        else:
            self._counts.live.remove(entry)
            self._counts.recorded += 1


def _failed(body: Proposal) -> bool:
    """Say whether a proposal stands for a call that failed: it says why, and nothing was paid."""
    return bool(body.lapse) and body.cost == NO_COST


def _cut_short(body: Proposal | Note, named: Any, made_from: Any) -> bool:
    """Say whether a body names only the first of very many that it was made from, and all it names are the same."""
    return len(body.refs) > 1_000 and named <= made_from
