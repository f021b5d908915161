"""How long each call of a chain may take."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.gateways import Timeouts
from waggledance.testing import CHAIN_TOOLS, TimeoutPolicy, call_seconds, run_chains


def taught(**tools: list[float]) -> Timeouts:
    timeouts = Timeouts()
    for tool, times in tools.items():
        for seconds in times:
            timeouts.observe(tool, abs(seconds), finished=seconds >= 0)
    return timeouts


def experienced() -> Timeouts:
    """Return timeouts that have seen 150 calls of each tool, cut off at 30 s."""
    rng, timeouts = Random(0), Timeouts()
    for tool in CHAIN_TOOLS:
        for _ in range(150):
            seconds = call_seconds(tool, rng)
            timeouts.observe(tool, min(seconds, 30.0), finished=seconds <= 30.0)
    return timeouts


POLICIES: dict[str, TimeoutPolicy] = {
    "fixed 5 s": lambda chain, left: min(5.0, left),
    "equal split": lambda chain, left: left / len(chain),
    "total deadline only": lambda chain, left: min(30.0, left),
    "greedy, re-planned": experienced().next_timeout,
}


def test_a_quick_tool_before_a_slow_one_leaves_the_slow_one_its_time() -> None:
    timeouts = taught(quick=[0.1 + i / 1000 for i in range(50)], slow=[4 + i / 10 for i in range(50)])
    assert timeouts.next_timeout(["quick", "slow"], 9.5) < 1.0
    assert timeouts.next_timeout(["slow", "quick"], 9.5) > 8.5


def test_the_last_call_gets_all_that_is_left_and_none_gets_what_is_not_there() -> None:
    timeouts = taught(a=[1.0] * 30)
    assert timeouts.next_timeout(["a"], 7.0) == 7.0
    assert timeouts.next_timeout(["a", "a"], 0.0) == 0.0
    assert timeouts.next_timeout(["a"], -1.0) == 0.0
    assert timeouts.next_timeout(["a"], float("nan")) == 0.0


def test_calls_that_were_cut_off_are_no_proof_that_it_is_quick() -> None:
    quick, hangs = [0.5 + i / 100 for i in range(30)], [-1.0] * 30
    without, with_hangs = taught(a=quick, b=quick), taught(a=quick + hangs, b=quick)
    assert with_hangs.next_timeout(["b", "a"], 3.0) <= without.next_timeout(["b", "a"], 3.0)


def test_before_it_knows_a_tool_an_equal_share_is_the_most() -> None:
    assert Timeouts().next_timeout(["a", "b", "c", "d"], 8.0) == 2.0
    assert taught(a=[0.1] * 5).next_timeout(["a", "b"], 8.0) == pytest.approx(0.15)


def test_more_time_than_the_quickest_need_is_missing() -> None:
    assert taught(a=[3.0] * 30, b=[3.0] * 30).next_timeout(["a", "b"], 2.0) == 1.0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 50), st.booleans()), min_size=1, max_size=200),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
    st.floats(0.01, 100),
)
def test_no_call_is_given_more_than_is_left(
    calls: list[tuple[str, float, bool]], chain: list[str], left: float
) -> None:
    timeouts = Timeouts()
    for tool, seconds, finished in calls:
        timeouts.observe(tool, seconds, finished=finished)
    assert 0 <= timeouts.next_timeout(chain, left) <= left + 1e-9


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_times_are_numbers(seconds: float) -> None:
    with pytest.raises(UsageError, match="0 seconds or more"):
        Timeouts().observe("a", seconds, finished=True)
    with pytest.raises(UsageError, match="no calls"):
        Timeouts().next_timeout([], 1.0)


def test_adaptive_times_beat_fixed_and_equal_ones_and_give_up_sooner_than_a_deadline_alone() -> None:
    at_20 = {name: run_chains(policy, 20.0, 600, seed=1) for name, policy in POLICIES.items()}
    share = {name: figures[0] for name, figures in at_20.items()}
    lost = {name: figures[1] for name, figures in at_20.items()}
    assert share["greedy, re-planned"] > share["fixed 5 s"] + 0.1
    assert share["greedy, re-planned"] > share["equal split"] + 0.03
    assert lost["greedy, re-planned"] < 0.6 * lost["total deadline only"]
    retried = {name: run_chains(policy, 20.0, 600, seed=1, tries=2)[0] for name, policy in POLICIES.items()}
    assert retried["greedy, re-planned"] >= retried["total deadline only"] - 0.02


def test_ten_thousand_chains_never_take_longer_than_they_may() -> None:
    greedy = POLICIES["greedy, re-planned"]
    assert run_chains(greedy, 12.0, 10_000, seed=4)[2] <= 12.0 + 1e-6
