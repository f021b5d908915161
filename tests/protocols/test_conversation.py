"""Conversations among scripted peers, whole and with a speaker dead, a network that loses, and a liar."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from waggledance import Budget, FunctionPeer, Swarm
from waggledance.consensus import Floor, FloorReport, FloorState, FloorTurn
from waggledance.core import Decision, Message, Peer, PeerId, Proposal, Question, Seat, UsageError, members_of
from waggledance.models import Request, Scripted
from waggledance.network import Crash, Fault, Partition, Restart, Simulated
from waggledance.peers import Agent
from waggledance.protocols import AskProtocol, Conversation, Quorum, Vote, by_name, spelled
from waggledance.testing import Kept, Opinionated, Run, SimulatedMesh, check_protocol, on_virtual_time, simulate

NAMES = ("ada", "bob", "cat", "dan")
TERMS = Conversation(patience_s=60, silence_s=10)
Says = Callable[[str, list[str]], str]
"""What a peer says in its turn, by its question with where the talk stands, and by what was said."""


def peer(name: str, speech: Says, *, answer: str = "4", work: str = "done", thinks_s: float = 0.0) -> FunctionPeer:
    async def note(question: str, about: str, material: list[str]) -> str:
        await asyncio.sleep(thinks_s)
        return speech(question, material) if about == "speech" else work

    return FunctionPeer(name, lambda question: answer, note=note)


def idle(question: str, material: list[str]) -> str:
    return "I have nothing to add."


def floor_of(run: Run, max_turns: int = 12) -> tuple[Floor, dict[PeerId, str], FloorState]:
    """Return the floor of a run, who is who, and where the talk ended, by all that was said."""
    names = {member.id: member.name for member in members_of(run.log)}
    floor = Floor(tuple(names), run.log[0].channel, max_turns=max_turns)
    return floor, names, floor.state(run.log)


def order_in(question: str, seed: int = 7) -> list[str]:
    """Return in which order the floor passes where nobody says how, for a seed and a question."""
    floor, names, _ = floor_of(simulate(TERMS, question, peers=[peer(name, idle) for name in NAMES], seed=seed))
    return [names[id] for id in floor.order]


# -- what is said, and what is done with it ---------------------------------------------------------------------------


def chair(question: str, material: list[str]) -> str:
    """Give everybody a task, wait for all of them by a pause, and conclude."""
    team = re.findall(r"\w+", question.split("The team: ")[1].split(".")[0])
    me = question.split("You are ")[1].split(".")[0]
    others = [name for name in team if name != me]
    if "Tasks:" not in question:
        return f"Thought: they are slow\nAct: assign and go on\nNext: {me}\n" + "\n".join(
            f"Task for {n}: look" for n in others
        )
    if any(f"({n}, started)" in question or f"({n}, given)" in question for n in others):
        return f"Act: pause\nWait for: {', '.join(str(i + 1) for i in range(len(others)))}"
    return "Act: conclude"


@pytest.mark.parametrize("seed", range(50))
def test_a_pause_gives_the_floor_back_to_who_paused_when_a_fifth_of_all_messages_is_lost(seed: int) -> None:
    slow = [peer(name, chair, thinks_s=seconds) for name, seconds in zip(NAMES, (0.1, 2.0, 5.0, 0.5), strict=True)]
    terms = Conversation(patience_s=300, silence_s=300)  # what is lost is told again within seconds
    run = simulate(terms, "2+2?", peers=slow, seed=seed, loss=0.2, duplicate=0.3, reorder=0.3)
    _, _, state = floor_of(run)
    acts = [turn.body.act for turn in state.turns]
    assert state.phase == "concluded"
    assert "pause" in acts
    at = acts.index("pause")
    assert state.turns[at + 1].author == state.turns[at].author
    assert not any(turn.body.takes for turn in state.turns)
    results = {task.result.id for task in state.tasks if task.result is not None}
    assert len(results) == 3
    before = past(run, state.turns[at + 1])
    assert results <= before
    assert len({decision.id for decision in run.decisions.values()}) == 1


def past(run: Run, message: Message[Any]) -> set[bytes]:
    """Return everything that a message builds on."""
    by_id, found, ahead = {m.id: m for m in run.log}, set[bytes](), [message]
    while ahead:
        causes = [*ahead[-1].parents, *([ahead[-1].previous] if ahead[-1].previous else [])]
        ahead.pop()
        ahead += [by_id[id] for id in causes if id not in found and id in by_id]
        found.update(causes)
    return found


def test_a_talk_with_tasks_keeps_the_laws_of_protocols_too() -> None:
    workers = [peer(name, chair, thinks_s=0.3) for name in NAMES]
    check_protocol(Conversation(patience_s=30, silence_s=10), peers=workers, seeds=(1, 2))


def test_a_thought_goes_no_further() -> None:
    run = simulate(TERMS, "2+2?", peers=[peer(name, chair) for name in NAMES])
    assert not any("slow" in getattr(m.body, "text", "") for m in run.log)


PARTS = {"ada": ("width", "6"), "bob": ("height", "7")}
FIELD = Question(text="How large is the field, width times height?", expects="number")


def knower(name: str) -> FunctionPeer:
    """Return a peer that knows one of two numbers, asks whoever else is there for the other, and multiplies."""
    what, value = PARTS[name]
    other, wanted = next((n, PARTS[n][0]) for n in PARTS if n != name)

    def propose(question: str) -> str:
        found = {what: value, **dict(re.findall(r"(width|height) is (\d+)", question))}
        return str(int(found["width"]) * int(found["height"])) if len(found) == 2 else "0"

    def note(question: str, about: str, material: list[str]) -> str:
        if about == "work":
            return f"the {what} is {value}" if what in question else "no idea"
        if any(f"{wanted} is" in text for text in material):
            return f"The {what} is {value}.\nAct: conclude"
        return f"The {what} is {value}.\nAct: assign and wait\nTask for {other}: say the {wanted}"

    return FunctionPeer(name, propose, note=note)


def test_a_question_of_two_parts_is_answered_by_a_talk_and_by_nobody_alone() -> None:
    alone = Swarm([knower(name) for name in PARTS], network=Simulated(seed=1), protocol=Vote()).ask_sync(FIELD)
    assert (alone.key, set(alone.support)) == ("0", {"0"})
    together = Swarm([knower(name) for name in PARTS], network=Simulated(seed=1), protocol=TERMS).ask_sync(FIELD)
    assert (together.key, together.support) == ("42", {"42": 2_000_000})
    assert any("talk of 2 turns: concluded by" in note for note in together.notes)


def test_agents_talk_in_the_form_that_they_are_shown_and_answer_with_the_talk_at_hand() -> None:
    asked: list[str] = []

    def answer(request: Request) -> str:
        said = request.turns[-1].text
        asked.append(said)
        if "your turn to speak" in said:
            return "It is four.\nAct: conclude" if "begin" in said else "I see four.\nAct: discuss"
        return "Answer: 4"

    agents = [Agent(name, Scripted(answer)) for name in ("ada", "bob")]
    decision = Swarm(agents, network=Simulated(seed=1), protocol=TERMS).ask_sync("2+2?")
    assert decision.key == "4"
    speeches = [said for said in asked if "your turn to speak" in said]
    assert len(speeches) == 2
    assert re.search(r"begin \w+\nSpeech:\n> \w+: I see four\.\n> Act: discuss\nend ", speeches[1])
    assert all("I see four." in said for said in asked if said not in speeches)


def test_what_cannot_be_read_as_a_turn_hands_on_in_hash_order_until_the_turns_are_used_up() -> None:
    run = simulate(Conversation(max_turns=6, silence_s=10), "2+2?", peers=[peer(name, idle) for name in NAMES])
    floor, _, state = floor_of(run, 6)
    assert [turn.author for turn in state.turns] == [*floor.order, *floor.order[:2]]
    assert (state.phase, state.turns[-1].body.act) == ("concluded", "discuss")
    assert any("6 turns: its last turn was taken" in note for note in run.decision.notes)


def test_a_task_that_fails_ends_as_failed_and_the_talk_goes_on() -> None:
    def fails(question: str, about: str, material: list[str]) -> str:
        if about == "work":
            raise OSError("no network")
        return chair(question, material)

    run = simulate(TERMS, "2+2?", peers=[FunctionPeer(name, lambda question: "4", note=fails) for name in NAMES])
    _, _, state = floor_of(run)
    assert [task.progress for task in state.tasks] == ["failed"] * 3
    assert all("no network" in task.result.body.lapse for task in state.tasks if task.result is not None)
    assert state.turns[-1].body.act == "conclude"


def test_the_rule_decides_and_not_who_concludes() -> None:
    def concludes(question: str, material: list[str]) -> str:
        return "It is 5.\nAct: conclude"

    speakers = [peer(name, concludes, answer="5" if name == "ada" else "4") for name in NAMES]
    assert simulate(TERMS, "2+2?", peers=speakers).decision.key == "4"
    split = [peer(name, concludes, answer=str(i)) for i, name in enumerate(NAMES)]
    strict = Conversation(decide=Quorum(0.6, "undecided"), silence_s=10)
    assert simulate(strict, "2+2?", peers=split).decision.status == "undecided"


# -- silence ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "loss"), [*((seed, 0.0) for seed in range(5)), *((seed, 0.2) for seed in range(25))])
def test_when_the_speaker_is_dead_the_floor_moves_on_all_peers_to_the_same_one_in_time(seed: int, loss: float) -> None:
    order = order_in("who?", seed)
    speakers = [peer(name, idle, thinks_s=1.0) for name in NAMES]
    for dead, at_s in ((order[0], 0.0), (order[2], 2.5)):
        run = simulate(TERMS, "who?", peers=speakers, seed=seed, loss=loss, faults=[Crash(dead, at_s=at_s)])
        floor, names, state = floor_of(run)
        assert [names[id] for id in floor.order] == order
        [taken] = [turn for turn in state.turns if turn.body.takes]
        assert names[taken.author] == order[(order.index(dead) + 1) % 4]
        before = next(m for m in run.log if m.id == (taken.body.after or run.log[0].id))
        thought_s, way_s = 1.0, 5.0 if loss else 0.5
        assert taken.wall_ms - before.wall_ms <= 1_000 * (TERMS.silence_s + thought_s + way_s)
        assert state.absent == {floor.order[order.index(dead)]}
        assert state.phase == "concluded"
        assert len(run.honest) == 3
        assert len({decision.id for decision in run.honest}) == 1
        assert run.virtual_s < TERMS.silence_s + 12 * (thought_s + way_s)


def test_when_two_in_a_row_are_dead_the_third_takes_the_floor_and_nobody_waits_for_them_at_the_end() -> None:
    order = order_in("who?")
    run = simulate(TERMS, "who?", peers=[peer(n, idle) for n in NAMES], faults=[Crash(order[0]), Crash(order[1])])
    _, names, state = floor_of(run)
    assert names[state.turns[0].author] == order[2]
    assert sum(turn.body.takes for turn in state.turns) == 1
    assert 2 * TERMS.silence_s <= run.virtual_s < 2 * TERMS.silence_s + 2


def test_a_task_whose_worker_is_dead_gives_the_floor_back_after_the_patience() -> None:
    order = order_in("who?")

    def waits(question: str, material: list[str]) -> str:
        if "Tasks:" in question:
            return "Act: conclude"
        return f"Act: assign and wait\nTask for {order[2]}: look"

    run = simulate(TERMS, "who?", peers=[peer(name, waits) for name in NAMES], faults=[Crash(order[2], at_s=0.0)])
    _, names, state = floor_of(run)
    assert [names[turn.author] for turn in state.turns] == [order[0], order[0]]
    assert [turn.body.takes for turn in state.turns] == [False, True]
    assert [task.progress for task in state.tasks] == ["given"]
    assert TERMS.patience_s <= run.virtual_s < TERMS.patience_s + 2


def test_who_comes_back_without_its_past_follows_where_others_have_passed_over_the_silent() -> None:
    dead, one, other, late = order_in("who?")  # who comes back asks for its past for 10 s
    names_next = {one: other, other: late}

    def speaking(name: str) -> Says:
        return lambda question, material: f"Act: discuss\nNext: {names_next.get(name, one)}"

    speakers = [peer(name, speaking(name), thinks_s=3.0) for name in NAMES]
    faults: list[Fault] = [Crash(dead), Crash(late, at_s=0.5), Restart(late, at_s=24.0, log="empty")]
    run = simulate(Conversation(max_turns=7, silence_s=10, patience_s=60), "who?", peers=speakers, faults=faults)
    _, names, state = floor_of(run, 7)
    assert [names[turn.author] for turn in state.turns] == [one, other, one, other, late, one, other]
    assert [turn.body.takes for turn in state.turns] == [True, False, True, False, False, False, False]


# -- a liar -----------------------------------------------------------------------------------------------------------


class WithLiar:
    """A conversation in which one seat does what it likes, and then answers what it likes."""

    name = "conversation"

    def __init__(self, terms: Conversation, lies: Callable[[Seat], Any]) -> None:
        self.terms, self.lies, self.decide, self.skills = terms, lies, terms.decide, terms.skills

    async def __call__(self, seat: Seat, /) -> Decision:
        if seat.name != "liar":
            return await self.terms(seat)
        await self.lies(seat)
        await seat.publish(Proposal(key="22", text="22"))
        return Decision(status="undecided", key=None)


async def grabs_at_all_turns(seat: Seat) -> None:
    """Take the floor after every turn as soon as it is heard and conclude, and speak out of turn as well."""
    with seat.listen() as news:
        await seat.publish(FloorTurn(about="speech", text="mine", act="conclude", takes=True))
        for _ in range(40):
            for m in await news.next(within_s=5):
                if isinstance(m.body, FloorTurn) and m.author != seat.me:
                    other = min(set(seat.roster) - {seat.me, m.author})
                    mine = FloorTurn(round=m.body.round + 1, after=m.id, about="speech", text="mine", next=(other,))
                    if m.body.next != (seat.me,):
                        await seat.publish(msgspec.structs.replace(mine, act="conclude", takes=True))
                    await seat.publish(mine)


async def never_concludes(seat: Seat) -> None:
    """Whenever the floor comes here, keep it, and give strangers tasks."""
    floor = Floor(seat.roster, seat.channel, max_turns=12)
    with seat.listen() as news:
        said: list[Message[Any]] = []
        for _ in range(60):
            said += await news.next(within_s=5)
            state = floor.state(said)
            if state.phase == "discussing" and state.holder == seat.me:
                stranger = PeerId(bytes(32))
                await seat.publish(
                    FloorTurn(round=len(state.turns), about="speech", text="mine", after=state.head, next=(stranger,))
                )


HONEST = NAMES[:3]


def lied_to(terms: AskProtocol, seed: int = 7) -> tuple[Run, dict[PeerId, str], FloorState]:
    team: list[Peer] = [*(peer(name, idle, thinks_s=1.0) for name in HONEST), Opinionated("liar")]
    run = simulate(terms, "2+2?", peers=team, seed=seed)
    _, names, state = floor_of(run)
    return run, names, state


@pytest.mark.parametrize("seed", range(4))
def test_who_takes_the_floor_early_or_speaks_out_of_turn_is_not_heard_while_others_speak_in_time(seed: int) -> None:
    run, names, state = lied_to(WithLiar(TERMS, grabs_at_all_turns), seed)
    told = [m for m in run.log if isinstance(m.body, FloorTurn) and names[m.author] == "liar"]
    assert sum(m.body.takes for m in told) >= 4
    assert len(state.turns) == 12
    assert not any(turn.body.takes for turn in state.turns)
    assert [turn.author for turn in state.turns[1:]] == [turn.body.next[0] for turn in state.turns[:-1]]
    assert run.decision.key == "4"
    assert len({run.decisions[name].key for name in HONEST}) == 1


def test_who_never_concludes_is_ended_by_the_last_turn() -> None:
    run, names, state = lied_to(WithLiar(TERMS, never_concludes))
    assert (state.phase, state.turns_left) == ("concluded", 0)
    assert [names[turn.author] for turn in state.turns].count("liar") > 1
    assert run.decision.key == "4"


async def holds_its_turn_back(seat: Seat) -> None:
    """Stay silent with the floor, and speak when somebody has taken it and concluded, as if nobody had."""
    with seat.listen() as news:
        while True:
            for m in await news.next():
                if isinstance(m.body, FloorTurn) and m.author != seat.me:
                    cat = next(peer for peer in seat.roster if seat.table.names[peer] == "cat")
                    await seat.publish(FloorTurn(about="speech", text="mine", next=(cat,)))
                    return


def test_a_turn_held_back_until_the_talk_was_over_keeps_nobody_talking() -> None:
    def concludes(question: str, material: list[str]) -> str:
        return "Act: conclude"

    team: list[Peer] = [*(peer(name, concludes) for name in HONEST), Opinionated("liar")]
    seed = next(seed for seed in range(99) if first_of(team, seed) == "liar")
    cut_off = Partition(("cat",), from_s=9.0, until_s=14.0)  # hears of the end and of the turn held back at once
    run = simulate(WithLiar(TERMS, holds_its_turn_back), "2+2?", peers=team, seed=seed, faults=[cut_off])
    spoke = [m for m in run.log if isinstance(m.body, FloorTurn)]
    assert len(spoke) == 2
    assert run.decisions["cat"].key == run.decisions["ada"].key == "4"
    assert run.virtual_s < 14 + 10


def first_of(team: Sequence[Peer], seed: int) -> str:
    """Return who has the floor first."""
    floor, names, _ = floor_of(simulate(TERMS, "2+2?", peers=team, seed=seed))
    return names[floor.order[0]]


# -- where it runs ----------------------------------------------------------------------------------------------------


def test_members_of_a_mesh_talk_and_certify_what_they_decide() -> None:
    async def main() -> None:
        async with SimulatedMesh([peer(name, chair) for name in NAMES], seed=3) as mesh:
            decision = await mesh.ask("2+2?", protocol=TERMS, certify=True)
            assert decision.key == "4"
            assert decision.certificate
            messages = mesh.nodes["ada"].channels[decision.channel].copy.messages()
            assert {type(m.body) for m in messages} >= {FloorTurn, FloorReport, Proposal}

    on_virtual_time(main())


def test_a_budget_is_shared_between_the_talk_and_everybodys_answer() -> None:
    kept = Kept()
    swarm = Swarm([peer(n, chair) for n in NAMES], network=Simulated(seed=1), protocol=TERMS, log=kept)
    decision = swarm.ask_sync("2+2?", budget=Budget(messages=7))
    said = [m for m in kept.messages if m.author in decision.names]
    assert len([m for m in said if isinstance(m.body, Proposal)]) == 4
    assert {m.body.act for m in said if isinstance(m.body, FloorTurn)} == {"discuss"}  # no room for tasks' results
    assert any("the budget left 3 messages for the talk" in note for note in decision.notes)


@pytest.mark.parametrize(
    "wrong",
    [{"max_turns": 0}, {"silence_s": 0}, {"silence_s": float("nan")}, {"silence_s": float("inf")}, {"patience_s": -1}],
)
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"1 or more turns|number of seconds"):
        Conversation(**wrong)


def test_peers_without_words_and_one_alone_are_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="needs the skill 'note'"):
        Swarm([FunctionPeer(name, lambda question: "4") for name in NAMES], protocol=TERMS).ask_sync("2+2?")
    with pytest.raises(UsageError, match="at least 2 peers"):
        Swarm([peer("ada", idle)], protocol=TERMS).ask_sync("2+2?")


def test_its_terms_are_in_its_name() -> None:
    text = "conversation(max_turns=5, silence_s=3.0)"
    assert spelled(by_name(text)) == (text, "", "majority")
