"""Settings name a protocol, or what the library chooses one by; and why it was chosen can be told."""

from __future__ import annotations

from collections import Counter

import pytest

from waggledance.cli._config import in_force
from waggledance.cli._explain import explained, surer
from waggledance.cli._protocol_from import arranged_as, protocol_from
from waggledance.core import Cost, Decision, Question, UsageError
from waggledance.lab import answers_to
from waggledance.protocols import Debate, Default, chance_of_lead, protocol_for, spelled

NUMBER = Question(text="?", expects="number")


def test_without_a_protocol_the_library_chooses_one_and_its_name_could_be_typed() -> None:
    force = in_force(env={})
    assert protocol_from(force) == Default()
    assert arranged_as(force, protocol_for(protocol_from(force), NUMBER)) == "vote(samples=3, stop=settled)"


def test_what_is_asked_for_beside_a_protocol_goes_into_the_choice() -> None:
    flags = {"ask.rounds": 1, "ask.topology": "ring", "ask.rule": "confidence", "ask.patience_s": 5.0}
    chosen = protocol_for(protocol_from(in_force(flags, env={})), NUMBER)
    assert spelled(chosen) == ("debate(rounds=1, patience_s=5.0)", "ring", "confidence")


def test_a_named_protocol_is_taken_as_it_is() -> None:
    force = in_force({"ask.protocol": "debate(rounds=1)"}, env={})
    assert protocol_from(force) == Debate(rounds=1)
    assert arranged_as(force, Debate(rounds=1)) == "debate(rounds=1)"


def decided(key: str | None, calls: int = 15, tokens: int = 1500) -> Decision:
    cost = Cost(calls=calls, prompt_tokens=tokens)
    return Decision(status="decided" if key else "undecided", key=key, rule="majority", used=(), cost=cost)


def test_being_surer_has_a_price_in_answers_and_tokens() -> None:
    told = surer(decided("4"), Counter({"4": 9, "5": 2, None: 4}))
    assert told.startswith("9 of 15 answers; that peers like these give it most often is 98% sure; 3 more answers")
    assert "about 300 tokens" in told
    assert "level" in surer(decided("4"), Counter({"4": 5, "5": 5}))
    assert "hardly raise" in surer(decided("4"), Counter({"4": 15}))
    assert "nothing is known" in surer(decided(None), Counter({None: 3}))
    assert "not the one that most gave" in surer(decided("5"), Counter({"4": 9, "5": 2}))


def test_agreement_after_talk_is_not_taken_for_as_many_separate_answers() -> None:
    words = "".join(
        text for line in explained(decided("4"), Counter({"4": 5}), "debate", chosen=True) for text, _ in line
    )
    assert "debate was asked for" in words
    assert "heard or judged each other" in words


def test_the_chance_of_a_lead_is_that_of_adaptive_consistency() -> None:
    assert [round(chance_of_lead(*votes), 3) for votes in ((0, 0), (1, 0), (4, 0), (5, 1))] == [0.5, 0.75, 0.969, 0.938]
    assert answers_to(0.9, 9, 2) == 0
    with pytest.raises(UsageError, match="votes are given"):
        chance_of_lead(1, 2)
    with pytest.raises(UsageError, match="being sure is a chance"):
        answers_to(1.0, 3, 1)
