"""The table of the cascade card: growing scope repairs as much as asking all, for less than half of the messages."""

from __future__ import annotations

import pytest

from waggledance.tasks import Gate
from waggledance.testing._disruption_world import DisruptionWorld, Repairs

RUNS = 250
WORLD = DisruptionWorld(seed=1)


@pytest.fixture(scope="module")
def broadcast() -> Repairs:
    return WORLD.run(Gate(), RUNS, at_once=28)


def test_a_doubling_scope_solves_as_much_as_a_broadcast_with_45_percent_of_the_messages_and_55_of_the_time(
    broadcast: Repairs,
) -> None:
    doubling = WORLD.run(Gate(growth=2), RUNS)
    assert doubling.solved >= broadcast.solved - 0.001 >= 0.99
    assert doubling.messages <= 0.45 * broadcast.messages
    assert doubling.latency <= 0.55 * broadcast.latency


def test_a_scope_that_grows_by_one_saves_messages_and_costs_time() -> None:
    by_one, doubling = WORLD.run(Gate(growth=1), RUNS), WORLD.run(Gate(growth=2), RUNS)
    assert by_one.messages < doubling.messages
    assert by_one.latency > doubling.latency


def test_a_fixed_scope_fails_on_large_disruptions() -> None:
    assert WORLD.run(Gate(), RUNS, at_once=2).solved < 0.2
    assert WORLD.run(Gate(), RUNS, at_once=4).solved < 0.6


def test_a_budget_is_never_exceeded_and_what_does_not_fit_is_said() -> None:
    limited = WORLD.run(Gate(growth=2, messages=120), RUNS)
    assert limited.most_messages <= 120
    assert 0.4 < limited.solved < 0.9
    assert limited.whys == {"infeasible within budget: 120 messages do not go further"}


def test_a_fifth_of_the_answers_lost_and_a_dead_neighbour_leave_98_percent_solved() -> None:
    assert DisruptionWorld(seed=1, loss=0.2, dead=1).run(Gate(growth=2), RUNS).solved >= 0.98
