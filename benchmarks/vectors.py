"""How fast aggregators of vectors are, beside plain NumPy in the same run, and what they withstand on world W5.

    python benchmarks/vectors.py [--small] [--json] [speed] [attacks]

`speed` needs a second or two a rule and 400 MB; `attacks` trains seven rules under five attacks, two minutes.
"""

from __future__ import annotations

import argparse
import json
import resource
import tracemalloc
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus import Aggregator, flag, geometric_median, mean, median, multi_krum, trimmed_mean
from waggledance.testing import ATTACKS, W5

Row = dict[str, float | int | str]
Matrix = NDArray[np.floating]
PEERS, PARAMETERS = 15, 1_000_000


def plain_flag(updates: Matrix) -> Matrix:
    """Flag by singular vectors of the whole matrix, as the paper writes it."""
    columns = (updates / np.linalg.norm(updates, axis=1, keepdims=True)).T
    inside = np.zeros(len(updates))
    basis = columns[:, :0]
    for _ in range(6):
        basis = np.linalg.svd(columns * (1 - inside + 1e-7) ** -0.25, full_matrices=False).U[:, : -(-len(updates) // 2)]
        inside = np.minimum(1, ((basis.T @ columns) ** 2).sum(axis=0))
    direction = (basis @ (basis.T @ columns)).sum(axis=1)
    direction /= np.linalg.norm(direction)
    return direction * np.median(updates @ direction)


def plain_trimmed(updates: Matrix) -> Matrix:
    return np.sort(updates, axis=0)[4:-4].mean(axis=0)


def plain_krum(updates: Matrix) -> Matrix:
    apart = ((updates[:, None] - updates[None]) ** 2).sum(axis=2) if updates.size < 1e6 else np.empty(0)
    if not apart.size:  # all differences at once would not fit into memory
        apart = np.array([[float(((a - b) ** 2).sum()) for b in updates] for a in updates])
    scores = np.sort(apart, axis=1)[:, 1 : len(updates) - 5].sum(axis=1)
    return updates[np.argsort(scores)[: len(updates) - 4]].mean(axis=0)


def plain_geometric(updates: Matrix) -> Matrix:
    here = np.median(updates, axis=0)
    for _ in range(10):
        pull = 1 / np.linalg.norm(updates - here, axis=1)
        here = pull @ updates / pull.sum()
    return here


RULES: dict[str, tuple[Aggregator, Callable[[Matrix], Matrix]]] = {
    "mean": (mean, lambda updates: updates.mean(axis=0)),
    "median": (median, lambda updates: np.median(updates, axis=0)),
    "trimmed mean": (trimmed_mean, plain_trimmed),
    "multi-Krum": (multi_krum, plain_krum),
    "geometric median": (geometric_median, plain_geometric),
    "flag": (flag, plain_flag),
}


def speed(small: bool) -> list[Row]:
    """15 vectors of 1,000,000 float32: seconds, memory beyond the vectors, and plain NumPy's."""
    size = PARAMETERS // 20 if small else PARAMETERS
    rng = np.random.default_rng(1)
    updates = (rng.normal(size=size) + rng.normal(size=(PEERS, size))).astype(np.float32)
    rows: list[Row] = []
    for name, (ours, plain) in RULES.items():
        ours_s, ours_mib, here = _measured(lambda rule=ours: rule(updates).vector)
        plain_s, plain_mib, there = _measured(lambda rule=plain: rule(updates))
        away = float(np.linalg.norm(here - there) / np.linalg.norm(there))
        rows.append(
            {
                "rule": name,
                "seconds": round(ours_s, 3),
                "plain NumPy": round(plain_s, 3),
                "times plain": round(ours_s / plain_s, 2),
                "MiB more": round(ours_mib),
                "plain MiB more": round(plain_mib),
                "apart": f"{away:.0e}",
            }
        )
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"rule": f"whole program: peak {peak_mib:.0f} MiB, the vectors are {updates.nbytes / 2**20:.0f}"})
    return rows


def _measured(call: Callable[[], Matrix]) -> tuple[float, float, Matrix]:
    """Return the best of three runs in seconds, the peak of memory taken in MiB, and the result."""
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    best = float("inf")
    for _ in range(3):
        started = perf_counter()
        call()
        best = min(best, perf_counter() - started)
    return best, peak / 2**20, result


def attacks(small: bool) -> list[Row]:
    """World W5, 6 of 15 peers lie: right after 250 steps, in percent, mean of two seeds; clean in the first row."""
    steps = 50 if small else 250
    rules: dict[str, Aggregator] = {
        "mean": mean,
        "median": median,
        "trimmed mean": partial(trimmed_mean, liars=6),
        "geometric median": geometric_median,
        "multi-Krum": partial(multi_krum, liars=6),
        "flag, 1 dimension": partial(flag, dimensions=1),
        "flag": flag,
    }
    clean = np.mean([W5(seed=seed).train(mean, steps=steps) for seed in (0, 1)])
    rows: list[Row] = [{"rule": "clean, mean", **{attack: round(100 * float(clean), 1) for attack in ATTACKS}}]
    for name, rule in rules.items():
        row: Row = {"rule": name}
        for attack in ATTACKS:
            right = [W5(bad=6, attack=attack, seed=seed).train(rule, steps=steps) for seed in (0, 1)]
            row[attack] = round(100 * float(np.mean(right)), 1)
        rows.append(row)
    return rows


TABLES: dict[str, Callable[[bool], list[Row]]] = {"speed": speed, "attacks": attacks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help=f"some of {', '.join(TABLES)}; all when left out")
    parser.add_argument("--small", action="store_true", help="a twentieth of the numbers, a fifth of the steps")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    unknown = set(given.tables) - set(TABLES)
    if unknown:
        parser.error(f"there is no table {min(unknown)!r}; there are {', '.join(TABLES)}")
    results = {name: TABLES[name](given.small) for name in given.tables or TABLES}
    if given.json:
        print(json.dumps(results, indent=1))
        return
    for name, rows in results.items():
        print(f"\n{name}: {TABLES[name].__doc__}\n")
        columns = list(rows[0])
        lines = [columns, *[[str(row.get(column, "")) for column in columns] for row in rows if len(row) > 1]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for cells in lines:
            print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)))
        print(*[row["rule"] for row in rows if len(row) == 1], sep="\n")


if __name__ == "__main__":
    main()
