"""Learnt vote: abilities of a history decide a new question, and what there is to doubt is said."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from waggledance.consensus import History, LearntVote, dependence, em_answers
from waggledance.core import UNIT, Message, PeerId, Proposal, local_peer_id

Say = Callable[..., Message[Proposal]]
NAMES = ("a", "b", "c", "d", "e")
RATES = (0.95, 0.3, 0.3, 0.3, 0.6)
Rows = list[dict[PeerId, str | None]]


def rows(seed: int = 1, questions: int = 200) -> tuple[Rows, list[str]]:
    rng = Random(seed)
    truth = [rng.choice("ABCD") for _ in range(questions)]
    said: Rows = [
        {
            local_peer_id(name): key if rng.random() < rate else rng.choice([x for x in "ABCD" if x != key])
            for name, rate in zip(NAMES, RATES, strict=True)
        }
        for key in truth
    ]
    return said, truth


def learnt() -> LearntVote:
    said, truth = rows()
    history = History.of(said)
    return LearntVote.of(em_answers(history, known=history.known(truth)))


def test_one_proven_peer_outweighs_two_that_guess(say: Say) -> None:
    decision = learnt()([say("a", "4"), say("b", "5"), say("c", "5")], (), {})
    assert decision.key == "4"
    assert decision.support["4"] > 3 * decision.support["5"]
    assert decision.confidence == decision.support["4"] / UNIT
    assert sum(decision.support.values()) < UNIT  # what is missing: none is right


def test_a_seats_weight_says_how_much_of_its_evidence_counts(say: Say) -> None:
    said = [say("a", "4"), say("b", "5"), say("c", "5")]
    whole, half = (learnt()(said, (), {local_peer_id("a"): weight}).support["4"] for weight in (UNIT, UNIT // 2))
    assert half < whole
    assert learnt()(said, (), {local_peer_id("a"): 0}).key == "5"


def test_copies_count_as_one(say: Say) -> None:
    rule = LearntVote(dict.fromkeys(map(local_peer_id, NAMES), 0.0), concentration=4.0)
    said = [say("a", "4"), say("b", "4"), say("c", "4"), say("d", "5"), say("e", "5")]
    assert rule(said, (), {}).key == "4"
    third = {local_peer_id(name): UNIT // 3 for name in "abc"}
    assert LearntVote(rule.ability, 4.0, third)(said, (), {}).key == "5"


def test_without_a_history_it_is_majority_and_says_so(say: Say) -> None:
    decision = LearntVote()([say("a", "4"), say("b", "5"), say("c", "5")], (), {})
    assert (decision.key, decision.notes) == ("5", ("no peer has a history: decided by plain majority",))


def test_a_peer_without_a_history_counts_as_average_and_that_is_said(say: Say) -> None:
    decision = learnt()([say("a", "4"), say("stranger", "5")], (), {})
    assert decision.key == "4"
    assert decision.notes == ("1 of 2 peers have no history: counted as average",)


def test_a_decision_says_what_speaks_against_its_evidence(say: Say) -> None:
    said, _ = rows(questions=20)
    for row in said:
        row.update({local_peer_id("b"): row[local_peer_id("c")]})
    two = [{peer: row[peer] for peer in map(local_peer_id, "ab")} for row in said]
    history = History.of(two)
    notes = LearntVote.of(em_answers(history))([say("a", "4")], (), {}).notes
    assert notes[0] == "reliability cannot be told from agreement of 2 peers: it takes 3, or known answers"
    assert notes[1] == "reliability rests on 20 questions, fewer than 30"


def test_it_says_when_few_agree_against_most_and_when_copies_are_among_them(say: Say) -> None:
    rng = Random(3)
    said, _ = rows()
    for row in said:
        row.update({local_peer_id(name): rng.choice("ABCDEFGH") for name in ("b", "c", "d")})
        row.update({local_peer_id("e"): row[local_peer_id("a")]})
    history = History.of(said)
    found = em_answers(history)
    notes = LearntVote.of(found, dependence(history, found))([say("a", "4")], (), {}).notes
    assert any(note.startswith("reliability rests on 2 of 5 peers that agree with each other") for note in notes), notes
