"""`TwoChoices` and `Softmax` beside plain rules in a world where load is old; hand-over."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
from msgspec.structs import replace

from waggledance.core import UNIT, Cost, Message, UsageError, local_peer_id
from waggledance.tasks import Card, Router, Scored, Softmax, Standing, Task, TaskOutcome, TwoChoices
from waggledance.tasks._router import in_order
from waggledance.tasks._softmax import Policy, _exponentials
from waggledance.testing._queue_world import QueueWorld
from waggledance.testing._routing_world import said_outcome

A, B, C = (local_peer_id(name) for name in "abc")
TASK = Task(goal="carry water", kind="carry")


class LeastLoaded(Router):
    """Whoever has the least load by the last word; equals by lot."""

    name: ClassVar[str] = "least-loaded"

    def start(self) -> "LeastLoaded":
        return self

    copy = start

    def learn(self, said: Message[TaskOutcome]) -> None:
        pass

    def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
        return in_order(task, cards, [-card.load for card in cards])


def mean_response(router: Router, age: float) -> float:
    return float(np.mean([QueueWorld(seed, age=age).run(router, 1_500).mean() for seed in range(3)]))


def test_with_old_load_the_least_loaded_stampedes_and_two_choices_does_not() -> None:
    assert mean_response(TwoChoices(), 8) < mean_response(LeastLoaded(), 8) / 2
    assert mean_response(TwoChoices(), 0) < 1.8 * mean_response(LeastLoaded(), 0)


@pytest.mark.slow
def test_a_softmax_keeps_up_with_two_choices_at_every_age() -> None:
    assert mean_response(Softmax(), 8) <= 1.05 * mean_response(TwoChoices(), 8)
    assert mean_response(Softmax(), 0) <= mean_response(TwoChoices(), 0)


def test_faster_peers_are_drawn_more_often_and_times_seen_outweigh_times_claimed() -> None:
    liar = Card(peer=A, task_ms=100)
    honest = Card(peer=B, task_ms=1_000)
    tasks = [Task(goal=f"carry {i}", kind="carry") for i in range(400)]
    one = TwoChoices(choices=1)
    assert sum(one.rank(task, [liar, honest])[0].peer == A for task in tasks) > 330
    said = [
        said_outcome(C, TaskOutcome(task=task.id, task_kind="carry", worker=A, reward_ppm=UNIT,
                                    cost=Cost(milliseconds=4_000)), i + 1)
        for i, task in enumerate(tasks[:40])
    ]  # fmt: skip
    standing = Standing(one, said)
    assert sum(standing.rank(task, [liar, honest])[0].peer == A for task in tasks) < 120


def test_learning_moves_weights_towards_what_is_rewarded() -> None:
    state = Softmax(step_ppm=UNIT).start()
    assert isinstance(state, Policy)
    before = list(state.weights)
    for i in range(60):
        good = i % 2 == 0
        body = TaskOutcome(
            task=Task(goal=f"t{i}").id, task_kind="carry", worker=B, reward_ppm=UNIT * good,
            x=((300_000 if good else -300_000), 0, 0),
        )  # fmt: skip
        state.learn(said_outcome(A, body, i + 1))
    assert state.weights[0] > before[0] + UNIT
    assert state.weights[1:] == before[1:]


def test_a_softmax_draws_as_often_as_its_scores_say_and_says_what_it_saw_of_the_first_alone() -> None:
    cards = [Card(peer=local_peer_id(f"p{i}"), task_ms=500 + 40 * i, load=i % 4) for i in range(40)]
    cards.append(Card(peer=local_peer_id("down"), available=False))
    ranks = [Softmax().rank(Task(goal=f"carry {i}", kind="carry"), cards) for i in range(400)]
    fast = {card.peer for card in cards[:10]}
    share = sum(scored.score_ppm for scored in ranks[0] if scored.peer in fast) / UNIT
    assert sum(rank[0].peer in fast for rank in ranks) / 400 == pytest.approx(share, abs=0.08)
    assert {tuple(len(scored.x) for scored in rank) for rank in ranks} == {(3,) * 32 + (0,) * 9}
    assert all(
        [s.score_ppm for s in rank[1:]] == sorted([s.score_ppm for s in rank[1:]], reverse=True) for rank in ranks
    )


def test_a_softmax_that_ranked_before_ranks_like_one_that_did_not() -> None:
    cards = [Card(peer=local_peer_id(f"p{i}"), task_ms=500 + 90 * i, load=i % 4) for i in range(20)]
    busier = [*cards[:5], replace(cards[5], load=9), *cards[6:]]
    said = [
        said_outcome(
            C, TaskOutcome(task=Task(goal=f"t{i}").id, task_kind="carry", worker=cards[i].peer, reward_ppm=0), i
        )
        for i in range(1, 9)
    ]
    standing, known = Standing(Softmax()), list[Message[TaskOutcome]]()
    for new in ([], said[:4], [], said[4:]):
        standing.add(new)
        known += new
        for task in (TASK, Task(goal="sing", kind="sing"), TASK):
            for here in (cards, busier, cards[:9], cards):
                assert standing.rank(task, here) == Softmax().rank(task, here, known)


def test_what_a_softmax_saw_lies_around_its_mean_by_probability() -> None:
    cards = [Card(peer=local_peer_id(f"p{i}"), task_ms=500 + 90 * i, load=i % 4) for i in range(20)]
    rank = Softmax().rank(TASK, cards)
    for feature in range(3):
        assert abs(sum(s.score_ppm * s.x[feature] for s in rank) / UNIT) < 40  # each score is rounded down


def test_the_table_of_exponentials_is_exact_to_its_last_unit() -> None:
    table = _exponentials()
    assert all(table[k] == pytest.approx(2**29 * np.exp(-k / 1024), abs=1.01) for k in range(0, len(table), 97))
    assert table[-1] == 0


def test_pheromone_gives_up_on_a_peer_that_fails() -> None:
    cards = [Card(peer=A), Card(peer=B)]
    said = [
        said_outcome(C, TaskOutcome(task=Task(goal=f"t{i}").id, task_kind="carry", worker=A, reward_ppm=0), i + 1)
        for i in range(40)
    ]
    standing = Standing(Softmax(ants=True), said)
    tasks = [Task(goal=f"carry {i}", kind="carry") for i in range(300)]
    assert sum(standing.rank(task, cards)[0].peer == A for task in tasks) < 15


def test_fewer_than_one_choice_is_refused() -> None:
    with pytest.raises(UsageError, match="two-choices needs"):
        TwoChoices(choices=0)


@pytest.mark.parametrize("step", [-1, 17 * UNIT])
def test_a_step_out_of_range_is_refused(step: int) -> None:
    with pytest.raises(UsageError, match="softmax needs a step_ppm"):
        Softmax(step_ppm=step)
