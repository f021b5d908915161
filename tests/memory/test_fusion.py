"""Fusion by ranks."""

from hypothesis import given
from hypothesis import strategies as st

from waggledance.memory import fused
from waggledance.memory._fusion import with_firsts

rankings = st.lists(st.permutations("abcdef").map(lambda order: order[:4]), max_size=4)


@given(rankings)
def test_the_order_of_rankings_does_not_matter_and_being_ranked_never_hurts(given: list[list[str]]) -> None:
    assert fused(given) == fused(reversed(given))
    assert all(fused([*given, ["a"]])[x] >= score for x, score in fused(given).items())


def test_second_in_two_rankings_beats_first_in_one() -> None:
    scores = fused([["a", "b"], ["c", "b"]])
    assert max(scores, key=lambda x: scores[x]) == "b"
    assert fused([]) == {}


@given(rankings, st.integers(0, 6))
def test_the_first_of_each_ranking_is_kept_where_there_is_room_and_nothing_comes_twice(
    given: list[list[str]], k: int
) -> None:
    scores = fused(given)
    best = sorted(scores, key=lambda x: -scores[x])[:k]
    kept = with_firsts(best, given)
    assert len(kept) == len(set(kept)) == len(best)
    if len(best) >= len(given):
        assert {ranking[0] for ranking in given} <= set(kept)
