import pytest

from waggledance.peers._short import MAX_KEY_CHARS, short


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Eiffel Tower", "eiffel  tower."),
        ("Answer: Paris", "PARIS!"),
        ("cafe\u0301", "Café"),
        ("Straße", "STRASSE"),
        ("1,000", "1000.0"),
        ("$17", "17"),
        ("New\u00a0York", "new york"),
        ("“Bees”", "bees"),
        ("Let me think about this one for a while.\nParis", "paris"),
        ("Paris\n\nParis is the capital of France and has been for a long time.", "paris"),
        ("well-known", "Well-Known"),
        ("the", "The"),
    ],
)
def test_short_answers_are_the_same(one: str, other: str) -> None:
    assert short(one) == short(other)
    assert short(one)


@pytest.mark.parametrize(
    ("one", "other"), [("Paris", "Lyon"), ("C++", "C"), ("17", "18"), ("-5", "5"), ("a < b", "a > b")]
)
def test_short_answers_differ(one: str, other: str) -> None:
    assert short(one) != short(other)


def test_a_short_answer_that_is_long_is_cut() -> None:
    assert len(short("bee " * 1000) or "") <= MAX_KEY_CHARS


def test_spaces_alone_are_no_answer() -> None:
    assert short(" \n ") is None
