import pytest

from waggledance.core import Message, Proposal, UsageError
from waggledance.protocols import Debate, Quorum, Society
from waggledance.testing import Run, simulate
from waggledance.topology import Ring


def heard(run: Run) -> dict[tuple[bytes, int], int]:
    """Return how many others each peer heard before it spoke in a round, from round 1."""
    said: list[Message[Proposal]] = [m for m in run.log if isinstance(m.body, Proposal)]
    author = {m.id: m.author for m in said}
    return {
        (m.author, m.body.round): len({author[ref] for ref in m.body.refs} - {m.author}) for m in said if m.body.round
    }


@pytest.mark.parametrize("strategy", ["0", "1", "001", "110", "0101"])
def test_in_a_debate_all_others_are_heard_and_in_reflection_nobody(strategy: str) -> None:
    run = simulate(Society(strategy), "2+2?", peers=4)
    texts = heard(run)
    assert len(texts) == 4 * len(strategy)
    for (_, round), others in texts.items():
        assert others == {"0": 3, "1": 0}[strategy[round - 1]]
    assert run.decision.cost.calls == 4 * (1 + len(strategy))
    assert sum(texts.values()) == 4 * 3 * strategy.count("0")


def test_a_society_that_only_debates_is_a_debate() -> None:
    society, debate = (simulate(p, "2+2?", seed=4) for p in (Society("00"), Debate(rounds=2)))
    bodies = [[m.body for m in run.log if isinstance(m.body, Proposal)] for run in (society, debate)]
    assert [(b.round, b.key, b.text) for b in bodies[0]] == [(b.round, b.key, b.text) for b in bodies[1]]


def test_strategies_are_dealt_out_around_the_roster() -> None:
    run = simulate(Society("01/10/11"), "2+2?", peers=6)
    names = run.decision.names
    for (peer, round), others in heard(run).items():
        letter = ("01", "10", "11")[int(names[peer][1:]) % 3][round - 1]  # type: ignore[index]  # pyright: ignore
        assert others == (5 if letter == "0" else 0)


def test_a_topology_says_who_is_heard_in_a_debate() -> None:
    run = simulate(Society("01", topology=Ring()), "2+2?", peers=6)
    assert {others for (_, round), others in heard(run).items() if round == 1} == {2}


def test_a_society_of_which_all_differ_can_be_left_without_an_answer() -> None:
    rule = Quorum(0.6, "undecided")
    decisions = [simulate(Society("1", decide=rule), "2+2?", peers=3, seed=seed).decision for seed in range(30)]
    assert {decision.status for decision in decisions} == {"decided", "undecided"}
    assert all(len(d.support) == 3 for d in decisions if d.status == "undecided")


@pytest.mark.parametrize("strategy", ["", "2", "0a1", "01/1", "01/", "/", "0 1"])
def test_what_is_no_strategy_is_refused(strategy: str) -> None:
    with pytest.raises(UsageError, match="letters 0"):
        Society(strategy)
