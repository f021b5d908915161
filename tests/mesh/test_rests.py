"""What is kept of channels at rest: sums over all that equal what going through them would give."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import PeerId, local_peer_id
from waggledance.mesh._rests import Rested, Rests, mark, note_of, read_note

PEERS = [local_peer_id(name) for name in "abcd"]


def rested(holders: frozenset[PeerId], digest: bytes) -> Rested:
    return Rested(min(holders), holders, digest, 3, True, True, frozenset())


@given(
    held=st.dictionaries(
        st.text("xyz", min_size=1, max_size=3),
        st.tuples(st.frozensets(st.sampled_from(PEERS), min_size=1), st.binary(min_size=32, max_size=32)),
    ),
    rng=st.randoms(use_true_random=False),
)
def test_the_sum_of_marks_is_that_of_the_channels_a_peer_holds_whatever_came_and_went(
    held: dict[str, tuple[frozenset[PeerId], bytes]], rng: Random
) -> None:
    rests = Rests()
    for name, (holders, digest) in held.items():
        rests.add(name, rested(holders, digest))
    gone = [name for name in held if rng.random() < 0.5]
    for name in gone:
        assert rests.take(name).digest == held.pop(name)[1]
    for peer in PEERS:
        theirs = {name: digest for name, (holders, digest) in held.items() if peer in holders}
        root = 0
        for name, digest in theirs.items():
            root ^= mark(name, digest)
        assert rests.root(peer) == root
        assert dict(rests.held_by(peer)) == theirs
    assert set(rests) == held.keys()


def test_channels_of_the_same_peers_share_one_set() -> None:
    rests = Rests()
    for name in ("q1", "q2"):
        rests.add(name, rested(frozenset(PEERS), bytes(32)))
    assert rests["q1"].holders is rests["q2"].holders


def test_a_note_comes_back_and_one_that_is_none_says_so() -> None:
    known = Rested(PEERS[0], frozenset(PEERS), bytes(32), 3, True, False, frozenset(PEERS[:1]))
    assert read_note(note_of(known)) == known
    for note in (b"", b"\xc1", note_of(known)[:-1], note_of(known) + b"x", b"\x90"):
        assert read_note(note) is None
