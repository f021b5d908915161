"""`LinUCB`: its algebra beside numpy's, and its regret in the world of the card `symphony`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, UsageError
from waggledance.tasks import LinUCB, Task
from waggledance.tasks._lin_ucb import FEATURES, inverted
from waggledance.testing._routing_world import RoutingWorld


@given(rows=st.lists(st.lists(st.integers(0, UNIT), min_size=FEATURES, max_size=FEATURES), max_size=30))
@settings(max_examples=25)
def test_the_inverse_in_whole_numbers_equals_numpys(rows: list[list[int]]) -> None:
    x = np.array(rows, dtype=np.int64).reshape(-1, FEATURES)
    matrix = np.eye(FEATURES, dtype=np.int64) * UNIT * UNIT + x.T @ x
    ours = np.array(inverted(matrix.tolist())) / 2.0**40
    assert ours == pytest.approx(np.linalg.inv(matrix / UNIT**2), abs=1e-6)


def test_regret_stays_under_the_cards_bound_and_falls() -> None:
    runs = [RoutingWorld(seed).run(LinUCB(), 2_000) for seed in range(3)]
    assert np.mean([run.total() for run in runs]) < 40
    assert np.mean([run.regret[-500:].sum() for run in runs]) <= 0.5 * np.mean([run.regret[:500].sum() for run in runs])


@pytest.mark.slow
def test_a_silently_degraded_expert_is_left_within_250_tasks() -> None:
    def degrade(world: RoutingWorld) -> None:
        world.means[world.experts[0], 0] = 0.2

    runs = [RoutingWorld(seed).run(LinUCB(), 1_500, events={1_000: degrade}) for seed in range(5)]
    assert np.median([500 if (n := run.recovered(0, 1_000)) is None else n for run in runs]) <= 250


def test_only_screened_peers_carry_features() -> None:
    world = RoutingWorld(1)
    ranking = LinUCB(screened=2).rank(Task(goal="look", kind="kind-0"), world.cards())
    assert [len(scored.x) for scored in ranking] == [6, 6, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("wrong", [{"screened": 0}, {"explore_ppm": -1}, {"keep_ppm": 0}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"lin-ucb needs|parts per million"):
        LinUCB(**wrong)
