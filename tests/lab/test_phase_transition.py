"""Numbers of the card phase-transition: boundaries, trees, the s > β rule, the floor of averaging."""

from collections.abc import Callable
from math import inf, nan

import numpy as np
import pytest

from waggledance.core import UsageError
from waggledance.lab._phase_transition import (
    alpha,
    averaged_variance,
    best_tree,
    critical_fidelity,
    leaf_compute,
    majority_bias,
    message_cost,
    organisation_exponent,
    recursion,
    slope,
    variance_floor,
)


def simulated_tree(bias: float, levels: int, fan_in: int, fidelity: float, rho: float, trees: int, seed: int) -> float:
    """A tree where a message keeps its sign with chance (1 + γ)/2, and with chance ρ a node's inputs are all one."""
    rng = np.random.default_rng(seed)
    leaves = np.where(rng.random((trees, fan_in**levels)) < (1 + bias) / 2, 1, -1)
    for _ in range(levels):
        heard = leaves * np.where(rng.random(leaves.shape) < (1 + fidelity) / 2, 1, -1)
        groups = heard.reshape(trees, -1, fan_in)
        copied = rng.random(groups.shape[:2]) < rho
        leaves = np.where(copied, groups[:, :, 0], np.sign(groups.sum(axis=2)))
    return float(leaves.mean())


def test_a_majority_strengthens_weak_biases_by_the_published_slopes() -> None:
    assert [round(slope(b), 4) for b in (3, 5, 7, 9)] == [1.5, 1.875, 2.1875, 2.4609]
    for b in (3, 5, 7, 9):
        assert majority_bias(1e-6, b) / 1e-6 == pytest.approx(slope(b), rel=1e-4)
        assert (majority_bias(1.0, b), majority_bias(-1.0, b), majority_bias(0.0, b)) == pytest.approx((1, -1, 0))


@pytest.mark.parametrize(("fan_in", "rho", "theory"), [(3, 0, 0.667), (3, 0.3, 0.741), (5, 0, 0.533), (5, 0.3, 0.620)])
def test_a_signal_grows_above_the_critical_fidelity_and_dies_below_it(fan_in: int, rho: float, theory: float) -> None:
    critical = critical_fidelity(fan_in, rho)
    assert round(critical, 3) == theory
    assert alpha(fan_in, critical, rho) == pytest.approx(1.0)
    assert recursion(0.04, 5, fan_in, critical + 0.03, rho) > 0.04 > recursion(0.04, 5, fan_in, critical - 0.03, rho)


@pytest.mark.parametrize("times", [0.85, 0.95, 1.0, 1.05, 1.15])
def test_simulated_trees_follow_the_recursion(times: float) -> None:
    """Card: difference ≤ .04, standard error .016, at b = 5, L = 5, 4,000 trees; the theory's row is exact."""
    expected = {0.85: 0.044, 0.95: 0.077, 1.0: 0.099, 1.05: 0.126, 1.15: 0.196}[times]
    fidelity = times * critical_fidelity(5, 0.2)
    assert recursion(0.1, 5, 5, fidelity, 0.2) == pytest.approx(expected, abs=0.0006)
    assert simulated_tree(0.1, 3, 5, fidelity, 0.2, 4_000, 1) == pytest.approx(
        recursion(0.1, 3, 5, fidelity, 0.2), abs=0.05
    )


def test_the_boundary_of_simulated_trees_is_where_the_theory_has_it() -> None:
    """Card: the fidelity at which root and leaf have equal bias, b = 3, ρ = .3: .747, theory .741, tolerance .03."""
    critical = critical_fidelity(3, 0.3)
    above = simulated_tree(0.04, 5, 3, critical + 0.08, 0.3, 20_000, 2)
    below = simulated_tree(0.04, 5, 3, critical - 0.08, 0.3, 20_000, 3)
    assert above > 0.04 > below


SETTINGS = [(b, gamma, rho, beta) for b, gamma in ((3, 0.95), (5, 0.95)) for rho in (0.0, 0.3)
            for beta in (0.1, 0.2, 0.3, 0.4)]  # fmt: skip


def test_trees_win_where_the_organisation_exponent_beats_the_agent_s() -> None:
    """Card: in 15 of 16 settings the predicted side wins at a budget of 100,000 tokens, the other one is a tie."""
    right = ties = 0
    for fan_in, fidelity, rho, beta in SETTINGS:
        made = best_tree(1e5, scale=0.02, beta=beta, fan_in=fan_in, fidelity=fidelity, rho=rho, message_tokens=20)
        alone = min(1.0, 0.02 * 1e5**beta)
        predicted = organisation_exponent(fan_in, fidelity, rho) > beta
        ties += predicted and made.levels == 0 and alone == 1.0
        right += (made.levels > 0) == predicted
    assert right + ties >= 15


@pytest.mark.parametrize(
    ("rho", "beta", "levels", "bias"),
    [(0.0, 0.2, 4, 0.48), (0.0, 0.4, 0, 1.0), (0.3, 0.2, 4, 0.274), (0.3, 0.3, 0, 0.632)],
)
def test_the_card_s_budgets_are_spent_as_the_card_says(rho: float, beta: float, levels: int, bias: float) -> None:
    made = best_tree(1e5, scale=0.02, beta=beta, fan_in=5, fidelity=0.95, rho=rho, message_tokens=20)
    assert (made.levels, made.bias) == (levels, pytest.approx(bias, abs=0.001))


def test_leaf_compute_is_the_optimum_of_its_own_formula() -> None:
    s, beta, cost = organisation_exponent(5, 0.95, 0.0), 0.2, message_cost(5, 20)
    best = leaf_compute(5, 0.95, 0.0, beta, 20)

    def strength(x: float) -> float:
        return float((1e5 / (x + cost)) ** s * x**beta)

    assert strength(best) > max(strength(0.9 * best), strength(1.1 * best))
    assert leaf_compute(5, 0.95, 0.3, 0.3, 20) == inf


def test_averaging_ends_at_its_floor_whatever_the_depth() -> None:
    seen = [averaged_variance(1.0, levels, 5, 0.1, 0.2) for levels in (1, 2, 3, 5, 8)]
    assert seen == pytest.approx([0.380, 0.157, 0.076, 0.037, 0.0315], abs=0.0006)
    assert variance_floor(5, 0.1, 0.2) == pytest.approx(averaged_variance(1.0, 40, 5, 0.1, 0.2))
    assert variance_floor(5, 0.1, 1.0) == inf


@pytest.mark.parametrize(
    "nonsense",
    [
        lambda: slope(4),
        lambda: slope(1),
        lambda: majority_bias(1.5, 3),
        lambda: majority_bias(nan, 3),
        lambda: alpha(3, 1.2, 0.0),
        lambda: alpha(3, 0.9, nan),
        lambda: recursion(0.1, -1, 3, 0.9, 0.0),
        lambda: leaf_compute(3, 0.9, 0.0, 0.0, 20),
        lambda: message_cost(3, -1),
        lambda: best_tree(0, scale=0.1, beta=0.2, fan_in=3, fidelity=0.9, rho=0.0, message_tokens=20),
        lambda: best_tree(inf, scale=0.1, beta=0.2, fan_in=3, fidelity=0.9, rho=0.0, message_tokens=20),
        lambda: averaged_variance(-1.0, 2, 5, 0.1, 0.2),
        lambda: variance_floor(1, 0.1, 0.2),
    ],
)
def test_numbers_that_make_no_tree_are_refused(nonsense: Callable[[], float]) -> None:
    with pytest.raises(UsageError):
        nonsense()


def test_where_no_word_survives_nothing_grows() -> None:
    assert organisation_exponent(3, 0.0, 0.5) == -inf
    assert recursion(0.9, 3, 3, 0.0, 0.5) == 0.0
