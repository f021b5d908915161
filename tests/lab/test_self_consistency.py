"""Self-consistency at equal spend."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Cost, Message, MessageId, PeerId, Proposal, SwarmId
from waggledance.lab import Prices
from waggledance.lab._self_consistency import Samples, bought, wanted


def samples(run: str, costs: list[int], keys: str = "") -> Samples:
    """Samples that cost so many read tokens each, and answer the letters of `keys`."""
    messages = tuple(
        Message(
            id=MessageId(f"{run}{i}".encode().ljust(32)),
            author=PeerId(b"p" * 32),
            body=Proposal(key=(keys or "x" * len(costs))[i], round=i, cost=Cost(calls=1, prompt_tokens=cost)),
            sequence=i + 1,
            previous=None,
            parents=(),
            lamport=i + 1,
            wall_ms=0,
            swarm=SwarmId(b"s" * 16),
            channel=run,
        )
        for i, cost in enumerate(costs)
    )
    return Samples.of("m", messages[::-1], Prices())


RUNS = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=6)


@settings(max_examples=60)
@given(RUNS, st.integers(0, 120))
def test_it_never_spends_more_than_the_arm_and_leaves_less_than_one_sample(runs: list[list[int]], target: int) -> None:
    had = {(f"t{i}", 0): samples(f"t{i}", costs) for i, costs in enumerate(runs)}
    taken = bought(target, had, "priced tokens")
    cost = sum(sum(runs[i][: taken[f"t{i}", 0]]) for i in range(len(runs)))
    if any(taken.values()):
        assert cost <= target
        left = [runs[i][n] for i in range(len(runs)) if (n := taken[f"t{i}", 0]) < len(runs[i])]
        counts = [n for i in range(len(runs)) if (n := taken[f"t{i}", 0]) < len(runs[i])]
        assert not left or len(set(counts)) <= 2
        assert max(taken.values()) - min([*counts, max(taken.values())]) <= 1 or not counts
    else:
        assert sum(run[0] for run in runs) > target


def test_equal_calls_of_equal_runs_are_equal_samples() -> None:
    had = {(f"t{i}", 0): samples(f"t{i}", [1] * 8) for i in range(10)}
    assert set(bought(50, had, "calls").values()) == {5}
    assert sorted(bought(53, had, "calls").values()) == [5] * 7 + [6] * 3
    assert set(bought(9, had, "calls").values()) == {0}
    assert set(bought(1000, had, "calls").values()) == {8}


def test_who_gets_the_odd_sample_is_drawn_and_does_not_hang_on_what_was_answered() -> None:
    had = {(f"t{i}", 0): samples(f"t{i}", [1] * 3) for i in range(40)}
    others = {at: samples(at[0], [1] * 3, keys="abc") for at in had}
    taken = bought(60, had, "calls")
    assert taken == bought(60, others, "calls")
    got_more = [i for i in range(40) if taken[f"t{i}", 0] == 2]
    assert len(got_more) == 20
    assert got_more != list(range(20))


def test_a_run_without_any_answer_gets_none_and_the_others_their_share() -> None:
    had = {("a", 0): samples("a", []), ("b", 0): samples("b", [1, 1, 1])}
    assert bought(2, had, "calls") == {("a", 0): 0, ("b", 0): 2}
    assert had["a", 0].decide(1).status == "undecided"
    assert bought(2, {}, "calls") == {}


def test_the_first_k_decide_by_majority_in_the_order_of_their_rounds() -> None:
    run = samples("t", [5, 5, 5, 5], keys="abbb")
    assert [run.decide(k).key for k in (1, 3, 4)] == ["a", "b", "b"]
    assert (run.spent(3).calls, run.spent(3).prompt_tokens, run.spent(3).micro_usd) == (3, 15, 15)


@pytest.mark.parametrize(("target", "one", "k"), [(50, [1.0] * 10, 5), (53, [1.0] * 10, 6), (0, [1.0], 1), (5, [], 1)])
def test_as_many_are_drawn_as_may_be_bought(target: float, one: list[float], k: int) -> None:
    assert wanted(target, one) == k
