"""Audit: before the swarm's answer stands, a few drawn peers check it, and an objection that most share is answered.

    propose → leading answer → auditors grade it → most object? → all revise once, with the objections → decide again

A gate that ends the task loses to no gate at all; the same gate with a second draft gains (the court and the review of
"institutions", arXiv:2604.27691). So an objection that is upheld costs one more round and never the answer, and one
that is not upheld stands as dissent. Whether it pays: with p the chance that the leading answer is right, c and e the
chances that a wrong and a right one are objected to by most, and r and s the chances that a swarm that thinks again
ends with the right one after a wrong and after a right one,

    gain = (1 - p) · c · r  -  p · e · (1 - s)

so with auditors who cannot tell (c = e) it loses wherever p is large. Auditors are drawn from the answers' ids, which
nobody knows before the answers are there (drawing after the claim: "Generative Artificial Intelligence Consensus in a
Trustless Network", arXiv:2307.01898); whoever answers last could try several answers to choose them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from blake3 import blake3

from waggledance.consensus import Judgements, Proposals, Rule, Weights, majority, name_of, needs_of
from waggledance.core import (
    UNIT,
    Decision,
    Dissent,
    Judgement,
    Message,
    MessageId,
    Note,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    after,
    everyone_within,
)
from waggledance.protocols._protocol import check_patience, collect_from_those_here
from waggledance.protocols._ration import ration_for

OBJECTION = "objection"
"""What a note is about that says what an auditor finds wrong."""

_TOLD_CHARS = 120
"""Of an objection in the decision's notes; the dissent has it whole."""


def auditors(proposals: Proposals, leading: MessageId, count: int) -> frozenset[PeerId]:
    """Return who audits: peers that proposed, drawn by the proposals' ids, never the leading proposal's author.

    Args:
        proposals: the first round's.
        leading: the one to be audited.
        count: how many, ≥ 0; fewer where there are not so many others.
    """
    ids = sorted({m.id for m in proposals})
    others = {m.author for m in proposals} - {m.author for m in proposals if m.id == leading}
    drawn = sorted(others, key=lambda peer: blake3(b"waggle/audit/1\0" + b"".join(ids) + peer).digest())
    return frozenset(drawn[:count])


@dataclass(frozen=True)
class Audited:
    """Decide on the first answers; on the second ones where most of the drawn auditors object to the first decision.

    An auditor objects with a grade below one half; one that gave no grade counts as content. Every auditor counts one.

    Args:
        decide: the rule over each round's proposals; one that needs no judgements.
        count: how many auditors are drawn, ≥ 1.

    Raises:
        UsageError: no auditor, or a rule that needs judgements of all answers.
    """

    decide: Rule = majority
    count: int = 3

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UsageError(f"an audit has at least one auditor, got {self.count}")
        if "judgements" in needs_of(self.decide):
            raise UsageError(
                f"the judgements of an audit are of one answer, and rule {name_of(self.decide)!r} needs them of all: "
                "choose a rule such as majority, or the protocol 'peer-ranking'"
            )

    @property
    def name(self) -> str:
        """The rule with how many auditors, such as ``audited(majority, 3)``."""
        return f"audited({name_of(self.decide)}, {self.count})"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset(needs_of(self.decide))

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        first = [m for m in proposals if m.body.round == 0]
        decision = self.decide(first, (), weights)
        notes: tuple[str, ...] = ()
        dissent: tuple[Dissent, ...] = ()
        if decision.winner is not None:
            drawn = auditors(first, decision.winner, self.count)
            objecting = objections(judgements, decision.winner, drawn)
            said = f"{len(objecting)} of {len(drawn)} auditors objected"
            if upheld(objecting, drawn) and len(first) < len(proposals):
                before, decision = decision, self.decide(last_versions(proposals), (), weights)
                changed = "stayed with it" if decision.key == before.key else f"left {before.key}"
                notes = (f"{said}; the swarm thought again and {changed}",)
            elif objecting:
                dissent = tuple(Dissent(who, None, f"objects: {why}") for who, why in sorted(objecting.items()))
                few = "and nobody could think again" if upheld(objecting, drawn) else "too few to think again"
                why = "; ".join(sorted({words[:_TOLD_CHARS] for words in objecting.values() if words}))
                notes = (f"{said}, {few}" + (f": {why}" if why else ""),)
        return msgspec.structs.replace(
            decision,
            rule=self.name,
            used=tuple(sorted({m.id for m in (*proposals, *judgements)})),
            dissent=(*decision.dissent, *dissent),
            notes=(*decision.notes, *notes),
        )


def objections(judgements: Judgements, leading: MessageId, drawn: frozenset[PeerId]) -> dict[PeerId, str]:
    """Return who of the drawn auditors grades the leading proposal below one half, and why; its last word counts."""
    graded: dict[PeerId, tuple[int, str]] = {}
    for message in sorted(judgements, key=lambda m: (m.sequence, m.id)):
        for verdict in message.body.verdicts:
            if verdict.subjects == (leading,) and message.author in drawn:
                graded[message.author] = (verdict.scores[0], verdict.reason)
    return {who: why for who, (grade, why) in graded.items() if grade < UNIT // 2}


def upheld(objecting: Collection[PeerId], drawn: frozenset[PeerId]) -> bool:
    """Say whether more than half of the drawn auditors object."""
    return 2 * len(objecting) > len(drawn)


def last_versions(proposals: Proposals) -> tuple[Message[Proposal], ...]:
    """Return everybody's last proposal, sorted by id."""
    last: dict[PeerId, Message[Proposal]] = {}
    for message in sorted(proposals, key=lambda m: (m.body.round, m.id)):
        last[message.author] = message
    return tuple(sorted(last.values()))


@dataclass(frozen=True)
class Audit:
    """Propose, let drawn peers audit the leading answer, and think again once where most of them object.

    Args:
        auditors: how many audit, ≥ 1; an odd number has no ties.
        decide: the rule over proposals, before and after.
        patience_s: how long each wait lasts for those who are late, in seconds.
    """

    name: ClassVar[str] = "audit"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "critique", "revise"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence", "judgements"})
    peers_min: ClassVar[int] = 2

    auditors: int = 3
    decide: Rule = majority
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        _ = self._rule

    @property
    def _rule(self) -> Audited:
        return Audited(self.decide, self.auditors)

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        ration = ration_for(seat, 4)  # an answer, an objection, a grade, another answer
        mine = await seat.publish(await seat.propose()) if ration.admits(seat.me) else None
        first = await seat.collect(Proposal, 0, until=in_time, of=ration.speakers)
        leading = next((m for m in first if m.id == self.decide(first, (), seat.weights).winner), None)
        if mine is None or leading is None or ration.turns < 2:
            return ration.tell(self._rule(first, (), seat.weights))
        drawn = auditors(first, leading.id, self.auditors)
        if seat.me in drawn:
            await _audit(seat, leading, in_words=ration.turns > 3)
        audits = await seat.collect(Judgement, 1, until=in_time, of=drawn) if drawn else ()
        again: tuple[Message[Proposal], ...] = ()
        objecting = objections(audits, leading.id, drawn)
        if ration.turns > 2 and upheld(objecting, drawn):
            notes = await seat.collect(Note, 1, until=after(0))
            guide = [n for n in notes if n.body.about == OBJECTION and n.author in objecting]
            heard = [leading] if leading.author != seat.me else []
            await seat.publish(await seat.revise(mine, heard, guide))
            again = await collect_from_those_here(seat, 1, in_time)
        return ration.tell(self._rule((*first, *again), audits, seat.weights))


async def _audit(seat: Seat, leading: Message[Proposal], *, in_words: bool) -> None:
    """Grade the leading answer; say first what is wrong with it, so that who has the grade has the words."""
    judgement = await seat.critique([leading], 1)
    for verdict in judgement.verdicts:
        if in_words and verdict.scores[0] < UNIT // 2 and verdict.reason.strip():
            await seat.publish(Note(round=1, about=OBJECTION, text=verdict.reason, refs=verdict.subjects))
    await seat.publish(judgement)
