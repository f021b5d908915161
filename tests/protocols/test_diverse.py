from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance import Budget, Swarm
from waggledance.consensus import CalibratedLogOdds, confidence_vote, majority
from waggledance.core import Message, Proposal, UsageError
from waggledance.lab import RunLog
from waggledance.network import Silent
from waggledance.protocols import ConfidenceDebate, distances, pick_diverse
from waggledance.testing import W3, Opinionated, Run, simulate


@given(st.integers(1, 8), st.integers(1, 9), st.randoms(use_true_random=False))
def test_each_choice_is_the_one_farthest_from_those_before(n: int, k: int, rng: object) -> None:
    from random import Random

    assert isinstance(rng, Random)
    far = [[0] * n for _ in range(n)]
    for i, j in combinations(range(n), 2):
        far[i][j] = far[j][i] = rng.randrange(5)
    chosen = pick_diverse(far, k)
    assert len(set(chosen)) == len(chosen) == min(n, k)
    assert sum(far[chosen[0]]) == min(map(sum, far))
    for step in range(1, len(chosen)):
        before, left = chosen[:step], set(range(n)) - set(chosen[:step])
        assert min(far[chosen[step]][j] for j in before) == max(min(far[i][j] for j in before) for i in left)


def test_no_owner_has_two_items_chosen() -> None:
    line = [[abs(i - j) for j in range(6)] for i in range(6)]
    assert sorted(pick_diverse(line, 6, owners=[0, 0, 1, 1, 2, 2])) != list(range(6))
    assert len({i // 2 for i in pick_diverse(line, 6, owners=[0, 0, 1, 1, 2, 2])}) == 3


def test_what_cannot_be_chosen_from_is_refused_and_nothing_gives_nothing() -> None:
    assert pick_diverse([], 3) == ()
    for far, owners in (([[0, 1]], None), ([[0]], ["a", "b"])):
        with pytest.raises(UsageError, match="distances each"):
            pick_diverse(far, 1, owners=owners)
    with pytest.raises(UsageError, match="k=0"):
        pick_diverse([[0]], 0)


def proposals(run: Run, round: int) -> list[Message[Proposal]]:
    return sorted(m for m in run.log if isinstance(m.body, Proposal) and m.body.round == round)


def test_answers_are_farther_apart_than_any_words() -> None:
    run = simulate(ConfidenceDebate(rounds=0), "2+2?", peers=9, seed=3)
    said = proposals(run, 0)
    far = distances(said)
    for i, j in combinations(range(9), 2):
        assert far[i][j] == far[j][i]
        assert (far[i][j] >= 1_000_000) == (said[i].body.key != said[j].body.key)


def test_each_peer_keeps_one_of_its_own_drafts_and_only_that_counts() -> None:
    run = simulate(ConfidenceDebate(rounds=1, drafts=3), "2+2?", peers=4)
    drafts = {m.id: m for round in range(3) for m in proposals(run, round)}
    kept = proposals(run, 3)
    assert (len(drafts), len(kept)) == (12, 4)
    for message in kept:
        [draft] = [drafts[ref] for ref in message.body.refs]
        assert (draft.author, draft.body.key, draft.body.text) == (message.author, message.body.key, message.body.text)
    assert set(run.decision.used) == {m.id for m in (*kept, *proposals(run, 4))}
    assert run.decision.cost.calls == 4 * (3 + 1)


def test_a_silent_peer_costs_one_patience_with_drafts_too() -> None:
    run = simulate(ConfidenceDebate(rounds=2, drafts=3, patience_s=30), "2+2?", faults=[Silent("p3")])
    assert 30 <= run.virtual_s < 31
    assert len({decision.id for decision in run.honest}) == 1


@pytest.mark.parametrize(("messages", "calls"), [(5, 1), (10, 2), (15, 2), (20, 3), (25, 4)])
def test_a_budget_of_messages_takes_rounds_first_and_then_drafts(messages: int, calls: int) -> None:
    swarm = Swarm([Opinionated(f"p{i}") for i in range(5)], protocol=ConfidenceDebate(rounds=1, drafts=3))
    decision = swarm.ask_sync("2+2?", budget=Budget(messages=messages))
    assert decision.key is not None
    assert decision.cost.calls == 5 * calls


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_peer_drafts_at_least_one_answer(wrong: int) -> None:
    with pytest.raises(UsageError, match=f"got drafts={wrong}"):
        ConfidenceDebate(drafts=wrong)


def test_a_diverse_start_is_refused_with_a_rule_that_is_blind_to_confidence() -> None:
    with pytest.raises(UsageError, match="'majority' does not look at confidence"):
        ConfidenceDebate(drafts=2, decide=majority)
    ConfidenceDebate(drafts=2, decide=CalibratedLogOdds())


async def test_on_hard_questions_a_diverse_pool_holds_the_truth_more_often_and_a_vote_by_confidence_finds_it() -> None:
    world = W3(peers=5, seed=5, truth=0.2, separation=1.2)
    swarm = Swarm(world.seats(), protocol=ConfidenceDebate(rounds=0, drafts=2))
    there, right = Counter[int](), Counter[int]()
    questions = 300
    for number in range(questions):
        case = world.case(number)
        log = await RunLog.of(swarm, case.question)
        for round in (0, 2):
            pool = [m for m in log.messages if isinstance(m.body, Proposal) and m.body.round == round]
            there[round] += any(m.body.key == case.truth for m in pool)
            right[round] += confidence_vote(pool, (), {}).key == case.truth
    assert there[2] > there[0] + 0.06 * questions
    assert right[2] > right[0]
