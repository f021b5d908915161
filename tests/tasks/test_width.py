"""Width halves the turns; wide first beats narrow first; the widest pays for calls that find nothing."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.tasks import Ascending, Budgeted, Constant, Descending
from waggledance.tasks._width import Width

HOPS, LIMIT, QUESTIONS = 6, 14, 1_500
LEADS = (9.0, 7.5, 6.0, 4.5, 3.0, 1.5)
"""Mean leads at each hop of which one is right, about 9 to 1.5 as on the card."""


@cache
def played(width: Width) -> dict[str, float]:
    """Simulate the card's world: a call tests one lead of the hop; width beyond one misreads more often."""
    rng = Random(11)
    solved = turns = calls = 0
    for _ in range(QUESTIONS):
        hop = turn = 0
        left: list[int] = []
        while hop < HOPS:
            if not left:
                n = rng.randint(1, round(2 * LEADS[hop]) - 1)
                left = [1] + [0] * (n - 1)
                rng.shuffle(left)
            k = width.at(turn)
            calls += k
            turn += 1
            tested, left = left[:k], left[k:]
            if 1 in tested and rng.random() >= 0.012 * (k - 1):
                hop, left = hop + 1, []
        turns += turn
        solved += turn <= LIMIT
    return {
        "solved": solved / QUESTIONS,
        "turns": turns / QUESTIONS,
        "calls": calls / QUESTIONS,
        "cost": (3 * turns + 0.5 * calls) / QUESTIONS,
    }


def test_three_calls_a_step_need_little_more_than_half_the_turns_of_one() -> None:
    assert played(Constant(3))["turns"] <= 0.55 * played(Constant(1))["turns"]
    assert played(Constant(3))["solved"] - played(Constant(1))["solved"] > 0.4


def test_wide_first_takes_fewer_turns_and_costs_less_than_narrow_first() -> None:
    wide, narrow = played(Descending()), played(Ascending())
    assert wide["turns"] <= 0.75 * narrow["turns"]
    assert wide["cost"] <= 0.9 * narrow["cost"]
    assert played(Descending(hold=5))["solved"] - played(Ascending(hold=5))["solved"] >= 0.09  # ± 0.01


def test_eight_calls_a_step_cost_more_than_three_and_find_no_more() -> None:
    assert played(Constant(8))["cost"] >= 1.15 * played(Constant(3))["cost"]


@pytest.mark.parametrize(
    ("width", "seen"), [(Constant(3), [3, 3, 3]), (Descending(), [8, 5, 1]), (Ascending(), [1, 3, 8])]
)
def test_a_schedule_is_what_its_name_says(width: Width, seen: list[int]) -> None:
    assert [width.at(step) for step in (2, 3, 99)] == seen


def test_a_budget_lasts_for_its_steps() -> None:
    left, widths = 40, list[int]()
    for step in range(14):
        widths.append(Budgeted(14).at(step, left))
        left -= widths[-1]
    assert left == 0
    assert min(widths) >= 1
    assert Budgeted().at(0) == 3


@given(
    st.sampled_from([Constant(5), Descending(), Ascending(), Budgeted()]),
    st.integers(0, 50),
    st.none() | st.integers(0, 50),
)
def test_a_step_never_asks_for_more_than_is_left_and_for_one_while_any_is(
    width: Width, step: int, left: int | None
) -> None:
    k = width.at(step, left)
    assert k >= 1 if left is None or left else k == 0
    assert left is None or k <= left


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(0),
        lambda: Constant(65),
        lambda: Descending(()),
        lambda: Descending((1, 2)),
        lambda: Ascending((2, 1)),
        lambda: Budgeted(steps=0),
        lambda: Descending(hold=0),
        lambda: Constant().at(-1),
        lambda: Constant().at(0, -1),
    ],
)
def test_no_width_at_all_is_refused(make: Any) -> None:
    with pytest.raises(UsageError):
        make()
