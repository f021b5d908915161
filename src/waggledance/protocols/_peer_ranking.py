"""Peer ranking: every peer answers, then every peer judges which of two answers is better, and the judgements decide.

Judging pays when recognising a right answer is easier than producing one; with poor judges it loses against a vote, and
the decision says when judges look unreliable. The cheap schedule has each judge compare each two *distinct* answers
once instead of 3N pairs of proposals, for the same accuracy.
Source: Larin et al. 2025, "Fortytwo: Swarm Inference with Peer-Ranked Consensus", arXiv:2510.24801. Reputation is not
in here: give judges weights from probes, ``PeerRanked(..., judge_weights=from_probes(...))``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from waggledance.consensus import Rule, bradley_terry
from waggledance.core import Decision, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._protocol import check_patience
from waggledance.protocols._ranked import ranked
from waggledance.protocols._ration import ration_for


@dataclass(frozen=True)
class PeerRanking:
    """Propose, compare each other's answers, and adopt what the rule makes of the comparisons.

    When all give one answer there is nothing to judge, and nothing is spent on it.

    Args:
        decide: a rule on judgements: `bradley_terry`, `condorcet`, `win_rate`, `borda`.
        comparisons: how many pairs a judge compares at most, ≥ 1, drawn from the seed; all that are due when None.
        unit: ``"answer"``, the cheap schedule, or ``"proposal"``: others' proposals in pairs, whatever they say; with
            ``comparisons=3 * peers`` that is the paper's.
        patience_s: how long each of the two waits lasts for those who are late, in seconds; who misses the first does
            not judge.

    Raises:
        UsageError: no comparison, an unknown unit, or a patience that is no time.
    """

    name: ClassVar[str] = "peer-ranking"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "compare"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence", "judgements"})
    judged: ClassVar[bool] = True
    peers_min: ClassVar[int] = 2

    decide: Rule = bradley_terry
    comparisons: int | None = None
    unit: Literal["answer", "proposal"] = "answer"
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.comparisons is not None and self.comparisons < 1:
            raise UsageError(f"a judge compares at least one pair, got comparisons={self.comparisons}")
        if self.unit not in ("answer", "proposal"):
            raise UsageError(f"a judge compares pairs of the unit 'answer' or 'proposal', got {self.unit!r}")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        ration = ration_for(seat, 2)
        if ration.admits(seat.me):
            await seat.publish(await seat.propose())
        proposals = await seat.collect(Proposal, 0, until=in_time, of=ration.speakers)
        if ration.turns < 2:
            return ration.tell(self.decide(proposals, (), seat.weights))
        here = None if len(proposals) == ration.peers else frozenset(m.author for m in proposals)
        return await ranked(
            seat, self.decide, proposals, until=in_time, comparisons=self.comparisons, unit=self.unit, of=here
        )
