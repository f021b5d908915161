"""Exemplars: few, good, and different from each other."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from waggledance.core import UNIT, UsageError, local_peer_id
from waggledance.memory import Record, alike_from, exemplar, score_of, thinned, work_of, worker_of
from waggledance.memory._exemplars import UNLIKE
from waggledance.topology import Embed, hashed_ngrams, word_llama

WORKS = [
    exemplar("sort a list of numbers", "merge sort", score_ppm=900_000),
    exemplar("sort a list of integers", "bubble sort", score_ppm=400_000),
    exemplar("bake a loaf of bread", "at 230 degrees", score_ppm=700_000),
    exemplar("book a train to Berlin", "at nine", score_ppm=700_000),
]


def test_a_worker_is_read_back_and_garbage_in_its_place_is_nobody() -> None:
    anna = local_peer_id("anna")
    work = exemplar("sort", "merge\nsort", score_ppm=900_000, worker=anna)
    assert (worker_of(work), score_of(work), work_of(work)) == (anna, 900_000, "merge\nsort")
    for first in ("score 900000", "score 900000 by ", "score 900000 by " + "zz" * 32, f"score 1 by {anna.hex()}ff"):
        assert worker_of(Record.of("exemplar", "sort", f"{first}\nmerge sort")) is None


def test_of_two_works_that_are_alike_the_better_stays() -> None:
    kept = thinned(WORKS)
    assert {work.key for work in kept} == {WORKS[0].key, WORKS[2].key, WORKS[3].key}
    assert kept[0] == WORKS[0]
    assert thinned(WORKS, limit=1) == (WORKS[0],)


def test_what_is_kept_does_not_depend_on_the_order() -> None:
    works = [exemplar(text, "done", score_ppm=500_000) for text in UNLIKE] + WORKS
    assert len({thinned(Random(seed).sample(works, len(works))) for seed in range(6)}) == 1


def squeezed(texts: object) -> np.ndarray:
    """Word vectors squeezed together, as those of some models are: every cosine between .7 and 1."""
    points = word_llama(texts)  # pyright: ignore[reportArgumentType]
    return np.concatenate([points * 0.5, np.full((len(points), 1), 0.85)], axis=1)


@pytest.mark.parametrize("embed", [word_llama, squeezed], ids=["word_llama", "squeezed"])
def test_alike_belongs_to_the_embedding_and_not_to_a_number(embed: Embed) -> None:
    assert len(thinned(WORKS, embed)) == 3


def test_the_squeezed_embedding_would_call_everything_alike_at_point_seven() -> None:
    rows = squeezed([work.key for work in WORKS])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert (rows @ rows.T).min() > 0.65
    assert alike_from(squeezed) > alike_from(word_llama) > alike_from(word_llama, UNIT // 2)
    assert alike_from(hashed_ngrams, UNIT, UNIT) == UNIT


def test_a_score_is_kept_and_garbage_in_its_place_counts_as_nothing() -> None:
    assert score_of(WORKS[0]) == 900_000
    for text in ("", "score", "score x\n", "score 9999999999\n", "score -1\n", "score ²\n"):
        assert 0 <= score_of(Record.of("exemplar", "task", text)) <= UNIT
    assert score_of(Record.of("exemplar", "task", "text")) == 0


def test_senseless_numbers_are_refused_and_no_works_are_none() -> None:
    assert thinned([]) == thinned([Record.of("finding", "no exemplar")]) == ()
    with pytest.raises(UsageError, match="score"):
        exemplar("task", "text", score_ppm=-1)
    with pytest.raises(UsageError, match="at least one"):
        thinned(WORKS, limit=0)
    with pytest.raises(UsageError, match="quantile"):
        alike_from(word_llama, -1)
