"""Majority: the answer that most peers gave, by weight.

    score(a) = sum of w(peer) over peers whose answer is a

Strictly this is a plurality: the leader need not pass one half. Withstands fewer liars than the lead it has. With
independent answers of one model this is self-consistency (Wang et al. 2022, arXiv:2203.11171).
"""

from collections import Counter

from waggledance.consensus._rule import Judgements, Proposals, Weights, rule, settle
from waggledance.core import UNIT, Decision


@rule("majority")
def majority(proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
    """Return the answer with the most weight behind it; its support is that weight."""
    scores: Counter[str] = Counter()
    for message in proposals:
        if message.body.key is not None:
            scores[message.body.key] += weights.get(message.author, UNIT)
    return settle(scores, proposals, judgements, weights, rule="majority")
