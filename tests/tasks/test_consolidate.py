"""The order of pending calls: Halo's table, and the laws that hold for any set of calls."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UsageError
from waggledance.models import Request, Turn
from waggledance.tasks import Call, Pending, call_of, consolidate
from waggledance.testing import document_queries, prefill_and_decode

TEXTS = st.lists(st.text("ab", max_size=6), max_size=30)


def calls_of(queries: tuple[tuple[str, ...], ...]) -> list[Call]:
    """The calls in order of arrival: query by query."""
    texts = [text for query in queries for text in query]
    return [Call(text, text, number) for number, text in enumerate(texts)]


def numbered(texts: list[str]) -> list[Call]:
    return [Call(text, f"{text}/{number % 3}", number) for number, text in enumerate(texts)]


# queries, documents, cache, repeats: gain in order of arrival, step by step, consolidated, document first, merged
TABLE = [
    ((64, 4, 3_000, 0), (1.00, 1.13, 2.78, 2.93, 2.93)),
    ((64, 4, 12_000, 0), (1.13, 2.78, 2.78, 2.93, 2.93)),
    ((256, 8, 12_000, 0), (1.13, 1.13, 2.94, 3.02, 3.02)),
    ((64, 4, 12_000, 30), (1.13, 2.81, 2.85, 3.00, 3.44)),
    ((64, 64, 3_000, 0), (1.00, 1.13, 1.13, 1.60, 1.60)),
    ((64, 64, 12_000, 0), (1.13, 1.13, 1.13, 1.60, 1.60)),
]


@pytest.mark.parametrize(("batch", "gains"), TABLE)
def test_gains_over_no_cache_are_those_of_the_halo_card(
    batch: tuple[int, int, int, int], gains: tuple[float, ...]
) -> None:
    queries, documents, cache, repeats = batch
    role_first = document_queries(queries, documents, repeats=repeats)
    document_first = document_queries(queries, documents, repeats=repeats, document_first=True)
    sorted_first = consolidate(calls_of(document_first))
    orders = [
        [text for query in role_first for text in query],
        [query[role] for role in range(3) for query in role_first],
        [same[0].text for same in consolidate(calls_of(role_first)) for _ in same],
        [same[0].text for same in sorted_first for _ in same],
        [same[0].text for same in sorted_first],
    ]
    plain = prefill_and_decode(orders[0], cache_tokens=0)
    assert [round(plain / prefill_and_decode(order, cache_tokens=cache), 2) for order in orders] == list(gains)


def test_the_tighter_the_bound_on_overtaking_the_less_is_gained() -> None:
    calls = calls_of(document_queries(256, 8, document_first=True))
    plain = prefill_and_decode((call.text for call in calls), cache_tokens=0)
    gains = [
        plain
        / prefill_and_decode([same[0].text for same in consolidate(calls, overtake=overtake)], cache_tokens=12_000)
        for overtake in (0, 64, 256, 1_024)
    ]
    assert [round(gain, 2) for gain in gains] == [1.60, 1.81, 2.40, 3.02]


@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_is_a_function_of_the_set(texts: list[str], rng: Random) -> None:
    calls = numbered(texts)
    assert consolidate(rng.sample(calls, len(calls))) == consolidate(calls)


@given(TEXTS, st.integers(0, 5))
def test_every_call_is_sent_once_or_answered_by_one_that_asks_the_same(texts: list[str], overtake: int) -> None:
    calls = numbered(texts)
    order = consolidate(calls, overtake=overtake)
    assert sorted(call for same in order for call in same) == sorted(calls)
    assert all(len({call.key for call in same}) == 1 for same in order)
    assert len({same[0].key for same in order}) == len(order)


@given(TEXTS, st.integers(0, 5))
def test_no_call_is_overtaken_more_often_than_allowed(texts: list[str], overtake: int) -> None:
    calls = [Call(text, str(number), number) for number, text in enumerate(texts)]
    order = [same[0].arrived for same in consolidate(calls, overtake=overtake)]
    overtaken = [sum(other > arrived for other in order[:at]) for at, arrived in enumerate(order)]
    assert max(overtaken, default=0) <= overtake


@given(st.lists(st.text("ab", max_size=5), max_size=12))
@settings(max_examples=60)
def test_without_a_bound_each_call_begins_as_much_like_the_one_before_as_any_left_does(texts: list[str]) -> None:
    calls = [Call(text, str(number), number) for number, text in enumerate(texts)]
    left, last = list(calls), ""

    def alike(call: Call) -> int:
        pairs = zip(call.text, last, strict=False)
        return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(call.text), len(last)))

    for (call,) in consolidate(calls, overtake=len(calls)):
        assert alike(call) == max(alike(other) for other in left)
        left.remove(call)
        last = call.text


def test_calls_that_arrive_while_others_are_sent_keep_to_the_bound() -> None:
    pending = Pending(overtake=2)
    pending.add(Call("b alone", "b", 1))
    taken: list[int] = []
    for number in range(2, 10):
        pending.add(Call(f"a {number}", str(number), number))
        pending.add(Call(f"a {number}'", f"{number}'", 100 + number))
        taken.append(pending.take().arrived)
    assert 1 in taken[:3]


def test_a_removed_call_is_not_sent() -> None:
    pending = Pending()
    gone, stays = Call("a", "1", 0), Call("ab", "2", 1)
    pending.add(gone)
    pending.add(stays)
    pending.remove(gone)
    assert pending.take() == stays
    assert len(pending) == 0
    with pytest.raises(UsageError, match="does not wait here"):
        pending.remove(gone)
    for take in (pending.take, pending.take_oldest):
        with pytest.raises(UsageError, match="no call waits"):
            take()


def test_only_what_shapes_the_answer_tells_calls_apart() -> None:
    request = Request(turns=(Turn("system", "s"), Turn("user", "u")), seed=1)

    def key(**other: object) -> str:
        return call_of(msgspec.structs.replace(request, **other)).key

    assert key(timeout_s=1.0) == key()
    assert key(seed=2) != key()
    assert key(seed=2, temperature=0.0) == key(temperature=0.0) != key()
    assert key(max_tokens=2) != key()
    assert key(turns=(Turn("system", "su"), Turn("user", ""))) != key()


def test_a_turn_that_goes_on_is_no_beginning_of_one_that_ends() -> None:
    first, second = (call_of(Request(turns=(Turn("user", text), Turn("user", "b")))) for text in ("a", "ab"))
    assert not second.text.startswith(first.text)


def test_bad_input_is_refused() -> None:
    assert consolidate([]) == ()
    with pytest.raises(UsageError, match="number them apart"):
        consolidate([Call("a", "1", 0), Call("b", "2", 0)])
    with pytest.raises(UsageError, match="at least 0"):
        consolidate([], overtake=-1)
