"""From verdicts to ballots to wins: pairs, rankings, grades, and one vote a judge and pair."""

from collections.abc import Callable

from waggledance.consensus import ballots, borda, subjects, win_rate, wins
from waggledance.core import UNIT, Judgement, Message, PeerId, Proposal, local_peer_id

Say = Callable[..., Message[Proposal]]
Judge = Callable[..., Message[Judgement]]
ANN = local_peer_id("ann")


def test_verdicts_on_texts_become_preferences_of_answers(say: Say, judge: Judge) -> None:
    said = [say("ann", "5"), say("bob", "4"), say("cy", "4")]
    assert ballots([judge("ann", [said[1], said[0]])], subjects(said)) == {ANN: {("4", "5"): 1}}
    assert ballots([judge("ann", [said[1], said[2]])], subjects(said)) == {}


def test_a_ranking_and_grades_compare_every_two(
    say: Say, judge: Judge, grade: Callable[..., Message[Judgement]]
) -> None:
    a, b, c = said = [say("ann", "A"), say("bob", "B"), say("cy", "C")]
    everything = {("A", "B"): -1, ("A", "C"): 1, ("B", "C"): 1}
    assert ballots([judge("ann", [b, a, c])], subjects(said)) == {ANN: everything}
    assert ballots([grade("ann", {a: 500, b: 900, c: 100})], subjects(said)) == {ANN: everything}
    two_messages = [grade("ann", {a: 500, b: 900}), grade("ann", {c: 100}, sequence=3)]
    assert ballots(two_messages, subjects(said)) == {ANN: everything}
    assert ballots([grade("ann", {a: 500, b: 500})], subjects(said)) == {ANN: {("A", "B"): 0}}


def test_a_judge_has_one_vote_a_pair_for_the_side_it_preferred_more_often(say: Say, judge: Judge) -> None:
    said = [say(name, key) for name, key in (("ann", "A"), ("bob", "B"), ("cy", "B"), ("dan", "B"))]
    a, b, c, d = said
    judgement = judge("ann", [a, b], [c, a], [a, d])
    assert ballots([judgement], subjects(said)) == {ANN: {("A", "B"): 1}}
    assert ballots([judge("ann", [a, b], [c, a])], subjects(said)) == {ANN: {("A", "B"): 0}}
    by_proposal = {m.id: m.id.hex() for m in said}
    assert len(ballots([judgement], by_proposal)[ANN]) == 3


def test_grades_speak_only_where_a_judge_compared_nothing(
    say: Say, judge: Judge, grade: Callable[..., Message[Judgement]]
) -> None:
    a, b, c = said = [say("ann", "A"), say("bob", "B"), say("cy", "C")]
    judgements = [judge("ann", [a, b]), grade("ann", {b: 900, a: 500, c: 700}, sequence=3)]
    cast = {ANN: {("A", "B"): 1, ("A", "C"): -1, ("B", "C"): 1}}
    assert ballots(judgements, subjects(said)) == cast
    assert ballots([*judgements, grade("ann", {b: 900, a: 500, c: 700}, sequence=4)], subjects(said)) == cast


def test_verdicts_on_what_is_not_there_are_not_looked_at(say: Say, judge: Judge) -> None:
    a, b, gone = say("ann", "A"), say("bob", "B"), say("cy", "C")
    assert ballots([judge("ann", [gone, b, a])], subjects([a, b])) == {ANN: {("A", "B"): -1}}
    assert ballots([judge("ann", [gone, b])], subjects([a, b])) == {}


def test_weights_multiply_votes_and_weight_0_is_absent() -> None:
    cast = {ANN: {("A", "B"): 1}, PeerId(b"bob"): {("A", "B"): -1}}
    assert wins(cast, {ANN: 3 * UNIT, PeerId(b"bob"): 0}) == {("A", "B"): 3 * UNIT, ("B", "A"): 0}


def test_borda_and_win_rate_say_what_their_formulas_say(say: Say, judge: Judge) -> None:
    a, b, c = said = [say("ann", "A"), say("bob", "B"), say("cy", "C")]
    judgements = [judge("ann", [a, b, c]), judge("bob", [b, a, c])]
    assert borda(said, judgements, {}).support == {"A": 3 * UNIT, "B": 3 * UNIT, "C": 0}
    assert win_rate(said, judgements, {}).support == {"A": 700_000, "B": 700_000, "C": 100_000}
