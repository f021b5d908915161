"""What a decision rule is, and how scores become a decision.

A rule is a pure function ``rule(proposals, judgements, weights) -> Decision``. Any function of that shape is one; a
rule of ours also has a `name` and says what it `needs`, so that a protocol that cannot give it is refused at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from blake3 import blake3

from waggledance.core import UNIT, Decision, Dissent, Judgement, Message, MessageId, PeerId, Proposal

Proposals = Sequence[Message[Proposal]]
Judgements = Sequence[Message[Judgement]]
Weights = Mapping[PeerId, int]
"""Voting weight of each peer in parts per million of one peer; one that is missing counts as one peer."""

Need = Literal["confidence", "judgements", "utilities"]


class Rule(Protocol):
    """Turns proposals and judgements into one decision: a pure function, blind to the order of its arguments."""

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision: ...


@dataclass(frozen=True)
class NamedRule:
    """A function that is a rule, with its name and what it needs besides proposals."""

    name: str
    needs: frozenset[Need]
    function: Rule

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        return self.function(proposals, judgements, weights)


def rule(name: str, *needs: Need) -> Callable[[Rule], NamedRule]:
    """Name a rule and say what it needs: ``"confidence"`` stated by peers, ``"judgements"`` of proposals."""
    return lambda function: NamedRule(name, frozenset(needs), function)


def name_of(rule: Rule) -> str:
    """Return a rule's name: its own, or its function's."""
    return str(getattr(rule, "name", None) or getattr(rule, "__name__", type(rule).__name__))


def needs_of(rule: Rule) -> frozenset[Need]:
    """Return what a rule needs besides proposals; nothing for a plain function."""
    return getattr(rule, "needs", frozenset[Need]())


def tie_break(channel: str, key: str) -> bytes:
    """Return what equal scores are ordered by: a hash of channel and answer.

    It favours no option over many questions, knows no peer's name, and is the same for all who decide.
    """
    return blake3(b"waggle/tie/1\0%b\0%b" % (channel.encode(), key.encode())).digest()


def settle(
    scores: Mapping[str, int],
    proposals: Proposals,
    judgements: Judgements,
    weights: Weights,
    *,
    rule: str,
    confidence: float | None = None,
    notes: Iterable[str] = (),
) -> Decision:
    """Return the decision for the answer with the highest score.

    Args:
        scores: score of every distinct answer, ≥ 0; integers, so that sums do not depend on order.
        proposals: what was proposed; those without an answer end up as dissent with the reason.
        judgements: what was judged, so that the decision names it.
        weights: whose words present the answer: of the winning answer's proposals the weightiest peer's.
        rule: the rule's name.
        confidence: 0 to 1; the winner's share of all scores when None.
        notes: what the reader should know.
    """
    used = tuple(sorted({m.id for m in (*proposals, *judgements)}))
    if not scores:
        return Decision(status="undecided", key=None, rule=rule, used=used, dissent=_dissent(None, proposals),
                        notes=tuple(notes))  # fmt: skip
    channel = proposals[0].channel
    top = max(scores.values())
    leaders = [key for key, score in scores.items() if score == top]
    best = leaders[0] if len(leaders) == 1 else min(leaders, key=lambda key: tie_break(channel, key))
    total = sum(scores.values())
    winner = min([m for m in proposals if m.body.key == best], key=lambda m: (-weights.get(m.author, UNIT), m.id))
    share = scores[best] / total if total else 1 / len(scores)
    return Decision(
        status="decided",
        key=best,
        winner=winner.id,
        text=winner.body.text,
        support={key: scores[key] for key in sorted(scores)},
        confidence=round(share if confidence is None else confidence, 6),
        dissent=_dissent(best, proposals),
        rule=rule,
        used=used,
        notes=tuple(notes),
    )


def subjects(proposals: Proposals) -> dict[MessageId, str]:
    """Return the answer of every proposal that has one: how verdicts on texts become verdicts on answers."""
    return {m.id: m.body.key for m in proposals if m.body.key is not None}


def _dissent(key: str | None, proposals: Proposals) -> tuple[Dissent, ...]:
    others = {m for m in proposals if m.body.key != key or m.body.key is None}
    return tuple(Dissent(m.author, m.body.key, m.body.lapse or m.body.text) for m in sorted(others))
