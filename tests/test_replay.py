"""Deciding again from a log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import UNSET

from waggledance import Budget, FunctionPeer, Question, Swarm
from waggledance._replay import ReplayDiffers, decide_again
from waggledance._run import cost_of
from waggledance.consensus import Judgements, Proposals, Weights, bradley_terry, confidence_vote, majority, rule, settle
from waggledance.core import (
    Cut,
    Decision,
    Log,
    Message,
    Opening,
    Outcome,
    RunFailed,
    UnknownName,
    UsageError,
    WaggleError,
)
from waggledance.protocols import Debate, Vote

SHEEP = Question(text="How many are left?", expects="number")


def peers(*answers: str) -> list[FunctionPeer]:
    def saying(answer: str) -> Callable[[str], str]:
        return lambda _: f"I say so. Answer: {answer}"

    return [FunctionPeer(f"p{i}", saying(answer)) for i, answer in enumerate(answers)]


def asked(log: Path, answers: Sequence[str], **how: Any) -> tuple[Decision, tuple[Message[Any], ...]]:
    with Log(log) as opened:
        decision = Swarm(peers(*answers), log=opened, protocol=Debate(rounds=1), **how).ask_sync(SHEEP)
        return decision, opened.read(decision.channel)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.mark.parametrize("seed", range(3))
def test_the_same_log_gives_the_same_decision_in_any_order(log: Path, seed: int) -> None:
    rng = Random(seed)
    answers = [str(rng.randrange(3)) for _ in range(7)]
    decision, messages = asked(log, answers, weights={"p0": 2.5}, seed=seed)
    shuffled = rng.sample(messages, k=len(messages)) + list(messages[:3])
    again = decide_again(shuffled)
    assert again.id == decision.id
    assert (again.names, again.silent, again.notes, again.dissent, again.channel) == (
        decision.names, decision.silent, decision.notes, decision.dissent, decision.channel,
    )  # fmt: skip


def test_what_was_spent_is_added_up_from_the_messages(log: Path) -> None:
    decision, messages = asked(log, ["9", "9", "8"])
    assert decide_again(messages).cost.calls == decision.cost.calls > 0


def test_calls_that_failed_and_so_are_in_no_message_cost_the_same_in_a_replay(log: Path) -> None:
    def failing(*_: object) -> str:
        raise RunFailed("no answer within 120.0 s")

    with Log(log) as opened:
        swarm = Swarm(
            [*peers("9", "9"), FunctionPeer("late", failing, revise=failing)], log=opened, protocol=Debate(rounds=2)
        )
        decision = swarm.ask_sync(SHEEP)
        messages = opened.read(decision.channel)
    assert decision.cost.calls == 9
    assert cost_of(messages).calls == 6
    assert decide_again(messages).cost == decision.cost
    assert decide_again(messages, weights={}).cost == decision.cost


def test_calls_under_way_at_an_interruption_cost_the_same_in_a_replay(log: Path) -> None:
    decision, messages = asyncio.run(_interrupted(log))
    assert (decision.cost.calls, cost_of(messages).calls) == (3, 2)
    assert decide_again(messages).cost == decision.cost


async def _interrupted(log: Path) -> tuple[Decision, tuple[Message[Any], ...]]:
    """Two have answered and one is thinking when the run is cancelled."""
    thinking = asyncio.Event()

    async def never(_: str) -> str:
        thinking.set()
        return await asyncio.get_running_loop().create_future()

    with Log(log) as opened:
        swarm = Swarm([*peers("9", "9"), FunctionPeer("slow", never)], log=opened, protocol=Vote())
        run = asyncio.create_task(swarm.ask(SHEEP))
        await thinking.wait()
        for _ in range(20):
            await asyncio.sleep(0)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert swarm.partial is not None
        return swarm.partial, opened.read(swarm.partial.channel)


def test_an_outcome_says_what_was_spent_only_where_messages_do_not(log: Path) -> None:
    _, messages = asked(log, ["9", "9", "8"])
    [outcome] = [m.body for m in messages if isinstance(m.body, Outcome)]
    assert outcome.spent is UNSET


def test_other_weights_say_what_would_have_been_decided(log: Path) -> None:
    decision, messages = asked(log, ["9", "9", "8"])
    trusted = {peer: 3_000_000 if decision.name(peer) == "p2" else 1_000_000 for peer in decision.names}
    again = decide_again(messages, weights=trusted)
    assert (decision.key, again.key, again.support) == ("9", "8", {"8": 3_000_000, "9": 2_000_000})


def test_another_rule_says_what_would_have_been_decided(log: Path) -> None:
    @rule("minority")
    def minority(proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        keys = [m.body.key for m in proposals if m.body.key is not None]
        scores = {key: len(keys) - keys.count(key) for key in keys}
        return settle(scores, proposals, judgements, weights, rule="minority")

    decision, messages = asked(log, ["9", "9", "8"])
    assert decision.key == "9"
    assert decide_again(messages, minority).key == "8"


def test_a_rule_that_needs_what_nobody_said_is_refused_with_a_reason(log: Path) -> None:
    _, messages = asked(log, ["9", "9", "8"])
    with pytest.raises(UsageError, match="nobody judged in this channel"):
        decide_again(messages, bradley_terry)
    with pytest.raises(UsageError, match="nobody said"):
        decide_again(messages, confidence_vote)


def test_a_log_that_tells_another_decision_than_its_messages_give_is_found_out(log: Path) -> None:
    _, messages = asked(log, ["9", "9", "8"])
    [outcome] = [m for m in messages if isinstance(m.body, Outcome)]
    rest = [m for m in messages if m is not outcome]
    lie = Outcome(status="decided", key="8", rule="majority", decision=b"\0" * 32)
    forged: Message[Any] = Message(
        outcome.id, outcome.author, lie, outcome.sequence, outcome.previous, outcome.parents, outcome.lamport,
        outcome.wall_ms, outcome.swarm, outcome.channel,
    )  # fmt: skip
    with pytest.raises(ReplayDiffers, match=r"the log says 8 was decided .* but its messages give 9") as caught:
        decide_again([*rest, forged])
    assert caught.value.exit_code == 3
    with pytest.raises(ReplayDiffers):
        decide_again([*rest, forged], majority)


def test_a_message_that_is_missing_from_the_cut_is_missed(log: Path) -> None:
    decision, messages = asked(log, ["9", "9", "8"])
    with pytest.raises(UsageError, match="lacks 1 of the 3 messages"):
        decide_again([m for m in messages if m.id != decision.used[0]])


def test_a_rule_of_ones_own_is_asked_for_by_name(log: Path) -> None:
    @rule("house")
    def house(proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        return settle({"7": 1, "9": 2}, proposals, judgements, weights, rule="house")

    with Log(log) as opened:
        swarm = Swarm(peers("9", "9"), log=opened, protocol=Debate(rounds=0, decide=house))
        decision = swarm.ask_sync(SHEEP)
        messages = opened.read(decision.channel)
    with pytest.raises(UnknownName, match="'house'"):
        decide_again(messages)
    assert decide_again(messages, house).id == decision.id


def test_a_run_that_did_not_end_is_decided_on_what_had_been_said(log: Path) -> None:
    _, messages = asked(log, ["9", "9", "8"])
    cut_short = [m for m in messages if not isinstance(m.body, Outcome | Cut)]
    again = decide_again(cut_short)
    assert again.key == "9"
    assert "did not come to its end" in again.notes[-1]


def test_a_run_whose_budget_ran_out_gives_the_same_decision(log: Path) -> None:
    with Log(log) as opened:
        swarm = Swarm(peers("9", "9", "8"), log=opened, protocol=Debate(rounds=2))
        decision = swarm.ask_sync(SHEEP, budget=Budget(calls=2))
        messages = opened.read(decision.channel)
    assert any("budget" in note for note in decision.notes)
    again = decide_again(messages)
    assert (again.id, again.notes) == (decision.id, decision.notes)


def test_without_an_opening_or_with_two_channels_nothing_is_decided(log: Path) -> None:
    _, messages = asked(log, ["9", "9"])
    with pytest.raises(UsageError, match="has no opening"):
        decide_again([m for m in messages if not isinstance(m.body, Opening)])
    with pytest.raises(UsageError, match="got 0 channels"):
        decide_again([])


def test_a_difference_survives_a_trip_to_another_process() -> None:
    import copy

    why: WaggleError = ReplayDiffers("q1", "8", "9", b"\1" * 32, b"\2" * 32)
    assert str(copy.copy(why)) == str(why)
