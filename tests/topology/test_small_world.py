"""Small worlds: number of links, how many are moved, refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.topology import Ring, SmallWorld


@given(n=st.integers(3, 50), half=st.integers(1, 4), rewire=st.floats(0, 1), seed=st.integers(0, 1_000))
def test_rewiring_keeps_the_number_of_links(n: int, half: int, rewire: float, seed: int) -> None:
    if 2 * half >= n:
        with pytest.raises(UsageError, match="choose a smaller even k"):
            SmallWorld(2 * half, rewire).check(n)
        return
    drawn = SmallWorld(2 * half, rewire).hears(n, 0, seed)
    assert sum(len(near) for near in drawn) == 2 * half * n
    assert min(len(near) for near in drawn) >= half


def test_without_rewiring_it_is_the_circle() -> None:
    assert SmallWorld(4, 0.0).hears(20, 0, 1) == Ring(2).hears(20, 0, 1)


def test_about_the_given_share_of_links_is_moved() -> None:
    n, k, rewire = 1_000, 6, 0.2
    circle = SmallWorld(k, 0.0).hears(n, 0, 1)
    drawn = SmallWorld(k, rewire).hears(n, 0, 1)
    moved = sum(len(set(near) - set(before)) for near, before in zip(drawn, circle, strict=True)) / (k * n)
    assert moved == pytest.approx(rewire, abs=0.03)


@pytest.mark.parametrize(
    ("k", "rewire", "said"), [(3, 0.1, "k is 2, 4"), (0, 0.1, "k is 2, 4"), (4, 1.5, "rewire=1.5")]
)
def test_parameters_out_of_range_are_refused(k: int, rewire: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SmallWorld(k, rewire)
