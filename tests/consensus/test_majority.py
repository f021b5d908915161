"""Majority: weights, one vote a peer, whose words win."""

from collections.abc import Callable

from waggledance.consensus import majority, votes
from waggledance.core import UNIT, Message, Proposal, local_peer_id

Say = Callable[..., Message[Proposal]]


def test_weights_decide_against_heads_and_the_weightiest_peers_words_present_the_answer(say: Say) -> None:
    said = [say("ann", "4"), say("bob", "5"), say("cy", "5"), say("dan", "4")]
    weights = {local_peer_id("ann"): UNIT, local_peer_id("dan"): 2 * UNIT}
    decision = majority(said, (), weights)
    assert (decision.key, decision.text) == ("4", "dan: 4")
    assert decision.support == {"4": 3 * UNIT, "5": 2 * UNIT}
    assert decision.confidence == 0.6


def test_a_peer_that_says_two_things_gives_half_a_vote_to_each(say: Say) -> None:
    twice = [say("ann", "4"), say("ann", "5", sequence=2), say("bob", "5")]
    assert majority(twice, (), {}).support == {"4": UNIT // 2, "5": UNIT + UNIT // 2}
    assert sum(vote for _, vote in votes(twice, {})) == 2 * UNIT


def test_an_answer_of_weightless_peers_is_no_answer(say: Say) -> None:
    assert majority([say("ann", "4")], (), {local_peer_id("ann"): 0}).status == "undecided"
