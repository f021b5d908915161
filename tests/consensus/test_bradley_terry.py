"""Bradley–Terry: the fit against a slow one, order, size, and what strengths mean."""

from math import log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import strengths
from waggledance.consensus._bradley_terry import luce_shares
from waggledance.core import UNIT

Won = dict[tuple[str, str], int]


def tournament(n: int, comparisons: int, seed: int) -> Won:
    """Return random comparisons of n contenders with strengths exp(N(0, 1.5))."""
    rng = Random(seed)
    true = {f"c{i:02}": rng.gauss(0, 1.5) for i in range(n)}
    won: Won = {}
    for _ in range(comparisons):
        a, b = rng.sample(sorted(true), 2)
        winner, loser = (a, b) if rng.random() < 1 / (1 + 2.718281828 ** (true[b] - true[a])) else (b, a)
        won[winner, loser] = won.get((winner, loser), 0) + UNIT
        won.setdefault((loser, winner), 0)
    return won


def minorise_maximise(won: Won, sweeps: int = 20_000) -> dict[str, float]:
    """Return the same maximum by the classic iteration (Zermelo 1929, Hunter 2004), all contenders at once."""
    contenders = sorted({c for pair in won for c in pair})
    strength = dict.fromkeys(contenders, 1.0)
    for _ in range(sweeps):
        new: dict[str, float] = {}
        for i in contenders:
            wins = 0.5 + sum(won.get((i, j), 0) / UNIT for j in contenders)
            met = 1 / (strength[i] + 1) + sum(
                (won.get((i, j), 0) + won.get((j, i), 0)) / UNIT / (strength[i] + strength[j])
                for j in contenders
                if j != i
            )
            new[i] = wins / met
        moved = max(abs(new[i] / strength[i] - 1) for i in contenders)
        strength = new
        if moved < 1e-13:
            break
    return strength


@pytest.mark.parametrize("seed", range(5))
def test_newmans_iteration_finds_what_the_classic_one_finds(seed: int) -> None:
    won = tournament(8, 60, seed)
    slow = minorise_maximise(won)
    fast = strengths(won)
    assert fast.keys() == slow.keys()
    assert all(abs(log(fast[c] / slow[c])) < 5e-6 for c in fast)


@given(seed=st.integers(0, 1_000), rng=st.randoms(use_true_random=False))
def test_the_order_of_comparisons_does_not_move_a_bit(seed: int, rng: Random) -> None:
    won = tournament(6, 20, seed)
    assert strengths(dict(rng.sample(sorted(won.items()), k=len(won)))) == strengths(won)


def test_renaming_contenders_moves_logarithms_by_less_than_1e_9() -> None:
    won = tournament(35, 1_000, 3)
    renamed = {(a[::-1], b[::-1]): weight for (a, b), weight in won.items()}
    plain, other = strengths(won), strengths(renamed)
    assert all(abs(log(plain[c] / other[c[::-1]])) < 1e-9 for c in plain)


def test_35_proposals_take_few_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    won = tournament(35, 3_675, 1)
    settled = strengths(won)
    monkeypatch.setattr("waggledance.consensus._bradley_terry.SWEEPS_MAX", 20)
    after_20 = strengths(won)
    assert all(abs(log(after_20[c] / settled[c])) < 5e-6 for c in settled)


def test_who_never_met_stays_finite_and_at_one_when_never_compared() -> None:
    fitted = strengths({("a", "b"): 10 * UNIT, ("b", "a"): 0, ("c", "d"): UNIT, ("d", "c"): UNIT}, ["e"])
    assert fitted["e"] == 1.0
    assert fitted["c"] == pytest.approx(1.0)
    assert 1 < fitted["a"] < 100
    assert fitted["a"] * fitted["b"] == pytest.approx(1.0)


def test_swapping_wins_and_losses_turns_strengths_over() -> None:
    won = tournament(6, 40, 2)
    turned = strengths({(b, a): weight for (a, b), weight in won.items()})
    assert all(strength * turned[c] == pytest.approx(1.0) for c, strength in strengths(won).items())


def test_equal_strengths_get_equal_shares_however_many() -> None:
    assert set(luce_shares({f"c{i}": 1.0 + (i % 2) * 1e-13 for i in range(128)}).values()) == {7812}
