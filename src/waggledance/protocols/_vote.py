"""Vote: every peer answers by itself, once or several times, and a rule decides. Nobody hears anybody.

With several samples of one model this is self-consistency. It is the baseline that every protocol with talk in it must
beat at the same number of answers. Votes may come in turns and end early: when no vote to come can change the answer,
or when the answer is likely enough (adaptive consistency). As many turns as are needed in any case are taken at once.
Source: Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning in Language Models", arXiv:2203.11171;
Aggarwal et al. 2023, "Let's Sample Step by Step: Adaptive-Consistency for Efficient Reasoning with LLMs",
arXiv:2305.11860.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import msgspec

from waggledance.consensus import Rule, Weights, majority
from waggledance.core import Decision, Message, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._protocol import check_patience, collect_from_those_here
from waggledance.protocols._ration import Ration, ration_for
from waggledance.protocols._stopping import check_likely, check_settles, check_sure, likely_in, settled_in


class _Last:
    """How many turns were due at last, because seats in one process hold the same messages and ask alike."""

    __slots__ = ("due", "said", "turns", "weights")

    def __init__(self) -> None:
        self.said: Sequence[Message[Proposal]] = ()
        self.weights: Weights | None = None
        self.turns = self.due = 0


@dataclass(frozen=True)
class Vote:
    """Propose `samples` times, without hearing anybody; all answers decide, a peer's answers sharing its weight.

    Args:
        samples: how often each peer answers at most, ≥ 1; the k-th answer is its proposal of round k - 1.
        decide: the rule over all proposals.
        patience_s: how long to wait for those who are late, in seconds; who misses a turn is waited for again when it
            has answered.
        stop: ``"never"`` takes all samples at once. ``"settled"`` ends when no answer to come can change the outcome,
            so the answer is that of all samples; it needs `majority` or a confidence vote. ``"likely"`` ends when the
            leading answer is the more probable of the first two with a chance of `sure`, or when it is settled; it
            needs `majority`.
        sure: the posterior chance that is enough for ``"likely"``, > 0.5 and < 1; 0.95 in the paper.

    Raises:
        UsageError: no answer a peer, an unknown `stop`, one that the rule cannot tell, or a patience that is no time.
    """

    name: ClassVar[str] = "vote"
    skills: ClassVar[frozenset[str]] = frozenset({"propose"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    samples: int = 1
    decide: Rule = majority
    patience_s: float = 120.0
    stop: Literal["never", "settled", "likely"] = "never"
    sure: float = 0.95
    _last: _Last = field(default_factory=_Last, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.samples < 1:
            raise UsageError(f"in a vote every peer answers at least once, got samples={self.samples}")
        if self.stop not in ("never", "settled", "likely"):
            raise UsageError(f"a vote stops 'never', when it is 'settled', or when 'likely', got stop={self.stop!r}")
        check_sure(self.sure)
        if self.stop == "settled":
            check_settles(self.decide)
        if self.stop == "likely":
            check_likely(self.decide)

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        ration = ration_for(seat, self.samples)
        said: Sequence[Message[Proposal]] = ()
        everybody, taken = True, 0
        while due := self._due(seat, ration, said, taken):
            if ration.admits(seat.me):
                turns = range(taken, taken + due)
                for proposal in await asyncio.gather(*(seat.propose(sample) for sample in turns)):
                    await seat.publish(proposal)
            for sample in range(taken, taken + due):
                if everybody:
                    more = await seat.collect(Proposal, sample, until=in_time, of=ration.speakers)
                else:
                    more = await collect_from_those_here(seat, sample, in_time)
                everybody = len(more) == ration.peers
                said = [*said, *more] if said else more
            taken += due
        decision = self.decide(said, (), seat.weights)
        if taken < ration.turns:
            decision = msgspec.structs.replace(decision, notes=(*decision.notes, self._told(taken, ration)))
        return ration.tell(decision)

    def _due(self, seat: Seat, ration: Ration, said: Sequence[Message[Proposal]], taken: int) -> int:
        """Return how many turns to take at once; 0 when it is enough."""
        if self.stop == "never" or ration.turns == 1 or taken == ration.turns:
            return ration.turns - taken
        last, weights = self._last, seat.weights
        if last.weights is not weights or last.turns != ration.turns or last.said != said:
            given = Counter(m.author for m in said)
            left = {peer: ration.turns - given[peer] for peer in seat.roster}
            due = settled_in(said, left, weights, self.decide)
            if self.stop == "likely":
                leader = self.decide(said, (), weights).key if said else None
                due = min(due, likely_in(said, left, leader, self.sure))
            last.said, last.weights, last.turns, last.due = said, weights, ration.turns, due
        return min(last.due, ration.turns - taken)

    def _told(self, taken: int, ration: Ration) -> str:
        why = (
            "no answer to come could change the outcome"
            if self.stop == "settled"
            else f"the leading answer is the more probable of the first two with {self.sure:g} or more, or settled"
        )
        saved = (ration.turns - taken) * ration.peers
        return f"stopped after {taken} of {ration.turns} samples of each peer, {saved} calls saved: {why}"
