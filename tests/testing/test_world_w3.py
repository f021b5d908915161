"""Debate on W3: what the card of confidence debate promises."""

from statistics import NormalDist, mean, stdev

import numpy as np
import pytest

from waggledance import Swarm
from waggledance.consensus import auroc
from waggledance.core import Decision, Proposal, UsageError, local_peer_id
from waggledance.protocols import ConfidenceDebate, Debate
from waggledance.testing import W3

DEBATES = 20_000


def test_equal_weights_move_no_belief_but_lower_the_majority() -> None:
    drift = W3(seed=1, listening="uniform").debates(DEBATES, rounds=5)
    assert abs(drift.belief[1] - drift.belief[0]) < 0.003
    assert drift.majority[1] < drift.majority[0] - 0.01


def test_confidence_that_tells_nothing_moves_no_belief() -> None:
    drift = W3(seed=1, separation=0.0).debates(DEBATES, rounds=5)
    assert abs(drift.belief[1] - drift.belief[0]) < 0.006


@pytest.mark.parametrize(
    ("separation", "belief", "majority"), [(0.7, 58.0, 65.0), (1.0, 60.7, 68.6), (1.5, 66.1, 75.2), (-0.7, 41.8, 43.4)]
)
def test_confidence_moves_belief_as_far_as_the_card_says(separation: float, belief: float, majority: float) -> None:
    drift = W3(seed=1, separation=separation).debates(DEBATES, rounds=5)
    assert abs(100 * drift.belief[0] - 50.1) < 1
    assert abs(100 * drift.majority[0] - 57.6) < 1.5
    assert abs(100 * drift.belief[1] - belief) < 1.2
    assert abs(100 * drift.majority[1] - majority) < 1.5


def test_half_of_the_error_of_confidence_in_common_changes_nearly_nothing() -> None:
    drift = W3(seed=1, in_common=0.5).debates(DEBATES, rounds=5)
    assert abs(100 * drift.belief[1] - 60.3) < 1.2
    assert abs(100 * drift.majority[1] - 67.6) < 1.5
    alike = W3(seed=1, in_common=1.0)
    assert len(np.unique(alike.confidences(3), axis=0)) == 1
    assert len(np.unique(W3(seed=1, in_common=0.5).confidences(3), axis=0)) == alike.peers


@pytest.mark.parametrize(
    ("truth", "plain", "sure", "majority", "weighted"),
    [(0.2, 22.9, 29.7, 18.0, 29.7), (0.5, 53.0, 61.3, 60.8, 72.3), (0.7, 72.5, 79.0, 83.7, 90.1)],
)
def test_at_equal_answers_debate_pays_only_where_most_are_wrong(
    truth: float, plain: float, sure: float, majority: float, weighted: float
) -> None:
    """The table of Yang et al. 2025, arXiv:2505.22960, as the card has it: 12 answers by 3 debaters, or 12 votes."""
    debate = W3(3, seed=1, truth=truth, listening="uniform").debates(DEBATES, rounds=3).majority[1]
    confident = W3(3, seed=1, truth=truth).debates(DEBATES, rounds=3).majority[1]
    vote = W3(12, seed=1, truth=truth).debates(DEBATES, rounds=0)
    seen = [100 * share for share in (debate, confident, vote.majority[0], vote.weighted[0])]
    assert seen == pytest.approx([plain, sure, majority, weighted], abs=2)
    assert (debate < vote.majority[0]) == (truth > 0.3)
    assert confident < vote.weighted[0]


@pytest.mark.parametrize(("separation", "quality"), [(0.7, 0.69), (1.0, 0.76), (1.5, 0.86), (0.0, 0.5), (-0.7, 0.31)])
def test_stated_confidence_tells_right_from_wrong_as_well_as_it_is_told_to(separation: float, quality: float) -> None:
    assert abs(NormalDist().cdf(separation / np.sqrt(2)) - quality) < 0.005
    world = W3(seed=2, separation=separation)
    pairs: list[tuple[int, bool]] = []
    for number in range(400):
        truth, _ = world.first_counts(number)
        stated = world.confidences(number)
        pairs += [(round(1e6 * stated[i, k]), k == truth) for i in range(world.peers) for k in range(4)]
    assert abs(auroc(pairs) - quality) < 0.03


@pytest.mark.parametrize(("listening", "separation"), [("uniform", 1.0), ("confidence", 1.5)])
def test_peers_in_a_swarm_move_as_the_arrays_do(listening: str, separation: float) -> None:
    world = W3(seed=3, separation=separation, listening=listening)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    seats = world.seats()
    swarm = Swarm(seats, protocol=Debate(rounds=2))
    moved: list[float] = []
    for number in range(150):
        before = world.first_counts(number)
        swarm.ask_sync(world.case(number).question)
        moved.append(mean(peer.belief(number) for peer in seats) - before[1][before[0]] / 4)
    arrays = world.debates(DEBATES, rounds=2)
    difference = mean(moved) - (arrays.belief[1] - arrays.belief[0])
    assert abs(difference) < 4 * stdev(moved) / np.sqrt(len(moved))
    assert listening == "uniform" or mean(moved) > 0.04


def test_counting_confidence_in_code_decides_better_than_the_last_words_alone() -> None:
    world, questions = W3(seed=4, separation=1.5), 250
    right: dict[str, int] = {}
    for protocol in (Debate(rounds=2), ConfidenceDebate(rounds=2)):
        swarm = Swarm(world.seats(), protocol=protocol)
        cases = [world.case(number) for number in range(questions)]
        right[protocol.name] = sum(swarm.ask_sync(case.question).key == case.truth for case in cases)
    assert right["confidence-debate"] >= right["debate"] + 0.04 * questions


def test_the_true_option_stands_at_every_place() -> None:
    world = W3(seed=5)
    assert {world.case(number).truth for number in range(50)} == set("ABCD")


async def test_every_peer_states_the_confidence_that_the_world_drew_for_its_answer() -> None:
    world = W3(3, seed=5)
    index = {local_peer_id(peer.name): peer.index for peer in world.seats()}
    stated = 0
    async for event in Swarm(world.seats(), protocol=Debate(rounds=1)).watch(world.case(0).question):
        if not isinstance(event, Decision) and isinstance(event.body, Proposal):
            drawn = world.confidences(0)[index[event.author], "ABCD".index(str(event.body.key))]
            assert event.body.confidence_ppm == round(drawn * 1_000_000)
            stated += 1
    assert stated == 6


def test_a_share_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="truth=0"):
        W3(truth=0.0)
    for none in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="in_common"):
            W3(in_common=none)
