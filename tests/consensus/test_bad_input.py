"""What every rule makes of input that makes no sense: a defined result, the same for all who decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from waggledance.consensus import RULES, CalibratedLogOdds, LearntVote, PeerRanked, Rule, Table
from waggledance.core import UNIT, Judgement, Message, Proposal, local_peer_id

Say = Callable[..., Message[Proposal]]
Judge = Callable[..., Message[Judgement]]
NAMES = ("ann", "bob", "eve", "joe", "zoe")
SETTLED = Table.fit([(900_000, i % 4 > 0) for i in range(60)])

EVERY: dict[str, Rule] = {
    **RULES,
    "log-odds with records": CalibratedLogOdds({local_peer_id(name): SETTLED for name in NAMES}),
    "learnt": LearntVote({local_peer_id(name): 0.5 for name in NAMES}),
}
JUDGING = {name: rule for name, rule in RULES.items() if isinstance(rule, PeerRanked)}
every_rule = pytest.mark.parametrize("rule", EVERY.values(), ids=EVERY)
every_judging_rule = pytest.mark.parametrize("rule", JUDGING.values(), ids=JUDGING)


@every_rule
def test_peers_that_never_answer_leave_the_question_undecided_and_one_that_does_decides(rule: Rule, say: Say) -> None:
    silent = [say(name, None) for name in NAMES[:3]]
    assert (rule(silent, (), {}).status, rule(silent, (), {}).key) == ("undecided", None)
    assert len(rule(silent, (), {}).dissent) == 3
    assert rule([*silent, say("zoe", "4")], (), {}).key == "4"


@every_rule
def test_a_single_member_decides_for_itself(rule: Rule, say: Say) -> None:
    decision = rule([say("ann", "4", confidence_ppm=UNIT)], (), {})
    assert (decision.status, decision.key, decision.dissent) == ("decided", "4", ())


@every_rule
def test_all_answers_equal_are_decided_with_all_support(rule: Rule, say: Say) -> None:
    decision = rule([say(name, "4") for name in NAMES], (), {})
    assert (decision.key, list(decision.support), decision.dissent) == ("4", ["4"], ())


@every_rule
def test_all_answers_distinct_have_equal_support_and_one_of_them_is_drawn_by_hash(rule: Rule, say: Say) -> None:
    said = [say(name, f"{place}") for place, name in enumerate(NAMES)]
    decision = rule(said, (), {})
    assert decision.key in {"0", "1", "2", "3", "4"}
    assert len(set(decision.support.values())) == 1
    assert decision == rule(said[::-1], (), {})


@every_rule
def test_all_members_of_weight_0_are_nobody(rule: Rule, say: Say) -> None:
    nobody = {local_peer_id(name): 0 for name in NAMES}
    assert rule([say(name, "4") for name in NAMES], (), nobody).status == "undecided"


@pytest.mark.parametrize("stated", [float("nan"), float("inf"), -1.0, 7.0])
@every_rule
def test_a_confidence_that_is_none_counts_as_not_stated(rule: Rule, stated: float, say: Say) -> None:
    read = Proposal.of("4", confidence=stated).confidence_ppm
    others = [say("bob", "5", confidence_ppm=700_000), say("eve", "5")]
    assert rule([say("ann", "4", confidence_ppm=read), *others], (), {}) == rule([say("ann", "4"), *others], (), {})


@every_judging_rule
def test_contradictory_verdicts_of_a_judge_cancel(rule: Rule, say: Say, judge: Judge) -> None:
    a, b = say("ann", "4"), say("bob", "5")
    torn = [judge("zoe", [a, b], [b, a])]
    decision = rule([a, b], torn, {})
    assert decision.support["4"] == decision.support["5"]
    assert rule([a, b], [*torn, judge("joe", [b, a])], {}).key == "5"


@every_judging_rule
def test_judges_that_favour_their_own_answers_are_said_to_look_unreliable(rule: Rule, say: Say, judge: Judge) -> None:
    a, b, c = say("ann", "4"), say("bob", "5"), say("eve", "6")
    judged = [judge("ann", [a, b, c]), judge("bob", [b, c, a]), judge("eve", [c, a, b])]
    notes = rule([a, b, c], judged, {}).notes
    assert any(note.startswith("judges look unreliable: 2 of 2 that gave another answer prefer it") for note in notes)
