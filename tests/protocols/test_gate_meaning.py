"""The gate without a model, on sixty moments written by hand, and what it leans to."""

from __future__ import annotations

import pytest

from waggledance.protocols._gate import Gates, Heard, Speak
from waggledance.protocols._gate_meaning import ByMeaning, last_words
from waggledance.protocols._gate_rules import ByRules
from waggledance.testing._chat_windows import MOMENTS, PRACTICE, Moment
from waggledance.topology import Embed, by_meaning, hashed_ngrams


def window(moment: Moment) -> list[Heard]:
    return [Heard(name, words, name == "swarm") for name, words in moment.lines]


def test_half_of_sixty_moments_ask_for_words_and_none_is_among_those_that_settings_were_chosen_by() -> None:
    assert (len(MOMENTS), sum(bool(moment.reason) for moment in MOMENTS)) == (60, 30)
    assert not {moment.lines for moment in MOMENTS} & {moment.lines for moment in PRACTICE}


@pytest.mark.parametrize("embed", [by_meaning(), hashed_ngrams])
async def test_the_gate_speaks_where_people_would_want_it(embed: Embed) -> None:
    gate = Gates((ByRules("swarm"), ByMeaning(embed=embed)))
    spoke = [isinstance(await gate.decide(window(moment)), Speak) for moment in MOMENTS]
    right = sum(s and bool(moment.reason) for s, moment in zip(spoke, MOMENTS, strict=True))
    assert 2 * right / (sum(spoke) + 30) >= 0.7  # F1: 2 tp / (2 tp + fp + fn)


@pytest.mark.parametrize("embed", [by_meaning(), hashed_ngrams])
async def test_most_turns_of_a_chat_do_not_cost_a_call_of_the_large_model(embed: Embed) -> None:
    gate = Gates((ByRules("swarm"), ByMeaning(embed=embed)))
    always = sent = 0
    for moment in MOMENTS:
        turns = window(moment)
        for i in range(1, len(turns) + 1):
            words = sum(len(turn.text.split()) for turn in turns[:i])
            always += words
            sent += words * isinstance(await gate.decide(turns[:i]), Speak)
    assert sent / always <= 0.4


async def test_what_a_speaker_is_about_speaks_for_speaking() -> None:
    text = [Heard("ada", "The queen bee of our third hive lays no eggs this week")]
    assert not isinstance(await ByMeaning().decide(text), Speak)
    assert isinstance(
        await ByMeaning(about=("Beekeeping: queen bees, hives, eggs, honey, swarms.",)).decide(text), Speak
    )


async def test_having_spoken_of_late_counts_against_it() -> None:
    once = [Heard("ada", "Any tips against weeds?")]
    often = [*[Heard("swarm", "Hm.", mine=True)] * 9, *[Heard("bob", "ok")] * 3, *once]
    assert isinstance(await ByMeaning().decide(once), Speak)
    assert not isinstance(await ByMeaning().decide(often), Speak)


def test_only_what_the_last_speaker_said_in_one_go_is_read() -> None:
    turns = [Heard("ada", "one"), Heard("bob", "two"), *(Heard("ada", word) for word in "abcd")]
    assert last_words(turns) == "b\nc\nd"
    assert last_words([]) == ""


async def test_without_words_it_cannot_tell() -> None:
    assert await ByMeaning().decide([Heard("ada", "  ")]) is None
    assert await ByMeaning().decide([]) is None
