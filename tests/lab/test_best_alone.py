"""The best single model, chosen without the key it is judged by."""

from __future__ import annotations

from random import Random

from waggledance.core import Cost
from waggledance.lab._best_alone import FOLDS, best_alone, fold_of
from waggledance.lab._seen import First

TASKS = [f"t{i}" for i in range(60)]
CLUSTERS = {task: task for task in TASKS}


def first(model: str, value: float, price: int = 1) -> First:
    return First(model, model, value, value == 1.0, Cost(calls=1), price)


def answers(rng: Random, strengths: dict[str, float]) -> dict[tuple[str, int], list[First]]:
    return {(task, 0): [first(m, float(rng.random() < p)) for m, p in strengths.items()] for task in TASKS}


def test_the_choice_for_a_task_never_hangs_on_answers_to_its_own_fold() -> None:
    rng = Random(3)
    for _ in range(20):
        said = answers(rng, {"a": 0.5, "b": 0.5, "c": 0.5})
        before = best_alone(said, CLUSTERS)
        fold = rng.randrange(FOLDS)
        mine = [at for at in said if fold_of(at[0]) == fold]
        turned = said | {at: [first(f.model, 1 - f.value) for f in said[at]] for at in mine}
        after = best_alone(turned, CLUSTERS)
        assert [before[at] for at in mine] == [after[at] for at in mine]


def test_the_better_model_is_chosen_and_of_equal_ones_the_cheaper() -> None:
    said = answers(Random(1), {"weak": 0.2, "strong": 0.9})
    assert set(best_alone(said, CLUSTERS).values()) == {"strong"}
    alike = {(task, 0): [first("dear", 1.0, 9), first("cheap", 1.0, 2)] for task in TASKS}
    assert set(best_alone(alike, CLUSTERS).values()) == {"cheap"}


def test_only_those_who_sat_are_chosen_among() -> None:
    said = {(task, r): [first("strong" if r else "weak", float(r)), first("weakest", 0.0)] for task in TASKS
            for r in (0, 1)}  # fmt: skip
    best = best_alone(said, CLUSTERS)
    assert {best[task, 0] for task in TASKS} == {"weak"} or {best[task, 0] for task in TASKS} == {"weakest"}
    assert {best[task, 1] for task in TASKS} == {"strong"}


def test_tasks_of_a_cluster_share_a_fold_and_folds_are_about_equal() -> None:
    sizes = [sum(fold_of(f"c{i}") == fold for i in range(1000)) for fold in range(FOLDS)]
    assert min(sizes) > 150
    assert sum(sizes) == 1000


def test_without_other_tasks_the_choice_is_still_defined() -> None:
    assert best_alone({("t", 0): [first("a", 1.0), first("b", 0.0)]}, {"t": "t"})["t", 0] in ("a", "b")
    assert best_alone({("t", 0): []}, {"t": "t"}) == {}
