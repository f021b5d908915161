"""The floor of a conversation against a plain referee, and what can be done to it out of turn."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.consensus import Act, Assigned, Floor, FloorReport, FloorState, FloorTurn, TaskRef
from waggledance.consensus._floor_bodies import TaskProgress
from waggledance.core import (
    Channel,
    Message,
    MessageId,
    Note,
    PeerId,
    Proposal,
    UnknownName,
    UsageError,
    local_peer_id,
    swarm_id,
)

TEAM = [local_peer_id(name) for name in ("ada", "bob", "cat", "dan")]
STRANGER = local_peer_id("mallory")
ACTS: tuple[Act, ...] = ("discuss", "assign-and-wait", "assign-and-go-on", "pause", "conclude")


class Talk:
    """A channel in which turns are said, and the floor over it."""

    def __init__(self, max_turns: int = 12, team: Sequence[PeerId] = TEAM) -> None:
        self.channel = Channel(swarm_id("test"), "q")
        self.floor = Floor(team, "q", max_turns=max_turns)

    @property
    def state(self) -> FloorState:
        return self.floor.state(self.channel.messages())

    def write(self, author: PeerId, body: Any) -> Message[Any]:
        return self.channel.publish(author, body, list(self.channel.messages()), 0)

    def turn(self, author: PeerId, act: Act = "discuss", **more: Any) -> Message[FloorTurn]:
        """Say a turn after the last one that counts, or after another."""
        state = self.state
        fields: dict[str, Any] = {"round": len(state.turns), "after": state.head, **more}
        return self.write(author, FloorTurn(about="speech", text="…", act=act, **fields))

    def speak(self, act: Act = "discuss", **more: Any) -> Message[FloorTurn]:
        """Say the turn of who has the floor."""
        return self.turn(self.state.holder, act, **more)

    def report(self, who: PeerId, turn: Message[Any], progress: TaskProgress = "done") -> Message[FloorReport]:
        round = 2 * turn.body.round + (progress != "started")
        body = FloorReport(round=round, about="work", text="…", turn=turn.id, progress=progress)
        return self.write(who, body)


def given_to(*peers: PeerId) -> tuple[Assigned, ...]:
    return tuple(Assigned(peer, "look it up") for peer in peers)


class Referee:
    """What a server would do: takes messages as they come, and says no to those that are not allowed."""

    def __init__(self, max_turns: int) -> None:
        self.holder: PeerId = min(TEAM, key=lambda peer: blake3(b"waggle/floor/1\0q\0" + peer).digest())
        self.turns: list[MessageId] = []
        self.progress = dict[TaskRef, str]()
        self.awaited = set[TaskRef]()
        self.pausing = self.over = False
        self.left = max_turns
        self.tried: set[tuple[PeerId, MessageId | None]] = set()

    def hear(self, message: Message[Any]) -> None:
        if isinstance(message.body, FloorTurn):
            self.hear_turn(message)
        elif isinstance(message.body, FloorReport):
            ref = TaskRef(message.body.turn, message.author)
            if self.progress.get(ref) in ("given", "started"):
                self.progress[ref] = message.body.progress

    def hear_turn(self, turn: Message[FloorTurn]) -> None:
        body, author, head = turn.body, turn.author, self.turns[-1] if self.turns else None
        if self.over or author not in TEAM or body.after != head or body.round != len(self.turns):
            return
        if (author, head) in self.tried:
            return
        self.tried.add((author, head))
        if not body.takes and (self.waits or author != self.holder):
            return
        self.turns.append(turn.id)
        self.left -= 1
        self.pausing = body.act == "pause"
        new = {TaskRef(turn.id, task.who) for task in body.tasks if task.who in TEAM}
        self.progress.update(dict.fromkeys(new, "given"))
        self.awaited = new if body.act == "assign-and-wait" else self.progress.keys() & set(body.triggers)
        named = [peer for peer in body.next if peer in TEAM]
        self.holder = author if self.awaited or not named else named[0]
        if body.act == "conclude" or self.left == 0:
            self.over, self.holder = True, author

    @property
    def waits(self) -> bool:
        return any(self.progress[ref] in ("given", "started") for ref in self.awaited)

    @property
    def phase(self) -> str:
        if self.over:
            return "concluded"
        return ("paused" if self.pausing else "waiting") if self.waits else "discussing"


peers = st.sampled_from([*TEAM, STRANGER])
steps = st.fixed_dictionaries(
    {
        "author": peers, "holds": st.booleans(), "act": st.sampled_from(ACTS), "next": st.lists(peers, max_size=2),
        "tasks": st.lists(peers, min_size=1, max_size=3, unique=True), "takes": st.booleans(),
        "report": st.booleans(), "progress": st.sampled_from(("started", "done", "failed")),
        "astray": st.sampled_from((0, 0, 0, 1)), "pick": st.integers(0, 99),
    }
)  # fmt: skip


def attempt(talk: Talk, referee: Referee, step: dict[str, Any]) -> Message[Any] | None:
    """Say what a step says, sensible or not; None where a peer would jump at its own floor, see the test of that."""
    refs = sorted(referee.progress)
    if step["report"] and refs:
        ref = refs[int(step["pick"]) % len(refs)]
        who = ref.who if step["holds"] else step["author"]
        return talk.write(who, FloorReport(about="work", text="…", turn=ref.turn, progress=step["progress"]))
    author = referee.holder if step["holds"] else step["author"]
    takes = step["takes"] and not step["holds"]
    if author == referee.holder and not takes and referee.waits:
        return None
    head = referee.turns[-1] if referee.turns else None
    act: Act = "discuss" if step["act"] == "pause" and not refs else step["act"]
    body = FloorTurn(
        round=len(referee.turns) + step["astray"], about="speech", text="…", act=act, after=head, takes=takes,
        next=tuple(step["next"]), tasks=given_to(*step["tasks"]) if act.startswith("assign") else (),
        triggers=(refs[int(step["pick"]) % len(refs)], TaskRef(MessageId(bytes(32)), author)) if act == "pause" else (),
    )  # fmt: skip
    return talk.write(author, body)


@given(script=st.lists(steps, max_size=25), max_turns=st.integers(1, 8), rng=st.randoms(use_true_random=False))
@settings(max_examples=250)
def test_the_floor_accepts_exactly_what_a_referee_would(
    script: list[dict[str, Any]], max_turns: int, rng: Random
) -> None:
    talk, referee = Talk(max_turns), Referee(max_turns)
    for step in script:
        message = attempt(talk, referee, step)
        if message is not None:
            referee.hear(message)
            state = talk.state
            assert [turn.id for turn in state.turns] == referee.turns
            assert (state.phase, state.holder, state.turns_left) == (referee.phase, referee.holder, referee.left)
            assert {task.ref: task.progress for task in state.tasks} == referee.progress
    said = list(talk.channel.messages())
    shuffled = rng.sample([*said, *said[:5]], len(said) + len(said[:5]))
    assert talk.floor.state(shuffled) == talk.state


@given(order=st.permutations(range(3)), late=st.integers(0, 2), repeated=st.integers(1, 3))
@settings(max_examples=30)
def test_a_pause_ends_with_its_last_trigger_and_gives_the_floor_back_to_who_paused(
    order: list[int], late: int, repeated: int
) -> None:
    talk = Talk()
    first, *workers = talk.floor.order
    given = talk.speak("assign-and-go-on", tasks=given_to(*workers), next=(workers[0],))
    triggers = tuple(TaskRef(given.id, who) for who in workers)
    talk.speak("pause", triggers=triggers, next=(first,))
    pauses = workers[0]
    for i in order:
        assert (talk.state.phase, talk.state.holder) == ("paused", pauses)
        if i == late:
            talk.report(workers[i], given, "started")
        for _ in range(repeated):
            talk.report(workers[i], given, "failed" if i == late else "done")
    assert (talk.state.phase, talk.state.holder, talk.state.triggers) == ("discussing", pauses, ())


def test_a_task_that_has_ended_goes_back_for_nothing_and_nobody_ends_it_for_another() -> None:
    talk = Talk()
    worker, other = talk.floor.order[1:3]
    given = talk.speak("assign-and-wait", tasks=given_to(worker))
    talk.report(other, given)
    assert [task.progress for task in talk.state.tasks] == ["given"]
    talk.report(worker, given, "failed")
    talk.report(worker, given, "done")
    talk.report(worker, given, "started")
    assert [task.progress for task in talk.state.tasks] == ["failed"]


def test_who_waits_for_tasks_and_speaks_before_they_end_is_heard_when_they_end() -> None:
    talk = Talk()
    first, worker = talk.floor.order[:2]
    given = talk.speak("assign-and-wait", tasks=given_to(worker))
    hasty = talk.turn(first)
    assert talk.state.head == given.id
    talk.report(worker, given)
    assert talk.state.head == hasty.id


def test_strangers_get_neither_the_floor_nor_tasks() -> None:
    talk = Talk()
    first = talk.state.holder
    talk.speak(next=(STRANGER,))
    assert talk.state.holder == first
    talk.speak("assign-and-wait", tasks=given_to(STRANGER))
    assert (talk.state.phase, talk.state.holder, talk.state.tasks) == ("discussing", first, ())
    talk.turn(STRANGER, "conclude", takes=True)
    assert len(talk.state.turns) == 2


def test_the_last_turn_concludes_whatever_it_says() -> None:
    talk = Talk(max_turns=2)
    first, second = talk.floor.order[:2]
    talk.speak(next=(second,))
    talk.speak("assign-and-wait", tasks=given_to(first))
    assert (talk.state.phase, talk.state.holder, talk.state.turns_left) == ("concluded", second, 0)
    talk.turn(first, takes=True)
    assert len(talk.state.turns) == 2


# -- silence --------------------------------------------------------------------------------------------------------


def test_of_several_who_take_the_floor_the_first_in_hash_order_counts() -> None:
    talk = Talk()
    takers = [talk.turn(peer, takes=True, round=0, after=None) for peer in reversed(talk.floor.order[1:])]
    assert [turn.id for turn in talk.state.turns] == [takers[-1].id]


def test_the_speaker_comes_before_who_takes_its_floor_until_others_have_built_on_that() -> None:
    talk = Talk()
    first, second, third, fourth = talk.floor.order
    taken = talk.turn(second, takes=True, next=(third,))
    late = talk.turn(first, round=0, after=None)
    assert [turn.id for turn in talk.state.turns] == [late.id]
    third_turn = talk.turn(third, round=1, after=taken.id, next=(fourth,))
    assert [turn.id for turn in talk.state.turns] == [taken.id, third_turn.id]


def test_a_turn_held_back_undoes_nothing_that_others_have_built_on() -> None:
    talk = Talk()
    first, second, third, _ = talk.floor.order
    taken = talk.turn(second, takes=True, next=(third,))
    talk.turn(third, next=(second,))
    talk.turn(second, next=(third,))
    held_back = talk.turn(first, round=0, after=None, next=(first,))
    for round in range(1, 8):  # and its author goes on with itself
        held_back = talk.turn(first, round=round, after=held_back.id, next=(first,))
    assert [turn.author for turn in talk.state.turns] == [second, third, second]
    assert talk.state.turns[0] == taken


def test_who_was_passed_over_comes_last_until_it_speaks() -> None:
    talk = Talk()
    first, second, third, fourth = talk.floor.order
    talk.turn(third, takes=True, next=(fourth,))
    assert talk.state.absent == {first, second}
    assert talk.state.takers == (fourth, third, first, second)
    talk.speak(next=(second,))
    talk.speak(next=(third,))
    assert talk.state.absent == {first}


def test_tasks_that_do_not_end_leave_the_floor_to_who_gave_them_and_mark_who_was_silent() -> None:
    talk = Talk()
    first, worker, quick, _ = talk.floor.order
    given = talk.speak("assign-and-wait", tasks=given_to(worker, quick))
    talk.report(quick, given)
    assert talk.state.takers[0] == first
    resumed = talk.turn(first, takes=True)
    assert (talk.state.head, talk.state.absent) == (resumed.id, frozenset({worker}))
    talk.report(worker, given)
    assert (talk.state.head, talk.state.absent) == (resumed.id, frozenset())


def test_a_turn_of_another_channel_or_a_body_of_another_kind_is_no_turn() -> None:
    talk = Talk()
    elsewhere = Channel(swarm_id("test"), "r").publish(talk.state.holder, FloorTurn(about="speech", text=""), [], 0)
    note = talk.write(talk.state.holder, Note(about="speech", text=""))
    answer = talk.write(talk.state.holder, Proposal(key="4"))
    assert talk.floor.state([elsewhere, note, answer]) == talk.floor.state([])


def test_a_chain_of_thousands_of_turns_by_one_liar_is_walked_without_recursion() -> None:
    talk = Talk(max_turns=5_000)
    turn = talk.speak(next=(talk.floor.order[0],))
    said: list[Message[Any]] = [turn]
    for round in range(1, 3_000):
        body = msgspec.structs.replace(turn.body, round=round, after=said[-1].id)
        said.append(talk.channel.publish(talk.floor.order[0], body, [], 0))
    assert len(talk.floor.state(said).turns) == 3_000


# -- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"act": "sing"}, "no act 'sing'"),
        ({"act": "assign-and-wait"}, "gives tasks when it assigns"),
        ({"tasks": given_to(TEAM[0])}, "gives tasks when it assigns"),
        ({"act": "pause"}, "names tasks to wait for"),
        ({"triggers": (TaskRef(MessageId(bytes(32)), TEAM[0]),)}, "names tasks to wait for"),
        ({"act": "assign-and-wait", "tasks": given_to(TEAM[0], TEAM[0])}, "two tasks"),
        ({"about": "Speech!"}, "lower-case words"),
    ],
)
def test_a_turn_that_makes_no_sense_is_not_born(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises((UsageError, UnknownName), match=says):
        msgspec.structs.replace(FloorTurn(about="speech", text=""), **wrong)


@pytest.mark.parametrize("what", ["", "  \n", "cafe\u0301", "\ud800"])
def test_a_task_without_words_or_with_words_that_no_message_may_carry_is_not_born(what: str) -> None:
    with pytest.raises(UsageError, match="said in words"):
        Assigned(TEAM[0], what)


def test_a_report_says_how_far_a_task_is() -> None:
    with pytest.raises(UnknownName, match="progress"):
        FloorReport(about="work", text="", turn=MessageId(bytes(32)), progress="given")


@pytest.mark.parametrize(("members", "turns"), [((), 1), ((TEAM[0], TEAM[0]), 1), (TEAM, 0), (TEAM, -1)])
def test_a_floor_without_members_or_turns_is_refused(members: Sequence[PeerId], turns: int) -> None:
    with pytest.raises(UsageError, match=r"each once|1 or more turns"):
        Floor(members, "q", max_turns=turns)


def test_one_member_talks_to_itself() -> None:
    talk = Talk(max_turns=3, team=TEAM[:1])
    for _ in range(3):
        talk.speak(next=(STRANGER,))
    assert talk.state.phase == "concluded"
