"""The cut of several seals: the furthest of each, whatever the order, and nobody who is shown to have forked."""

from __future__ import annotations

from random import Random

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import Heads, Seal, cut_of_seals, messages_of_cut
from waggledance.consensus._cut_of_seals import cut_and_forks
from waggledance.core import Channel, Message, MessageId, Note, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.core._message import compose, decode_body, encode_canonical

NAMES = sorted(local_peer_id(name) for name in "abc")


def id_of(author: PeerId, number: int, branch: int = 0) -> MessageId:
    return MessageId(blake3(author + bytes((number, branch))).digest())


def seal(*numbers: int | None, branch: int = 0) -> Heads:
    return tuple((a, n, id_of(a, n, branch)) for a, n in zip(NAMES, numbers, strict=False) if n is not None)


def test_the_cut_is_the_furthest_that_any_seal_names() -> None:
    assert cut_of_seals([seal(3, 1, None), seal(1, 2, 5)]) == seal(3, 2, 5)
    assert cut_of_seals([]) == ()


def test_an_author_of_whom_two_seals_contradict_is_left_out_also_where_a_third_goes_further() -> None:
    cut, forked = cut_and_forks([seal(3, 1), seal(3, branch=1), seal(5)])
    assert cut == seal(None, 1)
    assert forked == {NAMES[0]}


numbers = st.tuples(*[st.none() | st.integers(1, 3)] * 3)


@given(seals=st.lists(st.tuples(numbers, st.integers(0, 1)), max_size=6), rng=st.randoms(use_true_random=False))
def test_order_and_repeats_of_seals_do_not_change_the_cut(
    seals: list[tuple[tuple[int | None, ...], int]], rng: Random
) -> None:
    made = [seal(*last, branch=branch) for last, branch in seals]
    again = made * 2
    rng.shuffle(again)
    cut = cut_of_seals(made)
    assert cut_of_seals(again) == cut
    assert [author for author, _, _ in cut] == sorted({author for author, _, _ in cut})
    for author, last, _ in cut:
        assert last == max(number for heads in made for who, number, _ in heads if who == author)


def test_the_messages_of_a_cut_are_chains_and_nothing_when_one_is_missing() -> None:
    channel, author = Channel(swarm_id("s"), "q"), NAMES[0]
    first, second, third = (channel.publish(author, Note(about="x", text=str(i)), [], 0) for i in range(3))
    assert messages_of_cut(((author, 2, second.id),), channel.get) == tuple(sorted([first, second]))
    assert messages_of_cut(((author, 2, third.id),), channel.get) is None
    assert messages_of_cut(((NAMES[1], 3, third.id),), channel.get) is None
    assert messages_of_cut(((author, 4, MessageId(bytes(32))),), channel.get) is None
    assert messages_of_cut((), channel.get) == ()


def test_a_seal_survives_the_wire_and_an_unsorted_one_is_not_made() -> None:
    body = Seal(round=2, heads=seal(3, 1, 5))
    message: Message[Seal]
    message, _ = compose(NAMES[0], body, 1, None, (), 1, 0, swarm_id("s"), "q")
    raw = encode_canonical({"heads": body.heads, "round": 2})
    assert decode_body("seal/1", raw) == message.body
    for wrong in (tuple(reversed(seal(1, 2))), (*seal(1), *seal(1)), ((NAMES[0], 0, MessageId(bytes(32))),)):
        try:
            Seal(heads=wrong)
        except UsageError:
            continue
        raise AssertionError(wrong)
