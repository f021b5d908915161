"""Vote: every peer answers by itself, once or several times, and a rule decides. Nobody hears anybody.

With several samples of one model this is self-consistency. It is the baseline that every protocol with talk in it must
beat at the same number of answers.
Source: Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning in Language Models", arXiv:2203.11171.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from waggledance.consensus import Rule, majority
from waggledance.core import Decision, Message, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._floor import floor_for
from waggledance.protocols._protocol import check_patience


@dataclass(frozen=True)
class Vote:
    """Propose `samples` times, without hearing anybody; all answers decide, a peer's answers sharing its weight.

    Args:
        samples: how often each peer answers, ≥ 1; the k-th answer is its proposal of round k - 1.
        decide: the rule over all proposals.
        patience_s: how long to wait for those who are late, in seconds.
    """

    name: ClassVar[str] = "vote"
    skills: ClassVar[frozenset[str]] = frozenset({"propose"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    samples: int = 1
    decide: Rule = majority
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.samples < 1:
            raise UsageError(f"in a vote every peer answers at least once, got samples={self.samples}")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        floor = floor_for(seat, self.samples)
        if floor.admits(seat.me):
            for proposal in await asyncio.gather(*(seat.propose(sample) for sample in range(floor.turns))):
                await seat.publish(proposal)
        proposals: list[Message[Proposal]] = []
        for sample in range(floor.turns):
            proposals += await seat.collect(Proposal, sample, until=in_time, of=floor.speakers)
        return floor.tell(self.decide(proposals, (), seat.weights))
