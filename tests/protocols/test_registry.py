import pytest

from waggledance.consensus import CalibratedLogOdds, borda, bradley_terry, condorcet, confidence_vote, majority
from waggledance.core import UnknownName, UsageError
from waggledance.protocols import (
    PROTOCOLS,
    ConfidenceDebate,
    Debate,
    NestSite,
    PeerRanking,
    Quorum,
    RoundTable,
    Society,
    Vote,
    by_name,
    register,
    rule_by_name,
)
from waggledance.topology import Ring

OWN = {name: kind for name, kind in PROTOCOLS.items() if kind.__module__.startswith("waggledance.protocols.")}


def test_every_protocol_is_known_by_its_own_name() -> None:
    assert list(OWN) == [
        "vote",
        "debate",
        "confidence-debate",
        "round-table",
        "conversation",
        "society",
        "outline-paths",
        "peer-ranking",
        "refinement",
        "audit",
        "nest-site",
        "institution",
        "bargain",
    ]
    for name, kind in OWN.items():
        assert by_name(name) == kind()


def test_choices_reach_the_protocol() -> None:
    assert by_name("debate", rounds=3, topology=Ring(), rule=confidence_vote, patience_s=5) == Debate(
        3, Ring(), confidence_vote, 5
    )
    assert by_name("peer-ranking", rule=borda) == PeerRanking(borda)
    assert by_name("nest-site", rounds=5) == NestSite(rounds=5)
    assert by_name("round-table", rounds=2, rule=majority) == RoundTable(2, majority)
    assert by_name("confidence-debate", rule=CalibratedLogOdds()) == ConfidenceDebate(decide=CalibratedLogOdds())


def test_a_name_may_carry_parameters() -> None:
    assert by_name("vote(samples=5)") == Vote(samples=5)
    assert by_name("nest-site(quorum=0.8, otherwise=undecided)") == NestSite(quorum=0.8, otherwise="undecided")
    assert by_name(" peer-ranking ( comparisons=3 ) ", rule=condorcet) == PeerRanking(condorcet, comparisons=3)


def test_early_stopping_and_strategies_are_parameters_too() -> None:
    assert by_name("vote(samples=40, stop=likely, sure=0.99)") == Vote(samples=40, stop="likely", sure=0.99)
    assert by_name("debate(stop=agreed)") == Debate(stop="agreed")
    assert by_name("society(strategy=001/011)", topology=Ring()) == Society("001/011", Ring())


def test_what_was_chosen_beside_a_name_goes_before_what_stands_in_it() -> None:
    assert by_name("debate(rounds=1)", rounds=4) == Debate(rounds=4)


def test_an_unknown_protocol_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no protocol 'debat'; did you mean 'debate'\?"):
        by_name("debat")


def test_an_unknown_parameter_says_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'quorum'"):
        by_name("nest-site(qourum=0.8)")


@pytest.mark.parametrize(
    ("name", "choice", "reason"),
    [
        ("vote", {"rounds": 2}, "nobody hears anybody"),
        ("vote", {"topology": Ring()}, "choose 'debate'"),
        ("society", {"rounds": 2}, "a letter for every round"),
        ("society(strategy=012)", {}, "got '012'"),
        ("round-table", {"topology": Ring()}, "everybody hears everybody"),
        ("peer-ranking", {"rounds": 2}, "answer once and judge once"),
        ("peer-ranking", {"topology": Ring()}, "judges read"),
        ("nest-site", {"topology": Ring()}, "dance floor"),
        ("outline-paths", {"rounds": 2}, "redrafts=2"),
        ("outline-paths", {"topology": Ring()}, "one other peer's outline"),
        ("outline-paths(embed=3)", {}, "a function from texts to points"),
        ("refinement", {"rounds": 2}, "passes=2"),
        ("refinement", {"topology": Ring()}, "all others at hand"),
        ("refinement", {"rule": majority}, "does not look at judgements"),
        ("audit", {"rounds": 2}, "thinks again once"),
        ("audit", {"topology": Ring()}, "drawn from all peers"),
        ("audit", {"rule": condorcet}, "needs them of all"),
        ("nest-site", {"rule": majority}, "its quorum decides"),
        ("round-table", {"rule": bradley_terry}, "needs judgements"),
        ("debate", {"rule": condorcet}, "needs judgements"),
        ("vote", {"rule": borda}, "needs judgements"),
        ("peer-ranking", {"rule": majority}, "does not look at judgements"),
        ("vote(samples=0)", {}, "at least once"),
        ("vote(samples=many)", {}, "samples of protocol 'vote' must be a whole number"),
        ("vote(samples)", {}, "write it as name=value"),
        ("vote(samples=2", {}, "such as 'nest-site"),
        ("debate(topology=ring)", {}, "no parameter of protocol 'debate' called 'topology'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(name: str, choice: dict[str, int], reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        by_name(name, **choice)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert reason in str(refused.value)


@pytest.mark.parametrize("rule", [Quorum(0.8), Quorum(0.55, "undecided"), Quorum(1.0), Quorum(1 / 3)])
def test_a_quorum_is_found_again_by_its_name(rule: Quorum) -> None:
    assert rule_by_name(rule.name).name == rule.name  # type: ignore[attr-defined]  # pyright: ignore
    assert rule_by_name("borda") is borda


def test_a_quorum_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="above 0 and up to 1"):
        rule_by_name("quorum(7)")
    with pytest.raises(UsageError, match="cannot be read"):
        rule_by_name("quorum(1.2.3)")
    with pytest.raises(UnknownName, match="no rule 'quorums'"):
        rule_by_name("quorums")


def test_a_protocol_of_another_room_is_known_once_it_has_said_so_and_takes_no_others_name() -> None:
    from waggledance.tasks import Planned, register_protocols

    register_protocols()
    assert by_name("plan(given=1)") == Planned(given=True)
    with pytest.raises(UsageError, match="two protocols claim the name 'vote'"):
        register(type("Other", (), {"name": "vote"}))
