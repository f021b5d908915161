import math
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Message, MessageId, Note, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.protocols import assign, repeats
from waggledance.protocols._outlines import latest, overlap
from waggledance.topology import hashed_ngrams

WAYS = ("count the legs", "count all legs then divide", "draw every animal", "guess", "set up two equations")


def outline(author: str, text: str, round: int = 0, about: str = "outline") -> Message[Note]:
    id = MessageId(bytes(f"{author} {text} {round}".encode().ljust(32, b".")[:32]))
    body = Note(about=about, text=text, round=round)
    return Message(id, local_peer_id(author), body, 1 + round, None, (), 1, 0, swarm_id("s"), "q1")


def outlines(texts: Sequence[str]) -> list[Message[Note]]:
    return [outline(f"p{i}", text) for i, text in enumerate(texts)]


some = st.lists(st.sampled_from(WAYS), min_size=1, max_size=9).map(outlines)


@given(some, st.integers(0, 99), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_every_outline_is_taken_once_whatever_the_order_in_which_they_came(
    told: list[Message[Note]], seed: int, rng: Random
) -> None:
    matching = assign(told, seed=seed)
    assert set(matching) == {m.author for m in told}
    assert sorted(matching.values()) == sorted(m.id for m in told)
    rng.shuffle(told)
    assert assign(told + told[:1], seed=seed) == matching


@given(some, st.integers(0, 99))
@settings(max_examples=60)
def test_at_most_the_last_peer_is_left_with_its_own_outline(told: list[Message[Note]], seed: int) -> None:
    own = {m.author: m.id for m in told}
    alone = sum(assign(told, seed=seed)[peer] == own[peer] for peer in own)
    assert alone <= 1
    if len(told) == 2:
        assert alone == 0


@given(some.filter(lambda told: len(told) > 1), st.integers(0, 99))
@settings(max_examples=30)
def test_without_one_peer_the_others_still_have_a_matching(told: list[Message[Note]], seed: int) -> None:
    left = told[1:]
    assert sorted(assign(left, seed=seed).values()) == sorted(m.id for m in left)


def test_another_seed_matches_otherwise() -> None:
    told = outlines(WAYS)
    assert len({tuple(sorted(assign(told, seed=seed).items())) for seed in range(20)}) > 5


def test_what_is_taken_is_the_farthest_from_what_is_taken_already() -> None:
    told = outlines(["count the legs"] * 4 + ["draw"])
    for seed in range(20):
        matching = assign(told, seed=seed)
        order = sorted(matching, key=lambda peer: list(matching).index(peer))
        far = next(m for m in told if m.body.text == "draw")
        places = [i for i, peer in enumerate(order) if matching[peer] == far.id]
        assert places[0] <= (2 if order[1] == far.author or order[0] == far.author else 1)


def test_blank_notes_and_other_notes_are_no_outlines_and_the_last_of_a_peer_counts() -> None:
    first, second = outline("a", "count"), outline("a", "draw", 1)
    other, blank = outline("b", "a summary", about="summary"), outline("c", " \n")
    assert latest([second, blank, other, first]) == (second,)
    assert assign([first, second, other, blank]) == {first.author: second.id}
    assert assign([]) == {}


def test_all_but_one_of_those_that_say_the_same_are_to_be_written_anew() -> None:
    told = outlines(["Count the legs.", "count the LEGS", "draw every animal", "count the legs!"])
    again = {repeats(told, seed=seed) for seed in range(20)}
    assert {len(peers) for peers in again} == {2}
    assert all(told[2].author not in peers for peers in again)
    assert len(again) == 3, "the seed draws who stays"


@given(some, st.integers(0, 9), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_repeats_do_not_depend_on_the_order_and_leave_one_of_each(
    told: list[Message[Note]], seed: int, rng: Random
) -> None:
    again = repeats(told, seed=seed, near=0.01)
    rng.shuffle(told)
    assert repeats(told, seed=seed, near=0.01) == again
    assert len(told) - len(again) == len({m.body.text for m in told})
    assert repeats(told, near=0.0) == frozenset()


def test_vectors_tell_apart_what_words_do_not() -> None:
    told = outlines(["alpha", "beta", "gamma"])
    vectors = {m.id: v for m, v in zip(told, ([1.0, 0.0], [2.0, 0.01], [0.0, -3.0]), strict=True)}
    assert repeats(told, near=0.1) == frozenset()
    [again] = repeats(told, vectors, near=0.1)
    assert again in {told[0].author, told[1].author}
    assert sorted(assign(told, vectors).values()) == sorted(m.id for m in told)


def test_hashed_ngrams_are_vectors() -> None:
    told = outlines(["count the legs of all", "count all the legs", "set up two equations"])
    points = hashed_ngrams([m.body.text for m in told])
    vectors = {m.id: [float(x) for x in p] for m, p in zip(told, points, strict=True)}
    assert len(repeats(told, vectors, near=0.2)) == 1


@pytest.mark.parametrize("bad", [[math.nan, 1.0], [math.inf, 1.0], [1.0]])
def test_vectors_that_cannot_be_compared_are_refused(bad: list[float]) -> None:
    told = outlines(["a", "b"])
    with pytest.raises(UsageError, match="one length with finite numbers"):
        assign(told, {told[0].id: [1.0, 0.0], told[1].id: bad})
    with pytest.raises(UsageError, match="one has none"):
        repeats(told, {told[0].id: [1.0, 0.0]})


def test_a_vector_of_zeros_is_as_far_from_all_others() -> None:
    told = outlines(["a", "b", "c"])
    zeros = {m.id: [0.0, 0.0] for m in told}
    assert repeats(told, zeros, near=0.5) == frozenset()
    assert len(repeats(told, zeros, near=0.6)) == 2


@pytest.mark.parametrize("near", [-0.1, 1.1, math.nan])
def test_a_distance_out_of_range_is_refused(near: float) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        repeats([], near=near)


def test_overlap_is_the_mean_share_of_common_words() -> None:
    assert overlap(["count the sheep", "Count the sheep!"]) == 1.0
    assert overlap(["a b", "b c", "c a"]) == pytest.approx(1 / 3, abs=1e-5)
    assert overlap(["", ""]) == 1.0
    assert overlap(["one"]) is overlap([]) is None


def test_ids_of_authors_are_what_is_matched() -> None:
    assert all(isinstance(peer, bytes) and len(peer) == 32 for peer in assign(outlines(WAYS)))
    assert PeerId(local_peer_id("p0")) in assign(outlines(WAYS))
