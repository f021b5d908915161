"""One arm's line of a report: how often right, at what cost, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from math import isfinite
from operator import add
from statistics import fmean

import msgspec

from waggledance.lab._bootstrap import by_cluster, mean_interval, ratio_interval
from waggledance.lab._pass_k import pass_k
from waggledance.lab._row import Role, Row
from waggledance.lab._spent import Spent
from waggledance.lab._wilson import wilson


class ArmLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one arm did, over all its runs."""

    arm: str
    role: Role
    pool: str = ""
    """Whose peers it has: the first arm with them; empty where all arms have the same."""
    runs: int
    score: float
    """Mean over tasks of the mean over repeats, 0 to 1."""
    low: float
    high: float
    """95 %: Wilson's where every task was run once and stands alone, else the cluster bootstrap's."""
    calls: float
    tokens: float
    cost: float
    """Mean of a run's priced tokens, in millionths of a dollar."""
    seconds: float
    messages: float
    bytes: float
    rounds: float
    failed: int
    unparsable: int
    """Of all runs together."""
    per_solved: float | None
    """Cost of all runs by number of solved ones; None when none is solved."""
    per_solved_low: float | None
    per_solved_high: float | None
    """None: no limit can be given, as some draws hold no solved run."""
    pass_k: Mapping[int, float] = {}
    """How likely k tries in a row succeed, for every k that the repeats allow; empty with one repeat."""
    of_gap: float | None = None
    """Share of the way from a random peer to the best of all peers' first answers."""
    on_front: bool = False


def line_of(rows: Sequence[Row]) -> ArmLine:
    """Return an arm's line; `rows` are its runs, at least one, in any order."""
    rows = sorted(rows, key=lambda row: row.at)
    n, clusters = len(rows), [row.cluster for row in rows]
    values = per_task(rows)
    score = fmean(values.values())
    total = reduce(add, (row.spent for row in rows), Spent())
    solved = [row.solved for row in rows]
    tries = Counter(row.task for row in rows)
    plain = len(set(clusters)) == n and all(row.value in (0.0, 1.0) for row in rows)
    of_task = {row.task: row.cluster for row in rows}
    low, high = (
        wilson(round(sum(solved)), n)
        if plain
        else mean_interval(list(values.values()), [of_task[task] for task in values])
    )
    costs, _ = by_cluster([float(row.spent.micro_usd) for row in rows], clusters)
    wins, _ = by_cluster(solved, clusters)
    ends = ratio_interval(costs, wins)
    hits = Counter(dict.fromkeys(tries, 0))
    for row in rows:
        hits[row.task] += round(row.solved)
    fewest = min(tries.values())
    sure = rows[0].role in ("arm", "one call", "self-consistency")
    return ArmLine(
        arm=rows[0].arm,
        role=rows[0].role,
        runs=n,
        score=score,
        low=low,
        high=high,
        calls=total.calls / n,
        tokens=(total.prompt_tokens + total.completion_tokens) / n,
        cost=total.micro_usd / n,
        seconds=total.seconds / n,
        messages=total.messages / n,
        bytes=total.bytes / n,
        rounds=total.rounds / n,
        failed=total.failed,
        unparsable=total.unparsable,
        per_solved=total.micro_usd / sum(solved) if sum(solved) else None,
        per_solved_low=ends[0] if isfinite(ends[0]) else None,
        per_solved_high=ends[1] if isfinite(ends[1]) else None,
        pass_k={k: pass_k([(hits[task], tries[task]) for task in tries], k) for k in range(1, fewest + 1)}
        if sure and fewest > 1
        else {},
    )


def per_task(rows: Sequence[Row]) -> dict[str, float]:
    """Return the mean value of each task's runs, by task id, in the order of the ids."""
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row.task, []).append(row.value)
    return {task: fmean(values[task]) for task in sorted(values)}
