"""How fast estimators and fits on opinions are: ours, a plain reference in the same run, and the ratio.

    python benchmarks/rules.py [em] [bradley-terry]

CPU seconds of one process, the best of some repeats. (Aggregators of vectors: `benchmarks/vectors.py`.)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from waggledance.consensus import History, em_answers, strengths
from waggledance.core import UNIT, PeerId

Row = tuple[str, float, float]
"""What was done (and the reference), seconds of the reference, seconds of ours."""


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """CPU time of the fastest of some runs."""
    taken: list[float] = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def em() -> list[Row]:
    """EM on 12,000 questions x 28 peers, ten options; the reference is one-coin EM by loops, the same sweeps."""
    rng = np.random.default_rng(0)
    m, n, k = 12_000, 28, 10
    truth = rng.integers(k, size=m)
    chance = 1 / (1 + np.exp(rng.normal(0, 2, m)[:, None] - rng.normal(0, 1.2, n)[None, :]))
    errors = (truth[:, None] + 1 + np.minimum(rng.geometric(0.4, (m, n)) - 1, k - 2)) % k
    said = np.where(rng.random((m, n)) < chance, truth[:, None], errors)
    peers = [PeerId(bytes([p])) for p in range(n)]
    rows = [dict(zip(peers, ("ABCDEFGHIJ"[a] for a in row), strict=True)) for row in said.tolist()]
    made = seconds(lambda: History.of(rows))
    history = History.of(rows)
    found = em_answers(history)
    ours = seconds(lambda: em_answers(history))
    one_sweep = seconds(lambda: loops(said, k), repeats=1)
    return [
        ("History.of, 12,000 x 28 (no reference)", float("nan"), made),
        (f"EM 12,000 x 28, {found.sweeps} sweeps (one-coin EM in Python loops)", one_sweep * found.sweeps, ours),
    ]


def loops(said: NDArray[np.int64], options: int) -> list[float]:
    """One sweep of the plain one-coin EM, written as one would on paper: no difficulty, no shared errors."""
    rows: list[list[int]] = said.tolist()
    n = len(rows[0])
    rate = [0.6] * n
    right = [0.0] * n
    gain = [float(np.log(a / (1 - a) * (options - 1))) for a in rate]
    for row in rows:
        score = [0.0] * options
        for p, answer in enumerate(row):
            score[answer] += gain[p]
        chances = [float(np.exp(s - max(score))) for s in score]
        whole = sum(chances)
        for p, answer in enumerate(row):
            right[p] += chances[answer] / whole
    return [r / len(rows) for r in right]


def bradley_terry() -> list[Row]:
    """Bradley-Terry on 35 proposals, 3,675 comparisons; the reference is the classic MM iteration on arrays."""
    rng = Random(0)
    true = {f"{i:02}": rng.gauss(0, 1.5) for i in range(35)}
    won: dict[tuple[str, str], int] = {}
    for _ in range(3 * 35 * 35):
        a, b = rng.sample(sorted(true), 2)
        winner, loser = (a, b) if rng.random() < 1 / (1 + np.exp(true[b] - true[a])) else (b, a)
        won[winner, loser] = won.get((winner, loser), 0) + UNIT
        won.setdefault((loser, winner), 0)
    table = np.zeros((35, 35))
    for (a, b), weight in won.items():
        table[int(a), int(b)] = weight / UNIT
    classic, fast = minorise_maximise(table), strengths(won)
    apart = max(abs(float(np.log(fast[f"{i:02}"] / classic[i]))) for i in range(35))
    slow = seconds(lambda: minorise_maximise(table), 5)
    ours = seconds(lambda: strengths(won), 20)
    return [(f"Bradley-Terry, 35 proposals (MM on NumPy arrays; apart by {apart:.0e})", slow, ours)]


def minorise_maximise(won: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zermelo's iteration (Hunter 2004), with half a win and half a loss against a phantom of strength 1."""
    strength = np.ones(len(won))
    for _ in range(20_000):
        met = (won + won.T) / (strength[:, None] + strength[None, :])
        new = (0.5 + won.sum(axis=1)) / (1 / (strength + 1) + met.sum(axis=1))
        moved = np.abs(new / strength - 1).max()
        strength = new
        if moved < 1e-12:
            break
    return strength


SECTIONS: dict[str, Callable[[], list[Row]]] = {"em": em, "bradley-terry": bradley_terry}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="all when none is named")
    print("| work (reference) | reference, s | ours, s | times as fast |\n|---|---|---|---|")
    for section in parser.parse_args().sections or SECTIONS:
        for work, reference, ours in SECTIONS[section]():
            print(f"| {work} | {reference:.4f} | {ours:.4f} | {reference / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
