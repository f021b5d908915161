"""A budget is kept: never exceeded by more than what was in flight when it ran out."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Budget, BudgetSpent, Cost, Meter, PlainBudget, UsageError, encode_canonical

CALL = Cost(calls=1, prompt_tokens=30, completion_tokens=12, micro_usd=5, milliseconds=70)


class HandClock:
    """A clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def wall_ms(self) -> int:
        return 0


@given(
    tokens=st.none() | st.integers(0, 400),
    calls=st.none() | st.integers(0, 12),
    usd=st.none() | st.integers(0, 60).map(lambda micro: micro / 1e6),
    in_flight=st.integers(1, 5),
    costs=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9)), min_size=1, max_size=30),
)
def test_a_budget_is_exceeded_by_the_calls_in_flight_at_most(
    tokens: int | None,
    calls: int | None,
    usd: float | None,
    in_flight: int,
    costs: list[tuple[int, int, int]],
) -> None:
    meter = Meter(Budget(tokens=tokens, calls=calls, usd=usd), HandClock())
    flying: list[Cost] = []
    within = Cost()
    for prompt, completion, micro_usd in costs:
        within = meter.cost
        try:
            meter.admit_call()
        except BudgetSpent:
            break
        flying.append(Cost(prompt_tokens=prompt, completion_tokens=completion, micro_usd=micro_usd))
        if len(flying) == in_flight:
            meter.charge(flying.pop(0))
    for cost in flying:
        meter.charge(cost)
    if calls is not None:
        assert meter.calls <= calls
    most = max(p + c for p, c, _ in costs)
    if tokens is not None:
        assert meter.cost.tokens <= max(0, tokens - 1) + in_flight * most
    if usd is not None:
        assert meter.cost.micro_usd <= usd * 1e6 + in_flight * 9
    assert meter.cost.tokens >= within.tokens


def test_a_call_beyond_the_budget_is_not_counted_and_says_which_limit_ended_it() -> None:
    meter = Meter(Budget(calls=1), HandClock())
    meter.admit_call()
    with pytest.raises(BudgetSpent, match="the budget of 1 calls is spent"):
        meter.admit_call()
    assert meter.calls == 1


def test_a_budget_of_nothing_allows_nothing() -> None:
    for budget, limit in (
        (Budget(calls=0), "calls"),
        (Budget(tokens=0), "tokens"),
        (Budget(usd=0), "usd"),
        (Budget(seconds=0), "seconds"),
    ):
        with pytest.raises(BudgetSpent) as spent:
            Meter(budget, HandClock()).admit_call()
        assert spent.value.limit == limit
    with pytest.raises(BudgetSpent, match="messages"):
        Meter(Budget(messages=0), HandClock()).admit_message()


def test_messages_are_counted_up_to_their_limit() -> None:
    meter = Meter(Budget(messages=2), HandClock())
    meter.admit_message()
    meter.admit_message()
    with pytest.raises(BudgetSpent):
        meter.admit_message()
    assert meter.messages == 2


def test_time_runs_out_on_the_clock_of_the_run() -> None:
    clock = HandClock()
    meter = Meter(Budget(seconds=5), clock)
    assert meter.seconds_left() == 5
    clock.at += 4
    meter.admit_call()
    assert (meter.seconds_left(), meter.spent_out()) == (1, None)
    clock.at += 2
    assert meter.seconds_left() == 0
    with pytest.raises(BudgetSpent, match="5 seconds"):
        meter.admit_call()


def test_without_a_limit_there_is_none() -> None:
    meter = Meter(Budget(), HandClock())
    for _ in range(1000):
        meter.admit_call()
        meter.admit_message()
        meter.charge(CALL)
    assert (meter.seconds_left(), meter.tokens_left(), meter.spent_out()) == (inf, None, None)
    assert meter.cost == Cost(1000, 30_000, 12_000, 5_000, 70_000)


def test_tokens_left_never_go_below_zero() -> None:
    meter = Meter(Budget(tokens=40), HandClock())
    meter.charge(CALL)
    assert meter.tokens_left() == 0


@pytest.mark.parametrize("limit", ["tokens", "calls", "messages", "seconds", "usd"])
def test_a_negative_limit_is_refused(limit: str) -> None:
    with pytest.raises(UsageError, match=f"-1 {limit} is negative"):
        Budget(**{limit: -1})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "given", "said"),
    [
        ("seconds", float("nan"), "a number of seconds, got nan"),
        ("usd", "3", "a number of usd, got '3'"),
        ("calls", 1.5, r"a whole number of calls, got 1\.5"),
        ("tokens", inf, "a whole number of tokens, got inf"),
    ],
)
def test_a_limit_that_is_no_number_is_refused(limit: str, given: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Budget(**{limit: given})  # type: ignore[arg-type]


def test_a_budget_reads_as_it_was_given() -> None:
    assert str(Budget(tokens=500, seconds=2.5)) == "500 tokens, 2.5 seconds"
    assert str(Budget()) == "no limit"


def test_costs_add_up_field_by_field() -> None:
    assert Cost(2, 60, 24, 10, 140) == CALL + CALL
    assert (CALL + CALL).tokens == 84


def test_an_error_keeps_its_fields_on_a_trip_to_another_process() -> None:
    spent = BudgetSpent("tokens", 50)
    again = type(spent)(*spent.args)
    assert (str(again), again.limit, again.allowed) == (str(spent), "tokens", 50)


LIMITS = st.none() | st.integers(0, 2**30)


@given(LIMITS, LIMITS, LIMITS, LIMITS, LIMITS)
def test_a_budget_written_down_is_the_same_budget(
    tokens: int | None, calls: int | None, messages: int | None, milliseconds: int | None, cents: int | None
) -> None:
    seconds = None if milliseconds is None else milliseconds / 1_000
    usd = None if cents is None else cents / 100
    budget = Budget(tokens=tokens, calls=calls, messages=messages, seconds=seconds, usd=usd)
    assert PlainBudget.of(budget).budget == budget


def test_a_budget_without_an_end_can_be_written_down() -> None:
    endless = Budget(tokens=10**40, seconds=inf, usd=inf)
    assert len(encode_canonical(PlainBudget.of(endless))) < 200
    assert PlainBudget.of(endless).tokens == 2**53
