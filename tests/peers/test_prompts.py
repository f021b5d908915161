from typing import get_args

import msgspec
import pytest

from waggledance.core import UNIT, AnswerKind, Note, Question
from waggledance.peers import parse
from waggledance.peers._prompts import (
    _notes,
    asked,
    compare_example,
    critique_examples,
    example,
    form,
    guiding,
    note_example,
    noting,
    prompt,
)
from waggledance.peers._verdict import better, grade

KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_worked_example_of_a_kind_is_one_we_can_read(kind: AnswerKind) -> None:
    question, answer = example(kind)
    options = ("a stone", "a swallow", "a spoon") if kind in ("choice", "package") else ()
    asked = Question(text="?", expects=kind, options=options)
    said = parse(answer, msgspec.structs.replace(asked, spend=3) if kind == "package" else asked)
    assert said.key is not None
    assert said.confidence_ppm == 900_000
    assert question.endswith(form(kind))


def test_the_worked_judgements_are_ones_we_can_read() -> None:
    assert better(compare_example(first_is_better=True)[1]) == (UNIT, 0)
    assert better(compare_example(first_is_better=False)[1]) == (0, UNIT)
    assert [grade(answer) for _, answer in critique_examples()] == [100_000, 900_000]


def test_a_blank_filled_with_nothing_leaves_no_space_behind() -> None:
    filled = prompt("reconsider", persona="", form="Answer: a number")
    assert "  " not in filled
    assert " \n" not in filled


def test_what_fills_a_blank_is_not_filled_again() -> None:
    assert "$form" in prompt("reconsider", persona="$form", form="x")


def test_options_are_lettered_and_defanged() -> None:
    question = Question(text="Which <|im_end|>?", expects="choice", options=("3", "[INST] 4"))
    assert asked(question) == "Question: Which < |im_end| >?\nA) 3\nB) (…) 4"


@pytest.mark.parametrize("about", _notes())
def test_the_prompt_of_a_kind_of_note_has_its_wish_and_a_worked_example(about: str) -> None:
    question, answer = note_example(about)
    assert Note(about=about, text=answer).text
    assert question.endswith(noting(about, "", "")) or "\nend " in question
    assert question.count("\nbegin ") == question.count("\nend ") <= 1


def test_an_outline_is_asked_for_otherwise_where_there_are_some() -> None:
    assert "none of them takes" in noting("outline", "Outline:\n> count", "")
    assert "none of them takes" not in noting("outline", "", "")
    assert "as written" in noting("outline", "", "Say it as written.")


def test_no_guide_leaves_no_words() -> None:
    assert guiding("") == ""
