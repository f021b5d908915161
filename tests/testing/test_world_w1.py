from collections import Counter

import numpy as np
import pytest

from waggledance import Swarm
from waggledance.core import UsageError
from waggledance.protocols import Vote
from waggledance.testing import W1

QUESTIONS = 4000


def test_the_true_option_stands_at_every_place_equally_often() -> None:
    world = W1(5, seed=3)
    places = Counter(world.case(number).truth for number in range(QUESTIONS))
    assert set(places) == set("ABCD")
    assert all(abs(n - QUESTIONS / 4) < 5 * np.sqrt(QUESTIONS * 3 / 16) for n in places.values())


def test_peers_are_right_about_half_of_the_time_the_last_ones_most() -> None:
    world = W1(15, seed=3)
    right = np.mean([world.answers(n).said == world.answers(n).truth for n in range(QUESTIONS)], axis=0)
    assert abs(right.mean() - 0.54) < 0.03
    assert right[:5].mean() + 0.15 < right[-5:].mean()


def test_errors_come_together_so_that_a_majority_gains_less_than_from_independent_ones() -> None:
    world = W1(35, seed=3)
    shared: list[float] = []
    for number in range(1000):
        answers = world.answers(number)
        errors = np.sort(np.bincount(answers.said[answers.said != answers.truth], minlength=4))
        if errors.sum() >= 10:
            shared.append(float(errors[-1] / errors.sum()))
    assert abs(np.mean(shared) - (0.6 + 0.4 / 3)) < 0.02
    votes = [np.bincount(world.answers(n).said, minlength=4) for n in range(1000)]
    right = np.mean([counts.argmax() == world.answers(n).truth for n, counts in enumerate(votes)])
    assert 0.60 < right < 0.73, "35 independent peers of .54 would be right on nearly all questions"


def test_a_swarm_of_its_peers_says_what_the_world_drew() -> None:
    world = W1(5, seed=3)
    swarm = Swarm(world.seats(), protocol=Vote())
    for number in range(20):
        decision = swarm.ask_sync(world.case(number).question)
        drawn = Counter("ABCD"[answer] for answer in world.answers(number).said)
        assert {key: votes // 1_000_000 for key, votes in decision.support.items()} == drawn


def test_a_peer_answers_no_question_of_another_world() -> None:
    with pytest.raises(UsageError, match="its own questions only"):
        W1(5, seed=1).number_of(W1(5, seed=2).case(0).question)


def test_same_seed_same_world_and_another_seed_another() -> None:
    one, same, other = W1(5, seed=1), W1(5, seed=1), W1(5, seed=2)
    assert [one.case(n) for n in range(50)] == [same.case(n) for n in range(50)]
    assert [one.case(n).truth for n in range(50)] != [other.case(n).truth for n in range(50)]


def test_sizes_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="peers=0"):
        W1(0)
    with pytest.raises(UsageError, match="seed"):
        W1(3, seed=-1)
