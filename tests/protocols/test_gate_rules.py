"""What rules alone can tell: who is called, who was spoken to, who has just spoken, what is spent."""

from __future__ import annotations

import pytest

from waggledance.core import UNIT, UsageError
from waggledance.protocols._gate import Heard, Silent, Speak
from waggledance.protocols._gate_rules import ByRules, calls

RULES = ByRules("swarm")


def heard(*lines: str) -> list[Heard]:
    turns = [line.partition(": ") for line in lines]
    return [Heard(name, text, name == "swarm") for name, _, text in turns]


@pytest.mark.parametrize(
    "text",
    [
        "@swarm",
        "what now, swarm?",
        "Swarm, look",
        "hey swarm what time is it",
        "SWARM: go",
        "Fine. ok swarm, and now?",
        "(@swarm)",
    ],
)
async def test_whoever_is_called_by_name_speaks_at_once(text: str) -> None:
    assert await RULES.decide(heard(f"ada: {text}")) == Speak("addressed", UNIT)


@pytest.mark.parametrize(
    "text", ["the swarm said so", "I asked swarm yesterday", "swarms are nice", "me@swarm.example", "swarming, yes"]
)
def test_to_be_spoken_of_is_not_to_be_called(text: str) -> None:
    assert not calls(text, "swarm")


async def test_who_was_called_speaks_even_after_others_went_on_and_right_after_speaking() -> None:
    assert isinstance(await RULES.decide(heard("ada: swarm, why?", "bob: lunch?")), Speak)
    assert isinstance(await RULES.decide(heard("swarm: So.", "ada: and why, swarm?")), Speak)


async def test_a_call_that_was_answered_calls_no_more() -> None:
    said = await RULES.decide(heard("ada: swarm, why?", "swarm: So.", "ada: ah", "bob: hm"))
    assert said == Silent("I spoke a moment ago")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((), "nothing was said"),
        (("ada: why?", "swarm: So."), "I spoke last"),
        (("bob: hi", "ada: Bob, where is the key?"), "somebody else"),
        (("ada: @carol where is the key?",), "somebody else"),
        (("swarm: So.", "ada: what else is there?"), "a moment ago"),
    ],
)
async def test_there_are_times_to_keep_quiet(lines: tuple[str, ...], why: str) -> None:
    said = await RULES.decide(heard(*lines))
    assert isinstance(said, Silent)
    assert why in said.why


async def test_with_the_budget_spent_even_a_call_by_name_is_not_answered() -> None:
    assert await ByRules("swarm", lambda: False).decide(heard("ada: @swarm")) == Silent("the budget is spent")


async def test_what_rules_cannot_tell_they_leave_to_others() -> None:
    assert await RULES.decide(heard("ada: what is a quince?")) is None


@pytest.mark.parametrize("name", ["", "  "])
def test_a_gate_needs_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="needs the name"):
        ByRules(name)


def test_a_name_with_signs_in_it_is_no_pattern() -> None:
    assert calls("@c++ help", "c++")
    assert not calls("@ccc help", "c+")
