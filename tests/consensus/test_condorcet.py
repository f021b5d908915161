"""Condorcet against brute force, and what happens in circles."""

from collections.abc import Callable
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import condorcet, wins
from waggledance.consensus._condorcet import copeland
from waggledance.core import UNIT, Judgement, Message, PeerId, Proposal

Say = Callable[..., Message[Proposal]]
Judge = Callable[..., Message[Judgement]]


@given(orders=st.lists(st.permutations("ABCD"), min_size=1, max_size=7))
def test_copeland_counts_what_counting_ballots_by_hand_gives(orders: list[list[str]]) -> None:
    cast = {
        PeerId(b"%d" % judge): {(a, b): 1 if order.index(a) < order.index(b) else -1
                                for a, b in permutations("ABCD", 2) if a < b}
        for judge, order in enumerate(orders)
    }  # fmt: skip
    for a, score in copeland(wins(cast, {}), "ABCD").items():
        by_hand = 0
        for b in "ABCD":
            better = sum(order.index(a) < order.index(b) for order in orders)
            by_hand += 0 if a == b else 2 if 2 * better > len(orders) else 1 if 2 * better == len(orders) else 0
        assert score == by_hand


def test_the_answer_that_beats_all_others_wins_though_borda_prefers_another(say: Say, judge: Judge) -> None:
    a, b, c = said = [say("ann", "A"), say("bob", "B"), say("cy", "C")]
    judgements = [judge(name, [a, b, c]) for name in ("ann", "dan", "eve")]
    judgements += [judge(name, [b, c, a]) for name in ("bob", "cy")]
    decision = condorcet(said, judgements, {})
    assert decision.key == "A"
    assert decision.confidence == 0.6
    assert decision.support["A"] // UNIT == 2


def test_in_a_circle_bordas_count_decides_and_a_note_says_so(say: Say, judge: Judge) -> None:
    a, b, c = said = [say("ann", "A"), say("bob", "B"), say("cy", "C")]
    orders = [
        [a, b, c],
        [a, b, c],
        [b, c, a],
        [b, c, a],
        [c, a, b],
    ]  # a > b 3:2, b > c 4:1, c > a 3:2; b has most points
    decision = condorcet(said, [judge(f"j{i}", order) for i, order in enumerate(orders)], {})
    assert decision.key == "B"
    assert {score // UNIT for score in decision.support.values()} == {1}
    assert decision.notes[0].startswith("no answer beats every other one")
