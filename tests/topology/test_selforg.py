"""Self-organised: who hears whom follows from the answers, and does no harm."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import Message, PeerId, Proposal, UsageError, local_peer_id
from waggledance.protocols import Debate
from waggledance.testing import W4, simulate
from waggledance.topology import Complete, Ring, SelfOrg, by_name, contributions, points, similarities

Say = Callable[..., Message[Proposal]]
NAMES = tuple(f"p{i}" for i in range(8))
ROSTER = tuple(local_peer_id(name) for name in NAMES)
answers = st.lists(st.sampled_from(["4", "5", "6", None]), min_size=1, max_size=8)


def round_of(say: Say, keys: list[str | None]) -> list[Message[Proposal]]:
    return [say(name, key, f"I say {key}") for name, key in zip(NAMES, keys, strict=False)]


@given(keys=answers, k=st.integers(1, 4), seed=st.integers(0, 99))
def test_words_flow_in_layers_from_high_to_low_contributions(
    say: Say, keys: list[str | None], k: int, seed: int
) -> None:
    said = round_of(say, keys)
    plan = SelfOrg(k).plan(0, ROSTER, said, seed)
    worth = dict(zip([m.author for m in said], contributions(points(said)).tolist(), strict=True))
    spoke = {m.author for m in said if m.body.key is not None}
    layer = {peer: edge.layer for edge in plan for peer in edge.listeners}
    for edge in plan:
        (listener,) = edge.listeners
        assert 1 <= len(edge.speakers) <= k
        assert edge.speakers <= spoke - {listener}
        assert edge.layer == 1 + max(layer.get(speaker, 0) for speaker in edge.speakers)
        if listener in spoke:
            assert all(worth[speaker] >= worth[listener] for speaker in edge.speakers)
    assert len(set(ROSTER) - set(layer)) == (1 if spoke else len(ROSTER))  # one leader hears nobody, all others do


@given(keys=answers, seed=st.integers(0, 99), rng=st.randoms(use_true_random=False))
def test_all_draw_one_plan_in_whatever_order_words_come(
    say: Say, keys: list[str | None], seed: int, rng: Random
) -> None:
    said = round_of(say, keys)
    shuffled, seats = rng.sample(said, k=len(said)), tuple(rng.sample(ROSTER, k=len(ROSTER)))
    assert SelfOrg().plan(0, ROSTER, said, seed) == SelfOrg().plan(0, seats, shuffled, seed)


def test_listeners_prefer_those_most_like_themselves() -> None:
    world = W4(peers=7, seed=3)
    topology = SelfOrg(k=1, embed=world.embed)
    for number in range(20):
        said = world.proposed(number)
        where = points(said, world.embed)
        place = {m.author: i for i, m in enumerate(said)}
        worth, like = contributions(where), similarities(where)
        for edge in topology.plan(0, tuple(place), said, number):
            (me,), (source,) = edge.listeners, edge.speakers
            higher = [i for i in range(7) if worth[i] > worth[place[me]]]
            assert place[source] == max(higher, key=lambda i: like[place[me], i])


def test_among_equals_the_leader_is_drawn_and_no_name_is_favoured(say: Say) -> None:
    leaders: list[PeerId] = []
    said = round_of(say, ["4"] * 5)
    for seed in range(500):
        listeners = {peer for edge in SelfOrg().plan(0, ROSTER[:5], said, seed) for peer in edge.listeners}
        leaders += set(ROSTER[:5]) - listeners
    assert all(60 <= leaders.count(peer) <= 140 for peer in ROSTER[:5])  # 100 ± 4.5 s.d.


def test_one_changed_answer_changes_the_plan(say: Say) -> None:
    said = round_of(say, ["4", "4", "4", "5", "5"])
    changed = round_of(say, ["4", "4", "5", "5", "5"])
    assert SelfOrg().plan(0, ROSTER, said, 1) != SelfOrg().plan(0, ROSTER, changed, 1)


def test_a_quantile_leaves_only_similar_sources() -> None:
    world = W4(peers=7, seed=3)
    said = world.proposed(0)
    roster = tuple(m.author for m in said)
    links = [sum(len(e.speakers) for e in SelfOrg(3, quantile=q, embed=world.embed).plan(0, roster, said, 0))
             for q in (0.0, 0.5, 0.9)]  # fmt: skip
    assert links[0] > links[1] > links[2] > 0


def test_nobody_hears_anybody_where_nobody_answered_or_one_is_alone(say: Say) -> None:
    assert SelfOrg().plan(0, ROSTER, (), 0) == ()
    assert SelfOrg().plan(0, ROSTER, round_of(say, [None, None]), 0) == ()
    assert SelfOrg().plan(0, ROSTER[:1], round_of(say, ["4"]), 0) == ()
    assert SelfOrg().speakers(ROSTER[0], 0, ROSTER, round_of(say, ["4"]), 0) == frozenset()


def test_who_does_not_sit_there_is_heard_by_nobody(say: Say) -> None:
    plan = SelfOrg().plan(0, ROSTER[:2], round_of(say, ["4", "4", "5"]), 0)
    assert {peer for edge in plan for peer in edge.speakers | edge.listeners} == set(ROSTER[:2])
    with pytest.raises(UsageError, match="does not sit"):
        SelfOrg().speakers(local_peer_id("someone"), 0, ROSTER, (), 0)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"quantile": 1.1}, {"quantile": np.nan}, {"enough": -0.1}])
def test_what_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)) + "="):
        SelfOrg(**wrong)  # type: ignore[arg-type]


def test_it_is_made_by_name_and_only_its_embedding_is_not() -> None:
    assert by_name("selforg(k=3, quantile=0.5)") == SelfOrg(3, 0.5)
    assert by_name(SelfOrg(1).name) == SelfOrg(1)
    world = W4()
    with pytest.raises(UsageError, match=r"which no name can carry: make the topology in Python"):
        by_name(SelfOrg(embed=world.embed).name)


# -- in talk ------------------------------------------------------------------------------------------------------


def test_a_debate_speaks_in_layers_and_each_names_the_new_words_it_heard() -> None:
    run = simulate(Debate(rounds=2, topology=SelfOrg(k=1), patience_s=30), "2+2?", peers=6)
    by_id = {m.id: m for m in run.log}
    heard = [by_id[ref] for m in run.log if isinstance(m.body, Proposal) and m.body.round == 1
             for ref in m.body.refs if by_id[ref].author != m.author]  # fmt: skip
    assert {m.body.round for m in heard} == {0, 1} or {m.body.round for m in heard} == {1}
    assert len(heard) == 5
    assert run.virtual_s < 20


@pytest.mark.slow
@pytest.mark.parametrize(("truth", "popular"), [(0.35, 0.0), (0.35, 0.6), (0.5, 0.0)])
def test_selection_by_contribution_equals_plurality_within_a_point(truth: float, popular: float) -> None:
    for seed in (9, 10):
        world, chosen, plural = W4(seed=seed, truth=truth, popular=popular), 0.0, 0.0
        for number in range(4_000):
            said = world.proposed(number)
            first = said[int(contributions(points(said, world.embed)).argmax())]
            chosen += world.thing_in(first.body.text) == world.answers(number).truth
            plural += world.right(number, said)
        assert abs(chosen - plural) / 4_000 <= 0.01, (chosen, plural)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6, 7])
def test_talk_harms_little_without_recognition_and_gains_with_some(seed: int) -> None:
    for help, least in ((0.0, -0.02), (0.3, 0.04)):
        world = W4(help=help, seed=seed)
        before, after = world.discussions(SelfOrg(embed=world.embed), rounds=3, questions=4_000).majority
        assert after - before >= least, (help, before, after)


def test_where_peers_follow_whomever_they_hear_it_harms_far_less_than_a_ring() -> None:
    world = W4(seed=6, torn="follow")
    safe = world.discussions(SelfOrg(embed=world.embed), rounds=3, questions=300)
    ring = world.discussions(Ring(), rounds=3, questions=300)
    full = world.discussions(Complete(), rounds=3, questions=300)
    lost = [world.majority[0] - world.majority[1] for world in (safe, ring, full)]
    assert lost[0] < 0.05
    assert lost[1] > lost[0] + 0.08
    assert safe.read < ring.read < full.read


def test_a_debate_that_stops_when_agreed_stops_when_free_words_are_similar() -> None:
    world = W4(seed=1, truth=1.0, noise=0.1)
    topology = SelfOrg(embed=world.embed)
    for stop, rounds in (("agreed", 0), ("never", 2)):
        debate = Debate(rounds=2, topology=topology, stop=stop, patience_s=30)  # type: ignore[arg-type]
        run = simulate(debate, world.case(0).question, peers=world.seats())
        assert max(m.body.round for m in run.log if isinstance(m.body, Proposal)) == rounds
