"""Calibrated log-odds: what a peer says is read through its record, and evidence adds up as logarithms of odds.

    score(a) = sum of w(peer) · log(p / (1-p) · (K-1)) over peers whose answer is a,   p = table(peer)(confidence)

With errors that are independent and spread evenly over K options this is the answer most likely to be right (Nitzan
and Paroush 1982, "Optimal Decision Rules in Uncertain Dichotomous Choice Situations"; Genest and Zidek 1986).
Withstands over-confident, timid and uninformative statements, and liars who were found out before: a peer below
guessing counts *against* its answer. Does not withstand a peer that earns a record and then turns, nor shared errors.
While any voting peer's record is short it is plain majority and says so: odds and heads do not add. One peer
without a record therefore switches it off; give newcomers weight 0 until they have one.
Source: the calibrated variant of Chen, Saha, Bansal 2023, "ReConcile", arXiv:2309.13007.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, fsum

from waggledance.consensus._calibration import Table
from waggledance.consensus._rule import Judgements, Need, Proposals, Weights, settle
from waggledance.consensus._votes import tally, votes
from waggledance.core import UNIT, Decision, PeerId, UsageError

_EMPTY = Table()


@dataclass(frozen=True)
class CalibratedLogOdds:
    """Add up log-odds, each peer's from its own calibration table.

    Args:
        tables: every peer's record of settled answers.
        options: how many answers there could be, ≥ 2 (K in the formula); 2 for yes/no.
        settled_min: with fewer settled answers a table is not believed, and the rule is plain majority.

    Raises:
        UsageError: fewer than two possible answers.
    """

    tables: Mapping[PeerId, Table] = field(default_factory=dict[PeerId, Table], hash=False)
    options: int = 4
    settled_min: int = 50
    name: str = "log-odds"
    needs: frozenset[Need] = frozenset[Need]({"confidence"})

    def __post_init__(self) -> None:
        if self.options < 2:
            raise UsageError(f"log-odds need at least 2 possible answers, got options={self.options}")

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the most likely answer.

        Support is evidence in parts per million of one nat, above that for the least likely answer where evidence is
        negative; confidence is the answer's probability, with what is left of the K options as likely as no evidence.
        """
        cast = votes(proposals, weights)
        peers = {message.author for message, _ in cast}
        short = sum(self.tables.get(peer, _EMPTY).settled < self.settled_min for peer in peers)
        if short:
            note = (f"{short} of {len(peers)} peers have fewer than {self.settled_min} settled answers: "
                    "decided by plain majority")  # fmt: skip
            return settle(tally(proposals, weights), proposals, judgements, weights, rule=self.name, notes=[note])
        scores: Counter[str] = Counter()
        for message, vote in cast:
            assert message.body.key is not None
            nats_ppm = self.tables[message.author].weight_ppm(message.body.confidence_ppm, self.options)
            scores[message.body.key] += vote * nats_ppm // UNIT
        lowest = min(0, *scores.values()) if scores else 0
        above = {key: score - lowest for key, score in scores.items()}
        confidence = _probability(scores, self.options)
        return settle(above, proposals, judgements, weights, rule=self.name, confidence=confidence)


def _probability(scores: Mapping[str, int], options: int) -> float:
    """Return the leader's probability, options nobody named having no evidence for or against them."""
    if not scores:
        return 0.0
    best = max(scores.values())
    unnamed = max(0, options - len(scores)) * exp(min(50.0, -best / UNIT))
    return 1 / (fsum(exp((score - best) / UNIT) for score in scores.values()) + unnamed)
