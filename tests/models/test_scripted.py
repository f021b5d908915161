import asyncio

import pytest

from waggledance.core._errors import UsageError
from waggledance.models import Request, Scripted, ScriptEnded, TimedOut, Turn


def ask(text: str = "2+2?", *, max_tokens: int = 256, stop: tuple[str, ...] = (), timeout_s: float = 60.0) -> Request:
    return Request(turns=(Turn("user", text),), max_tokens=max_tokens, stop=stop, timeout_s=timeout_s)


async def test_lines_are_said_in_order_and_then_the_script_is_over() -> None:
    scripted = Scripted(["one", "two"])
    assert [(await scripted.complete(ask())).text for _ in range(2)] == ["one", "two"]
    with pytest.raises(ScriptEnded, match="all 2 lines"):
        await scripted.complete(ask())


async def test_a_cycling_script_starts_over() -> None:
    scripted = Scripted(["one", "two"], cycle=True)
    assert [(await scripted.complete(ask())).text for _ in range(3)] == ["one", "two", "one"]


async def test_a_mapping_answers_by_the_last_turn() -> None:
    scripted = Scripted({"2+2?": "four"})
    assert (await scripted.complete(ask("2+2?"))).text == "four"
    with pytest.raises(ScriptEnded, match="no line for '3\\+3\\?'"):
        await scripted.complete(ask("3+3?"))


async def test_a_function_sees_the_request_and_an_error_is_raised() -> None:
    assert (await Scripted(lambda request: request.turns[0].text.upper()).complete(ask("hm"))).text == "HM"
    with pytest.raises(ConnectionError):
        await Scripted([ConnectionError("gone")]).complete(ask())


async def test_tokens_are_words_and_both_limits_are_kept() -> None:
    completion = await Scripted("a b c d").complete(ask("x y", max_tokens=3))
    assert (completion.text, completion.finish, completion.prompt_tokens, completion.completion_tokens) == (
        "a b c",
        "length",
        2,
        3,
    )
    assert (await Scripted("yes. And no").complete(ask(stop=(".",)))).text == "yes"


async def test_an_answer_later_than_the_timeout_is_a_timeout() -> None:
    with pytest.raises(TimedOut, match=r"0\.01 s"):
        await asyncio.wait_for(Scripted("late", delay_s=3600).complete(ask(timeout_s=0.01)), 5)


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one line"):
        Scripted([])
