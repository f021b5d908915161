"""A row of gates: the first that can tell decides, silence where none can, and the hurried wait less."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UNIT, UsageError
from waggledance.protocols._gate import MAX_WAIT_MS, WINDOW_TURNS, Gates, Heard, Silent, Speak, wait_ms

KNOWS = Speak("knowledge", 700_000)


class Says:
    """Says what it is told to, and counts how often it is asked, and about how much."""

    def __init__(self, said: Speak | Silent | None) -> None:
        self.said, self.asked = said, list[int]()

    async def decide(self, window: Sequence[Heard]) -> Speak | Silent | None:
        self.asked.append(len(window))
        return self.said


async def test_the_first_that_can_tell_decides_and_those_behind_it_cost_nothing() -> None:
    cheap, sure, dear = Says(None), Says(KNOWS), Says(Silent("no"))
    assert await Gates((cheap, sure, dear)).decide([Heard("ada", "Why?")]) == KNOWS
    assert (cheap.asked, sure.asked, dear.asked) == ([1], [1], [])


async def test_where_none_can_tell_there_is_silence() -> None:
    assert isinstance(await Gates((Says(None),)).decide([Heard("ada", "Hm")]), Silent)
    assert isinstance(await Gates(()).decide([]), Silent)


async def test_only_the_last_turns_are_looked_at() -> None:
    gate = Says(None)
    await Gates((gate,)).decide([Heard("ada", str(i)) for i in range(100)])
    assert gate.asked == [WINDOW_TURNS]


@pytest.mark.parametrize(("reason", "urgency"), [("boredom", 1), ("knowledge", -1), ("knowledge", UNIT + 1)])
def test_only_known_reasons_of_an_urgency_in_range_are_reasons(reason: str, urgency: int) -> None:
    with pytest.raises(UsageError):
        Speak(reason, urgency)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@given(urgency=st.integers(0, UNIT), seed=st.integers(0, 99))
def test_the_more_urgent_the_shorter_the_wait(urgency: int, seed: int) -> None:
    waited = wait_ms(urgency, Random(seed))
    assert 0 <= waited <= MAX_WAIT_MS * (UNIT - urgency) // UNIT
    assert waited == wait_ms(urgency, Random(seed))
