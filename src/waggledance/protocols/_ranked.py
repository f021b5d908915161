"""Ranked: peers judge which of two answers is better, and a rule on judgements decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from waggledance.consensus import Rule, pairs
from waggledance.core import Condition, Decision, Judgement, Message, PeerId, Proposal, Seat


async def ranked(
    seat: Seat,
    rule: Rule,
    proposals: Sequence[Message[Proposal]],
    *,
    until: Condition,
    round: int = 0,
    comparisons: int | None = None,
    unit: Literal["answer", "proposal"] = "answer",
    of: frozenset[PeerId] | None = None,
) -> Decision:
    """Judge what is due at this seat, collect what others judge, and decide; with fewer than two answers at once.

    Args:
        seat: who judges.
        rule: a rule on judgements.
        proposals: what contends.
        until: how long to wait for judgements.
        round: of the judgements.
        comparisons: how many pairs a judge compares at most; all that are due when None.
        unit: what a pair is made of, distinct answers or proposals.
        of: who judges; everybody when None.
    """
    if len({m.body.key for m in proposals if m.body.key is not None}) < 2:
        return rule(proposals, (), seat.weights)
    if of is None or seat.me in of:
        due = pairs(proposals, seat.me, seat.seed, per_judge=comparisons, unit=unit)
        await seat.publish(await seat.compare(due, round))
    judgements = await seat.collect(Judgement, round, until=until, of=of)
    return rule(proposals, judgements, seat.weights)
