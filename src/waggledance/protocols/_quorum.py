"""Quorum: an answer is adopted when enough of all who sit there stand behind it.

    adopt a  if  Σ w(peer at a)  ≥  share · Σ w(peer)      over everybody on the roster, silent or not

Counting the silent makes it safe under partitions: with a share above one half, two parts of a swarm never adopt two
answers. Withstands silent and late peers by deciding less often. Source: Seeley and Visscher 2004, "Quorum sensing
during nest-site selection by honeybee swarms", Behavioral Ecology and Sociobiology 56:594.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from waggledance.consensus import Judgements, Proposals, Weights, settle, votes
from waggledance.core import UNIT, Decision, PeerId, UsageError

Otherwise = Literal["leader", "undecided"]


@dataclass(frozen=True)
class Quorum:
    """Adopt the leading answer if enough stand behind it.

    Args:
        share: of the whole roster's weight, > 0 and ≤ 1.
        otherwise: without a quorum, ``"leader"`` takes the leading answer and says so in a note; ``"undecided"`` takes
            none.

    Raises:
        UsageError: a share that is not above 0 and up to 1, or an unknown `otherwise`.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    share: float = 0.6
    otherwise: Otherwise = "leader"

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise UsageError(f"a quorum is a share of all peers above 0 and up to 1, got {self.share}")
        if self.otherwise not in ("leader", "undecided"):
            raise UsageError(f"without a quorum take the 'leader' or stay 'undecided', got {self.otherwise!r}")

    @property
    def name(self) -> str:
        """The rule with its share, such as ``quorum(0.6)``."""
        return f"quorum({self.share:g})" if self.otherwise == "leader" else f"quorum({self.share:g}, undecided)"

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        """Return the leading answer; support is the weight behind each, confidence the leader's share of the roster."""
        scores: Counter[str] = Counter()
        for message, vote in votes(proposals, weights):
            assert message.body.key is not None
            scores[message.body.key] += vote
        everybody = {**dict.fromkeys((m.author for m in proposals), UNIT), **weights}
        total, enough = sum(everybody.values()), needed_weight(self.share, everybody)
        top = max(scores.values(), default=0)
        if top >= enough:
            return settle(scores, proposals, judgements, weights, rule=self.name, confidence=top / total)
        note = (
            f"no quorum: the leading answer has {top / UNIT:g} of {total / UNIT:g} peers, {enough / UNIT:g} were needed"
        )
        if scores and self.otherwise == "leader":
            return settle(scores, proposals, judgements, weights, rule=self.name, confidence=top / total, notes=[note])
        decision = settle({}, proposals, judgements, weights, rule=self.name, notes=[note])
        return msgspec.structs.replace(decision, support={key: scores[key] for key in sorted(scores)})


def needed_weight(share: float, everybody: Mapping[PeerId, int]) -> int:
    """Return the least weight that is a share of everybody's, > 0, in parts per million of one peer.

    >>> needed_weight(0.6, {PeerId(bytes([i])): UNIT for i in range(5)})
    3000000
    """
    return max(1, -(-round(share * UNIT) * sum(everybody.values()) // UNIT))
