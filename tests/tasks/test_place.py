"""Which worker a call goes to: worth what the Halo card says, even, and blind to order."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.tasks import Call, consolidate, place
from waggledance.testing import document_queries, prefill_and_decode

WORKERS = tuple(f"worker-{number}" for number in range(4))


def calls_of(queries: tuple[tuple[str, ...], ...]) -> list[Call]:
    """The calls in order of arrival: query by query."""
    texts = [text for query in queries for text in query]
    return [Call(text, text, number) for number, text in enumerate(texts)]


def numbered(texts: list[str]) -> list[Call]:
    return [Call(text, str(number), number) for number, text in enumerate(texts)]


@pytest.mark.parametrize(("workers", "times"), [(2, 2.4), (4, 2.9), (8, 2.9)])
def test_affinity_ends_as_much_sooner_than_taking_turns_as_the_halo_card_says(workers: int, times: float) -> None:
    calls = calls_of(document_queries(256, 16, document_first=True))
    names = [f"worker-{number}" for number in range(workers)]
    placed = place(calls, names)

    def longest(own: dict[str, list[Call]]) -> int:
        return max(prefill_and_decode([call.text for call in calls], cache_tokens=3_000) for calls in own.values())

    in_turn = {name: calls[number::workers] for number, name in enumerate(names)}
    with_affinity = {
        name: [same[0] for same in consolidate(call for call in calls if placed[call.arrived] == name)]
        for name in names
    }
    assert round(longest(in_turn) / longest(with_affinity), 1) == times


@given(st.lists(st.text("ab", max_size=4), max_size=40), st.integers(1, 4), st.randoms(use_true_random=False))
def test_nobody_gets_more_than_the_average(texts: list[str], count: int, rng: Random) -> None:
    calls, workers = numbered(texts), WORKERS[:count]
    placed = place(calls, workers)
    assert place(rng.sample(calls, len(calls)), rng.sample(workers, count)) == placed
    assert max(Counter(placed.values()).values(), default=0) <= -(-len(calls) // count)


def test_a_beginning_that_all_share_keeps_no_documents_calls_apart() -> None:
    texts = [f"{'the same role ' * 100}{f'document {number % 8} ' * 100}{number}" for number in range(64)]
    placed = place(numbered(texts), WORKERS)
    assert set(Counter(placed.values()).values()) == {16}
    assert all(placed[number] == placed[number % 8] for number in range(64))


def test_a_worker_that_goes_moves_only_its_own_calls() -> None:
    calls = numbered([f"{number} ".rjust(8, "0") for number in range(400)])
    before, after = place(calls, WORKERS, slack_ppm=10**7), place(calls, WORKERS[:3], slack_ppm=10**7)
    assert all(after[number] == worker for number, worker in before.items() if worker != WORKERS[3])


def test_a_busy_worker_gets_less() -> None:
    calls = numbered([str(number) for number in range(100)])
    given = Counter(place(calls, WORKERS[:2], load={WORKERS[0]: 100}, slack_ppm=0).values())
    assert given == {WORKERS[1]: 100}


def test_bad_input_is_refused() -> None:
    assert place([], WORKERS) == {}
    for calls, workers, load, slack_ppm in [
        ([], [], {}, 0),
        ([], ["w", "w"], {}, 0),
        ([Call("a", "1", 0), Call("b", "2", 0)], ["w"], {}, 0),
        ([], ["w"], {"stranger": 1}, 0),
        ([], ["w"], {"w": -1}, 0),
        ([], ["w"], {}, -1),
    ]:
        with pytest.raises(UsageError):
            place(calls, workers, load=load, slack_ppm=slack_ppm)
