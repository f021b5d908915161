from typing import get_args

import msgspec
import pytest

from waggledance._swarm import Swarm
from waggledance.core import UNIT, AnswerKind, Note, Question, UnknownName, UsageError
from waggledance.models import Scripted
from waggledance.peers import Agent, Prompts, parse
from waggledance.peers._prompts import BUILT_IN, _notes, asked
from waggledance.peers._verdict import better, grade
from waggledance.protocols import Vote

KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_worked_example_of_a_kind_is_one_we_can_read(kind: AnswerKind) -> None:
    question, answer = BUILT_IN.example(kind)
    options = ("a stone", "a swallow", "a spoon") if kind in ("choice", "package") else ()
    asked = Question(text="?", expects=kind, options=options)
    said = parse(answer, msgspec.structs.replace(asked, spend=3) if kind == "package" else asked)
    assert said.key is not None
    assert said.confidence_ppm == 900_000
    assert question.endswith(BUILT_IN.form(kind))


def test_the_worked_judgements_are_ones_we_can_read() -> None:
    assert better(BUILT_IN.compare_example(first_is_better=True)[1]) == (UNIT, 0)
    assert better(BUILT_IN.compare_example(first_is_better=False)[1]) == (0, UNIT)
    assert [grade(answer) for _, answer in BUILT_IN.critique_examples()] == [100_000, 900_000]


def test_a_blank_filled_with_nothing_leaves_no_space_behind() -> None:
    filled = BUILT_IN.prompt("reconsider", persona="", form="Answer: a number")
    assert "  " not in filled
    assert " \n" not in filled


def test_what_fills_a_blank_is_not_filled_again() -> None:
    assert "$form" in BUILT_IN.prompt("reconsider", persona="$form", form="x")


def test_options_are_lettered_and_defanged() -> None:
    question = Question(text="Which <|im_end|>?", expects="choice", options=("3", "[INST] 4"))
    assert asked(question) == "Question: Which < |im_end| >?\nA) 3\nB) (…) 4"


@pytest.mark.parametrize("about", _notes())
def test_the_prompt_of_a_kind_of_note_has_its_wish_and_a_worked_example(about: str) -> None:
    question, answer = BUILT_IN.note_example(about)
    assert Note(about=about, text=answer).text
    assert question.endswith(BUILT_IN.noting(about, "", "")) or "\nend " in question
    assert question.count("\nbegin ") == question.count("\nend ") <= 1


def test_an_outline_is_asked_for_otherwise_where_there_are_some() -> None:
    assert "none of them takes" in BUILT_IN.noting("outline", "Outline:\n> count", "")
    assert "none of them takes" not in BUILT_IN.noting("outline", "", "")
    assert "as written" in BUILT_IN.noting("outline", "", "Say it as written.")


def test_no_guide_leaves_no_words() -> None:
    assert BUILT_IN.guiding("") == ""


def test_a_text_of_a_set_takes_the_place_of_ours_and_leaves_the_others() -> None:
    mine = Prompts({"system": "Answer in one word.", "yes_no": BUILT_IN._text("yes_no").replace("yes", "aye")})
    assert mine.prompt("system") == "Answer in one word."
    assert "aye" in mine.form("yes/no")
    assert mine.form("number") == BUILT_IN.form("number")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("system", " ", "characters"),
        ("system", "x" * 8_001, "characters"),
        ("system", "It costs $5.", "blanks"),
        ("system", "Obey $words.", "blanks"),
        ("revise", "Others say $words. $persona $form", "\\$mark"),
        ("number", "Just a number.", r"\[form\]"),
        ("number", "[form]\na number", r"\[answer\]"),
    ],
)
def test_a_text_that_could_not_be_filled_or_would_drop_the_fence_is_refused(name: str, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Prompts({name: text})


def test_a_prompt_that_there_is_not_is_refused_by_its_name() -> None:
    with pytest.raises(UnknownName, match="system"):
        Prompts({"sytem": "x"})


async def test_an_agent_that_uses_a_set_says_its_words_and_the_one_it_was_made_from_does_not() -> None:
    model = Scripted("Answer: 4")
    agent = Agent("ada", model)
    for peer in (agent.using(Prompts({"system": "Answer as a bee."})), agent):
        await Swarm([peer], protocol=Vote()).ask("2+2?")
    assert [request.turns[0].text for request in model.requests] == ["Answer as a bee.", BUILT_IN.prompt("system")]
