import pytest

from waggledance.peers._choice import choice

OPTIONS = ("eight", "nine", "all but nine", "none of these")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("b)", "B"),
        ("B.", "B"),
        ("B:", "B"),
        ("**B**", "B"),
        ("[B]", "B"),
        ("B) nine", "B"),
        ("B nine", "B"),
        ("option B", "B"),
        ("Option (b) it is", "B"),
        ("nine", "B"),
        ("NINE!", "B"),
        ("all but nine", "C"),
        ("I think it is nine.", "B"),
        ("Answer: B", "B"),
        ("A) is too small, B) fits.\nAnswer: B", "B"),
        ("(A) is too small and (C) too large,\nso (B)", "B"),
        ("The answer is \\boxed{B}", "B"),
        ("The correct answer is option B, since A is too small", "B"),
        ("A farmer would say nine", "B"),
        ("A nine", "B"),
        ("Answer: B, because a sheep ran", "B"),
        ("A", "A"),
        ("A.", "A"),
        ("A eight", "A"),
        ("D) none of these", "D"),
        ("A or B", None),
        ("A and B", None),
        ("eight or nine", None),
        ("A) nine", None),
        ("E", None),
        ("E) nine", "B"),
        ("A sheep ran away", None),
        ("", None),
        ("I do not know", None),
        ("Answer: A\nAnswer: B", "B"),
    ],
)
def test_a_choice_is_read_as(text: str, key: str | None) -> None:
    assert choice(text, OPTIONS) == key


@pytest.mark.parametrize("letter", "ABCD")
def test_a_letter_is_its_own_key(letter: str) -> None:
    assert choice(letter, OPTIONS) == letter


def test_options_that_are_letters_are_chosen_by_letter() -> None:
    assert choice("B", ("B", "A")) == "B"
