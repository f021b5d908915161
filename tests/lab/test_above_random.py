"""Scores above random."""

from __future__ import annotations

from math import nan

import pytest

from waggledance.core import UsageError
from waggledance.lab import above_random


def test_a_score_below_random_is_negative_and_one_without_room_is_none() -> None:
    assert above_random(0.88, random=0.88, ceiling=1.0) == 0
    assert above_random(0.4, random=0.5, ceiling=1.0) == pytest.approx(-0.2)
    assert above_random(0.5, random=0.5, ceiling=0.5) is None
    with pytest.raises(UsageError):
        above_random(nan, 0.0, 1.0)
