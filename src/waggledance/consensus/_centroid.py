"""Centroid: the answer nearest to the middle of all that was said, for free words that no parser can compare.

    score(a) = max over proposals p with answer a of   cos(r_p, Σ w_q · r_q)

with r the place of a proposal (see `waggledance.topology.points`: texts by wording, or answers by equality where they
were found in texts) and w_q the vote of its author. Where answers were found it is a plurality; on the synthetic world
W4, where they were not, it is within a point of one. Like a plurality it does not withstand an error that most share,
and it is as good as the embedding: hashed n-grams see wording, not meaning.
Source: Tastan, Horvath, Nandakumar 2025, "Stochastic Self-Organization in Multi-Agent Systems", arXiv:2510.00685, whose
last step it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from waggledance.consensus._rule import Judgements, Need, Proposals, Weights, settle, tie_break
from waggledance.consensus._votes import votes
from waggledance.core import Decision, Message, Proposal

if TYPE_CHECKING:
    from waggledance.topology import Embed


@dataclass(frozen=True)
class Centroid:
    """The rule; a different embedding makes it a different rule, so one with its own has another name.

    Args:
        embed: how texts become vectors; `hashed_ngrams` when None.
        name: what decisions and logs call it; a rule with an embedding of your own needs one of its own.
    """

    embed: Embed | None = None
    name: str = "centroid"
    needs: frozenset[Need] = frozenset()

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the nearest proposal's answer; support is each answer's cosine, in parts per million, 0 if below."""
        counted = sorted(votes(proposals, weights), key=lambda vote: vote[0].id)
        near = self._nearness([m for m, _ in counted], [vote for _, vote in counted])
        scores: dict[str, int] = {}
        for (message, _), score in zip(counted, near, strict=True):
            key = message.body.key or ""
            scores[key] = max(score, scores.get(key, 0))
        decision = settle(scores, proposals, judgements, weights, rule=self.name)
        if decision.key is None:
            return decision
        best = max(
            (pair for pair in zip(near, (m for m, _ in counted), strict=True) if pair[1].body.key == decision.key),
            key=lambda pair: (pair[0], tie_break(pair[1].channel, pair[1].id.hex())),
        )[1]
        return msgspec.structs.replace(decision, winner=best.id, text=best.body.text)

    def _nearness(self, said: list[Message[Proposal]], votes: list[int]) -> list[int]:
        """Return the cosine of each proposal with the weighted sum of all, in parts per million."""
        if not said:
            return []
        import numpy as np

        from waggledance.topology import points

        where = points(said, self.embed).astype(np.float64)
        middle = np.asarray(votes, dtype=np.float64) @ where
        length = float(np.sqrt((middle * middle).sum()))
        if length == 0:
            return [0] * len(said)
        return [int(score) for score in np.rint(where @ middle / length).tolist()]


centroid = Centroid()
