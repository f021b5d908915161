"""Refinement: every peer repairs its own solution with the others' as references; weak ones are repaired again.

    propose → revise with all others as references → evaluate → the weak once more, with what was found wrong → rank

Each solution is the anchor in turn, so nothing is averaged away. Two evaluators grade each (`_quality.py`); what they
have to say against one that they find weak goes to its owner as a suggestion. All versions are kept, and the judges who
rank in the end see the unrefined ones too, because a repair can destroy what was right. Refined solutions are copies of
each other in part: a majority of them says little, so the rule is one on judgements.
Source: Tang et al. 2025, "Eigen-1: Adaptive Multi-Agent Refinement with Monitor-Based RAG for Scientific Reasoning",
arXiv:2509.21193 (hierarchical solution refinement, quality-aware iterative refinement). Its first pass by critics is
left out, and its one selector is the judges' ranking. Its retrieval by a monitor of the stream is not in here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from waggledance.consensus import Rule, condorcet
from waggledance.core import (
    Decision,
    Judgement,
    Message,
    Note,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    after,
    everyone_within,
)
from waggledance.protocols._protocol import check_patience, collect_from
from waggledance.protocols._quality import evaluators, quality, weak
from waggledance.protocols._ranked import ranked
from waggledance.protocols._ration import ration_for

SUGGESTION = "suggestion"
"""What a note is about that says what is to be mended."""

Said = Sequence[Message[Proposal]]


@dataclass(frozen=True)
class Refinement:
    """Propose, refine with others as references, have the weak done again, and rank all versions.

    When all give one answer there is nothing to choose between, and it ends. Who has no reference is not refined.

    Args:
        passes: how often the weak are done again at most, ≥ 0; 1 in the paper's code.
        gate: the quality below which a solution is done again, 0 to 1; 0.6 is the paper's 3 of 5.
        evaluators: how many grade each solution, ≥ 1.
        decide: a rule on judgements.
        comparisons: how many pairs of answers a judge compares in the end at most, ≥ 1; all that are due when None.
        patience_s: how long each wait lasts for those who are late, in seconds.

    Raises:
        UsageError: passes, evaluators, comparisons, the gate or the patience are out of range.
    """

    name: ClassVar[str] = "refinement"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "revise", "critique", "compare"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence", "judgements"})
    judged: ClassVar[bool] = True
    peers_min: ClassVar[int] = 2

    passes: int = 1
    gate: float = 0.6
    evaluators: int = 2
    decide: Rule = condorcet
    comparisons: int | None = 10
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        weak({}, self.gate)
        if self.passes < 0:
            raise UsageError(f"weak solutions are done again 0 times or more, got passes={self.passes}")
        if self.evaluators < 1:
            raise UsageError(f"a solution has at least one evaluator, got evaluators={self.evaluators}")
        if self.comparisons is not None and self.comparisons < 1:
            raise UsageError(f"a judge compares at least one pair, got comparisons={self.comparisons}")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        a_pass = self.evaluators + 2  # suggestions, grades, the solution done again
        ration = ration_for(seat, 3 + self.passes * a_pass)
        mine = await seat.publish(await seat.propose()) if ration.admits(seat.me) else None
        first = await seat.collect(Proposal, 0, until=in_time, of=ration.speakers)
        if mine is None or ration.turns < 2 or not differ(first):
            return ration.tell(self.decide(first, (), seat.weights))
        here = frozenset(m.author for m in first)
        versions = {m.id: m for m in first}
        if ration.turns > 2:
            await seat.publish(await seat.revise(mine, _others(first, seat.me)))
            refined = await collect_from(seat, Proposal, 1, in_time, here)
            here = frozenset(m.author for m in refined)  # who is missing once is waited for no more
            versions |= {m.id: m for m in refined}
            for number in range(1, 1 + min(self.passes, (ration.turns - 3) // a_pass)):
                again = await self._again(seat, _last(versions.values()), number, here)
                if not again:
                    break
                versions |= {m.id: m for m in again}
        contending = sorted(versions.values())
        decision = await ranked(
            seat, self.decide, contending, until=in_time, round=1 + self.passes, comparisons=self.comparisons, of=here
        )
        return ration.tell(decision)

    async def _again(self, seat: Seat, last: Said, number: int, here: frozenset[PeerId]) -> Said:
        """Grade what is due, and have the weak done again; return their new versions."""
        in_time = everyone_within(self.patience_s)
        drawn = evaluators([m.author for m in last], self.evaluators, seat.seed, number)
        due = [m for m in last if seat.me in drawn[m.author]]
        judgement = await seat.critique(due, number)
        for verdict in judgement.verdicts:
            if weak({verdict.subjects[0]: verdict.scores[0]}, self.gate) and verdict.reason.strip():
                note = Note(round=number, about=SUGGESTION, text=verdict.reason, refs=verdict.subjects)
                await seat.publish(note)
        await seat.publish(judgement)  # after the suggestions, so that who has this has those
        graded = await collect_from(seat, Judgement, number, in_time, here)
        notes = await seat.collect(Note, number, until=after(0))
        low = weak(quality(graded, {m.id: drawn[m.author] for m in last}), self.gate)
        anchor = next((m for m in last if m.author == seat.me), None)
        if anchor is not None and anchor.id in low:
            told = [n for n in notes if n.body.about == SUGGESTION and anchor.id in n.body.refs]
            guide = [n for n in told if n.author in drawn[seat.me]]
            better = await seat.revise(anchor, _others(last, seat.me), guide)
            await seat.publish(msgspec.structs.replace(better, round=1 + number))
        owners = frozenset(m.author for m in last if m.id in low) & here
        return await seat.collect(Proposal, 1 + number, until=in_time, of=owners) if owners else ()


def differ(said: Said) -> bool:
    """Say whether there is a choice: two answers, or one and somebody without an answer to be helped by it."""
    return len({m.body.key for m in said}) > 1


def _others(said: Said, me: PeerId) -> Said:
    return [m for m in said if m.author != me]


def _last(versions: Iterable[Message[Proposal]]) -> Said:
    """Return everybody's last version that has an answer, or the last without one, sorted by id."""
    by: dict[PeerId, Message[Proposal]] = {}
    for message in sorted(versions, key=lambda m: (m.body.key is not None, m.body.round, m.id)):
        by[message.author] = message
    return sorted(by.values())
