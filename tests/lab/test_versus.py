"""Verdicts on two arms."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from waggledance.lab import Spent
from waggledance.lab._row import Row
from waggledance.lab._versus import Verdict, judged, versus


def rows(
    arm: str, values: Sequence[float], *, calls: int = 1, samples: int | None = None, repeats: int = 1
) -> list[Row]:
    return [
        Row(arm=arm, task=f"t{i}", cluster=f"t{i}", repeat=r, value=v, solved=v, samples=samples,
            spent=Spent(calls=calls, micro_usd=10 * calls))
        for i, v in enumerate(values) for r in range(repeats)
    ]  # fmt: skip


def coin(n: int, p: float, seed: int) -> list[float]:
    rng = Random(seed)
    return [float(rng.random() < p) for _ in range(n)]


def verdict(mine: list[Row], other: list[Row]) -> Verdict:
    line = versus(mine, other)
    assert line is not None
    return judged([line])[0].verdict


@pytest.mark.parametrize(
    ("mine", "calls", "says"),
    [
        (0.9, 1, "better"),
        (0.9, 3, "more right at more cost"),
        (0.1, 1, "worse"),
        (0.1, 3, "worse"),
        (0.5, 1, "no difference seen"),
    ],
)
def test_a_verdict_looks_at_difference_and_spend(mine: float, calls: int, says: str) -> None:
    assert verdict(rows("a", coin(200, mine, 1), calls=calls), rows("b", coin(200, 0.5, 2))) == says


def test_less_right_for_less_money_is_not_called_worse() -> None:
    assert verdict(rows("a", coin(200, 0.1, 1)), rows("b", coin(200, 0.6, 2), calls=9)) == "less right at less cost"


def test_repeats_of_a_task_do_not_make_a_finding() -> None:
    values = [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    worse = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]
    once = versus(rows("a", values), rows("b", worse))
    often = versus(rows("a", values, repeats=30), rows("b", worse, repeats=30))
    assert once is not None
    assert often is not None
    assert (once.p, once.low, once.high, once.smallest) == (often.p, often.low, often.high, often.smallest)


def test_a_difference_below_what_can_be_seen_is_refused_even_when_p_is_small() -> None:
    values = [1.0] * 7 + [0.0] * 93
    other = [0.0] * 100
    line = versus(rows("a", values), rows("b", other))
    assert line is not None
    assert line.p < 0.05
    assert abs(line.difference) < line.smallest
    said = judged([line])[0]
    assert said.verdict == "no difference seen"
    assert "may be luck" in said.why


def test_holm_counts_only_those_that_may_claim() -> None:
    better = versus(rows("a", coin(200, 0.65, 1)), rows("b", coin(200, 0.5, 2)))
    out = versus(rows("c", coin(200, 0.9, 3)), rows("b", coin(200, 0.5, 2)), left_out="a reason")
    assert better is not None
    assert out is not None
    lines = judged([better, *[out] * 50])
    assert lines[0].p_holm == better.p
    assert {line.verdict for line in lines[1:]} == {"left out"}
    assert all(line.p_holm is None for line in lines[1:])


def test_sixty_arms_alike_hide_a_weak_finding() -> None:
    mine, other = [1.0] * 20 + [0.0] * 80, [0.0] * 20 + [1.0] * 5 + [0.0] * 75  # 20 to 5: p about .004
    weak = versus(rows("a", mine), rows("b", other))
    alike = versus(rows("c", coin(100, 0.5, 3)), rows("b", coin(100, 0.5, 2)))
    assert weak is not None
    assert alike is not None
    assert judged([weak])[0].verdict == "better"
    assert judged([weak, *[alike] * 60])[0].verdict == "no difference seen"


def test_an_arm_that_overspends_its_reference_claims_nothing() -> None:
    mine, other = rows("a", [1.0] * 50, calls=7), rows("b", [0.0] * 50, samples=1)
    line = versus(mine, other, unit="calls")
    assert line is not None
    assert (line.verdict, line.spend["calls"]) == ("unmatched", 7)
    bought = versus(rows("a", [1.0] * 50), rows("b", [0.0] * 50, samples=0), unit="calls")
    assert bought is not None
    assert "does not buy one sample" in bought.why
    free = versus(rows("a", [1.0] * 9, calls=0), rows("b", [0.0] * 9, samples=1), unit="calls")
    assert free is not None
    assert free.why == "calls are not known"


def test_only_runs_that_both_have_are_compared() -> None:
    line = versus(rows("a", [1.0] * 10), rows("b", [0.0] * 4))
    assert line is not None
    assert line.tasks == 4
    assert versus(rows("a", [1.0]), []) is None


def test_one_task_says_nothing_about_others() -> None:
    line = versus(rows("a", [1.0]), rows("b", [0.0]))
    assert line is not None
    assert judged([line])[0].why == "one task says nothing about others"
