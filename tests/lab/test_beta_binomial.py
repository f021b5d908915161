from math import comb, nan

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.lab import effective_voters, majority_with_correlation, plurality_with_correlation
from waggledance.lab._beta_binomial import right_of

shares = st.floats(0.0, 1.0)


def test_fifteen_voters_of_shared_difficulty_are_predicted_as_the_card_says() -> None:
    """Card phase-transition: accuracy .685, ρ .21: true majority .776, Beta-binomial .773, independence .935."""
    assert round(majority_with_correlation(15, 0.685, 0.21), 3) == 0.773
    assert round(majority_with_correlation(15, 0.685, 0.0), 3) == 0.935
    assert round(effective_voters(15, 0.21), 1) == 3.8


@pytest.mark.parametrize(("n", "spread"), [(5, 0.6), (9, 1.5), (15, 2.5), (9, 4.0)])
def test_a_simulated_world_of_shared_difficulty_is_predicted_within_a_point(n: int, spread: float) -> None:
    """Difficulty is normal in logits here, so that the Beta distribution is an approximation, as in the card."""
    rng = np.random.default_rng(n)
    chance = 1 / (1 + np.exp(-(0.9 + spread * rng.normal(size=(40_000, 1)))))
    right = rng.random((40_000, n)) < chance
    accuracy = float(right.mean())
    off_diagonal = ~np.eye(n, dtype=bool)
    rho = float(np.asarray(np.corrcoef(right.T))[off_diagonal].mean())
    seen = float((2 * right.sum(axis=1) > n).mean())
    assert abs(majority_with_correlation(n, accuracy, rho) - seen) < 0.01


@pytest.mark.parametrize("agreement", [0.05, 0.3, 0.8])
def test_scattered_errors_are_predicted_as_simulated_in_a_restaurant(agreement: float) -> None:
    rng, n, p, rho, c = np.random.default_rng(3), 7, 0.35, 0.2, 1 / agreement - 1
    wins = 0.0
    for chance in rng.beta(p * 4, (1 - p) * 4, size=6_000):
        right = int((rng.random(n) < chance).sum())
        tables: list[int] = []
        for guests in range(n - right):
            place = rng.choice(len(tables) + 1, p=[*(t / (c + guests) for t in tables), c / (c + guests)])
            tables = [t + (i == place) for i, t in enumerate(tables)] + [1] * int(place == len(tables))
        rival = max(tables, default=0)
        wins += 0.0 if right < rival or right == 0 else 1 / (1 + tables.count(right)) if right == rival else 1.0
    assert abs(plurality_with_correlation(n, p, rho, agreement) - wins / 6_000) < 0.02


@settings(max_examples=40)
@example(n=1, accuracy=5e-324, rho=0.75, agreement=0.0)
@example(n=25, accuracy=1 - 2**-53, rho=5e-324, agreement=1.0)
@example(n=2, accuracy=0.5, rho=1 - 2**-53, agreement=0.5)
@given(n=st.integers(1, 25), accuracy=shares, rho=shares, agreement=shares)
def test_chances_stay_chances_and_scattered_errors_never_hurt(
    n: int, accuracy: float, rho: float, agreement: float
) -> None:
    assert sum(right_of(n, accuracy, rho)) == pytest.approx(1.0, abs=1e-6)
    majority = majority_with_correlation(n, accuracy, rho)
    plurality = plurality_with_correlation(n, accuracy, rho, agreement)
    assert 0 <= majority <= 1 + 1e-9
    assert majority - 1e-4 <= plurality <= 1


@given(n=st.integers(1, 20), accuracy=st.floats(0.01, 0.99), rho=st.floats(0.0, 0.99))
def test_errors_that_all_agree_make_a_plurality_a_majority(n: int, accuracy: float, rho: float) -> None:
    assert plurality_with_correlation(n, accuracy, rho, 1.0) == pytest.approx(
        majority_with_correlation(n, accuracy, rho), abs=1e-4
    )


@given(n=st.integers(1, 15), accuracy=shares)
def test_copies_are_one_voter_and_independent_ones_are_binomial(n: int, accuracy: float) -> None:
    assert majority_with_correlation(n, accuracy, 1.0) == pytest.approx(accuracy)
    tail = sum(comb(n, x) * accuracy**x * (1 - accuracy) ** (n - x) * (0.5 if 2 * x == n else 1)
               for x in range(n + 1) if 2 * x >= n)  # fmt: skip
    assert majority_with_correlation(n, accuracy, 0.0) == pytest.approx(tail)


def test_voters_beyond_one_over_rho_are_worth_nothing_more() -> None:
    assert effective_voters(10**6, 0.25) == pytest.approx(4.0, abs=1e-4)
    many = [majority_with_correlation(n, 0.6, 0.25) for n in (5, 15, 61, 101)]
    assert many[1] - many[0] > 2 * (many[3] - many[2])


@pytest.mark.parametrize("wrong", [(0, 0.5, 0.1), (3, nan, 0.1), (3, 1.1, 0.1), (3, 0.5, -0.1), (3, 0.5, nan)])
def test_numbers_that_are_no_chances_are_refused(wrong: tuple[int, float, float]) -> None:
    with pytest.raises(UsageError):
        majority_with_correlation(*wrong)
    with pytest.raises(UsageError):
        plurality_with_correlation(3, 0.5, 0.1, nan)
