"""Majority: the answer that most peers gave, by weight.

    score(a) = sum of w(peer) over peers whose answer is a

Strictly this is a plurality: the leader need not pass one half. Withstands fewer liars than the lead it has; does not
withstand an error that most peers share. With independent answers of one model this is self-consistency (Wang et al.
2022, arXiv:2203.11171).
"""

from waggledance.consensus._rule import Judgements, Proposals, Weights, rule, settle
from waggledance.consensus._votes import tally
from waggledance.core import Decision


@rule("majority")
def majority(proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
    """Return the answer with the most weight behind it; its support is that weight."""
    return settle(tally(proposals, weights), proposals, judgements, weights, rule="majority")
