import pytest

from waggledance import FunctionPeer
from waggledance.consensus import condorcet, pairs
from waggledance.core import Judgement, Proposal, UsageError
from waggledance.network import Silent
from waggledance.protocols import PeerRanking
from waggledance.testing import simulate


def test_a_judge_compares_each_two_distinct_answers_once() -> None:
    run = simulate(PeerRanking(), "2+2?", peers=9, seed=4)
    proposals = [m for m in run.log if isinstance(m.body, Proposal)]
    answers = len({m.body.key for m in proposals})
    judged = [m for m in run.log if isinstance(m.body, Judgement)]
    assert answers > 2
    assert [len(m.body.verdicts) for m in judged] == [answers * (answers - 1) // 2] * 9
    for message in judged:
        due = [(a.id, b.id) for a, b in pairs(proposals, message.author, seed=4)]
        assert [verdict.subjects for verdict in message.body.verdicts] == due


def test_nothing_is_spent_on_judging_what_all_agree_on() -> None:
    class Able(FunctionPeer):
        @property
        def skills(self) -> frozenset[str]:
            return frozenset({"propose", "compare"})

    run = simulate(PeerRanking(), "2+2?", peers=[Able(f"p{i}", lambda question: "4") for i in range(3)])
    assert (run.decision.key, run.decision.cost.calls) == ("4", 3)
    assert not any(isinstance(m.body, Judgement) for m in run.log)


def test_comparisons_bound_what_a_judge_reads() -> None:
    run = simulate(PeerRanking(comparisons=1), "2+2?", peers=9, seed=4)
    assert all(len(m.body.verdicts) == 1 for m in run.log if isinstance(m.body, Judgement))


def test_proposals_as_the_unit_are_compared_whatever_they_say() -> None:
    run = simulate(PeerRanking(unit="proposal", comparisons=15), "2+2?", peers=5, seed=4)
    own = {m.id: m.author for m in run.log if isinstance(m.body, Proposal)}
    for message in run.log:
        if isinstance(message.body, Judgement):
            assert len(message.body.verdicts) == 6, "four proposals of others make six pairs"
            assert all(own[s] != message.author for v in message.body.verdicts for s in v.subjects)


def test_judgements_decide_and_not_numbers() -> None:
    run = simulate(PeerRanking(decide=condorcet), "2+2?", peers=9, seed=4)
    assert run.decision.rule == "condorcet"
    assert {m.id for m in run.log if isinstance(m.body, Judgement)} <= set(run.decision.used)


def test_a_silent_peer_costs_one_wait_and_does_not_judge() -> None:
    run = simulate(PeerRanking(patience_s=30), "2+2?", peers=9, seed=4, faults=[Silent("p3")])
    assert len({decision.id for decision in run.honest}) == 1
    assert 30 <= run.virtual_s < 31


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="comparisons=0"):
        PeerRanking(comparisons=0)
    with pytest.raises(UsageError, match="unit 'answer' or 'proposal'"):
        PeerRanking(unit="text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
