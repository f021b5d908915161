import pytest

from waggledance import FunctionPeer, Swarm
from waggledance.consensus import Judgements, Proposals, Weights, bradley_terry, majority
from waggledance.core import Decision, UsageError
from waggledance.protocols import Debate, NestSite, PeerRanking, RoundTable, Vote, check_fit
from waggledance.testing import Opinionated
from waggledance.topology import KRegular


def able(n: int) -> list[Opinionated]:
    return [Opinionated(f"p{i}") for i in range(n)]


def test_a_peer_that_lacks_a_skill_is_named_before_anything_is_spent() -> None:
    calls: list[str] = []
    mute = FunctionPeer("ada", lambda question: calls.append(question) or "4")
    swarm = Swarm([*able(2), mute], protocol=PeerRanking())
    with pytest.raises(UsageError, match=r"needs the skill 'compare', which peer 'ada' lacks"):
        swarm.ask_sync("2+2?")
    assert calls == []


def test_a_rule_on_judgements_is_refused_where_nobody_judges() -> None:
    with pytest.raises(UsageError, match=r"'bradley-terry' needs judgements, and protocol 'debate' gives confidence"):
        check_fit(Debate(decide=bradley_terry), able(3))


def test_a_rule_blind_to_judgements_is_refused_where_they_are_paid_for() -> None:
    with pytest.raises(UsageError, match=r"rule 'majority' does not look at judgements.*'vote'"):
        check_fit(PeerRanking(decide=majority), able(3))


def test_a_plain_function_as_a_rule_is_taken_at_its_word() -> None:
    def mine(proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        return majority(proposals, judgements, weights)

    check_fit(PeerRanking(decide=mine), able(3))


@pytest.mark.parametrize(("protocol", "least"), [(PeerRanking(), 2), (NestSite(), 3)])
def test_too_few_peers_are_refused(protocol: PeerRanking | NestSite, least: int) -> None:
    check_fit(protocol, able(least))
    with pytest.raises(UsageError, match=f"needs at least {least} peers, got {least - 1}"):
        check_fit(protocol, able(least - 1))


def test_a_topology_that_cannot_seat_the_peers_is_refused() -> None:
    check_fit(Debate(topology=KRegular(k=4)), able(5))
    with pytest.raises(UsageError, match="among 4 peers nobody can hear 4 others"):
        check_fit(Debate(topology=KRegular(k=4)), able(4))


@pytest.mark.parametrize("protocol", [Vote, Debate, RoundTable, PeerRanking, NestSite])
def test_patience_is_a_time(protocol: type[Vote]) -> None:
    for wrong in (-1.0, float("nan")):
        with pytest.raises(UsageError, match="patience is a number of seconds"):
            protocol(patience_s=wrong)
