"""The best single model, chosen without looking at the key of the task it is used on.

Tasks fall into five folds by a hash of their cluster. For a task of one fold, the best model is the one that was right
most often, answering alone, on the tasks of the other four; equal ones by price, then by hash. So the choice has seen
many keys, as somebody who tried the models on earlier questions has, and never the one that it is judged by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from blake3 import blake3

from waggledance.lab._seen import First

FOLDS = 5


def fold_of(cluster: str) -> int:
    """Return a cluster's fold, 0 to 4."""
    return blake3(b"waggle/fold/1\0" + cluster.encode()).digest()[0] % FOLDS


def best_alone(
    firsts: Mapping[tuple[str, int], Sequence[First]], clusters: Mapping[str, str]
) -> dict[tuple[str, int], str]:
    """Return the best model among those who sat, for every run.

    Args:
        firsts: every peer's first answer, by task id and repeat.
        clusters: each task's cluster, by task id.
    """
    value: dict[tuple[str, int], float] = defaultdict(float)
    count: dict[tuple[str, int], int] = defaultdict(int)
    price: dict[str, int] = defaultdict(int)
    for (task, _), said in firsts.items():
        fold = fold_of(clusters[task])
        for first in said:
            value[first.model, fold] += first.value
            count[first.model, fold] += 1
            price[first.model] += first.micro_usd

    def merit(model: str, without: int) -> tuple[float, float, bytes]:
        others = [fold for fold in range(FOLDS) if fold != without]
        n = sum(count[model, fold] for fold in others)
        right = sum(value[model, fold] for fold in others) / n if n else 0.0
        answers = sum(count[model, fold] for fold in range(FOLDS))
        return -right, price[model] / answers, blake3(model.encode()).digest()

    chosen: dict[tuple[frozenset[str], int], str] = {}
    best: dict[tuple[str, int], str] = {}
    for at, said in firsts.items():
        models = frozenset(first.model for first in said)
        fold = fold_of(clusters[at[0]])
        if models and (models, fold) not in chosen:
            chosen[models, fold] = min(models, key=lambda model: merit(model, fold))
        if models:
            best[at] = chosen[models, fold]
    return best
