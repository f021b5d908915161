"""Weights of judges from probes: logarithms of odds, floored at 0, whole numbers."""

from math import log

from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import from_probes
from waggledance.core import UNIT, local_peer_id

ANN = local_peer_id("ann")


@given(right=st.integers(0, 100), wrong=st.integers(0, 100))
def test_a_weight_is_the_logarithm_of_the_odds_and_never_below_0(right: int, wrong: int) -> None:
    weights = from_probes([(ANN, True)] * right + [(ANN, False)] * wrong)
    if right + wrong:
        chance = (right + 1) / (right + wrong + 2)
        assert abs(weights[ANN] - max(0.0, UNIT * log(chance / (1 - chance)))) <= 1
    else:
        assert weights == {}


def test_the_order_of_probes_does_not_matter() -> None:
    outcomes = [(local_peer_id(name), i % 3 > 0) for name in ("ann", "bob") for i in range(10)]
    assert list(from_probes(outcomes).items()) == list(from_probes(outcomes[::-1]).items())
