"""W4: what its figures rest on."""

import numpy as np
import pytest

from waggledance import Swarm
from waggledance.core import UsageError
from waggledance.network import Simulated
from waggledance.protocols import Debate
from waggledance.testing import W4, Answers
from waggledance.testing._world_w4 import THINGS
from waggledance.topology import SelfOrg


def test_peers_say_the_truth_as_often_as_they_should_and_no_number_is_favoured() -> None:
    world = W4(peers=5, seed=2, truth=0.35)
    answers: list[Answers] = [world.answers(number) for number in range(3_000)]
    right = sum(a.said.tolist().count(a.truth) for a in answers) / (5 * 3_000)
    truths = np.bincount([a.truth for a in answers], minlength=THINGS)
    assert abs(right - 0.35) < 0.02  # 5 s.e.
    assert truths.min() > 280  # 375 ± 5 s.d.


def test_a_popular_error_draws_its_share_of_errors() -> None:
    world, most = W4(seed=2, truth=0.2, popular=0.6, peers=15), 0
    for number in range(400):
        answers = world.answers(number)
        errors = answers.said[answers.said != answers.truth]
        most += np.bincount(errors, minlength=THINGS).max() / len(errors)
    assert 0.6 < most / 400 < 0.75  # .6 and a seventh of the rest, a little more as the largest is looked for


def test_wordings_of_one_thing_are_nearer_than_those_of_two() -> None:
    world = W4(noise=0.6)
    texts = [world.wording(0, thing, peer, 0) for thing in range(3) for peer in range(4)]
    like = (places := world.embed(texts)) @ places.T
    thing = np.repeat(range(3), 4)
    same, other = like[(thing[:, None] == thing) & (like < 0.999)], like[thing[:, None] != thing]
    assert same.min() > other.max()
    assert other.min() > 0.2  # all share the question's base


def test_a_swarm_and_the_quick_way_hold_the_same_talk() -> None:
    world = W4(seed=4, help=0.3)
    quick = world.discussions(SelfOrg(embed=world.embed), rounds=0, questions=5)
    asked = [
        Swarm(world.seats(), network=Simulated(seed=1), protocol=Debate(rounds=2, topology=SelfOrg(embed=world.embed)))
        .ask_sync(world.case(number).question)
        for number in range(5)
    ]  # fmt: skip
    assert all(world.thing_in(decision.text) < THINGS for decision in asked)
    assert quick.majority[0] == quick.majority[1]
    assert quick.read == 0


def test_peers_without_recognition_take_over_half_of_what_most_say() -> None:
    world, took = W4(peers=5, seed=1, help=0.0), 0
    for number in range(400):
        mine, *others = world.proposed(number)
        heard = [others[0]] * 2
        own, most = world.thing_in(mine.body.text), world.thing_in(heard[0].body.text)
        if own != most:
            took += 1 if world.moved(number, 0, 1, mine, heard) == most else -1
    assert abs(took) < 80  # 0 ± 4 s.d.


@pytest.mark.parametrize("wrong", [{"truth": 1.1}, {"popular": -0.1}, {"help": 0.6}, {"noise": float("nan")}])
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)) + "="):
        W4(**wrong)  # type: ignore[arg-type]


def test_words_of_elsewhere_are_refused() -> None:
    with pytest.raises(UsageError, match="texts of its own"):
        W4().thing_in("It is thing 3")
