"""Recorded peers."""

from __future__ import annotations

from math import inf, nan

import pytest

from waggledance import Swarm
from waggledance.core import Decision, Message, Proposal, Question, UsageError
from waggledance.lab import RecordedPeer, Said
from waggledance.protocols import AskProtocol, Debate, PeerRanking, Vote

SUM = Question(text="2 + 2?", expects="number")


async def asked(protocol: AskProtocol, *peers: RecordedPeer) -> tuple[Decision, list[Message[Proposal]]]:
    events = [event async for event in Swarm(peers, protocol=protocol).watch(SUM)]
    decision = next(event for event in events if isinstance(event, Decision))
    return decision, [event for event in events if isinstance(event, Message) and isinstance(event.body, Proposal)]


async def test_it_gives_the_recorded_answer_at_the_price_of_its_length() -> None:
    decision, said = await asked(Vote(), RecordedPeer("a", [Said("4", 900_000, chars=10)], question_chars=6))
    assert (decision.key, said[0].body.confidence_ppm) == ("4", 900_000)
    assert (decision.cost.calls, decision.cost.prompt_tokens, decision.cost.completion_tokens) == (1, 2, 3)


async def test_each_answer_of_a_vote_is_another_sample_and_there_are_no_more_than_were_recorded() -> None:
    decision, said = await asked(Vote(samples=3), RecordedPeer("a", [Said("4"), Said("5")], 6))
    assert [m.body.key for m in sorted(said, key=lambda m: m.body.round)] == ["4", "5", None]
    assert "the recording holds 2 answers of 'a'" in max(said, key=lambda m: m.body.round).body.lapse
    assert decision.cost.calls == 3  # admitted; the third had no cost of its own
    assert sum(m.body.cost.calls for m in said) == 2


async def test_it_stands_by_its_answer_and_pays_for_hearing() -> None:
    peers = [RecordedPeer(name, [Said(key, chars=40)], 8) for name, key in (("a", "4"), ("b", "4"), ("c", "5"))]
    decision, said = await asked(Debate(rounds=1), *peers)
    assert decision.key == "4"
    assert sorted(m.body.key or "" for m in said if m.body.round == 1) == ["4", "4", "5"]
    first, second = (sum(m.body.cost.prompt_tokens for m in said if m.body.round == r) for r in (0, 1))
    assert second > first


async def test_an_answer_without_a_length_costs_a_call_and_no_tokens() -> None:
    decision, _ = await asked(Vote(), RecordedPeer("a", [Said("4")], 6))
    assert (decision.cost.calls, decision.cost.tokens) == (1, 0)


async def test_what_was_not_recorded_is_refused_before_anything_is_spent() -> None:
    with pytest.raises(UsageError, match="needs the skill 'compare'"):
        await asked(PeerRanking(), RecordedPeer("a", [Said("4")], 6), RecordedPeer("b", [Said("5")], 6))


@pytest.mark.parametrize("confidence", [nan, inf, -0.1, 1.5])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        Said.of("4", confidence=confidence)


def test_an_empty_answer_is_no_answer() -> None:
    assert Said.of("", text="hm").key is None
