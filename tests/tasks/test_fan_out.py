"""Calls of one step run side by side, equal ones once; a straggler is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from waggledance.core import RunFailed, UsageError
from waggledance.network import VirtualLoop
from waggledance.tasks import fan_out

T = TypeVar("T")


def timed(main: Callable[[], Awaitable[T]]) -> tuple[T, float]:
    async def body() -> tuple[T, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        return await main(), loop.time() - began

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(body())


async def after(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def test_eight_calls_take_as_long_as_one_and_three_at_a_time_three_turns() -> None:
    asks = [0.05 + i / 1e6 for i in range(8)]
    said, took = timed(lambda: fan_out(asks, after, width=8))
    assert list(said) == asks
    assert took <= 0.051
    assert 0.15 <= timed(lambda: fan_out(asks, after, width=3))[1] <= 0.151


def test_a_call_that_hangs_holds_the_step_up_for_its_time_only_and_a_quorum_goes_on_without() -> None:
    asks = [0.05, 0.06, 1e6]
    said, took = timed(lambda: fan_out(asks, after, width=8, within_s=2.0))
    assert said[:2] == (0.05, 0.06)
    assert isinstance(said[2], RunFailed)
    assert took == pytest.approx(2.0)
    six = [0.01 * (i + 1) for i in range(8)]
    said, took = timed(lambda: fan_out(six, after, width=8, quorum=6))
    assert took == pytest.approx(0.06)
    assert [isinstance(answer, RunFailed) for answer in said] == [False] * 6 + [True] * 2


def test_equal_calls_are_made_once_and_a_failure_is_an_answer_that_makes_no_quorum() -> None:
    made: list[str] = []

    async def do(ask: str) -> str:
        made.append(ask)
        if ask == "bad":
            raise RunFailed("no")
        return ask.upper()

    said, _ = timed(lambda: fan_out(["a", "bad", "a", "b"], do, quorum=2))
    assert [str(answer) for answer in said] == ["A", "no", "A", "B"]
    assert sorted(made) == ["a", "b", "bad"]


def test_a_bug_in_a_call_is_raised_and_nothing_asked_is_nothing_answered() -> None:
    async def do(ask: str) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        timed(lambda: fan_out(["a"], do))
    assert timed(lambda: fan_out([], do))[0] == ()


@pytest.mark.parametrize(
    "bad", [{"width": 0}, {"width": 65}, {"quorum": 0}, {"within_s": 0.0}, {"within_s": float("nan")}]
)
def test_a_step_of_no_width_or_no_time_is_refused(bad: Any) -> None:
    with pytest.raises(UsageError, match="calls are made 1 to 64 at a time"):
        timed(lambda: fan_out([1.0], after, **bad))
