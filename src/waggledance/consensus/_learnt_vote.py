"""Learnt vote: every peer counts by what its past answers say of it, and shared errors are expected.

The answer most likely to be true under the model of `em_answers` (difficulty, errors that agree), with the abilities it
found in a history; so two weak peers that agree may outweigh a strong one where errors rarely agree, and do not where
they often do. A seat's weight, and how far a peer is a witness of its own, say how much of its evidence counts.
Withstands what the history shows: guessing, and peers that were found wrong against known answers. Does not withstand a
peer that earns a record and then turns, nor abilities learnt without a key from a majority that erred alike.
Source: as `em_answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from waggledance.consensus._rule import Judgements, Need, Proposals, Weights, settle
from waggledance.consensus._votes import tally, votes
from waggledance.core import UNIT, Decision, PeerId

if TYPE_CHECKING:
    from waggledance.consensus._dependence import Dependence
    from waggledance.consensus._em_answers import AnswerReliability


@dataclass(frozen=True)
class LearntVote:
    """Decide by peers' learnt abilities. Make it with `of`.

    Args:
        ability: logit of each peer's chance to be right on a question of middling difficulty.
        concentration: how much errors differ; see `AnswerReliability.concentration`.
        independence: how far each peer is a witness of its own, in parts per million; whole when missing.
        evidence: what speaks against all this; every decision says it.
    """

    ability: Mapping[PeerId, float] = field(default_factory=dict[PeerId, float], hash=False)
    concentration: float = 4.0
    independence: Mapping[PeerId, int] = field(default_factory=dict[PeerId, int], hash=False)
    evidence: tuple[str, ...] = ()
    name: str = "learnt"
    needs: frozenset[Need] = frozenset[Need]()

    @classmethod
    def of(cls, reliability: AnswerReliability, dependence: Dependence | None = None) -> LearntVote:
        """Make the rule from a history's estimate; with `dependence`, peers that share errors count in part.

        Discount only what was measured against known answers: without a key the only ones who know look like copies.
        """
        return cls(
            ability=reliability.ability,
            concentration=reliability.concentration,
            independence={} if dependence is None else dependence.independence,
            evidence=(*reliability.notes, *(() if dependence is None else dependence.notes)),
        )

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the likeliest answer; support is each given answer's chance, in parts per million.

        A peer without a history counts as the average of those that have one; with no history at all it is majority.
        """
        cast = votes(proposals, weights)
        peers = {message.author for message, _ in cast}
        if not self.ability or not cast:
            note = ["no peer has a history: decided by plain majority"] if cast else []
            return settle(tally(proposals, weights), proposals, judgements, weights, rule=self.name, notes=note)
        from waggledance.consensus._answer_model import chances  # needs numpy

        average = sum(sorted(self.ability.values())) / len(self.ability)
        voices: list[tuple[float, float, str]] = []
        for message, vote in cast:
            assert message.body.key is not None
            share = vote * self.independence.get(message.author, UNIT) / UNIT**2
            voices.append((self.ability.get(message.author, average), share, message.body.key))
        found = chances(sorted(voices), self.concentration)
        support = {key: round(chance * UNIT) for key, chance in found.items()}
        best = max(support.values())
        strange = len(peers - self.ability.keys())
        notes = [f"{strange} of {len(peers)} peers have no history: counted as average"] if strange else []
        return settle(support, proposals, judgements, weights, rule=self.name, confidence=best / UNIT,
                      notes=[*notes, *self.evidence])  # fmt: skip
