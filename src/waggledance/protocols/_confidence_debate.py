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

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar

from waggledance.consensus import Rule, confidence_vote
from waggledance.core import Decision, Seat
from waggledance.protocols._deliberate import check_rounds, deliberate
from waggledance.protocols._protocol import check_patience
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
        check_rounds(self.rounds, "debate")

    def __call__(self, seat: Seat, /) -> Coroutine[Any, Any, Decision]:
        return deliberate(
            seat,
            self.decide,
            rounds=self.rounds,
            patience_s=self.patience_s,
            topology=self.topology,
            pooled=True,
        )
