from collections.abc import Sequence

import pytest

from waggledance import FunctionPeer, Swarm
from waggledance.core import Call, Message, Proposal, UsageError
from waggledance.protocols import RoundTable
from waggledance.testing import Opinionated, simulate

SAID = {"ada": "5", "bob": "4", "cat": "5", "dan": "4", "eve": "4", "fay": "6"}


class Listener(Opinionated):
    """Says one answer, and keeps what it hears."""

    def __init__(self, name: str, key: str) -> None:
        super().__init__(name)
        self.key = key
        self.heard: list[list[str | None]] = []

    async def propose(self, call: Call) -> Proposal:
        return Proposal.of(self.key, self.key, confidence=0.7)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        self.heard.append([m.body.key for m in heard])
        return mine.body


def test_talk_ends_with_the_round_in_which_all_agree() -> None:
    run = simulate(RoundTable(rounds=9), "2+2?", seed=1)
    rounds = sorted({m.body.round for m in run.log if isinstance(m.body, Proposal)})
    answers = [{m.body.key for m in run.log if isinstance(m.body, Proposal) and m.body.round == r} for r in rounds]
    assert len(rounds) < 10
    assert [len(keys) == 1 for keys in answers] == [False] * (len(rounds) - 1) + [True]


def test_who_agree_from_the_start_are_not_asked_again() -> None:
    peers = [FunctionPeer(f"p{i}", lambda question: "4") for i in range(5)]
    decision = Swarm(peers, protocol=RoundTable()).ask_sync("2+2?")
    assert decision.cost.calls == 5


def test_no_answers_are_no_agreement() -> None:
    def after_hearing(question: str, mine: str, heard: Sequence[str]) -> str:
        return "4"

    peers = [FunctionPeer(f"p{i}", lambda question: "", revise=after_hearing) for i in range(3)]
    assert Swarm(peers, protocol=RoundTable()).ask_sync("2+2?").key == "4"


def test_a_peer_hears_the_others_with_the_largest_group_first_and_never_itself() -> None:
    peers = [Listener(name, key) for name, key in SAID.items()]
    Swarm(peers, protocol=RoundTable(rounds=1)).ask_sync("2+2?")
    heard = {peer.name: peer.heard for peer in peers}
    assert heard["bob"] == [["4", "4", "5", "5", "6"]]
    assert heard["ada"] == [["4", "4", "4", "5", "6"]] or heard["ada"] == [["4", "4", "4", "6", "5"]]
    assert heard["ada"][0].index("5") < heard["ada"][0].index("6"), "the group of two counts its listener"


def test_stated_confidence_weighs_by_reconcile_bins_unless_told_otherwise() -> None:
    peers = [Opinionated(f"p{i}") for i in range(3)]
    assert Swarm(peers, protocol=RoundTable()).ask_sync("2+2?").rule == "confidence-bins"


def test_rounds_below_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="0 or more rounds"):
        RoundTable(rounds=-1)
