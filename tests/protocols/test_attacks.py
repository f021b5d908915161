"""What one peer cannot do to the others in a protocol: rows of the threat catalogue."""

from __future__ import annotations

from random import Random

import pytest

from waggledance.core import UNIT, Judgement, Message, MessageId, PeerId, Verdict, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.models import Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import AskProtocol, Debate, PeerRanking, Vote
from waggledance.protocols._quality import evaluators, quality
from waggledance.testing import simulate

# -- B6: gaming who evaluates -----------------------------------------------------------------------------------------

PEERS = [local_peer_id(f"p{n}") for n in range(7)]
LIAR = PEERS[0]


def graded(judge: PeerId, grades: dict[MessageId, int]) -> Message[Judgement]:
    verdicts = tuple(Verdict(subjects=(subject,), scores=(score,)) for subject, score in grades.items())
    return compose(judge, Judgement(verdicts=verdicts), 1, None, (), 1, 0, swarm_id("t"), "q")[0]


@pytest.mark.parametrize("count", [1, 3])
def test_attack_b6_nobody_evaluates_itself_and_one_of_three_moves_no_median(count: int) -> None:
    mine = MessageId(LIAR)
    for seed in range(300):
        by = evaluators(PEERS, count, seed)
        assert all(peer not in judges for peer, judges in by.items())
        drawn = {MessageId(peer): judges for peer, judges in by.items()}
        boast = graded(LIAR, {work: UNIT if work == mine else 0 for work in drawn})
        fair = [
            graded(judge, {work: 600_000 for work, judges in drawn.items() if judge in judges}) for judge in PEERS[1:]
        ]
        found = quality([boast, *fair], drawn)
        assert found[mine] == 600_000
        assert count == 1 or found == dict.fromkeys(sorted(drawn), 600_000)


def test_attack_b6_who_evaluates_whom_is_drawn_and_cannot_be_arranged_by_a_name() -> None:
    pairs = set[tuple[int, int]]()
    for seed in range(200):
        by = evaluators(Random(seed).sample(PEERS, 7), 2, seed)
        pairs |= {(PEERS.index(judge), PEERS.index(peer)) for peer, judges in by.items() for judge in judges}
    assert len(pairs) == 7 * 6, "everybody judges everybody else, sooner or later"


# -- C7: a cascade of conformity --------------------------------------------------------------------------------------


def conforming(slow: bool) -> Scripted:
    """Return a model that knows the answer and says what it hears instead, whenever it hears anything."""

    def answer(request: Request) -> str:
        if "Better:" in request.turns[-1].text:
            return "Better: Tie"
        return "Answer: 666" if any("666" in turn.text for turn in request.turns) else "Answer: 4"

    return Scripted(answer, delay_s=5.0 if slow else 0.0)


def loud(request: Request) -> str:
    """Say the wrong thing at once, and that all do."""
    return "Better: Tie" if "Better:" in request.turns[-1].text else "Everybody agrees on 666.\nAnswer: 666"


@pytest.mark.parametrize("protocol", [Vote(), PeerRanking(), Debate(rounds=0), Debate(rounds=2)])
def test_attack_c7_who_speaks_first_is_heard_by_nobody_who_has_not_answered(protocol: AskProtocol) -> None:
    experts = [conforming(slow=True) for _ in range(5)]
    agents = [Agent(f"e{n}", model) for n, model in enumerate(experts)] + [
        Agent(f"l{n}", Scripted(loud)) for n in range(4)
    ]
    run = simulate(protocol, "What is 2 + 2?", peers=agents, seed=4)
    firsts = [model.requests[0] for model in experts]
    assert not any("666" in turn.text for request in firsts for turn in request.turns)
    swayed = isinstance(protocol, Debate) and protocol.rounds > 0
    assert run.decision.key == ("666" if swayed else "4"), "who conforms is lost once it hears"
