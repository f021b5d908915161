"""Signs that judges cannot tell better from worse, counted by hand."""

from waggledance.consensus import agreement, self_preference
from waggledance.consensus._agreement import doubts
from waggledance.core import PeerId

A, B, C = (PeerId(name) for name in (b"a", b"b", b"c"))
FOR_4, FOR_5, EVEN = {("4", "5"): 1}, {("4", "5"): -1}, {("4", "5"): 0}


def test_agreement_counts_meetings_of_judges_with_a_preference() -> None:
    assert agreement({A: FOR_4, B: FOR_4, C: FOR_5}) == (1, 3)
    assert agreement({A: FOR_4, B: EVEN}) == (0, 0)


def test_self_preference_counts_judges_with_another_answer_that_met_the_winner() -> None:
    own = {A: {"5"}, B: {"5"}, C: {"4"}}
    assert self_preference({A: FOR_5, B: FOR_4, C: FOR_4}, own, "4") == (1, 2)
    assert self_preference({A: {("5", "6"): 1}}, own, "4") == (0, 0)
    assert self_preference({A: FOR_5}, {}, "4") == (0, 0)


def test_doubts_are_about_judges_that_count_and_need_more_than_one() -> None:
    own = {A: {"5"}, B: {"5"}, C: {"4"}}
    assert "2 of 2" in doubts({A: FOR_5, B: FOR_5, C: FOR_4}, own, "4", {})[0]
    assert doubts({A: FOR_5, B: FOR_5, C: FOR_4}, own, "4", {B: 0}) == []
    assert "agree in 33 % of cases" in doubts({A: FOR_4, B: FOR_4, C: FOR_5}, {}, "4", {})[0]
    assert doubts({A: FOR_4, B: FOR_4}, {}, "4", {}) == []
