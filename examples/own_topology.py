"""A topology of your own says who hears whom: here each hears the next in a line that is drawn anew every round."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from waggledance import Message, Proposal
from waggledance.core import PeerId
from waggledance.protocols import Debate
from waggledance.testing import check_protocol, simulate
from waggledance.topology import Hearing, Hyperedge, heard_in


@dataclass(frozen=True)
class Line:
    """Whoever stands in the line hears the one before."""

    name = "line"

    def plan(self, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int) -> Hearing:
        luck = Random(f"{seed}:{round}")  # a pure function of its arguments, so that every peer draws the same
        line = sorted(sorted(roster), key=lambda _: luck.random())
        return tuple(Hyperedge(frozenset({a}), frozenset({b})) for a, b in pairwise(line))

    def speakers(
        self, me: PeerId, round: int, roster: Sequence[PeerId], said: Sequence[Message[Proposal]], seed: int
    ) -> frozenset[PeerId]:
        return heard_in(self.plan(round, roster, said, seed), me)


protocol = Debate(rounds=2, topology=Line())
run = simulate(protocol, "2 + 2?", peers=5, loss=0.1)
print(run.decision)
check_protocol(protocol)  # under loss, silence, crashes, partitions and a liar

assert all(decision.key == run.decision.key for decision in run.honest)
