"""A roll is a fold: what it says depends on the set of news, and on nothing else."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Key, signature_holds, swarm_id
from waggledance.mesh._swim_messages import News, death, leave_note, refutation, suspicion
from waggledance.mesh._swim_roll import Roll

SWARM = swarm_id("bees")
KEYS = [Key(bytes([n]) * 32) for n in range(1, 5)]
PEERS = [key.peer for key in KEYS]
verify = lru_cache(maxsize=1024)(signature_holds)


def claim(peer: int, incarnation: int) -> bytes:
    return refutation(KEYS[peer], SWARM, incarnation).signature if incarnation else b""


@lru_cache(maxsize=256)
def piece(word: str, about: int, incarnation: int, by: int) -> News:
    if word == "alive":
        return refutation(KEYS[about], SWARM, incarnation)
    if word == "left":
        return leave_note(KEYS[about], SWARM, incarnation)
    make = suspicion if word == "suspect" else death
    return make(KEYS[by], SWARM, PEERS[about], incarnation, claim(about, incarnation))


def roll() -> Roll:
    made = Roll(SWARM, PEERS[0], verify)
    made.know(PEERS, 0.0)
    return made


pieces = st.builds(
    piece, st.sampled_from(["alive", "suspect", "dead", "left"]), st.sampled_from([1, 2, 3]), st.integers(0, 3),
    st.sampled_from([0, 1, 2, 3]),
)  # fmt: skip


@settings(max_examples=60)
@given(news=st.lists(pieces, max_size=12), rng=st.randoms(use_true_random=False))
def test_the_same_news_in_any_order_and_any_number_gives_the_same_roll(news: list[News], rng: Random) -> None:
    shuffled = rng.sample(news, len(news)) + rng.sample(news, len(news) // 2)
    one, other = roll(), roll()
    for now, said in enumerate(news):
        one.read(said, float(now))
    for now, said in enumerate(shuffled):
        other.read(said, float(now))
    for peer in PEERS[1:]:
        assert (one[peer].incarnation, one[peer].rank) == (other[peer].incarnation, other[peer].rank)


@settings(max_examples=60)
@given(news=st.lists(pieces, max_size=12))
def test_the_highest_incarnation_counts_and_then_left_dead_suspect_alive(news: list[News]) -> None:
    held = roll()
    for said in news:
        held.read(said, 1.0)
    for peer in PEERS[1:]:
        best = max(((said.incarnation, said.rank) for said in news if said.peer == peer), default=(0, 0))
        assert (held[peer].incarnation, held[peer].rank) == max(best, (0, 0))


def test_news_about_the_same_is_no_news_and_an_older_one_is_counted() -> None:
    held = roll()
    dead = piece("dead", 2, 1, 3)
    assert held.read(dead, 1.0)
    assert not held.read(dead, 2.0)
    assert not held.read(piece("dead", 2, 1, 0), 2.0)
    assert held.refused["stale"] == 0
    assert not held.read(piece("suspect", 2, 1, 3), 2.0)
    assert not held.read(piece("left", 2, 0, 2), 2.0)
    assert held.refused["stale"] == 2
    assert held[PEERS[2]].since == 1.0
    assert held.outdates(piece("alive", 2, 1, 2)) == dead
    assert held.outdates(dead) is None


def test_whose_accuser_is_no_member_counts_for_nothing() -> None:
    held = roll()
    held.know(PEERS[:3], 0.0)
    assert not held.read(piece("dead", 2, 0, 3), 1.0)
    assert not held.read(piece("dead", 3, 0, 2), 1.0)
    assert held.refused["stranger"] == 2
    assert held.read(piece("dead", 2, 0, 0), 1.0), "what oneself said comes back through others"


def test_a_new_claim_is_believed_from_an_accusation_that_carries_it() -> None:
    held = roll()
    assert held.read(piece("suspect", 2, 3, 1), 1.0)
    assert held[PEERS[2]].claim == claim(2, 3)
    assert held.read(piece("dead", 2, 3, 1), 2.0)
