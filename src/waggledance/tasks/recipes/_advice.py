"""Which advice helps: candidates written with different advice are compared, and the effects are added up.

The winner is the candidate whose advice has the best sum of effects, not the one with the most wins: with noisy
judges the latter is the luckiest.

Source: Liu et al. 2023, "Improving Interpersonal Communication by Simulating Audiences with Language Models" (EGS),
arXiv:2311.00687: explore, generate, simulate; there the effect of an advice is a difference of means. Least squares,
and choosing by them, are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any, cast

from blake3 import blake3

from waggledance.core import UNIT, RunFailed, UsageError
from waggledance.tasks._check_schema import json_in
from waggledance.tasks._role_function import Watched, role_function

Comparison = tuple[int, int, int]
"""Two candidates, and which of them is better, by their numbers."""
_RIDGE = Fraction(1, 1_000)
"""Keeps the sums solvable where two pieces of advice were only ever given together."""


@dataclass(frozen=True)
class AdviceModel:
    """What pieces of advice do to the share of comparisons won; in parts per million."""

    base_ppm: int
    effects_ppm: tuple[int, ...]
    """One a piece of advice."""
    compared: int

    def expects(self, advice: Sequence[int]) -> int:
        """Return what a candidate with this advice is expected to win, in parts per million."""
        return self.base_ppm + sum(self.effects_ppm[i] for i in advice)


def pairs_in_both_orders(said: Sequence[tuple[int, int, int]]) -> list[Comparison]:
    """Return the comparisons that count: a pair that was shown in both orders and judged alike both times.

    Args:
        said: first shown, second shown, better; what was shown in one order only does not count.
    """
    seen: dict[tuple[int, int], set[int]] = {}
    orders: dict[tuple[int, int], set[bool]] = {}
    for first, second, better in said:
        if better not in (first, second) or first == second:
            continue
        pair = (min(first, second), max(first, second))
        seen.setdefault(pair, set()).add(better)
        orders.setdefault(pair, set()).add(first < second)
    return [(*pair, next(iter(won))) for pair, won in sorted(seen.items()) if len(won) == 1 and len(orders[pair]) == 2]


def advice_model(candidates: Sequence[Sequence[int]], said: Sequence[Comparison], advices: int) -> AdviceModel:
    """Return the effects of advice by least squares of win rates, exactly: in fractions, so alike on every machine.

        win rate(candidate) = base + sum of effect(advice) over its advice

    each candidate counting as often as it was compared.

    Args:
        candidates: the advice in each, by number from 0.
        said: comparisons; the order does not matter.
        advices: how many pieces of advice there are, ≥ 1.

    Raises:
        UsageError: a candidate or an advice that there is not, or no comparison.
    """
    if advices < 1 or any(not 0 <= i < advices for row in candidates for i in row):
        raise UsageError(f"advice is numbered from 0 to {advices - 1}")
    if not said or any(not 0 <= c < len(candidates) for row in said for c in row):
        raise UsageError(f"comparisons are of candidates 0 to {len(candidates) - 1}, and there is at least one")
    won, met = [0] * len(candidates), [0] * len(candidates)
    for a, b, better in said:
        met[a] += 1
        met[b] += 1
        won[better] += 1
    size = advices + 1
    rows = [[Fraction(0)] * (size + 1) for _ in range(size)]
    for number, advice in enumerate(candidates):
        terms = [0, *(i + 1 for i in sorted(set(advice)))]
        for i in terms:
            rows[i][size] += won[number]
            for j in terms:
                rows[i][j] += met[number]
    for i in range(1, size):
        rows[i][i] += _RIDGE
    found = _solved(rows)
    return AdviceModel(round(found[0] * UNIT), tuple([round(x * UNIT) for x in found[1:]]), len(said))


def best_candidate(model: AdviceModel, candidates: Sequence[Sequence[int]], texts: Sequence[str]) -> int:
    """Return the number of the candidate that the model expects most of; of equals by the hash of their texts."""
    return min(
        range(len(candidates)), key=lambda i: (-model.expects(candidates[i]), blake3(texts[i].encode()).digest())
    )


def subsets(advices: int, most: int) -> list[tuple[int, ...]]:
    """Return the sets of advice that candidates are written with: none, singles, pairs, …, in that order.

    >>> subsets(3, 2)
    [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]
    """
    return [row for size in range(most + 1) for row in combinations(range(advices), size)]


def _solved(rows: list[list[Fraction]]) -> list[Fraction]:
    """Solve linear equations, the last column being the right side, exactly."""
    size = len(rows)
    for at in range(size):
        pivot = next((i for i in range(at, size) if rows[i][at]), None)
        if pivot is None:
            continue
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [x / rows[at][at] for x in rows[at]]
        for i in range(size):
            if i != at and rows[i][at]:
                times = rows[i][at]
                rows[i] = [x - times * y for x, y in zip(rows[i], rows[at], strict=True)]
    return [row[size] for row in rows]


@role_function("deal-advice")
async def deal_advice(watched: Watched) -> str:
    """Return the pieces of advice, each once, and which of them every writer works with."""
    pieces = list(
        dict.fromkeys(text for made in watched.of("advice") for text in cast("list[str]", json_in(made.text)))
    )
    pieces = pieces[: int(watched.settings["advices"])]
    if not pieces:
        raise RunFailed("nobody gave advice")
    lines = [f"advice {i}: {' '.join(text.split())}" for i, text in enumerate(pieces)]
    writers = int(watched.settings["writers"])
    dealt = _dealt(len(pieces), writers)
    lines += [f"writer {n + 1} uses advice {', '.join(map(str, row)) or 'none'}" for n, row in enumerate(dealt)]
    return "\n".join(lines)


def _dealt(advices: int, writers: int) -> list[tuple[int, ...]]:
    """Deal sets of advice to writers: of few, the small sets; at least one pair where there is room."""
    rows = subsets(advices, 2)
    return [rows[i % len(rows)] for i in range(writers)]


@role_function("choose-by-advice")
async def choose_by_advice(watched: Watched) -> str:
    """Return the candidate that the effects of advice speak for, and the effects.

    Raises:
        RunFailed: there is no candidate, or no pair was judged alike in both orders.
    """
    written = {made.step.copy: made.text for made in watched.of("candidate")}
    if not written:
        raise RunFailed("nobody wrote a candidate")
    (dealt,) = watched.of("deal")
    pieces = [line for line in dealt.text.splitlines() if line.startswith("advice ")]
    rows = _dealt(len(pieces), int(watched.settings["writers"]))
    said = [row for made in watched.of("verdicts") for row in _judged(made.text, set(written))]
    numbers = sorted(written)
    place = {copy: i for i, copy in enumerate(numbers)}
    pairs = [(place[a], place[b], place[w]) for a, b, w in pairs_of_each(said)]
    if not pairs:
        raise RunFailed("no pair of candidates was judged alike in both orders")
    candidates, texts = [rows[copy] for copy in numbers], [written[copy] for copy in numbers]
    model = advice_model(candidates, pairs, len(pieces))
    best = best_candidate(model, candidates, texts)
    effects = [f"{e / UNIT:+.2f} {line}" for e, line in zip(model.effects_ppm, pieces, strict=True)]
    return "\n".join([texts[best], "", f"Effects on the share of {model.compared} comparisons won:", *effects])


def pairs_of_each(said: Sequence[tuple[int, tuple[int, int, int]]]) -> list[Comparison]:
    """Return what counts of each audience's comparisons, audience by audience."""
    audiences = sorted({who for who, _ in said})
    return [pair for one in audiences for pair in pairs_in_both_orders([row for who, row in said if who == one])]


def _judged(text: str, there: set[int]) -> list[tuple[int, tuple[int, int, int]]]:
    """Return an audience's comparisons: who it is, and first, second, better; its words count from 1, this from 0."""
    rows = cast("list[dict[str, Any]]", json_in(text))
    audience = int.from_bytes(blake3(text.encode()).digest(6))
    made = [(row["first"] - 1, row["second"] - 1, row["better"] - 1) for row in rows]
    return [(audience, row) for row in made if {row[0], row[1]} <= there]
