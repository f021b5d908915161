"""Centroid: a plurality for free words, and a plurality where there are answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import Centroid, centroid, majority
from waggledance.core import UNIT, Message, Proposal, UsageError, local_peer_id
from waggledance.testing import W4
from waggledance.topology import Embed

Say = Callable[..., Message[Proposal]]


@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=4), weight=st.sampled_from([UNIT // 2, UNIT, 3 * UNIT]))
def test_of_parsed_answers_it_chooses_as_majority_does(say: Say, counts: list[int], weight: int) -> None:
    said = [say(f"p{i} {key}", key) for key, n in zip("ABCD", counts, strict=False) for i in range(n)]
    weights = {said[0].author: weight}
    assert centroid(said, (), weights).key == majority(said, (), weights).key


def test_free_words_are_chosen_by_the_middle_of_them_all_and_the_nearest_speaks_for_them() -> None:
    world = W4(seed=1, truth=0.9, peers=7)
    rule = Centroid(world.embed, "centroid of W4")
    for number in range(20):
        said = world.proposed(number)
        decision = rule(said, (), {})
        winner = next(m for m in said if m.id == decision.winner)
        assert decision.key == winner.body.key
        assert decision.text == winner.body.text
        if world.right(number, said) == 1:
            assert world.thing_in(decision.text) == world.answers(number).truth
        assert decision.rule == "centroid of W4"


def test_wording_decides_where_there_is_no_other_way() -> None:
    world = W4()
    message = world.proposed(0)[0]
    texts = ["Bees dance in the dark hive.", "In the dark hive bees dance.", "Bees dance in a hive.", "It rains."]
    said = [_reworded(message, i, text) for i, text in enumerate(texts)]
    assert centroid(said, (), {}).text != "It rains."
    assert centroid(said, (), {}).support["it rains."] == min(centroid(said, (), {}).support.values())


def test_a_heavy_peer_draws_the_middle_to_itself() -> None:
    world = W4(seed=3)
    for number in range(5):
        said = world.proposed(number)
        weights = {said[2].author: 50 * UNIT}
        assert Centroid(world.embed)(said, (), weights).winner == said[2].id


@pytest.mark.parametrize(("truth", "popular"), [(0.35, 0.0), (0.35, 0.6), (0.5, 0.0)])
def test_it_is_within_two_points_of_a_plurality(truth: float, popular: float) -> None:
    _compared(truth, popular, questions=400, within=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("truth", "popular"), [(0.35, 0.0), (0.35, 0.6), (0.5, 0.0)])
def test_it_is_within_a_point_of_a_plurality(truth: float, popular: float) -> None:
    _compared(truth, popular, questions=4_000, within=0.01)


def _compared(truth: float, popular: float, *, questions: int, within: float) -> None:
    world, nearest, plural = W4(seed=12, truth=truth, popular=popular), 0.0, 0.0
    rule = Centroid(world.embed)
    for number in range(questions):
        said = world.proposed(number)
        nearest += world.thing_in(rule(said, (), {}).text) == world.answers(number).truth
        plural += world.right(number, said)
    assert abs(nearest - plural) / questions <= within, (nearest, plural)


def test_an_embedding_that_is_none_is_refused() -> None:
    world = W4()
    broken: Embed = lambda texts: world.embed(texts) * float("nan")  # noqa: E731
    with pytest.raises(UsageError, match="embedding"):
        Centroid(broken)(world.proposed(0), (), {})


def test_naming_the_rule_does_not_load_numpy() -> None:
    code = "import sys; from waggledance.consensus import by_name; by_name('centroid'); print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def _reworded(message: Message[Proposal], i: int, text: str) -> Message[Proposal]:
    from msgspec.structs import replace

    return replace(message, id=bytes([i]) * 32, author=local_peer_id(f"p{i}"), body=Proposal.of(text.casefold(), text))
