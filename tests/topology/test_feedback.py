"""Feedback: links that helped are kept, whoever asks, and a past is carried by a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import UNIT, MessageId, PeerId, UsageError, local_peer_id
from waggledance.topology import Exchange, Feedback, by_name, heard_in

PEERS = tuple(sorted(local_peer_id(f"p{i}") for i in range(5)))
LINKS = [(a, b) for a in PEERS for b in PEERS if a != b]


def exchange(speaker: PeerId, listener: PeerId, quality_ppm: int, round: int = 1) -> Exchange:
    return Exchange(round, MessageId(bytes(31) + bytes([round])), speaker, listener, quality_ppm)


@st.composite
def pasts(draw: st.DrawFn) -> list[list[Exchange]]:
    """Return a past that agrees with itself: every link that was tried was tried four times, mostly alike."""
    links = draw(st.dictionaries(st.sampled_from(LINKS), st.sampled_from([0, UNIT // 3, UNIT]), max_size=20))
    odd = draw(st.integers(1, 4))
    return [
        [exchange(*link, UNIT // 2 if round == odd else quality, round) for link, quality in links.items()]
        for round in range(1, 5)
    ]


@given(past=pasts(), k=st.integers(1, 4), seed=st.integers(0, 99))
def test_everybody_hears_one_to_k_others_and_all_are_told_the_same(
    past: list[list[Exchange]], k: int, seed: int
) -> None:
    topology = Feedback.fit(past, k=k)
    plan = topology.plan(0, PEERS, (), seed)
    for me in PEERS:
        near = topology.speakers(me, 0, PEERS, (), seed)
        assert near == heard_in(plan, me)
        assert 1 <= len(near) <= k
        assert me not in near


@given(past=pasts(), rng=st.randoms(use_true_random=False))
def test_the_order_in_which_a_question_was_heard_of_changes_nothing(past: list[list[Exchange]], rng: Random) -> None:
    shuffled = [rng.sample(question, k=len(question)) + question[:1] for question in past]
    assert Feedback.fit(past) == Feedback.fit(shuffled)
    seats = tuple(rng.sample(PEERS, k=len(PEERS)))
    assert Feedback.fit(past).plan(0, PEERS, (), 1) == Feedback.fit(past).plan(0, seats, (), 1)


@given(past=pasts(), k=st.integers(1, 4))
def test_a_name_carries_the_past_and_makes_the_same_plan_again(past: list[list[Exchange]], k: int) -> None:
    topology = Feedback.fit(past, k=k, keep=0.25)
    again = by_name(topology.name)
    assert again == topology
    assert again.plan(0, PEERS, (), 3) == topology.plan(0, PEERS, (), 3)


def test_a_score_is_the_mean_or_the_exponential_mean_in_order_of_questions() -> None:
    a, b = PEERS[:2]
    other = [exchange(b, a, 0, round) for round in range(4)]
    past = [[exchange(a, b, UNIT)], [exchange(a, b, 0)], [exchange(a, b, UNIT), exchange(a, b, UNIT, 2)], other]
    assert Feedback.fit(past).scores(PEERS) == {(a, b): 750_000, (b, a): 0}
    assert Feedback.fit(past, alpha=0.5).scores(PEERS)[a, b] == 875_000
    assert Feedback.fit(past[::-1], alpha=0.5).scores(PEERS)[a, b] == 750_000


def test_links_that_helped_are_heard_and_those_that_harmed_are_not() -> None:
    me, good, bad, fair, new = PEERS
    past = [[exchange(good, me, UNIT), exchange(bad, me, 0), exchange(fair, me, UNIT * (i % 2))] for i in range(4)]
    heard = [Feedback.fit(past).speakers(me, 0, PEERS, (), seed) for seed in range(200)]
    assert all({good, new} <= near and bad not in near for near in heard)
    assert 70 <= sum(fair in near for near in heard) <= 130  # a coin, 100 ± 4 s.d.


def test_who_was_only_ever_harmed_hears_the_least_harmful() -> None:
    me, *others = PEERS
    past = [[exchange(other, me, 100_000 * i) for i, other in enumerate(others)]] * 2
    assert Feedback.fit(past).speakers(me, 0, PEERS, (), 1) == {others[3]}


def test_links_are_directed() -> None:
    a, b = PEERS[:2]
    past = [[exchange(a, b, UNIT), exchange(b, a, 0)]] * 2
    topology = Feedback.fit(past, k=1)
    assert topology.speakers(b, 0, PEERS, (), 0) == {a}
    assert b not in topology.speakers(a, 0, PEERS, (), 0)


def test_without_a_past_everybody_hears_k_drawn_peers_and_no_name_is_favoured() -> None:
    heard = Counter(peer for seed in range(250) for peer in Feedback(2).speakers(PEERS[0], 0, PEERS, (), seed))
    assert all(90 <= heard[peer] <= 160 for peer in PEERS[1:])  # 125 ± 4 s.d.


def test_a_past_that_does_not_agree_with_itself_teaches_nothing() -> None:
    rng = Random(1)
    fooled = 0
    for _ in range(400):
        past = [[exchange(*link, UNIT * rng.randrange(2)) for link in LINKS] for _ in range(4)]
        fooled += Feedback.fit(past).past != ""
    assert 40 <= fooled <= 92  # one of six, 66 ± 3.5 s.d.
    assert Feedback.fit([]).past == Feedback.fit([[exchange(*LINKS[0], UNIT)]] * 4).past == ""


def test_newcomers_are_heard_in_free_places_and_who_left_is_forgotten() -> None:
    me, good, gone, _, _ = PEERS
    new = local_peer_id("newcomer")
    past = [[exchange(good, me, UNIT), exchange(gone, me, UNIT), exchange(me, good, 0)]] * 2
    topology = Feedback.fit(past, k=2)
    assert topology.speakers(me, 0, (me, good, new), (), 0) == {good, new}


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Feedback(0), "k=0"),
        (lambda: Feedback(keep=1.5), "keep=1.5"),
        (lambda: Feedback(past="abc"), "no past that a topology"),
        (lambda: Feedback(past="0123456789abcdef/2000000"), "no past that a topology"),
        (lambda: Feedback.fit([], alpha=0), "alpha=0"),
        (lambda: exchange(*LINKS[0], UNIT + 1), "quality of an exchange"),
        (lambda: Feedback().speakers(PEERS[0], 0, PEERS[1:], (), 0), "does not sit"),
        (lambda: by_name("feedback(past=12)"), "must be a word"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, why: str) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match=why):
        make()


def test_two_peers_whose_ids_begin_alike_are_refused() -> None:
    a, b = PeerId(bytes(32)), PeerId(bytes(31) + b"x")
    with pytest.raises(UsageError, match="poses"):
        Feedback.fit([[exchange(a, b, UNIT), exchange(b, a, 0)]] * 2)


# -- acceptance: half of the links pass on truth, half error, and a reviewer tells which with chance q --------------


class Learnt(NamedTuple):
    alone: float
    full: float
    learnt: float
    helpful_kept: float
    harmful_kept: float


def learnt(q: float, runs: int, alpha: float | None = None, epochs: int = 4) -> Learnt:
    """Learn links from reviews, then exchange once on a fresh question and take the majority; ties as their share."""
    rng = Random(f"{q} {alpha}")
    alone = full = gained = helpful_kept = harmful_kept = 0.0
    for run in range(runs):
        helpful = set(rng.sample(LINKS, k=len(LINKS) // 2))
        past = [[exchange(a, b, UNIT * (((a, b) in helpful) == (rng.random() < q))) for a, b in LINKS]
                for _ in range(epochs)]  # fmt: skip
        topology = Feedback.fit(past, k=4, alpha=alpha)
        hears = {me: topology.speakers(me, 0, PEERS, (), run) for me in PEERS}
        kept = {(a, me) for me, near in hears.items() for a in near}
        helpful_kept += len(kept & helpful) / 10
        harmful_kept += len(kept - helpful) / 10
        truth, *errors = rng.sample(range(8), k=8)
        says = {peer: truth if rng.random() < 0.35 else rng.choice(errors) for peer in PEERS}
        alone += right(says.values(), truth)
        everybody = {me: frozenset(PEERS) - {me} for me in PEERS}
        full += right(exchanged(says, everybody, helpful, truth, rng), truth)
        gained += right(exchanged(says, hears, helpful, truth, rng), truth)
    return Learnt(*(100 * x / runs for x in (alone, full, gained, helpful_kept, harmful_kept)))


def exchanged(
    says: dict[PeerId, int],
    hears: dict[PeerId, frozenset[PeerId]],
    helpful: set[tuple[PeerId, PeerId]],
    truth: int,
    rng: Random,
) -> Sequence[int]:
    after: list[int] = []
    for me, near in hears.items():
        mine = says[me]
        for speaker in rng.sample(sorted(near), k=len(near)):
            passes_truth, passes_error = (0.7, 0.1) if (speaker, me) in helpful else (0.2, 0.5)
            if rng.random() < (passes_truth if says[speaker] == truth else passes_error):
                mine = says[speaker]
        after.append(mine)
    return after


def right(said: Iterable[int], truth: int) -> float:
    counts = Counter(said)
    most = [answer for answer, n in counts.items() if n == max(counts.values())]
    return (truth in most) / len(most)


def test_kept_links_are_the_helpful_ones_and_more_so_by_the_mean_than_by_the_last_review() -> None:
    mean, last = learnt(0.75, 600), learnt(0.75, 600, alpha=0.5)
    assert mean.helpful_kept >= 82  # .84 expected: 3 of 4 right, ties split
    assert mean.harmful_kept <= 30
    assert last.helpful_kept < mean.helpful_kept - 2


@pytest.mark.slow
def test_learnt_links_beat_hearing_all_and_coin_flips_hurt_little() -> None:
    good, coins = learnt(0.75, 6_000), learnt(0.5, 6_000)
    assert good.learnt >= good.full + 4, good
    assert coins.learnt >= coins.full - 1, coins
