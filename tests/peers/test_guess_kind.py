import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import AnswerKind, UsageError
from waggledance.peers import guess_kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("A farmer has 17 sheep. All but 9 run away. How many are left?", "number"),
        ("Can you tell me how many sheep are left?", "number"),
        ("How much does it cost", "number"),
        ("What is 17 - 8?", "number"),
        ("17 - 8 =", "number"),
        ("Calculate the area.", "number"),
        ("What percent of 50 is 5?", "number"),
        ("How far can a bee fly?", "number"),
        ("Is 17 prime?", "yes/no"),
        ("Bees are insects. Can they fly?", "yes/no"),
        ("Is 17 percent of 100 equal to 17?", "yes/no"),
        ("True or false: bees dance.", "yes/no"),
        ("Is it red or blue?", "short"),
        ("Write a function that adds two numbers.", "code"),
        ("Could you write a Python program that counts how many words a file has?", "code"),
        ("def add(a, b):\n", "code"),
        ("Who wrote Emma?", "short"),
        ("What is the capital of France?", "short"),
        ("Why do bees dance?", "short"),
        ("What is 1984 about?", "short"),
    ],
)
def test_a_question_asks_for(text: str, kind: AnswerKind) -> None:
    assert guess_kind(text).expects == kind


@pytest.mark.parametrize(
    "text",
    [
        "Which is even?\nA) 3\nB) 4\nC) five",
        "Which is even? A) 3 B) 4 C) five",
        "Which is even? (a) 3, (b) 4, (c) five",
        "Which is even?\nA. 3\nB. 4\nC. five\n",
        "How many? Which is even?\nA: 3\nB: 4\nC: five",
    ],
)
def test_lettered_lines_are_options_and_leave_the_text(text: str) -> None:
    question = guess_kind(text)
    assert question.expects == "choice"
    assert question.options == ("3", "4", "five")
    assert question.text.endswith("Which is even?")


@pytest.mark.parametrize("text", ["A) only one", "B) x C) y", "Dr. A. Smith met B. Jones: who was first?"])
def test_letters_alone_are_no_options(text: str) -> None:
    question = guess_kind(text)
    assert not question.options or text.startswith("Dr")


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(UsageError, match="empty"):
        guess_kind(" ")


@given(text=st.text(min_size=1).filter(str.strip))
def test_any_text_is_a_question_of_some_kind(text: str) -> None:
    assert guess_kind(text).text


@pytest.mark.parametrize("piece", ["1 ", "a) ", "write ", "A) x ", "? ", "how ", "(", "- 1"])
def test_a_megabyte_is_a_question_too(piece: str) -> None:
    assert guess_kind(piece * (1_000_000 // len(piece))).text
