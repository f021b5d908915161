from collections.abc import Sequence
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.consensus import ConfidenceVote, Once, Rule, borda, confidence_bins, confidence_vote, majority
from waggledance.core import UNIT, Channel, Message, Proposal, UsageError, local_peer_id, swarm_id
from waggledance.protocols import likely, likely_in, settled_in

RULES: list[Rule] = [majority, confidence_vote, confidence_bins, Once(majority)]
PEERS = [local_peer_id(f"p{i}") for i in range(4)]
Said = tuple[str | None, int | None]
"""An answer and a stated confidence."""


def messages(rows: Sequence[Sequence[Said]], name: str) -> list[list[Message[Proposal]]]:
    """Publish each peer's answers, one row a peer; the k-th is its proposal of round k."""
    channel = Channel(swarm_id("s"), name)
    return [
        [
            channel.publish(peer, Proposal(round=k, key=key, confidence_ppm=sure), [], 0)
            for k, (key, sure) in enumerate(row)
        ]
        for peer, row in zip(PEERS, rows, strict=False)
    ]


answer = st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([None, 0, 300_000, 850_000, UNIT]))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[Message[Proposal]]], dict[bytes, int]]:
    samples = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(answer, min_size=samples, max_size=samples), min_size=1, max_size=4))
    weight = st.sampled_from([0, 1, 333_333, UNIT, 3 * UNIT])
    return messages(rows, draw(st.sampled_from("wxyz"))), {peer: draw(weight) for peer in PEERS[: len(rows)]}


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=70)
@given(case=cases(), rng=st.randoms(use_true_random=False))
def test_what_is_settled_is_what_all_votes_together_decide(
    rule: Rule, case: tuple[list[list[Message[Proposal]]], dict[bytes, int]], rng: Random
) -> None:
    rows, weights = case
    everything = [m for row in rows for m in row]
    for taken in range(len(rows[0]) + 1):
        kept = [row[: rng.randint(0, taken)] for row in rows]
        said = [m for row in kept for m in row]
        left = {row[0].author: len(row) - len(k) for row, k in zip(rows, kept, strict=True)}
        if settled_in(said, left, weights, rule) == 0:  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            assert rule(said, (), weights).key == rule(everything, (), weights).key  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@settings(max_examples=40)
@given(
    keys=st.lists(st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=3), min_size=1, max_size=3),
    left=st.lists(st.integers(0, 2), min_size=3, max_size=3),
    weight=st.sampled_from([UNIT, 2 * UNIT]),
    name=st.sampled_from("wxyz"),
)
def test_what_is_not_settled_some_votes_would_change(
    keys: list[list[str | None]], left: list[int], weight: int, name: str
) -> None:
    rows = messages([[(key, None) for key in row] for row in keys], name)
    said = [m for row in rows for m in row]
    weights = {PEERS[0]: weight}
    to_come = dict(zip(PEERS[: len(rows)], left, strict=False))
    now = majority(said, (), weights).key
    outcomes: set[str | None] = set()
    slots = [peer for peer, n in to_come.items() for _ in range(n)]
    for choice in product(["a", "b", None, *(f"new {i}" for i in range(6))], repeat=min(len(slots), 3)):
        channel = Channel(swarm_id("s"), name)
        more = [channel.publish(p, Proposal(round=9 + i, key=key), [], 0)
                for i, (p, key) in enumerate(zip(slots, choice, strict=False))]  # fmt: skip
        outcomes.add(majority([*said, *more], (), weights).key)
    settled = settled_in(said, to_come, weights, majority) == 0
    if settled:
        assert outcomes == {now}
    elif len(slots) <= 3 and now is not None:
        rivals_with_a_lucky_hash_are_tried = len(outcomes) > 1
        assert rivals_with_a_lucky_hash_are_tried or len(slots) == 0


@pytest.mark.parametrize("rule", [majority, confidence_vote])
def test_the_turns_it_takes_at_least_are_those_in_which_all_agree(rule: Rule) -> None:
    for samples in range(1, 14):
        left = {PEERS[0]: samples}
        assert settled_in((), left, {}, rule) == samples // 2 + 1
    assert likely_in((), {PEERS[0]: 40}, None, 0.95) == 4
    assert likely_in((), dict.fromkeys(PEERS, 40), None, 0.95) == 1


def test_a_leader_by_weight_with_few_votes_is_not_likely() -> None:
    rows = messages([[("a", None)], [("b", None)] * 5], "w")
    said = [m for row in rows for m in row]
    left = {PEERS[0]: 4, PEERS[1]: 0}
    assert likely_in(said, left, "b") == 1, "of five against one, a sixth is enough"
    assert likely_in(said, left, "a") == 4
    assert likely_in(said, {PEERS[0]: 40}, "a") == 4 + 7


def test_no_turns_to_come_settle_everything() -> None:
    assert settled_in((), {}, {}, majority) == 0
    assert settled_in((), {PEERS[0]: 0}, {}, majority) == 0
    assert likely_in((), {PEERS[0]: 0}, None) == 0


def test_peers_without_weight_neither_settle_nor_unsettle() -> None:
    [[one], [other]] = messages([[("a", None)], [("b", None)]], "w")
    weights = {PEERS[1]: 0}
    assert settled_in([one, other], {PEERS[0]: 0, PEERS[1]: 9}, weights, majority) == 0
    assert settled_in([one, other], {PEERS[0]: 3, PEERS[1]: 0}, weights, majority) > 0


def test_answers_that_could_not_be_read_settle_nothing() -> None:
    [row] = messages([[(None, None)] * 3], "w")
    assert settled_in(row, {PEERS[0]: 2}, {}, majority) == 2, "with one, the other may tie it"
    assert likely_in(row, {PEERS[0]: 2}, None) == 2


def test_the_posterior_is_that_of_a_beta_distribution() -> None:
    for first in range(7):
        for second in range(first + 1):
            grid = [(i + 0.5) / 20_000 for i in range(20_000)]
            density = [p**first * (1 - p) ** second for p in grid]
            chance = sum(density[10_000:]) / sum(density)
            for sure in (0.6, 0.8, 0.95, 0.99):
                if abs(chance - sure) > 1e-4:
                    assert likely(first, second, sure) == (chance >= sure)


@pytest.mark.parametrize("sure", [0.5, 1.0, 0.0, -1.0, float("nan"), float("inf")])
def test_a_chance_that_cannot_be_enough_is_refused(sure: float) -> None:
    with pytest.raises(UsageError, match=r"above 0\.5 and below 1"):
        likely(3, 1, sure)
    with pytest.raises(UsageError, match=r"above 0\.5 and below 1"):
        likely_in((), {PEERS[0]: 3}, None, sure)


def test_votes_out_of_order_are_refused() -> None:
    for first, second in ((1, 2), (0, -1)):
        with pytest.raises(UsageError, match="the leader's and the next one's"):
            likely(first, second)


def test_a_rule_whose_end_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="'borda' is settled is not known"):
        settled_in((), {PEERS[0]: 1}, {}, borda)


def test_a_scale_of_ones_own_is_read_as_the_rule_reads_it() -> None:
    flat = ConfidenceVote("flat", lambda _: UNIT)
    [row] = messages([[("a", 0), ("a", 0)]], "w")
    assert settled_in(row, {PEERS[0]: 1}, {}, flat) == 0
    assert settled_in(row, {PEERS[0]: 1}, {}, confidence_vote) > 0


def test_the_likely_leader_is_overtaken_seldom_but_more_often_than_its_threshold_says() -> None:
    """A coin of .55: after each vote it is looked at, as sampling does, and compared with the answer of all 40."""
    rng = Random(5)
    changed = asked = runs = 0
    for _ in range(4_000):
        votes = [rng.random() < rng.choice([0.45, 0.5, 0.55, 0.7, 0.9, 0.95]) for _ in range(41)]
        for n in range(1, 42):
            ones = sum(votes[:n])
            if n == 41 or likely(max(ones, n - ones), min(ones, n - ones)):
                changed += (2 * ones > n) != (2 * sum(votes) > 41)
                asked, runs = asked + n, runs + 1
                break
    assert 0.001 < changed / runs < 0.15
    assert asked / runs < 25
