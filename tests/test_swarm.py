"""What a user holds: asking, watching, budgets, and what happens when peers fail."""

import asyncio
import os
import signal
import threading
from typing import Any

import pytest

from waggledance import Budget, Decision, FunctionPeer, Interrupted, NobodyAnswered, Question, Swarm
from waggledance.consensus import majority
from waggledance.core import Call, Message, Peer, Proposal, RunFailed, Seat, UsageError, after, everyone
from waggledance.network import Simulated
from waggledance.protocols import Debate, PeerRanking, Vote


def says(name: str, *answers: str) -> FunctionPeer:
    """A peer that gives its answers in turn, the last one for ever."""
    left = list(answers)

    def next_answer(_question: str) -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    return FunctionPeer(name, next_answer, revise=lambda q, _mine, _heard: next_answer(q))


def test_the_majority_wins_and_the_dissent_is_named() -> None:
    swarm = Swarm([says("ada", "9"), says("ben", "9"), says("eve", "8")], protocol=Debate())
    decision = swarm.ask_sync("17 - 8?", expects="number")
    assert (decision.status, decision.key) == ("decided", "9")
    assert [(decision.name(d.peer), d.key) for d in decision.dissent] == [("eve", "8")]
    assert decision.share("9") == pytest.approx(2 / 3)
    assert decision.cost.calls == 9


def test_who_says_the_same_three_times_is_printed_once_and_shares_are_not_split_hairs() -> None:
    decision = Swarm([says("ada", "9"), says("ben", "9"), says("eve", "8", "8", "8")], protocol=Vote(3)).ask_sync("?")
    assert str(decision).splitlines() == ["9", "  9: 2 (67%)", "  8: 1 (33%)", "  dissent: eve says 8"]


def test_a_weight_of_zero_silences_a_peer() -> None:
    swarm = Swarm([says("ada", "1"), says("ben", "2"), says("cyd", "2")], weights={"ben": 0.0, "cyd": 0.5})
    assert swarm.ask_sync("?").key == "1"


def test_the_same_question_twice_gets_two_channels() -> None:
    swarm = Swarm([says("ada", "1")])
    assert swarm.ask_sync("?").channel != swarm.ask_sync("?").channel


async def test_watching_yields_every_message_and_then_the_decision() -> None:
    swarm = Swarm([says("ada", "1"), says("ben", "2", "1")], protocol=Debate(rounds=1))
    events = [event async for event in swarm.watch("?")]
    assert isinstance(events[-1], Decision)
    kinds = [event.body.kind for event in events[:-1] if isinstance(event, Message)]
    assert kinds == ["opening/1", *["proposal/1"] * 4, "cut/1", "outcome/1"]


async def test_leaving_a_watch_early_stops_the_peers() -> None:
    stopped = asyncio.Event()

    async def waits(_question: str) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise
        return "late"

    stream = Swarm([FunctionPeer("ada", waits)], protocol=Debate()).watch("?")
    await anext(stream)
    await asyncio.sleep(0)
    await stream.aclose()  # type: ignore[attr-defined]
    assert stopped.is_set()


def test_a_failing_peer_is_named_and_the_others_decide() -> None:
    def fails(_question: str) -> str:
        raise RuntimeError("no power")

    decision = Swarm([says("ada", "1"), says("ben", "1"), FunctionPeer("eve", fails)]).ask_sync("?")
    assert decision.key == "1"
    assert [decision.name(p) for p in decision.silent] == ["eve"]
    assert "no power" in decision.dissent[0].reason


def test_when_every_peer_fails_the_error_says_why() -> None:
    def fails(_question: str) -> str:
        raise RunFailed("the model is down")

    with pytest.raises(NobodyAnswered, match="3 of 3: the model is down"):
        Swarm([FunctionPeer(f"p{i}", fails) for i in range(3)]).ask_sync("?")


@pytest.mark.parametrize(
    "budget", [Budget(calls=0), Budget(tokens=0), Budget(messages=0), Budget(seconds=0), Budget(usd=0)], ids=str
)
def test_a_budget_of_nothing_ends_undecided_and_says_so(budget: Budget) -> None:
    decision = Swarm([says("ada", "1"), says("ben", "1")]).ask_sync("?", budget=budget)
    assert decision.status == "undecided"
    assert any("budget" in note for note in decision.notes)


def test_a_budget_spent_in_the_first_round_decides_on_what_is_there() -> None:
    swarm = Swarm([says("ada", "1", "9"), says("ben", "1", "9")], protocol=Debate())
    decision = swarm.ask_sync("?", budget=Budget(calls=2))
    assert decision.key == "1"
    assert decision.cost.calls == 2
    assert any("2 calls is spent" in note for note in decision.notes)


def test_a_slow_peer_does_not_outlast_the_budget_of_seconds() -> None:
    async def waits(_question: str) -> str:
        await asyncio.sleep(60)
        return "late"

    swarm = Swarm([says("ada", "1"), FunctionPeer("ben", waits)], network=Simulated())
    decision = swarm.ask_sync("?", budget=Budget(seconds=30))
    assert decision.key == "1"
    assert 30 <= decision.seconds < 60
    assert [decision.name(p) for p in decision.silent] == ["ben"]


def test_ctrl_c_gives_the_partial_decision() -> None:
    async def interrupts(_question: str) -> str:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        await asyncio.sleep(60)
        return "late"

    with pytest.raises(Interrupted) as caught:
        Swarm([says("ada", "1"), FunctionPeer("ben", interrupts)], protocol=Debate()).ask_sync("?")  # one Ctrl-C
    assert caught.value.partial is not None
    assert caught.value.partial.key == "1"
    assert caught.value.exit_code == 130


class OnlyProposes(Peer):
    """A peer that can answer and not revise."""

    @property
    def name(self) -> str:
        return "ada"

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose"})

    async def propose(self, call: Call) -> Proposal:
        raise AssertionError("nothing may be asked before the fit is checked")


async def test_a_lacking_skill_is_said_before_anything_is_spent() -> None:
    swarm = Swarm([OnlyProposes()], protocol=Debate())
    with pytest.raises(UsageError, match=r"needs the skill 'revise', which peer 'ada' lacks"):
        await swarm.ask("?")


async def test_a_skill_that_a_class_leaves_out_says_so_when_it_is_called_all_the_same() -> None:
    said = [m async for m in Swarm([says("ben", "1")]).watch("?") if isinstance(m, Message)]
    mine: Message[Proposal] = next(m for m in said if isinstance(m.body, Proposal))
    for called in (OnlyProposes().critique, OnlyProposes().compare, OnlyProposes().note, OnlyProposes().revise):
        with pytest.raises(UsageError, match=f"'ada' has no skill '{called.__name__}': it has propose"):
            await called(*[mine] * (called.__code__.co_argcount - 1))  # type: ignore[arg-type]


def test_bad_input_is_refused_with_a_sentence() -> None:
    with pytest.raises(UsageError, match="at least one peer"):
        Swarm([])
    with pytest.raises(UsageError, match="'ada'"):
        Swarm([says("ada", "1"), says("ada", "1")])
    with pytest.raises(UsageError, match="the question is empty"):
        Swarm([says("ada", "1")]).ask_sync("  ")
    with pytest.raises(UsageError, match="'bob', who is not among"):
        Swarm([says("ada", "1")], weights={"bob": 1})
    with pytest.raises(UsageError, match="between 0 and"):
        Swarm([says("ada", "1")], weights={"ada": -1})
    with pytest.raises(UsageError, match="2 to 26 options"):
        Question(text="?", expects="choice", options=("one",))


async def test_many_questions_at_once_do_not_mix() -> None:
    swarm = Swarm([FunctionPeer(f"p{i}", lambda question: question[:-1]) for i in range(3)])
    decisions = await asyncio.gather(*(swarm.ask(f"{n}?", expects="number") for n in range(50)))
    assert [d.key for d in decisions] == [str(n) for n in range(50)]


def test_two_thousand_peers_decide() -> None:
    swarm = Swarm([FunctionPeer(f"p{i}", lambda _question: "4") for i in range(2_000)], protocol=Debate(rounds=0))
    decision = swarm.ask_sync("2 + 2?", expects="number")
    assert decision.support == {"4": 2_000_000_000}


class FullDisk:
    """A journal on a disk without room."""

    def append(self, message: Message[Any], raw: bytes, /) -> None:
        pass

    async def flush(self) -> None:
        raise RunFailed("the disk is full")

    def __len__(self) -> int:
        return 0

    def __contains__(self, channel: str, /) -> bool:
        return False


def test_a_log_that_cannot_be_written_loses_no_decision() -> None:
    decision = Swarm([says("ada", "1")], log=FullDisk()).ask_sync("?")
    assert decision.key == "1"
    assert "not all of this is in the log: the disk is full" in decision.notes


def test_words_that_utf8_cannot_say_do_not_stop_a_swarm() -> None:
    def fails(_question: str) -> str:
        raise RunFailed("cafe\u0301 \ud800")

    decision = Swarm([says("ada", "1"), FunctionPeer("ben", fails)]).ask_sync("?")
    assert decision.dissent[0].reason == "café ?"


def test_verdicts_that_could_not_be_given_are_said() -> None:
    def shrugs(_question: str, _a: str, _b: str) -> float:
        raise ValueError("cannot tell")

    peers = [FunctionPeer(name, lambda _question, a=a: a, compare=shrugs) for name, a in (("ada", "1"), ("ben", "2"))]
    decision = Swarm(peers, protocol=PeerRanking()).ask_sync("?")
    assert any("verdicts" in note and "cannot tell" in note for note in decision.notes)


async def test_a_bug_in_one_seat_ends_the_run_at_once_and_not_after_the_others_patience() -> None:
    async def protocol(seat: Seat) -> Decision:
        if seat.name == "p2":
            raise ZeroDivisionError("a bug")
        await seat.publish(await seat.propose())
        return majority(await seat.collect(Proposal, until=everyone | after(3600)), (), seat.weights)

    swarm = Swarm([FunctionPeer(f"p{i}", lambda question: "4") for i in range(4)], protocol=protocol)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        await asyncio.wait_for(swarm.ask("?"), timeout=10)


def test_others_sit_in_the_peers_places_under_the_same_names_and_count_on() -> None:
    swarm = Swarm([FunctionPeer("ada", lambda question: "4"), FunctionPeer("ben", lambda question: "4")])
    first = swarm.ask_sync("2 + 2?")
    others = swarm.among([FunctionPeer("ada", lambda question: "5"), FunctionPeer("ben", lambda question: "5")])
    second, third = others.ask_sync("2 + 2?"), swarm.ask_sync("2 + 2?")
    assert [first.key, second.key, third.key] == ["4", "5", "4"]
    assert len({first.channel, second.channel, third.channel}) == 3
    with pytest.raises(UsageError, match="same names"):
        swarm.among([FunctionPeer("cleo", lambda question: "4")])
