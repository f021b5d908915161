"""Round table: everybody hears everybody, grouped by answer, until they agree; then votes count by confidence.

What a peer reads is a pure function of the round: the largest group first, and its members together. The round ends the
talk when all who spoke give one answer.
Source: Chen, Saha, Bansal 2023, "ReConcile: Round-Table Conference Improves Reasoning via Consensus among Diverse
LLMs", arXiv:2309.13007. We show all groups where its code keeps the two largest, and leave out its "convincing
examples", which need questions with known answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from waggledance.consensus import Rule, confidence_bins
from waggledance.core import Decision, Message, PeerId, Proposal, Seat, UsageError, everyone_within
from waggledance.protocols._floor import floor_for
from waggledance.protocols._protocol import check_patience


@dataclass(frozen=True)
class RoundTable:
    """Propose, then up to `rounds` times hear all others and revise; stop when all agree; the last round decides.

    Args:
        rounds: how often peers hear each other at most, ≥ 0; three in the paper.
        decide: the rule over the last round's proposals; ReConcile's bins of stated confidence unless given.
        patience_s: how long a round waits for those who are late, in seconds.
    """

    name: ClassVar[str] = "round-table"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})

    rounds: int = 3
    decide: Rule = confidence_bins
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        if self.rounds < 0:
            raise UsageError(f"a round table has 0 or more rounds, got {self.rounds}")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        floor = floor_for(seat, 1 + self.rounds)
        mine = await seat.publish(await seat.propose()) if floor.admits(seat.me) else None
        said = await seat.collect(Proposal, 0, until=in_time, of=floor.speakers)
        for round in range(1, floor.turns):
            if mine is None or agreed(said):
                break
            mine = await seat.publish(await seat.revise(mine, grouped(said, seat.me)))
            said = await seat.collect(Proposal, round, until=in_time)
        return floor.tell(self.decide(said, (), seat.weights))


def agreed(said: Sequence[Message[Proposal]]) -> bool:
    """Say whether everybody who spoke gave one and the same answer."""
    return len({m.body.key for m in said}) == 1 and said[0].body.key is not None


def grouped(said: Sequence[Message[Proposal]], me: PeerId) -> tuple[Message[Proposal], ...]:
    """Return the others' proposals with equal answers together, the most common answer first, those without one last.

    Groups of one size stand in the order of their smallest message id, members in the order of theirs; `me` counts for
    the size of a group.
    """
    size = Counter(m.body.key for m in said)
    first = {key: min(m.id for m in said if m.body.key == key) for key in size}
    others = [m for m in said if m.author != me]
    return tuple(sorted(others, key=lambda m: (m.body.key is None, -size[m.body.key], first[m.body.key], m.id)))
