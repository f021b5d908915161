import json
import math
from collections.abc import Callable, Sequence

import pytest

from waggledance.core import UNIT, Call, Message, Proposal, Question, UsageError
from waggledance.peers import FunctionPeer, PeerRaised

SUM = Question(text="2 + 2?", expects="number")
MakeCall = Callable[..., Call]
Say = Callable[..., Message[Proposal]]


async def slow_four(question: str) -> str:
    return f"{question} Answer: 4"


async def test_a_function_answers_plain_or_async(make_call: MakeCall) -> None:
    assert (await FunctionPeer("p", slow_four).propose(make_call(SUM))).key == "4"
    assert (await FunctionPeer("p", lambda question: "4.0").propose(make_call(SUM))).key == "4"


async def test_without_a_revising_function_the_answer_stands(make_call: MakeCall, say: Say) -> None:
    mine = say("4", "4")
    assert await FunctionPeer("p", slow_four).revise(make_call(SUM), mine, [say("5", "5")]) == mine.body


async def test_a_revising_function_is_given_texts(make_call: MakeCall, say: Say) -> None:
    given: list[str] = []

    def revise(question: str, mine: str, heard: Sequence[str]) -> str:
        given.append(json.dumps([question, mine, heard]))
        return heard[0]

    said = await FunctionPeer("p", slow_four, revise=revise).revise(make_call(SUM), say("4", "4"), [say("5", "5")])
    assert said.key == "5"
    assert given == ['["2 + 2?", "4", ["5"]]']


def test_skills_are_those_that_functions_were_given_for() -> None:
    assert FunctionPeer("p", slow_four).skills == {"propose", "revise"}
    judge = FunctionPeer("p", slow_four, compare=lambda q, a, b: 1.0, critique=lambda q, a: 0.5)
    assert judge.skills == {"propose", "revise", "compare", "critique"}


async def test_functions_judge_with_shares(make_call: MakeCall, say: Say) -> None:
    judge = FunctionPeer("p", slow_four, compare=lambda q, a, b: float(a < b), critique=lambda q, a: 0.25)
    a, b = say("4", "4"), say("5", "5")
    assert (await judge.compare(make_call(SUM), a, b)).scores == (UNIT, 0)
    assert (await judge.compare(make_call(SUM), b, a)).scores == (0, UNIT)
    assert (await judge.critique(make_call(SUM), a)).scores == (250_000,)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, math.inf, "best", None])
async def test_a_judgement_that_is_no_share_fails(share: object, make_call: MakeCall, say: Say) -> None:
    judge = FunctionPeer("p", slow_four, critique=lambda q, a: share)  # type: ignore[arg-type, return-value]
    with pytest.raises(PeerRaised, match="not a number from 0 to 1"):
        await judge.critique(make_call(SUM), say("4", "4"))


async def test_an_answer_that_is_no_text_fails(make_call: MakeCall) -> None:
    with pytest.raises(PeerRaised, match="returned 4, not a text"):
        await FunctionPeer("p", lambda q: 4).propose(make_call(SUM))  # type: ignore[arg-type, return-value]


async def test_a_function_that_raises_fails_with_whose_and_how(make_call: MakeCall) -> None:
    def broken(question: str) -> str:
        raise KeyError("bee")

    with pytest.raises(PeerRaised, match=r"peer 'p' failed: KeyError: 'bee'"):
        await FunctionPeer("p", broken).propose(make_call(SUM))


async def test_a_skill_without_a_function_is_the_callers_fault(make_call: MakeCall, say: Say) -> None:
    with pytest.raises(UsageError, match="critique="):
        await FunctionPeer("p", slow_four).critique(make_call(SUM), say("4", "4"))
    with pytest.raises(UsageError, match="compare="):
        await FunctionPeer("p", slow_four).compare(make_call(SUM), say("4", "4"), say("5", "5"))


async def test_a_noting_function_is_given_what_is_wanted_and_texts(make_call: MakeCall, say: Say) -> None:
    peer = FunctionPeer("p", slow_four, note=lambda question, about, texts: f"{question} {about} {texts}\x1b")
    assert peer.skills == {"propose", "revise", "note"}
    assert await peer.note(make_call(SUM), "summary", [say("4", "4")]) == "2 + 2? summary ['4']"


async def test_a_note_that_is_no_text_and_a_missing_function_are_named(make_call: MakeCall) -> None:
    with pytest.raises(PeerRaised, match="returned 4, not a text"):
        await FunctionPeer("p", slow_four, note=lambda q, a, t: 4).note(make_call(SUM), "outline", ())  # type: ignore[arg-type, return-value]
    with pytest.raises(UsageError, match="note=…"):
        await FunctionPeer("p", slow_four).note(make_call(SUM), "outline", ())


async def test_a_guided_function_finds_the_notes_behind_the_question(make_call: MakeCall, say: Say) -> None:
    given: list[str] = []

    def answer(question: str) -> str:
        given.append(question)
        return "4"

    peer = FunctionPeer("p", answer, revise=lambda question, mine, heard: answer(question))
    call = make_call(SUM, guide=["add them"])
    await peer.propose(call)
    await peer.revise(call, say("5", "5"), ())
    assert given == ["2 + 2?\n\nOutline: add them"] * 2
