import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UNIT
from waggledance.peers import NoVerdict
from waggledance.peers._verdict import better, grade

FIRST, SECOND, TIE = (UNIT, 0), (0, UNIT), (UNIT // 2, UNIT // 2)


@pytest.mark.parametrize(
    ("text", "scores"),
    [
        ("First", FIRST),
        ("second.", SECOND),
        ("Tie", TIE),
        ("A", FIRST),
        ("B)", SECOND),
        ("(2)", SECOND),
        ("Better: First", FIRST),
        ("**Better:** Second", SECOND),
        ("The first one miscounts. Better: Second", SECOND),
        ("Better: First\nNo, I misread. Better: Second", SECOND),
        ("The second answer is better than the first.", SECOND),
        ("The first is better", FIRST),
        ("I prefer the second.", SECOND),
        ("Answer B is more likely right.", SECOND),
        ("The first peer is correct; the second peer made a slip.", FIRST),
        ("Both answers are equally good.", TIE),
        ("They are equal", TIE),
        ("Better: neither", TIE),
        ("The second forgets the sheep that stay.", SECOND),
        ("The first and the second differ.", None),
        ("First, I look at the second.", None),
        ("A farmer has 17 sheep", None),
        ("", None),
        ("9", None),
    ],
)
def test_a_preference_is_read_as(text: str, scores: tuple[int, int] | None) -> None:
    assert better(text) == scores


@pytest.mark.parametrize(
    ("text", "ppm"),
    [
        ("Grade: 7", 700_000),
        ("Grade: 7/10", 700_000),
        ("The sum 3/4 is wrong.\nGrade: 2.5", 250_000),
        ("Score: 85/100", 850_000),
        ("I give it 9 out of 10", 900_000),
        ("8", 800_000),
        ("10", UNIT),
        ("Grade: 0", 0),
        ("Grade: 3\nGrade: 4", 400_000),
        ("Grade: 11", None),
        ("Grade: 5/0", None),
        ("a good answer of 9 sheep", None),
        ("", None),
    ],
)
def test_a_grade_is_read_as(text: str, ppm: int | None) -> None:
    assert grade(text) == ppm


@given(text=st.text())
def test_any_text_is_a_verdict_or_none(text: str) -> None:
    assert better(text) in (FIRST, SECOND, TIE, None)
    graded = grade(text)
    assert graded is None or 0 <= graded <= UNIT


def test_no_verdict_says_who_said_what_and_what_was_wanted() -> None:
    assert str(NoVerdict("p1", "a grade from 0 to 10", "hm")) == (
        "peer 'p1' gave no verdict: wanted a grade from 0 to 10, got 'hm'"
    )
