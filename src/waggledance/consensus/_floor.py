"""The floor: whose turn it is in a conversation, as a fold of what was said. Nobody gives it out.

    first holder = the first member by blake3("waggle/floor/1\\0" ‖ channel ‖ "\\0" ‖ peer)
    discuss, assign-and-go-on   the floor passes to the first of `next` who is in the team; with none it stays
    assign-and-wait, pause      nobody speaks until the tasks have ended; then it is the speaker's again
    conclude, or no turn left   it is over

A turn counts when it follows the last one that counts and its author had the floor, or takes it: whoever waited too
long says so, in a turn that names the one that it waited after. The clock only decides when that is said. Of several
turns after one, that counts on which most other members have built; then the holder's own before who takes the floor,
and of those the first in the hash order after the holder. So what a turn's author holds back and brings out late is of
no effect once others have gone on, and nobody who speaks out of turn is heard.

The same set of messages gives the same state, in any order, with any repeated. Withstands silent and late speakers, and
members who lie as long as others speak; a speaker with the floor may conclude or assign at will, as that is its turn.
Source: Chen et al. 2024, "Internet of Agents", arXiv:2407.07061; there a server orders the turns and a speaker who dies
stops the group. The hash order and turns that take the floor are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from blake3 import blake3

from waggledance.consensus._floor_bodies import FloorReport, FloorTurn, TaskProgress, TaskRef
from waggledance.core import Message, MessageId, PeerId, UsageError

Phase = Literal["discussing", "waiting", "paused", "concluded"]
_ENDED = ("done", "failed")


@dataclass(frozen=True)
class FloorTask:
    """A task that a turn gave."""

    ref: TaskRef
    what: str
    progress: TaskProgress
    result: Message[FloorReport] | None = None
    """What ended it."""

    @property
    def ended(self) -> bool:
        return self.progress in _ENDED


@dataclass(frozen=True)
class FloorState:
    """Where a conversation stands."""

    holder: PeerId
    """Who has the floor; while tasks are waited for, who gets it then; at the end, who spoke last."""
    phase: Phase
    turns: tuple[Message[FloorTurn], ...]
    """Those that count, in order."""
    tasks: tuple[FloorTask, ...]
    """Every task that they gave, in the order of turns."""
    triggers: tuple[TaskRef, ...]
    """The tasks that are waited for."""
    turns_left: int
    absent: frozenset[PeerId]
    """Who was passed over in silence and has not had a turn since."""
    takers: tuple[PeerId, ...]
    """Who may take the floor, first who should: the holder, where tasks do not end; then the others in hash order.
    Those who are absent come last."""

    @property
    def head(self) -> MessageId | None:
        """The last turn that counts."""
        return self.turns[-1].id if self.turns else None

    def works(self, peer: PeerId) -> bool:
        """Say whether a member has a task that has not ended."""
        return any(task.ref.who == peer and not task.ended for task in self.tasks)


class Floor:
    """The automaton of one conversation.

    Args:
        members: the team, at least one, none twice.
        channel: the channel's name: it draws the order in which members take over.
        max_turns: after so many turns it is over, ≥ 1.

    Raises:
        UsageError: nobody, somebody twice, or not one turn.
    """

    def __init__(self, members: Sequence[PeerId], channel: str, *, max_turns: int) -> None:
        if not members or len(set(members)) < len(members):
            raise UsageError(
                f"a floor has members, each once; got {len(members)}, {len(set(members))} of them distinct"
            )
        if max_turns < 1:
            raise UsageError(f"a conversation has 1 or more turns, got max_turns={max_turns}")
        seed = b"waggle/floor/1\0" + channel.encode() + b"\0"
        self.order = tuple(sorted(members, key=lambda peer: blake3(seed + peer).digest()))
        """The members as the floor passes among them where nobody says how."""
        self.channel, self.max_turns = channel, max_turns

    def state(self, messages: Iterable[Message[Any]]) -> FloorState:
        """Return where the conversation stands, by a set of messages; those that are none of it are passed over."""
        said = _Said(messages, self)
        holder = self.order[0]
        state = FloorState(holder, "discussing", (), (), (), self.max_turns, frozenset(), self.order)
        while state.phase != "concluded":
            heirs = [m for m in said.after.get(state.head, ()) if _counts(m, state)]
            if not heirs:
                break
            state = self._advanced(state, min(heirs, key=lambda m: _rank(m, state, said)), said)
        return state

    def following(self, peer: PeerId, absent: frozenset[PeerId] = frozenset()) -> tuple[PeerId, ...]:
        """Return the other members in hash order, beginning after one, those who are absent last."""
        place = self.order.index(peer)
        others = (*self.order[place + 1 :], *self.order[:place])
        return tuple(sorted(others, key=lambda other: other in absent))

    def _advanced(self, state: FloorState, turn: Message[FloorTurn], said: _Said) -> FloorState:
        body, author = turn.body, turn.author
        absent = (state.absent | (_passed_over(state, author) if body.takes else frozenset[PeerId]())) - {author}
        given = [TaskRef(turn.id, task.who) for task in body.tasks if task.who in self.order]
        what = {task.who: task.what for task in body.tasks}
        tasks = (*state.tasks, *(said.task(ref, what[ref.who]) for ref in given))
        awaited = given if body.act == "assign-and-wait" else [t.ref for t in tasks if t.ref in body.triggers]
        triggers = tuple(task.ref for task in tasks if task.ref in awaited and not task.ended)
        phase: Phase = "paused" if body.act == "pause" else "waiting"
        holder = author if awaited else next((peer for peer in body.next if peer in self.order), author)
        left = state.turns_left - 1
        if body.act == "conclude" or not left:
            phase, holder, triggers = "concluded", author, ()
        elif not triggers:
            phase = "discussing"
        return FloorState(
            holder, phase, (*state.turns, turn), tasks, triggers, left, absent,
            (holder, *self.following(holder, absent)),
        )  # fmt: skip


class _Said:
    """What the members said, each turn under the one that it follows."""

    def __init__(self, messages: Iterable[Message[Any]], floor: Floor) -> None:
        members = frozenset(floor.order)
        known = {m.id: m for m in messages if m.author in members and m.channel == floor.channel}
        in_order = sorted(known.values(), key=lambda m: (m.sequence, m.id))
        turns: dict[tuple[PeerId, MessageId | None, int], Message[FloorTurn]] = {}
        self._reports: dict[TaskRef, list[Message[FloorReport]]] = {}
        for message in in_order:
            if isinstance(message.body, FloorTurn):
                turns.setdefault((message.author, message.body.after, message.body.round), message)
            elif isinstance(message.body, FloorReport):
                self._reports.setdefault(TaskRef(message.body.turn, message.author), []).append(message)
        self.after: dict[MessageId | None, list[Message[FloorTurn]]] = {}
        for turn in turns.values():
            self.after.setdefault(turn.body.after, []).append(turn)
        self._builders = _builders(turns.values(), self._reports)

    def builders(self, turn: Message[FloorTurn]) -> int:
        """Return how many other members have built on a turn: spoken after it, or reported on its tasks."""
        return len(self._builders.get(turn.id, set[PeerId]()) - {turn.author})

    def task(self, ref: TaskRef, what: str) -> FloorTask:
        """Return a task as far as it is; its first end stands."""
        reports = self._reports.get(ref, [])
        result = next((m for m in reports if m.body.progress in _ENDED), None)
        if result is not None:
            return FloorTask(ref, what, result.body.progress, result)
        return FloorTask(ref, what, "started" if reports else "given")


def _builders(
    turns: Iterable[Message[FloorTurn]], reports: Mapping[TaskRef, Sequence[Message[FloorReport]]]
) -> dict[MessageId, set[PeerId]]:
    """Return who has built on each turn, directly or on what was built on it."""
    built: dict[MessageId, set[PeerId]] = {}
    for ref in reports:
        built.setdefault(ref.turn, set()).add(ref.who)
    for turn in sorted(turns, key=lambda m: -m.body.round):
        if turn.body.after is not None:
            built.setdefault(turn.body.after, set()).update({turn.author}, built.get(turn.id, ()))
    return built


def _counts(turn: Message[FloorTurn], state: FloorState) -> bool:
    """Say whether a turn that follows the last one may be the next."""
    if turn.body.round != len(state.turns):
        return False
    return turn.body.takes or (state.phase == "discussing" and turn.author == state.holder)


def _rank(turn: Message[FloorTurn], state: FloorState, said: _Said) -> tuple[int, bool, int, MessageId]:
    return -said.builders(turn), turn.body.takes, state.takers.index(turn.author), turn.id


def _passed_over(state: FloorState, taker: PeerId) -> frozenset[PeerId]:
    """Return who was silent for somebody to take the floor: whoever had it or was to end a task, and who came first."""
    awaited = {ref.who for ref in state.triggers} or {state.holder}
    return frozenset(awaited | set(state.takers[: state.takers.index(taker)]))
