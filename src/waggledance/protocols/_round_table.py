"""Round table: everybody hears everybody, grouped by answer, until they agree; then votes count by confidence.

What a peer reads is a pure function of the round: the largest group first, and its members together. The round ends the
talk when all who spoke give one answer.
Source: Chen, Saha, Bansal 2023, "ReConcile: Round-Table Conference Improves Reasoning via Consensus among Diverse
LLMs", arXiv:2309.13007. We show all groups where its code keeps the two largest. Its convincing examples need questions
with known answers: give those that `convincing` has chosen, or none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from waggledance.consensus import Rule, confidence_bins
from waggledance.core import Decision, Message, PeerId, Proposal, Seat
from waggledance.protocols._convincing import Examples, guided
from waggledance.protocols._deliberate import agreed, check_rounds, deliberate
from waggledance.protocols._protocol import check_patience


@dataclass(frozen=True)
class RoundTable:
    """Propose, then up to `rounds` times hear all others and revise; stop when all agree; the last round decides.

    Args:
        rounds: how often peers hear each other at most, ≥ 0; three in the paper.
        decide: the rule over the last round's proposals; ReConcile's bins of stated confidence unless given.
        patience_s: how long a round waits for those who are late, in seconds.
        examples: by peer's name, what once convinced it, from `convincing`; each answers first with the others'
            examples at hand.
    """

    name: ClassVar[str] = "round-table"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    rounds: int = 3
    decide: Rule = confidence_bins
    patience_s: float = 120.0
    examples: Examples = field(default_factory=dict[str, str], hash=False)

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        check_rounds(self.rounds, "round table")

    def __call__(self, seat: Seat, /) -> Coroutine[Any, Any, Decision]:
        return deliberate(
            seat,
            self.decide,
            rounds=self.rounds,
            patience_s=self.patience_s,
            view=_around,
            stop=agreed,
            start=partial(guided, examples=self.examples) if self.examples else None,
            start_turns=2 if self.examples else 1,
        )


def _around(seat: Seat, round: int, said: Sequence[Message[Proposal]]) -> tuple[Message[Proposal], ...]:
    return grouped(said, seat.me)


def grouped(said: Sequence[Message[Proposal]], me: PeerId) -> tuple[Message[Proposal], ...]:
    """Return the others' proposals with equal answers together, the most common answer first, those without one last.

    Groups of one size stand in the order of their smallest message id, members in the order of theirs; `me` counts for
    the size of a group.
    """
    size = Counter(m.body.key for m in said)
    first = {key: min(m.id for m in said if m.body.key == key) for key in size}
    others = [m for m in said if m.author != me]
    return tuple(sorted(others, key=lambda m: (m.body.key is None, -size[m.body.key], first[m.body.key], m.id)))
