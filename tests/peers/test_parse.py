from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from waggledance.core import AnswerKind, Proposal, Question
from waggledance.core._message import MAX_BODY_BYTES
from waggledance.peers import parse

KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
QUESTIONS = {
    kind: Question(text="?", expects=kind, options=("eight", "nine", "a b") if kind in ("choice", "package") else ())
    for kind in KINDS
}
WORDS = st.lists(
    st.sampled_from(
        ["answer", "Answer:", "is", "A", "B)", "(C)", "or", "nine", "yes", "no", "not", "true", "9", "1,000", "1/2",
         "%", "=", "-", "**", "\\boxed{", "}", "####", "```python", "```", "\n", "def f(): pass", "Confidence: 80%",
         "80", "sure", "confidence", ",", ".", "the", "A:", "three", "million", "e9", "x", "10^3", "\u0301", "ß",
         "\u202f", "İ"]
    )
).map(" ".join)  # fmt: skip
TEXTS = st.text(st.characters()) | WORDS


@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXTS)
@example("confidence, 80")
@example("answer, is x")
@example("i am, 80% sure")
@example("```js\n~~~\n```")
def test_any_text_gives_a_proposal_and_its_key_gives_the_same_key(kind: AnswerKind, text: str) -> None:
    said = parse(text, QUESTIONS[kind])
    assert (said.key is None) == bool(said.lapse)
    if said.key is not None:
        assert parse(said.key, QUESTIONS[kind]).key == said.key


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "piece",
    ["9", " ", "\n", "a ", "answer is ", "Answer: ", "\\boxed{", "(", "A) ", "not ", "```", "```\n", "1,", "111,", "1.",
     "-", "yes ", "confidence ", "80% ", "three ", "#", "####", "\U0001f41d", "\u0315\u0300", "\x1b[", "e", "(A) nine ",
     "or ", "answer to ", "1/", "x\n", "def f(): pass\n", "\ufdfa", "'", "*", "\\frac{1}{"],
)  # fmt: skip
def test_a_megabyte_is_read_and_fits_into_a_body(kind: AnswerKind, piece: str) -> None:
    said = parse(piece * (1_000_000 // len(piece)), QUESTIONS[kind])
    full = msgspec.structs.replace(said, refs=tuple(i.to_bytes(32) for i in range(400)))
    assert len(msgspec.msgpack.encode(full)) <= MAX_BODY_BYTES


def test_the_answer_at_the_end_of_a_megabyte_counts() -> None:
    assert parse("so 8 it is " * 100_000 + "\nAnswer: 9", QUESTIONS["number"]).key == "9"


@pytest.mark.parametrize(
    ("kind", "lapse"),
    [
        ("number", "no number found in the answer"),
        ("choice", "the answer chooses none of the options, or more than one"),
        ("yes/no", "the answer says neither yes nor no"),
        ("code", "no program of at most 12,000 bytes found in the answer"),
    ],
)
def test_what_cannot_be_read_keeps_its_text_and_says_why(kind: AnswerKind, lapse: str) -> None:
    assert parse("bees dance", QUESTIONS[kind]) == Proposal(key=None, text="bees dance", lapse=lapse)


@pytest.mark.parametrize("text", ["", " \n", "\x00"])
def test_an_empty_text_is_no_answer(text: str) -> None:
    assert parse(text, QUESTIONS["short"]) == Proposal(key=None, lapse="the answer is empty")


def test_a_stated_confidence_is_not_the_answer() -> None:
    said = parse("It is 9.\nConfidence: 80%", QUESTIONS["number"])
    assert (said.key, said.confidence_ppm) == ("9", 800_000)
    assert parse("I am 90% sure it is a bee", QUESTIONS["number"]).key is None


def test_free_words_differ_in_wording_only() -> None:
    question = QUESTIONS["free"]
    assert parse("Bees  dance.", question).key == parse("bees dance.", question).key
    assert parse("bees dance" + "!" * 500, question).key != parse("bees dance" + "!" * 501, question).key


@given(digits=st.text("0123456789", min_size=1, max_size=20))
def test_digits_alone_are_read_like_digits_among_words(digits: str) -> None:
    for kind in ("number", "short"):
        assert parse(digits, QUESTIONS[kind]).key == parse(f"Answer: {digits}", QUESTIONS[kind]).key
