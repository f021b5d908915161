from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import Choice, Exact, Numeric, Same, Semantic
from waggledance.core import UsageError

WAYS: dict[str, Same] = {
    "exact": Exact(),
    "numeric": Numeric(relative=0.1, absolute=0.5),
    "choice": Choice(("eight", "nine")),
    "semantic": Semantic(0.6),
}
ANSWERS = st.lists(
    st.one_of(
        st.integers(-9, 9).map(str),
        st.decimals(-9, 9, places=1).map(str),
        st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda p: f"{p[0]}/{p[1]}"),
        st.sampled_from(["A", "b", "nine", "the nine", "eight or nine", "", "1e9", "1e999999999", "nan", "inf"]),
        st.text(max_size=12),
    ),
    max_size=8,
    unique=True,
)
every_way = pytest.mark.parametrize("same", WAYS.values(), ids=WAYS)


@every_way
@given(answers=ANSWERS)
def test_every_answer_is_in_one_class_and_who_stands_for_others_stands_for_itself(
    same: Same, answers: list[str]
) -> None:
    stands = same(answers)
    assert set(stands) == set(answers)
    assert all(stands.get(name, name) == name for name in stands.values())


@pytest.mark.parametrize("same", [WAYS["exact"], WAYS["numeric"], WAYS["semantic"]], ids=lambda same: same.name)
@given(answers=ANSWERS)
def test_the_strongest_answer_stands_for_its_class(same: Same, answers: list[str]) -> None:
    for answer, name in same(answers).items():
        assert answers.index(name) <= answers.index(answer)


@given(answers=ANSWERS, weak=st.text(max_size=12))
def test_an_answer_weaker_than_all_moves_no_class(answers: list[str], weak: str) -> None:
    for same in WAYS.values():
        if weak not in answers:
            before, after = same(answers), dict(same([*answers, weak]))
            del after[weak]
            assert after == before


@given(relative=st.sampled_from([0.0, 0.01, 0.3]), absolute=st.sampled_from([0.0, 0.25, 3.0]),
       numbers=st.lists(st.fractions(-20, 20, max_denominator=12), max_size=6, unique=True))  # fmt: skip
def test_numbers_in_a_class_are_within_the_tolerance_of_the_one_that_stands_for_it(
    relative: float, absolute: float, numbers: list[Fraction]
) -> None:
    stands = Numeric(relative, absolute)([str(number) for number in numbers])
    tolerances = Fraction(str(relative)), Fraction(str(absolute))
    for number in numbers:
        leader = Fraction(stands[str(number)])
        assert abs(number - leader) <= max(tolerances[1], tolerances[0] * max(abs(number), abs(leader)))


@pytest.mark.parametrize(
    ("same", "answers", "classes"),
    [
        (Numeric(), ["1000", "1,000", "1e3", "1001"], 2),
        (Numeric(relative=0.02), ["0.33", "1/3"], 1),
        (Numeric(relative=0.005), ["0.33", "1/3"], 2),
        (Numeric(absolute=0.1), ["0.1", "0", "0.2"], 1),
        (Numeric(absolute=0.1), ["0", "0.1", "0.2"], 2),
        (Numeric(absolute=1), ["10", "11", "12", "13"], 2),
        (Numeric(relative=0.5), ["7", "seven sheep", "many"], 3),
        (Numeric(relative=0.5), ["-1", "1", "0"], 3),
        (Choice(("eight", "nine")), ["A", "a)", "eight", "B", "it is nine", "neither"], 3),
        (Semantic(0.6), ["eiffel tower", "the eiffel tower.", "EIFFEL TOWER", "louvre"], 2),
        (Semantic(1.0), ["one", "One", "two"], 2),
        (Exact(), ["a", "A"], 2),
    ],
)
def test_how_many_answers_there_are(same: Same, answers: list[str], classes: int) -> None:
    assert len(set(same(answers).values())) == classes


@pytest.mark.parametrize("tolerance", [-0.1, 1.0, float("nan"), float("inf")])
def test_tolerances_that_are_none_are_refused(tolerance: float) -> None:
    with pytest.raises(UsageError, match="tolerances"):
        Numeric(relative=tolerance)
    if tolerance != 1.0:
        with pytest.raises(UsageError, match="tolerances"):
            Numeric(absolute=tolerance)


@pytest.mark.parametrize("options", [(), ("one",), tuple(map(str, range(27)))])
def test_a_choice_of_too_few_or_many_options_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="2 to 26 options"):
        Choice(options)
