"""Peer-ranked: a decision from what peers think of each other's proposals, not from how many say the same.

Judging pays where recognising a right answer is easier than producing one; with poor judges it loses against majority.
So the decision says when judges look unreliable (`doubts`).
Source: Larin et al. 2025, "Fortytwo: Swarm Inference with Peer-Ranked Consensus", arXiv:2510.24801.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from waggledance.consensus._agreement import doubts
from waggledance.consensus._rule import Judgements, Need, Proposals, Weights, settle, subjects
from waggledance.consensus._votes import tally, votes
from waggledance.consensus._wins import Wins, ballots, wins
from waggledance.core import UNIT, Decision, PeerId

Unit = Literal["answer", "proposal"]
"""What contends: distinct answers, so that proposals that say the same are one; or every proposal for itself."""


class Standing(NamedTuple):
    """What a way to combine wins makes of them."""

    scores: Mapping[str, int]
    """Every contender's score, ≥ 0, higher is better."""
    confidence: float | None = None
    """The leader's chance, 0 to 1, where the way gives one; else its share of all scores is taken."""
    notes: tuple[str, ...] = ()


Combine = Callable[[Mapping[str, int], Wins], Standing]
"""From contenders (sorted, each with the votes behind it in parts per million of one) and their wins over each other to
scores; blind to contenders' names."""


@dataclass(frozen=True)
class PeerRanked:
    """Let judges' preferences decide.

    With a single answer, or no judgement of two different ones, it is majority; in the latter case it says so.

    Args:
        title: the way to combine, by name.
        combine: from wins to scores.
        unit: what contends; with ``"proposal"`` an answer scores as its best proposal, whose words win.
        judge_weights: how much each judge's word counts, in parts per million of one judge, such as `from_probes`
            gives; a judge that is not named in it counts nothing. The seats' voting weights when None.
    """

    title: str
    combine: Combine
    unit: Unit = "answer"
    judge_weights: Mapping[PeerId, int] | None = field(default=None, hash=False)
    needs: frozenset[Need] = frozenset[Need]({"judgements"})

    @property
    def name(self) -> str:
        """The way to combine, and what contends if that is not answers."""
        return self.title if self.unit == "answer" else f"{self.title} on proposals"

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the answer that judges prefer, with every answer's score as its support."""
        cast = votes(proposals, weights)
        answer_of = subjects([message for message, _ in cast])
        answers = sorted(set(answer_of.values()))
        if len(answers) < 2:
            return settle(tally(proposals, weights), proposals, judgements, weights, rule=self.name)
        judging = self._judging(judgements, weights)
        contenders = answer_of if self.unit == "answer" else {id: id.hex() for id in answer_of}
        stands_for = {contenders[id]: answer for id, answer in answer_of.items()}
        won = wins(ballots(judgements, contenders), judging)
        if not any(stands_for[a] != stands_for[b] for a, b in won):
            note = "no judgement of two different answers counts: decided by plain majority"
            return settle(tally(proposals, weights), proposals, judgements, weights, rule=self.name, notes=[note])
        backing = dict.fromkeys(sorted(stands_for), 0)
        for message, vote in cast:
            backing[contenders[message.id]] += vote
        standing = self.combine(backing, won)
        scores = dict.fromkeys(answers, 0)
        for contender, score in standing.scores.items():
            scores[stands_for[contender]] = max(scores[stands_for[contender]], score)
        voices = weights if self.unit == "answer" else _voices(proposals, standing.scores)
        decision = settle(scores, proposals, judgements, voices, rule=self.name, confidence=standing.confidence)
        assert decision.key is not None
        own: dict[PeerId, set[str]] = {}
        for message in proposals:
            if message.id in answer_of:
                own.setdefault(message.author, set()).add(answer_of[message.id])
        doubtful = doubts(ballots(judgements, answer_of), own, decision.key, judging)
        return msgspec.structs.replace(decision, notes=(*standing.notes, *doubtful))

    def _judging(self, judgements: Judgements, weights: Weights) -> dict[PeerId, int]:
        """Return every judge's weight."""
        judges = {message.author for message in judgements}
        if self.judge_weights is None:
            return {judge: weights.get(judge, UNIT) for judge in judges}
        return {judge: max(0, self.judge_weights.get(judge, 0)) for judge in judges}


def _voices(proposals: Proposals, scores: Mapping[str, int]) -> dict[PeerId, int]:
    """Return each peer's best proposal's score, so that the strongest proposal's words present the answer."""
    best: dict[PeerId, int] = {message.author: 0 for message in proposals}
    for message in proposals:
        best[message.author] = max(best[message.author], scores.get(message.id.hex(), 0))
    return best
