"""Bargained: of the packages that all have graded, the one worth most in all, that leaves the worst-off no worse.

    score(p) = Σ_g u_g(p) + 2 · min_g u_g(p)      among packages with  min_g u_g(p) ≥ min_g u_g(base)

A grade is a utility, on its peer's own scale: 0 for its worst package and 1 for its best. The base is what would hold
without a bargain: of the wishes that were stated first, the one worth most in all. For questions of values: no vote is
counted and nobody is taken for wrong, so a minority is not noise. Where too few have graded, a wish is drawn by lot,
which rewards no strategy (Gibbard 1977, "Manipulation of Schemes that Mix Voting with Chance", Econometrica 45:665).
Source: Mushkani et al. 2025, "Negotiative Alignment", arXiv:2503.12613, reconstructed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from waggledance.consensus._fairness import gini
from waggledance.consensus._negotiation import Floor
from waggledance.consensus._rule import Judgements, Need, Proposals, Weights, settle, subjects, tie_break
from waggledance.core import UNIT, Decision, Dissent, PeerId, UsageError

Grades = Mapping[str, Mapping[PeerId, int]]
"""By package, what each peer has of it, in parts per million of its best."""


@dataclass(frozen=True)
class Bargained:
    """Choose among graded packages, protecting the worst-off.

    Support is the score above; confidence is what the worst-off peer has. Dissent names everybody who has less than
    under the base, with both.

    Args:
        floor: ``"worst"``: the worst-off has no less than the worst-off of the base; ``"every"``: nor has any peer less
            than it has under the base, for where leaving the table is a real choice.

    Raises:
        UsageError: `floor` is neither ``"worst"`` nor ``"every"``.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"utilities"})

    floor: Floor = "worst"

    def __post_init__(self) -> None:
        if self.floor not in ("worst", "every"):
            raise UsageError(f"a bargain protects the 'worst' off or 'every' peer, got {self.floor!r}")

    @property
    def name(self) -> str:
        """The rule's name."""
        return "bargained" if self.floor == "worst" else "bargained(every)"

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the package; undecided where nobody proposed one."""
        grades = grades_of(proposals, judgements, weights)
        wishes = {m.author: m.body.key for m in proposals if m.body.round == 0 and m.body.key is not None}
        speakers = {m.author for m in proposals if m.body.key is not None and weights.get(m.author, UNIT) > 0}
        most = max((len(by_peer) for by_peer in grades.values()), default=0)
        if 2 * most <= len(speakers) or not speakers:
            return self._drawn(proposals, judgements, weights)
        full = {key: by_peer for key, by_peer in grades.items() if len(by_peer) == most}
        score = {key: _total(by_peer, weights) + 2 * min(by_peer.values()) for key, by_peer in full.items()}
        channel = proposals[0].channel
        first = [key for key in full if key in set(wishes.values())] or list(full)
        base = min(first, key=lambda key: (-_total(full[key], weights), tie_break(channel, key)))
        fair = {key: score[key] for key in full if self._keeps(full[key], full[base])}
        decision = settle(fair, proposals, judgements, weights, rule=self.name, notes=[])
        assert decision.key is not None, "the base keeps to itself"
        had, before = full[decision.key], full[base]
        scale = (
            "utilities are grades, each on its peer's own scale from 0, its worst package, to 1, its best; "
            f"{most} of {len(speakers)} peers graded"
        )
        result = f"{_measured(had, weights)}; without a bargain {base}: {_measured(before, weights)}"
        losers = [
            Dissent(peer, wishes.get(peer) if wishes.get(peer) != decision.key else None,
                    f"has {_shown(had[peer])} of this, {_shown(before[peer])} of {base}")
            for peer in sorted(had) if had[peer] < before.get(peer, 0)
        ]  # fmt: skip
        mute = [d for d in decision.dissent if d.key is None]
        return msgspec.structs.replace(
            decision, confidence=round(min(had.values()) / UNIT, 6), dissent=(*losers, *mute), notes=(scale, result)
        )

    def _keeps(self, had: Mapping[PeerId, int], base: Mapping[PeerId, int]) -> bool:
        if min(had.values()) < min(base.values()):
            return False
        return self.floor == "worst" or all(had[peer] >= base.get(peer, 0) for peer in had)

    def _drawn(self, proposals: Proposals, judgements: Judgements, weights: Weights) -> Decision:
        wishes = {m.body.key for m in proposals if m.body.key is not None and weights.get(m.author, UNIT) > 0}
        notes = ["too few peers graded packages to bargain; one of the wishes was drawn by lot"] if wishes else []
        return settle(dict.fromkeys(wishes, 0), proposals, judgements, weights, rule=self.name, notes=notes)


def grades_of(proposals: Proposals, judgements: Judgements, weights: Weights) -> Grades:
    """Return what each peer of weight has of each package, by its grades; of several the lowest."""
    packages = subjects(proposals)
    grades: defaultdict[str, dict[PeerId, int]] = defaultdict(dict)
    for message in judgements:
        for verdict in message.body.verdicts if weights.get(message.author, UNIT) > 0 else ():
            if len(verdict.subjects) == 1 and verdict.subjects[0] in packages:
                by_peer = grades[packages[verdict.subjects[0]]]
                by_peer[message.author] = min(by_peer.get(message.author, UNIT), verdict.scores[0])
    return grades


def _total(by_peer: Mapping[PeerId, int], weights: Weights) -> int:
    return sum(grade * weights.get(peer, UNIT) // UNIT for peer, grade in by_peer.items())


def _measured(by_peer: Mapping[PeerId, int], weights: Weights) -> str:
    had = list(by_peer.values())
    return f"in all {_shown(_total(by_peer, weights))}, worst-off {_shown(min(had))}, Gini {gini(had):.3f}"


def _shown(ppm: int) -> str:
    return f"{ppm / UNIT:.2f}"
