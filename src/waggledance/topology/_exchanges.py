"""Exchanges: what hearing somebody did to somebody, read from the messages of questions that are settled.

Two sources. *Outcomes* cost nothing: a peer that came to the answer which was decided later, or gave it up, did so
after hearing somebody who said what it says now. *Reviews* cost a call each: peers who had no part in an exchange
compare the listener's words before and after, without being told what was decided.
Source: "OPTAGENT: Optimizing Multi-Agent LLM Interactions Through Verbal Reinforcement Learning for Enhanced
Reasoning", 2025, arXiv:2510.18032; its one reviewer is a model that is told everything. Both sources are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from waggledance.core import UNIT, Judgement, Message, MessageId, PeerId, Proposal, UsageError
from waggledance.topology._draws import Draws
from waggledance.topology._seats import seats_of


class Exchange(msgspec.Struct, frozen=True, order=True):
    """One peer heard another and spoke again.

    Raises:
        UsageError: a quality outside of 0 to 1,000,000.
    """

    round: int
    """The round of what the listener said then."""
    id: MessageId
    """What the listener said then; exchanges of one round are ordered by it."""
    speaker: PeerId
    listener: PeerId
    quality_ppm: int
    """0 where it harmed, 1,000,000 where it helped."""

    def __post_init__(self) -> None:
        if not 0 <= self.quality_ppm <= UNIT:
            raise UsageError(f"the quality of an exchange lies between 0 and {UNIT}, got {self.quality_ppm}")


def by_outcome(messages: Iterable[Message[Any]], decided: str) -> tuple[Exchange, ...]:
    """Return the exchanges of a settled question that moved a listener: to what was decided 1, away from it 0.

    Of those whom the listener heard, the ones count whose answer it came to give. Where it moved from one wrong answer
    to another, or did not move, nothing is counted.

    Args:
        messages: every message of the question's channel, in any order; see `Log` and `decide_again`.
        decided: the canonical answer that was decided, or is known to be true.
    """
    proposals = {m.id: m for m in messages if isinstance(m.body, Proposal)}
    found: set[Exchange] = set()
    for message in proposals.values():
        before = _before(message, proposals)
        if before is None or (before.body.key == decided) == (message.body.key == decided):
            continue
        quality = UNIT if message.body.key == decided else 0
        for heard in _heard(message, proposals):
            if heard.body.key is not None and heard.body.key == message.body.key:
                found.add(_exchange(message, heard.author, quality))
    return tuple(sorted(found))


def by_review(messages: Iterable[Message[Any]]) -> tuple[Exchange, ...]:
    """Return the exchanges of a question that were reviewed: the share of reviewers that prefers the words after it.

    A reviewer's verdict compares a listener's proposal with its next one, as `reviews_due` hands them out; a tie counts
    half. Verdicts of who had a part in the exchange do not count, nor a second one of the same reviewer. Whoever the
    listener heard then shares the verdict.

    Args:
        messages: every message of the question's channel, in any order.
    """
    all_messages = sorted(set(messages))
    proposals = {m.id: m for m in all_messages if isinstance(m.body, Proposal)}
    votes: dict[MessageId, dict[PeerId, int]] = {}
    for judgement in all_messages:
        if isinstance(judgement.body, Judgement):
            for verdict in judgement.body.verdicts:
                for after, score, other in _sides(verdict.subjects, verdict.scores):
                    message = proposals.get(after)
                    before = None if message is None else _before(message, proposals)
                    if message is not None and before is not None and before.id == other:
                        votes.setdefault(after, {}).setdefault(judgement.author, score)
    found: list[Exchange] = []
    for id, given in votes.items():
        message = proposals[id]
        for speaker in sorted({m.author for m in _heard(message, proposals)}):
            counted = [score for reviewer, score in given.items() if reviewer not in (speaker, message.author)]
            if counted:
                found.append(_exchange(message, speaker, sum(counted) // len(counted)))
    return tuple(sorted(found))


def reviews_due(
    said: Sequence[Message[Proposal]],
    revised: Sequence[Message[Proposal]],
    me: PeerId,
    roster: Sequence[PeerId],
    seed: int,
    reviewers: int = 2,
) -> tuple[tuple[Message[Proposal], Message[Proposal]], ...]:
    """Return what a peer is drawn to review after a round: pairs of a listener's words before and after, to compare.

    Reviewers of an exchange are drawn from the seed among those who took no part in it; fewer than asked for where
    there are not as many. The order of a pair is drawn as well, so that who always prefers the first favours nothing.

    Args:
        said: a round's proposals.
        revised: the next round's; one without anybody heard among its references is no exchange.
        me: the reviewer.
        roster: everybody who sits in the channel.
        seed: the run's seed.
        reviewers: how many are drawn for each listener, ≥ 1.

    Raises:
        UsageError: fewer than one reviewer.
    """
    if reviewers < 1:
        raise UsageError(f"an exchange has at least one reviewer, got reviewers={reviewers}")
    known = {m.id: m for m in said} | {m.id: m for m in revised}
    due: list[tuple[Message[Proposal], Message[Proposal]]] = []
    for message in sorted(revised):
        before, speakers = _before(message, known), {m.author for m in _heard(message, known)}
        if before is None or not speakers:
            continue
        draws = Draws(f"review {message.id.hex()}", seed)
        able = [peer for peer in seats_of(roster).peers if peer != message.author and peer not in speakers]
        if me in draws.shuffled(able)[:reviewers]:
            due.append((before, message) if draws.chance() < 0.5 else (message, before))
    return tuple(due)


def _sides(subjects: tuple[MessageId, ...], scores: tuple[int, ...]) -> Sequence[tuple[MessageId, int, MessageId]]:
    """Return both readings of a verdict on two: the later one's id, how much it is preferred, and the earlier one's."""
    if len(subjects) != 2:
        return ()
    (a, b), (of_a, of_b) = subjects, scores
    prefers_a = UNIT if of_a > of_b else 0 if of_a < of_b else UNIT // 2
    return (a, prefers_a, b), (b, UNIT - prefers_a, a)


def _before(message: Message[Proposal], known: dict[MessageId, Message[Proposal]]) -> Message[Proposal] | None:
    """Return the proposal of its author that one was made from."""
    return next((m for m in _refs(message, known) if m.author == message.author), None)


def _heard(message: Message[Proposal], known: dict[MessageId, Message[Proposal]]) -> list[Message[Proposal]]:
    return [m for m in _refs(message, known) if m.author != message.author]


def _refs(message: Message[Proposal], known: dict[MessageId, Message[Proposal]]) -> list[Message[Proposal]]:
    return [known[ref] for ref in message.body.refs if ref in known]


def _exchange(message: Message[Proposal], speaker: PeerId, quality_ppm: int) -> Exchange:
    return Exchange(message.body.round, message.id, speaker, message.author, quality_ppm)
