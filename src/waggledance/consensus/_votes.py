"""One vote a peer: what a peer may throw into the scale, however often it speaks."""

from collections import Counter

from waggledance.consensus._rule import Proposals, Weights
from waggledance.core import UNIT, Message, Proposal


def votes(proposals: Proposals, weights: Weights) -> list[tuple[Message[Proposal], int]]:
    """Return every proposal that has an answer, with the share of its author's weight that it carries.

    A message that is given twice counts once; the proposals of one peer share its weight evenly, so that saying more
    gains nothing. Peers of weight 0 are left out, as if absent.

    Returns:
        Pairs of a proposal and its vote in parts per million of one peer, > 0 each but for crumbs rounded away.
    """
    answers = {m.id: m for m in proposals if m.body.key is not None and weights.get(m.author, UNIT) > 0}
    spoken = Counter(m.author for m in answers.values())
    return [(m, weights.get(m.author, UNIT) // spoken[m.author]) for m in answers.values()]


def tally(proposals: Proposals, weights: Weights) -> Counter[str]:
    """Return the weight behind every distinct answer, in parts per million of one peer."""
    scores: Counter[str] = Counter()
    for message, vote in votes(proposals, weights):
        assert message.body.key is not None
        scores[message.body.key] += vote
    return scores
