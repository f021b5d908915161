"""Where no protocol is named, the kind of question, the peers and what else was asked for choose one."""

from __future__ import annotations

from typing import Any

import pytest

from waggledance import Agent, Swarm
from waggledance.consensus import majority
from waggledance.core import AnswerKind, Question, UsageError
from waggledance.models import Scripted
from waggledance.peers import FunctionPeer, HumanPeer, Stakeholder, WrapperPeer
from waggledance.protocols import Bargaining, Debate, Default, PeerRanking, Vote, protocol_for, rule_by_name
from waggledance.topology import Ring


def question(expects: AnswerKind = "number") -> Question:
    return Question(text="?", expects=expects, options=("a", "b") if expects in ("choice", "package") else ())


@pytest.mark.parametrize("expects", ["number", "choice", "yes/no", "short"])
def test_answers_that_can_be_equal_are_voted_on_until_that_is_settled(expects: AnswerKind) -> None:
    assert Default().chosen(question(expects)) == Vote(samples=3, stop="settled")


@pytest.mark.parametrize("expects", ["free", "code"])
def test_answers_in_words_of_their_own_are_not_counted_but_compared(expects: AnswerKind) -> None:
    chosen = Default().chosen(question(expects))
    assert chosen == Vote(decide=rule_by_name("centroid"))
    assert Default(rule=majority).chosen(question(expects)) == Vote()


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"rounds": 1}, Debate),
        ({"topology": Ring()}, Debate),
        ({"rule": rule_by_name("condorcet")}, PeerRanking),
        ({"rule": rule_by_name("confidence")}, Vote),
        ({"rule": rule_by_name("log-odds")}, Vote),
    ],
)
def test_what_is_asked_for_chooses_a_protocol_that_has_it(given: dict[str, Any], kind: type[Any]) -> None:
    chosen = Default(**given, patience_s=7.0).chosen(question())
    assert isinstance(chosen, kind)
    assert getattr(chosen, "patience_s") == 7.0  # noqa: B009  # each protocol of ours has it
    for name, value in given.items():
        assert getattr(chosen, {"rule": "decide"}.get(name, name)) == value


def test_a_rule_of_which_nobody_knows_when_it_is_settled_hears_all_answers() -> None:
    stops = [Default(rule=rule_by_name(name)).chosen(question()) for name in ("confidence", "log-odds")]
    assert [stop.stop for stop in stops if isinstance(stop, Vote)] == ["settled", "never"]


def test_peers_that_draw_nothing_are_asked_once_unless_one_among_them_draws() -> None:
    still, draws = Agent("ada", Scripted("4"), temperature=0), Agent("ben", Scripted("4"))
    assert Default().chosen(question(), [still, WrapperPeer(still)]) == Vote()
    assert Default().chosen(question(), [still, draws]) == Vote(samples=3, stop="settled")
    assert Default().chosen(question(), [FunctionPeer("cyd", str.title)]) == Vote(samples=3, stop="settled")


def test_a_person_hears_the_others_also_behind_a_wrapper() -> None:
    agent, person = Agent("ada", Scripted("4")), HumanPeer("you")
    assert Default().chosen(question(), [agent, person]) == Debate()
    assert Default().chosen(question(), [WrapperPeer(person)]) == Debate()


def test_what_makes_no_sense_together_is_refused() -> None:
    with pytest.raises(UsageError, match="takes no rounds"):
        Default(rule=rule_by_name("condorcet"), rounds=2).chosen(question())


def test_a_named_protocol_stays_what_it_is() -> None:
    assert protocol_for(Vote(), question(), [HumanPeer("you")]) == Vote()
    assert protocol_for(Default(), question()) == Default().chosen(question())


def test_a_swarm_follows_it_for_each_question_and_for_each_set_of_peers() -> None:
    swarm = Swarm([Agent("ada", Scripted("4")), Agent("ben", Scripted("4"))])
    assert swarm.protocol_for(question()) == Vote(samples=3, stop="settled")
    assert swarm.protocol_for(question("free")) == Vote(decide=rule_by_name("centroid"))
    likeliest = swarm.among([Agent(peer.name, Scripted("4"), temperature=0) for peer in swarm.peers])
    assert likeliest.protocol_for(question()) == Vote()
    assert swarm.protocol_for(question()) == Vote(samples=3, stop="settled")
    assert Swarm(swarm.peers, protocol=Default(rounds=1)).protocol_for(question()) == Debate(rounds=1)


def test_a_swarm_stops_asking_when_the_answer_is_settled_and_bargains_over_packages() -> None:
    asked: list[str] = []

    def four(text: str) -> str:
        asked.append(text)
        return "4"

    swarm = Swarm([FunctionPeer(f"p{i}", four) for i in range(3)])
    assert swarm.ask_sync("2 + 2?", expects="number").key == "4"
    assert len(asked) == 6, "of three turns the first two settle it"
    people = Swarm([Stakeholder("x", {"a": 2, "b": 1}), Stakeholder("y", {"a": 2, "b": 1})])
    assert isinstance(people.protocol_for(question("package")), Bargaining)
