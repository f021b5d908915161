"""Conversation: one speaks at a time, gives tasks, waits for them or not, and concludes; then everybody answers.

Nobody chairs it: whose turn it is follows from what was said, see `Floor`. Who has the floor says what it does with it;
who was given a task does it and says what came out; who waits for a silent speaker for too long takes the floor. The
talk decides nothing. When it is over everybody answers with it at hand, and a rule decides over the answers: so a
speaker who concludes at will concludes the talk, not the question.
Source: Chen et al. 2024, "Internet of Agents: Weaving a Web of Heterogeneous Agents for Collaborative Intelligence",
arXiv:2407.07061. There a server passes the floor and the last speaker's conclusion is the answer.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

import msgspec

from waggledance.consensus import Floor, FloorReport, FloorState, FloorTask, FloorTurn, Rule, TaskRef, majority
from waggledance.core import (
    BudgetSpent,
    Decision,
    Message,
    MessageId,
    Note,
    PeerId,
    Proposal,
    Question,
    Seat,
    UsageError,
    after,
    count,
    everyone_within,
)
from waggledance.protocols._floor_form import ABOUT, MAX_TEXT_CHARS, Form, read_form, standing, told
from waggledance.protocols._protocol import check_patience, collect_from
from waggledance.protocols._ration import ration_for

WORK = "work"


@dataclass(frozen=True)
class Conversation:
    """Talk in turns, share out tasks, conclude; then answer, guided by the talk, and let a rule decide.

    Args:
        max_turns: how many turns there are at most, ≥ 1; the last one concludes, whatever it says.
        decide: the rule over the answers after the talk.
        patience_s: how long tasks that are waited for, and late answers, are waited for, in seconds.
        silence_s: how long a speaker may be silent before the next in the hash order takes the floor, in seconds; the
            one after it waits as long again.
    """

    name: ClassVar[str] = "conversation"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "note"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})
    peers_min: ClassVar[int] = 2

    max_turns: int = 12
    decide: Rule = majority
    patience_s: float = 120.0
    silence_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if not 0 < self.silence_s < inf:
            raise UsageError(f"a speaker may be silent for a number of seconds > 0, got silence_s={self.silence_s}")
        if self.max_turns < 1:
            raise UsageError(f"a conversation has 1 or more turns, got max_turns={self.max_turns}")

    async def __call__(self, seat: Seat, /) -> Decision:
        ration = ration_for(seat, 1)
        talk = _Talk(seat, self)
        state = await talk.held()
        if ration.admits(seat.me):
            await seat.publish(await seat.propose(guide=told(state, seat.table.names)))
        here = ration.speakers or frozenset(seat.roster) - state.absent | {seat.me}
        in_time = everyone_within(self.patience_s)
        proposals = await collect_from(seat, Proposal, 0, in_time, here)
        decision = ration.tell(self.decide(proposals, (), seat.weights))
        return msgspec.structs.replace(decision, notes=(*decision.notes, *talk.notes(state)))


class _Talk:
    """One seat's part in the talk."""

    def __init__(self, seat: Seat, terms: Conversation) -> None:
        self._seat, self._terms = seat, terms
        self._floor = Floor(seat.roster, seat.channel, max_turns=terms.max_turns)
        self._patience = _Patience(seat, terms)
        self._spoke: set[MessageId | None] = set()
        self._heeded: set[MessageId] = set()
        self._worked: set[TaskRef] = set()
        self._room = _room(seat)

    async def held(self) -> FloorState:
        """Take part until the talk is over, as this seat sees it; return where it stands then."""
        while True:
            state = self._state()
            if self._over(state):
                return state
            try:
                if not (await self._work(state) or await self._speak(state) or await self._wait(state)):
                    return state
            except BudgetSpent:
                return self._state()

    def notes(self, state: FloorState) -> tuple[str, ...]:
        """Return what a reader of the decision should know of the talk."""
        turns = len(state.turns)
        if state.phase == "concluded":
            concluded = state.turns[-1].body.act == "conclude"
            how = f"concluded by {self._name(state)}" if concluded else "its last turn was taken"
            return (f"decided after a talk of {turns} turn{'s' if turns != 1 else ''}: {how}",)
        if self._room < sys.maxsize:
            return (f"the budget left {self._room} messages for the talk beside everybody's answer; it was cut short",)
        return (f"decided after a talk of {turns} turn{'s' if turns != 1 else ''} that nobody concluded",)

    def _name(self, state: FloorState) -> str:
        return self._seat.table.names.get(state.holder) or state.holder.hex()[:8]

    # -- where it stands --------------------------------------------------------------------------------------------

    def _state(self) -> FloorState:
        """Return where the talk stands for this seat: turns that take the floor before their time are not there yet."""
        said = list(self._said())
        early = {m.id for m in said if isinstance(m.body, FloorTurn) and m.body.takes} - self._heeded
        early -= {id for id in early if self._backed(id, said)}
        return self._floor.state(m for m in said if m.id not in early)

    def _said(self) -> Iterator[Message[Any]]:
        for round in range(self._terms.max_turns):
            yield from self._seat.said(FloorTurn, round)
        for round in range(2 * self._terms.max_turns):
            yield from self._seat.said(FloorReport, round)

    def _backed(self, id: MessageId, said: list[Message[Any]]) -> bool:
        """Say whether more than a third of the members stand behind a turn: its author, and who spoke right after."""
        behind = {m.author for m in said if m.id == id or (isinstance(m.body, FloorTurn) and m.body.after == id)}
        return 3 * len(behind & set(self._floor.order)) > len(self._floor.order)

    def _over(self, state: FloorState) -> bool:
        """Say whether there is nothing more to say: it was concluded, most have answered, or nothing more may be."""
        answered = {m.author for m in self._seat.said(Proposal)} & set(self._seat.roster)
        if state.phase == "concluded" or 2 * len(answered) > len(self._seat.roster):
            return True
        return self._seat.meter.spent_out() is not None or self._left() < 1

    def _left(self) -> int:
        """Return how many more messages the budget allows the talk, those that are promised taken off."""
        if self._room == sys.maxsize:
            return self._room
        state = self._floor.state(self._said())
        return self._room - sum(1 for _ in self._said()) - sum(not task.ended for task in state.tasks)

    # -- what this seat does ----------------------------------------------------------------------------------------

    async def _work(self, state: FloorState) -> bool:
        """Do a task that this seat was given, and say what came out; return whether there was one."""
        seat = self._seat
        mine = [t for t in state.tasks if t.ref.who == seat.me and not t.ended and t.ref not in self._worked]
        if not mine:
            return False
        task = mine[0]
        self._worked.add(task.ref)
        depth, turn = next((i, m) for i, m in enumerate(state.turns) if m.id == task.ref.turn)
        if turn.body.act == "assign-and-go-on" and self._left() > 0:
            begun = FloorReport(round=2 * depth, about=WORK, text="", turn=turn.id, progress="started")
            await seat.publish(begun)
        await seat.publish(await self._result(state, task, 2 * depth + 1))
        return True

    async def _result(self, state: FloorState, task: FloorTask, round: int) -> FloorReport:
        seat = self._seat
        asked = Question(text=task.what, expects="free")
        said = await seat.note(WORK, told(state, seat.table.names), round, question=asked)
        done = bool(said.text.strip())
        return FloorReport(
            round=round, about=WORK, text=said.text[:MAX_TEXT_CHARS], refs=said.refs, lapse=said.lapse, cost=said.cost,
            turn=task.ref.turn, progress="done" if done else "failed",
        )  # fmt: skip

    async def _speak(self, state: FloorState) -> bool:
        """Take this seat's turn, if it has the floor or has waited long enough for who has; return whether it did."""
        seat, head = self._seat, state.head
        if head in self._spoke:
            return False
        takes = state.phase != "discussing" or state.holder != seat.me
        if takes and not self._patience.ended(state, seat.me):
            return False
        self._spoke.add(head)
        names = {peer: seat.table.names.get(peer, "") for peer in self._floor.order}
        left = min(state.turns_left, self._left())
        asked = f"{seat.question.text}\n\n{standing(state, seat.me, names, left)}"
        about = msgspec.structs.replace(seat.question, text=asked)
        said = await seat.note(ABOUT, told(state, names), len(state.turns), question=about)
        turn = await seat.publish(self._turn(state, read_form(said.text, names, state.tasks), said, takes))
        self._heeded.add(turn.id)
        return True

    def _turn(self, state: FloorState, form: Form, said: Note, takes: bool) -> FloorTurn:
        seat = self._seat
        following = (*self._floor.following(seat.me, state.absent), seat.me)
        onwards = next(peer for peer in following if peer not in state.absent or peer == seat.me)
        promised = 0 if not form.tasks else len(form.tasks) * (1 if form.act == "assign-and-wait" else 2)
        if promised >= self._left():  # there would be no room for the results
            form = Form(form.text, next=form.next) if form.tasks else form
        return FloorTurn(
            round=len(state.turns), about=ABOUT, text=form.text, refs=said.refs, lapse=said.lapse, cost=said.cost,
            act=form.act, after=state.head, next=(onwards,) if form.next is None else form.next, tasks=form.tasks,
            triggers=form.triggers, takes=takes,
        )  # fmt: skip

    async def _wait(self, state: FloorState) -> bool:
        """Wait for what can come next; return whether anything could."""
        here = self._seat.said(FloorTurn, len(state.turns))
        early = [m for m in here if m.body.takes and m.body.after == state.head and m.id not in self._heeded]
        early = [m for m in early if m.author in self._floor.order]
        ripe = [m.id for m in early if self._patience.ended(state, m.author)]
        if ripe:
            self._heeded.update(ripe)
            return True
        for_whom = {m.author for m in early}
        if state.head not in self._spoke:
            for_whom.add(self._seat.me)
        return bool(for_whom) and await self._patience.wait(state, for_whom)


class _Patience:
    """How long this seat has waited since the talk last went on, and for how long who must before taking the floor.

    A wait that ended with nothing new counts as waited, whatever a clock says: over a complete set nothing is waited
    for, and a replay's clock stands still.
    """

    def __init__(self, seat: Seat, terms: Conversation) -> None:
        self._seat, self._terms = seat, terms
        self._at: object = None
        self._since_s = self._waited_s = 0.0

    def ended(self, state: FloorState, taker: PeerId) -> bool:
        """Say whether a member may take the floor by now, as far as this seat has seen."""
        self._look(state)
        return self._waited_s >= self._due_s(state, taker)

    async def wait(self, state: FloorState, for_whom: set[PeerId]) -> bool:
        """Wait until something is said, or until the first of some may take the floor; return that it may go on."""
        self._look(state)
        seat, due_s = self._seat, min(self._due_s(state, peer) for peer in for_whom)
        body: type[FloorTurn | FloorReport] = FloorTurn
        round, of = len(state.turns), None
        if state.triggers and self._waited_s < self._first_s(state):
            awaited, due_s = state.triggers[0], min(due_s, self._first_s(state))
            depth = next(i for i, turn in enumerate(state.turns) if turn.id == awaited.turn)
            body, round, of = FloorReport, 2 * depth + 1, frozenset({awaited.who})
        here = {m.author for m in seat.said(body, round) if of is None or m.author in of}
        in_time = count(len(here) + 1) | after(max(0.0, due_s - self._waited_s))
        said = {m.author for m in await seat.collect(body, round, until=in_time, of=of)}
        passed_s = seat.clock.now() - self._since_s
        self._waited_s = max(self._waited_s, passed_s) if said > here else max(due_s, self._waited_s)
        return True

    def _look(self, state: FloorState) -> None:
        """Begin to wait anew where the talk has gone on: with a turn, or with a task that ended."""
        at = (state.head, state.triggers)
        if at != self._at:
            self._at, self._since_s, self._waited_s = at, self._seat.clock.now(), 0.0

    def _first_s(self, state: FloorState) -> float:
        """Return how long tasks are waited for: those that all wait for, and those of who has the floor."""
        return self._terms.patience_s if state.triggers or state.works(state.holder) else 0.0

    def _due_s(self, state: FloorState, taker: PeerId) -> float:
        return self._first_s(state) + state.takers.index(taker) * self._terms.silence_s


def _room(seat: Seat) -> int:
    """Return how many messages the budget leaves the talk, each with its call, beside an answer of everybody's."""
    budget = seat.meter.budget
    limits = [limit for limit in (budget.messages, budget.calls) if limit is not None]
    return max(0, min(limits) - len(seat.roster)) if limits else sys.maxsize
