"""Confidence debate: peers propose, hear each other and revise, and all that was said counts by how sure it was said.

Peers' beliefs are counts over answers, and a heard answer adds its weight to them:

    α_i(a) ← α_i(a) + Σ_j w_j · [j says a],   w_j from j's stated confidence

With equal weights the expected belief in the truth stays where it was, however long they talk; it rises when confidence
is higher on right answers and falls when it is higher on wrong ones. A model may ignore numbers in its prompt, so the
counts are kept here, in code: the decision is a rule over the statements of *all* rounds, by confidence. That is the
pooled count of everything anybody heard, and a pure function of the messages.
Source: Zhu et al. 2026, "Demystifying Multi-Agent Debate: The Role of Confidence and Diversity", arXiv:2601.19921. The
diverse start of that paper is not in here. Untrained models state 80 to 100 % almost always: pass a `CalibratedLogOdds`
with their records where there are some, and compare with a `Vote` of as many answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from waggledance.consensus import Rule, confidence_vote
from waggledance.core import Decision, Message, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._floor import floor_for
from waggledance.protocols._protocol import check_patience, heard
from waggledance.topology import Complete, Topology


@dataclass(frozen=True)
class ConfidenceDebate:
    """Propose, then `rounds` times hear each other and revise; the proposals of all rounds decide.

    Args:
        rounds: how often peers hear each other, ≥ 0.
        topology: who hears whom.
        decide: the rule over all rounds' proposals; each of a peer's proposals carries an equal part of its weight.
        patience_s: how long a round waits for those who are late, in seconds.
    """

    name: ClassVar[str] = "confidence-debate"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    rounds: int = 2
    topology: Topology = Complete()
    decide: Rule = confidence_vote
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.rounds < 0:
            raise UsageError(f"a debate has 0 or more rounds, got {self.rounds}")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        floor = floor_for(seat, 1 + self.rounds)
        rounds = floor.turns - 1
        counted: list[Message[Proposal]] = []
        if floor.admits(seat.me):
            mine = await seat.publish(await seat.propose())
            for round in range(rounds):
                said = await seat.collect(Proposal, round, until=in_time)
                counted += said
                mine = await seat.publish(await seat.revise(mine, heard(self.topology, seat, round, said)))
        last = await seat.collect(Proposal, rounds, until=in_time, of=floor.speakers)
        return floor.tell(_of_the_end(self.decide([*counted, *last], (), seat.weights), last))


def _of_the_end(decision: Decision, last: tuple[Message[Proposal], ...]) -> Decision:
    """Leave as dissent only what peers said last: who changed its mind dissents no more."""
    ended = {(m.author, m.body.key, m.body.lapse or m.body.text) for m in last}
    return msgspec.structs.replace(
        decision, dissent=tuple(dict.fromkeys(d for d in decision.dissent if (d.peer, d.key, d.reason) in ended))
    )
