"""Confidence debate: peers propose, hear each other and revise, and all that was said counts by how sure it was said.

Peers' beliefs are counts over answers, and a heard answer adds its weight to them:

    α_i(a) ← α_i(a) + Σ_j w_j · [j says a],   w_j from j's stated confidence

With equal weights the expected belief in the truth stays where it was, however long they talk; it rises when confidence
is higher on right answers and falls when it is higher on wrong ones. A model may ignore numbers in its prompt, so the
counts are kept here, in code: the decision is a rule over the statements of *all* rounds, by confidence. That is the
pooled count of everything anybody heard, and a pure function of the messages.
Source: Zhu et al. 2026, "Demystifying Multi-Agent Debate: The Role of Confidence and Diversity", arXiv:2601.19921, with
its diverse start (`_diverse.py`) where peers draft more than one answer. Untrained models state 80 to 100 % almost
always: pass a `CalibratedLogOdds` with their records where there are some, and compare with a `Vote` of as many
answers.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, ClassVar

from waggledance.consensus import Rule, confidence_vote, name_of, needs_of
from waggledance.core import Decision, Seat, UsageError
from waggledance.protocols._deliberate import check_rounds, deliberate
from waggledance.protocols._diverse import diverse
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
        drafts: how many answers each peer drafts, ≥ 1; of several it keeps the one that makes the swarm's answers most
            diverse, and only that counts. It needs a rule on confidence: the majority of such a pool is right no more
            often.

    Raises:
        UsageError: no draft, several for a rule that is not about confidence, or rounds or a patience out of range.
    """

    name: ClassVar[str] = "confidence-debate"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    rounds: int = 2
    topology: Topology = Complete()
    decide: Rule = confidence_vote
    patience_s: float = 120.0
    drafts: int = 1

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        check_rounds(self.rounds, "debate")
        if self.drafts < 1:
            raise UsageError(f"a peer drafts at least one answer, got drafts={self.drafts}")
        if self.drafts > 1 and hasattr(self.decide, "needs") and "confidence" not in needs_of(self.decide):
            raise UsageError(
                f"a diverse pool's majority is right no more often, and rule {name_of(self.decide)!r} does not look at "
                "confidence: choose 'confidence' or 'log-odds', or drafts=1"
            )

    def __call__(self, seat: Seat, /) -> Coroutine[Any, Any, Decision]:
        return deliberate(
            seat,
            self.decide,
            rounds=self.rounds,
            patience_s=self.patience_s,
            topology=self.topology,
            start=None if self.drafts == 1 else diverse,
            start_turns=1 if self.drafts == 1 else self.drafts + 1,
            pooled=True,
        )
