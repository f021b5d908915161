"""Debate: peers propose, hear each other, revise, and a rule decides.

Source: Du et al. 2023, "Improving Factuality and Reasoning in Language Models through Multiagent Debate",
arXiv:2305.14325. Plain debate moves no belief on average (Choi, Zhu, Li 2025, arXiv:2508.17536): measure before paying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from waggledance.consensus import Rule, majority
from waggledance.core import Decision, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._floor import floor_for
from waggledance.protocols._protocol import check_patience, heard
from waggledance.topology import Complete, Topology


@dataclass(frozen=True)
class Debate:
    """Propose, then `rounds` times hear each other and revise; the last round's proposals decide.

    Args:
        rounds: how often peers hear each other, ≥ 0.
        topology: who hears whom.
        decide: the rule over the last round's proposals.
        patience_s: how long a round waits for those who are late, in seconds.
    """

    name: ClassVar[str] = "debate"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    rounds: int = 2
    topology: Topology = Complete()
    decide: Rule = majority
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.rounds < 0:
            raise UsageError(f"a debate has 0 or more rounds, got {self.rounds}")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        floor = floor_for(seat, 1 + self.rounds)
        rounds = floor.turns - 1
        if floor.admits(seat.me):
            mine = await seat.publish(await seat.propose())
            for round in range(rounds):
                said = await seat.collect(Proposal, round, until=in_time)
                mine = await seat.publish(await seat.revise(mine, heard(self.topology, seat, round, said)))
        proposals = await seat.collect(Proposal, rounds, until=in_time, of=floor.speakers)
        return floor.tell(self.decide(proposals, (), seat.weights))
