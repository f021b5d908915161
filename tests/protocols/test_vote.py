import asyncio
from collections import Counter
from typing import Any

import pytest

from waggledance import Budget, Swarm
from waggledance.consensus import CalibratedLogOdds, Rule, confidence_vote, majority
from waggledance.core import Call, Proposal, UsageError
from waggledance.network import Silent
from waggledance.protocols import Debate, Vote
from waggledance.testing import Opinionated, Run, simulate


def answers(run: Run) -> set[tuple[bytes, int, str | None]]:
    return {(m.author, m.body.round, m.body.key) for m in run.log if isinstance(m.body, Proposal)}


def test_every_peer_answers_as_often_as_asked_and_all_answers_count() -> None:
    run = simulate(Vote(samples=4), "2+2?", peers=3, seed=5)
    said = [m for m in run.log if isinstance(m.body, Proposal)]
    assert Counter(m.author for m in said) == Counter({m.author: 4 for m in said})
    assert set(run.decision.used) == {m.id for m in said}
    assert run.decision.cost.calls == 12
    assert run.decision.key == majority(said, (), {}).key


def test_one_peer_alone_is_self_consistency() -> None:
    keys = Counter[str | None]()
    run = simulate(Vote(samples=25), "2+2?", peers=[Opinionated("ada")], seed=2)
    keys.update(m.body.key for m in run.log if isinstance(m.body, Proposal))
    assert len(keys) > 1
    assert run.decision.key == keys.most_common(1)[0][0]


def test_nobody_hears_anybody() -> None:
    run = simulate(Vote(samples=2), "2+2?", seed=5)
    assert all(not m.body.refs for m in run.log if isinstance(m.body, Proposal))


def test_a_vote_of_one_answer_is_a_debate_of_no_rounds() -> None:
    vote, debate = (simulate(protocol, "2+2?", seed=9).decision for protocol in (Vote(), Debate(rounds=0)))
    assert (vote.key, vote.support) == (debate.key, debate.support)


def test_a_vote_without_answers_is_refused() -> None:
    with pytest.raises(UsageError, match="samples=0"):
        Vote(samples=0)


@pytest.mark.parametrize("rule", [majority, confidence_vote])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_settled_vote_decides_what_all_samples_would_and_saves_calls(n: int, rule: Rule) -> None:
    saved = 0
    for seed in range(15):
        all_at_once, in_turns = (
            simulate(Vote(samples=7, decide=rule, stop=stop), "2+2?", peers=n, seed=seed)
            for stop in ("never", "settled")
        )
        whole, short = all_at_once.decision, in_turns.decision
        assert short.key == whole.key
        assert answers(in_turns) <= answers(all_at_once), "the same draws, fewer of them"
        assert whole.cost.calls == 7 * n
        saved += whole.cost.calls - short.cost.calls
        assert (short.cost.calls < whole.cost.calls) == any(
            f"{whole.cost.calls - short.cost.calls} calls saved" in note for note in short.notes
        )
    assert saved > 7 * n


def test_a_likely_vote_of_one_model_asks_less_than_a_settled_one() -> None:
    calls = {
        stop: sum(simulate(Vote(samples=30, stop=stop), "2+2?", peers=1, seed=s).decision.cost.calls for s in range(20))
        for stop in ("settled", "likely")
    }
    assert calls["likely"] < 0.6 * calls["settled"] < 0.6 * 20 * 30


def test_turns_that_are_needed_in_any_case_are_taken_at_once() -> None:
    """Seven samples are settled after four at the soonest, so four calls run together."""
    running = most = 0

    class Busy(Opinionated):
        async def propose(self, call: Call) -> Proposal:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1
            return Proposal.of("4", "4")

    run = simulate(Vote(samples=7, stop="settled"), "2+2?", peers=[Busy("ada")])
    assert (most, run.decision.cost.calls) == (4, 4)
    assert run.virtual_s < 1.5


def test_a_silent_peer_costs_one_patience_however_many_samples_there_are() -> None:
    for stop in ("never", "settled", "likely"):
        run = simulate(Vote(samples=6, patience_s=30, stop=stop), "2+2?", faults=[Silent("p3")])
        assert 30 <= run.virtual_s < 31
        assert len({decision.id for decision in run.honest}) == 1


def test_a_budget_of_messages_bounds_the_samples_of_a_vote_that_may_stop() -> None:
    swarm = Swarm([Opinionated("ada")], protocol=Vote(samples=30, stop="settled"))
    decision = swarm.ask_sync("2+2?", budget=Budget(messages=5))
    assert decision.cost.calls in (3, 4, 5)
    assert any("allows each of 1 peers 5 of 30" in note for note in decision.notes)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"stop": "early"}, "got stop='early'"),
        ({"stop": "settled", "decide": CalibratedLogOdds()}, "'log-odds' is settled is not known"),
        (
            {"stop": "likely", "decide": confidence_vote},
            "the most frequent one, and rule 'confidence' may take another",
        ),
        ({"stop": "likely", "sure": 1.0}, "above 0.5 and below 1"),
    ],
)
def test_a_stop_that_makes_no_sense_is_refused_with_a_reason(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Vote(samples=9, **options)
