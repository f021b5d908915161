"""Bodies made from loose values: a confidence that is none."""

from __future__ import annotations

import pytest

from waggledance.core import UNIT, Proposal, UsageError


@pytest.mark.parametrize("stated", [float("nan"), float("inf"), float("-inf"), -0.01, 1.01, 85.0])
def test_a_confidence_that_is_no_number_from_0_to_1_states_nothing(stated: float) -> None:
    assert Proposal.of("4", confidence=stated).confidence_ppm is None


@pytest.mark.parametrize(("stated", "ppm"), [(0.0, 0), (0.25, 250_000), (1.0, UNIT), (None, None)])
def test_a_confidence_from_0_to_1_is_kept_in_parts_per_million(stated: float | None, ppm: int | None) -> None:
    assert Proposal.of("4", confidence=stated).confidence_ppm == ppm


@pytest.mark.parametrize("ppm", [-1, UNIT + 1, float("nan")])
def test_a_message_with_a_confidence_outside_of_0_to_1_is_not_born(ppm: int) -> None:
    with pytest.raises(UsageError, match="a confidence lies between 0 and 1000000"):
        Proposal(key="4", confidence_ppm=ppm)
