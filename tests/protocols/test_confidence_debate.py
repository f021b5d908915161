import pytest

from waggledance import Swarm
from waggledance.consensus import CalibratedLogOdds, confidence_vote
from waggledance.core import Call, Message, Proposal, UsageError
from waggledance.protocols import ConfidenceDebate
from waggledance.testing import Opinionated, simulate


class Sure(Opinionated):
    """Says one answer with one confidence, whatever it hears."""

    def __init__(self, name: str, key: str, confidence: float) -> None:
        super().__init__(name)
        self.key, self.confidence = key, confidence

    async def propose(self, call: Call) -> Proposal:
        return Proposal.of(self.key, self.key, confidence=self.confidence)

    async def revise(self, call: Call, mine: Message[Proposal], heard: object) -> Proposal:
        return mine.body


def test_what_was_said_in_all_rounds_decides() -> None:
    run = simulate(ConfidenceDebate(rounds=2), "2+2?")
    said = [m for m in run.log if isinstance(m.body, Proposal)]
    assert {m.body.round for m in said} == {0, 1, 2}
    assert set(run.decision.used) == {m.id for m in said}
    assert run.decision.support == confidence_vote(said, (), {}).support


def test_counts_are_kept_in_code_so_that_one_sure_peer_outweighs_two_unsure_ones_who_ignore_it() -> None:
    swarm = [Sure("ada", "4", 0.9), Sure("bob", "5", 0.4), Sure("eve", "5", 0.4)]
    assert Swarm(swarm, protocol=ConfidenceDebate()).ask_sync("2+2?").key == "4"


def test_who_changed_its_mind_dissents_no_more() -> None:
    run = simulate(ConfidenceDebate(rounds=2), "2+2?", peers=9, seed=4)
    last = {m.author: m.body.key for m in run.log if isinstance(m.body, Proposal) and m.body.round == 2}
    changed = [m for m in run.log if isinstance(m.body, Proposal) and m.body.key != last[m.author]]
    assert changed, "somebody has changed its mind, or this test shows nothing"
    assert {d.peer for d in run.decision.dissent} == {p for p, key in last.items() if key != run.decision.key}


def test_records_of_peers_can_take_the_place_of_raw_numbers() -> None:
    run = simulate(ConfidenceDebate(decide=CalibratedLogOdds()), "2+2?")
    assert any("settled answers" in note for note in run.decision.notes)


def test_rounds_below_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="0 or more rounds"):
        ConfidenceDebate(rounds=-1)
