"""Which requests begin alike, and how much of it is worth computing once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core._turn import Turn
from waggledance.models import Request
from waggledance.models._beginnings import WORTH_SHARING, begin_alike, flat, shared, turns_of

LONG = "the rules of the house " * 40


def dumb_shared(first: str, second: str) -> int:
    return max(length for length in range(min(len(first), len(second)) + 1) if first[:length] == second[:length])


@settings(max_examples=50)
@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_what_two_texts_share_is_their_common_prefix(first: str, second: str) -> None:
    assert shared(first, second) == dumb_shared(first, second)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from([LONG, LONG[:-30] + "x" * 30, "hello "]), st.text("ab", max_size=30)), max_size=8
    )
)
def test_each_request_is_in_one_group_whose_beginning_it_has_and_goes_beyond(said: list[tuple[str, str]]) -> None:
    flats = [head + tail for head, tail in said]
    groups = list(begin_alike(flats))
    assert sorted(index for _, group in groups for index in group) == list(range(len(flats)))
    for beginning, group in groups:
        for index in group:
            assert flats[index].startswith(beginning)
            assert len(flats[index]) > len(beginning)
        for index in group[1:]:
            assert dumb_shared(flats[group[0]], flats[index]) >= WORTH_SHARING


def test_those_who_begin_alike_are_together_and_a_stranger_is_alone() -> None:
    groups = [group for _, group in begin_alike([LONG + "who?", "hello, what a nice day", LONG + "what?"])]
    assert sorted(sorted(group) for group in groups) == [[0, 2], [1]]


def test_a_short_beginning_is_not_shared() -> None:
    assert [group for _, group in begin_alike(["hello, you", "hello, me"])] == [[1], [0]]


def test_the_turns_of_a_beginning_are_flat_to_it() -> None:
    turns = (Turn("system", LONG), Turn("user", "how long is a day?"))
    whole = flat(Request(turns=turns))
    for length in (20, 500, len(LONG) + 8, len(LONG) + 20, len(whole)):
        begun = flat(Request(turns=turns_of(turns, length)))
        assert whole.startswith(begun)
        assert len(begun) in range(length - len("\x02user\x03"), length + 1)
