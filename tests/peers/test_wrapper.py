"""A peer around another does what the other does, and lets it remember."""

from waggledance import Decision, Question, Swarm
from waggledance.core import Call, Proposal
from waggledance.peers import WrapperPeer
from waggledance.protocols import PeerRanking, Refinement, Vote
from waggledance.testing import Opinionated


class Kept(Opinionated):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.kept: list[str | None] = []

    def remember(self, question: Question, decision: Decision) -> None:
        self.kept.append(decision.key)


class Loud(WrapperPeer):
    async def propose(self, call: Call) -> Proposal:
        said = await super().propose(call)
        return Proposal.of(said.key, said.text.upper())


def test_a_wrapped_swarm_decides_as_the_bare_one() -> None:
    bare = [Opinionated(f"p{i}") for i in range(3)]
    for protocol in (PeerRanking(), Refinement()):
        alone = Swarm(bare, protocol=protocol, seed=3).ask_sync("2 + 2?", expects="number")
        within = Swarm([WrapperPeer(peer) for peer in bare], protocol=protocol, seed=3)
        inside = within.ask_sync("2 + 2?", expects="number")
        assert (inside.text, inside.support, inside.cost) == (alone.text, alone.support, alone.cost)


def test_what_differs_is_written_and_the_rest_is_the_other_peers() -> None:
    inside = Kept("ada")
    loud = Loud(inside)
    assert (loud.name, loud.skills) == (inside.name, inside.skills)
    assert Swarm([loud], protocol=Vote()).ask_sync("2 + 2?").text.startswith("I SAY")


def test_a_peer_in_two_coats_remembers_what_was_decided() -> None:
    inside = Kept("ada")
    decision = Swarm([WrapperPeer(Loud(inside))], protocol=Vote()).ask_sync("2 + 2?")
    assert inside.kept == [decision.key]


def test_a_peer_without_a_memory_is_told_nothing() -> None:
    assert Swarm([WrapperPeer(Opinionated("ada"))], protocol=Vote()).ask_sync("2 + 2?").status == "decided"
