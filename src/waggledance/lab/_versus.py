"""Two arms, paired by task: how far apart, how surely, and whether anything may be claimed.

"Better" is said only when all of this holds: the arm spends at most 5 % more than what it is compared with, the
permutation test stays below 5 % after Holm's correction over all arms of the table, the interval leaves out 0, and the
difference is at least the smallest that so many tasks would show with 80 % power.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import fmean
from typing import Literal

import msgspec
import numpy as np

from waggledance.lab._bootstrap import by_cluster, ratio_interval
from waggledance.lab._holm import holm
from waggledance.lab._permutation import sign_flip_p
from waggledance.lab._power import smallest_difference
from waggledance.lab._row import Row, Unit

OVERSPEND = 1.05
LEVEL = 0.05

Verdict = Literal["better", "worse", "no difference seen", "more right at more cost", "less right at less cost",
                  "unmatched", "left out"]  # fmt: skip


class Versus(msgspec.Struct, frozen=True, kw_only=True):
    """One arm beside another."""

    arm: str
    reference: str
    tasks: int
    """In which both ran."""
    clusters: int
    """Pieces of evidence that stand alone."""
    difference: float
    """Mean over tasks of the arm's score minus the reference's."""
    low: float
    high: float
    """95 %, by cluster bootstrap."""
    p: float
    """Two-sided, by sign flips of clusters."""
    p_holm: float | None
    """Corrected over the table's arms; None where nothing is claimed."""
    smallest: float
    """The smallest difference that would be seen with 80 % power; infinite with one cluster."""
    spend: dict[Unit, float]
    """The arm's spend by the reference's; without an entry where neither is known."""
    samples: float | None = None
    """Of self-consistency: mean number of samples of a run."""
    verdict: Verdict
    why: str = ""


def versus(
    arm: Sequence[Row], reference: Sequence[Row], *, unit: Unit | None = None, left_out: str = ""
) -> Versus | None:
    """Compare two arms on the runs that both have; None when there is no such run.

    Args:
        arm: its rows.
        reference: the other's rows.
        unit: what must be matched for a claim; any of both, when None, that is known.
        left_out: why nothing is to be claimed; empty when there is no reason.
    """
    others = {row.at: row for row in reference}
    pairs = [(row, others[row.at]) for row in sorted(arm, key=lambda row: row.at) if row.at in others]
    if not pairs:
        return None
    apart: dict[str, list[float]] = {}
    clusters: dict[str, str] = {}
    for mine, other in pairs:
        apart.setdefault(mine.task, []).append(mine.value - other.value)
        clusters[mine.task] = mine.cluster
    sums, counts = by_cluster([fmean(d) for d in apart.values()], [clusters[task] for task in apart])
    n = len(sums)
    difference = float(sums.sum() / counts.sum())
    low, high = ratio_interval(sums, counts)
    spread = sqrt(float(((sums - difference * counts) ** 2).sum()) / (n - 1)) / float(counts.mean()) if n > 1 else 0.0
    spend = _spend(pairs)
    unmatched = _unmatched(pairs, spend, unit)
    return Versus(
        arm=pairs[0][0].arm,
        reference=pairs[0][1].arm,
        tasks=len(apart),
        clusters=n,
        difference=difference,
        low=low,
        high=high,
        p=sign_flip_p(sums),
        p_holm=None,
        smallest=smallest_difference(n, deviation=spread) if n > 1 else np.inf,
        spend=spend,
        samples=fmean(k for _, other in pairs if (k := other.samples) is not None)
        if any(other.samples is not None for _, other in pairs)
        else None,
        verdict="left out" if left_out else "unmatched" if unmatched else "no difference seen",
        why=left_out or unmatched,
    )


def judged(table: Sequence[Versus]) -> list[Versus]:
    """Return a table's comparisons with Holm's correction over those that may claim anything, and with verdicts."""
    may = [line for line in table if line.verdict == "no difference seen"]
    corrected = dict(zip(map(id, may), holm([line.p for line in may]), strict=True))
    return [_judged(line, corrected[id(line)]) if id(line) in corrected else line for line in table]


def _judged(line: Versus, p_holm: float) -> Versus:
    seen = p_holm < LEVEL and (line.low > 0 or line.high < 0) and abs(line.difference) >= line.smallest
    verdict: Verdict = "no difference seen"
    if seen:
        dearer = max(line.spend.values(), default=1.0) > OVERSPEND
        cheaper = min(line.spend.values(), default=1.0) < 1 / OVERSPEND
        if line.difference > 0:
            verdict = "more right at more cost" if dearer else "better"
        else:
            verdict = "less right at less cost" if cheaper else "worse"
    why = "" if seen else _too_small(line)
    return msgspec.structs.replace(line, p_holm=p_holm, verdict=verdict, why=why)


def _too_small(line: Versus) -> str:
    if line.clusters < 2:
        return "one task says nothing about others"
    if abs(line.difference) < line.smallest and line.p < LEVEL:
        return f"so many tasks show {line.smallest:.3f} and more with 80 % power: this may be luck"
    return ""


def _spend(pairs: Sequence[tuple[Row, Row]]) -> dict[Unit, float]:
    spend: dict[Unit, float] = {}
    mine, other = (sum(row.spent.calls for row in side) for side in zip(*pairs, strict=True))
    if mine and other:
        spend["calls"] = mine / other
    mine, other = (sum(row.spent.micro_usd for row in side) for side in zip(*pairs, strict=True))
    if mine and other:
        spend["priced tokens"] = mine / other
    return spend


def _unmatched(pairs: Sequence[tuple[Row, Row]], spend: dict[Unit, float], unit: Unit | None) -> str:
    """Return why a reference that should spend the same does not; empty when it does, or need not."""
    if unit is None:
        return ""
    if any(other.samples == 0 and other.spent.calls for _, other in pairs):
        return "the arm's spend does not buy one sample"
    if unit not in spend:
        return f"{unit} are not known"
    if spend[unit] > OVERSPEND:
        most = max(other.samples or 0 for _, other in pairs)
        return f"the arm spends {spend[unit]:.2f} times as much: only {most:g} sample{'s' * (most != 1)} can be had"
    return ""
