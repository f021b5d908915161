"""Where no protocol is named, the kind of question and what else was asked for choose one."""

from __future__ import annotations

from collections import Counter

import pytest

from waggledance.cli._config import in_force
from waggledance.cli._explain import explained, surer
from waggledance.cli._protocol_from import protocol_from
from waggledance.core import AnswerKind, Cost, Decision, Question, UsageError
from waggledance.lab import answers_to
from waggledance.protocols import Debate, PeerRanking, Vote, chance_of_lead


def question(expects: AnswerKind = "number") -> Question:
    return Question(text="?", expects=expects, options=("a", "b") if expects == "choice" else ())


@pytest.mark.parametrize("expects", ["number", "choice", "yes/no", "short"])
def test_answers_that_can_be_equal_are_voted_on_until_that_is_settled(expects: AnswerKind) -> None:
    protocol, name = protocol_from(in_force(env={}), question(expects), human=False)
    assert protocol == Vote(samples=3, stop="settled")
    assert name == "vote(samples=3, stop=settled)"


@pytest.mark.parametrize("expects", ["free", "code"])
def test_answers_in_words_of_their_own_are_not_counted_but_compared(expects: AnswerKind) -> None:
    protocol, name = protocol_from(in_force(env={}), question(expects), human=False)
    assert isinstance(protocol, Vote)
    assert (protocol.decide.name, protocol.samples, name) == ("centroid", 1, "vote")  # type: ignore[attr-defined]


def test_what_is_asked_for_beside_a_protocol_chooses_one_that_has_it() -> None:
    for flags, human, kind in [
        ({"ask.rounds": 1}, False, Debate),
        ({"ask.topology": "ring"}, False, Debate),
        ({}, True, Debate),
        ({"ask.rule": "condorcet"}, False, PeerRanking),
        ({"ask.rule": "confidence"}, False, Vote),
        ({"ask.rule": "log-odds"}, False, Vote),
        ({"ask.temperature": 0.0}, False, Vote),
    ]:
        protocol, _ = protocol_from(in_force(flags, env={}), question(), human=human)
        assert type(protocol) is kind, flags
    assert protocol == Vote()


def test_a_named_protocol_is_taken_as_it_is() -> None:
    protocol, name = protocol_from(in_force({"ask.protocol": "debate(rounds=1)"}, env={}), question(), human=False)
    assert (protocol, name) == (Debate(rounds=1), "debate(rounds=1)")


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
