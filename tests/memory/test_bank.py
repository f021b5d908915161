"""The bank: pure selection, blind to order; and the world in which it pays."""

from __future__ import annotations

from random import Random

import pytest
from blake3 import blake3

from waggledance.core import UNIT, Channel, UsageError, local_peer_id, swarm_id
from waggledance.memory import TEAM, Record, Recorded, RecordId, RecordStore
from waggledance.memory._admission import Candidate, Policy, everything, half_at_random, hand_rule
from waggledance.memory._bank import Use, candidates_of, select, uses_of
from waggledance.testing._sharing_world import STEPS, SharingWorld, _Question


def candidate(number: int, rng: Random) -> Candidate:
    return Candidate(
        id=RecordId(blake3(b"%d" % number).digest()),
        key=f"key {number % 1_700}",
        relevance_ppm=rng.randrange(0, UNIT, 50_000),
        tokens=rng.randrange(500),
        produced=rng.randrange(1, 4),
    )


CANDIDATES = [candidate(i, Random(i)) for i in range(2_000)]
USES = {c.id: i % 3 for i, c in enumerate(CANDIDATES[::40])}


@pytest.mark.parametrize("policy", [everything, half_at_random, hand_rule], ids=lambda p: p.__name__)
def test_a_selection_from_2000_candidates_is_the_same_in_20_orders(policy: Policy) -> None:
    first = select(CANDIDATES, USES, policy, 50)
    assert len(first) == 50
    for seed in range(20):
        mixed = Random(seed).sample(CANDIDATES, len(CANDIDATES))
        assert select(mixed, USES, policy, 50) == first


def test_admitting_one_by_one_as_they_come_would_depend_on_the_order() -> None:
    def online(order: list[Candidate]) -> set[RecordId]:
        bank: list[Candidate] = []
        for one in order:
            if len(bank) < 50 and hand_rule(one, 0) > 0 and all(one.key != other.key for other in bank):
                bank.append(one)
        return {one.id for one in bank}

    one, other = (online(Random(seed).sample(CANDIDATES, len(CANDIDATES))) for seed in (1, 2))
    assert len(one & other) < 40


def test_the_bank_shows_one_entry_a_key_the_best_of_them_and_none_that_scores_nothing() -> None:
    good, bad, worthless = (
        Candidate(id=RecordId(bytes([i]) * 32), key=key, relevance_ppm=ppm)
        for i, key, ppm in ((1, "Bread", 600_000), (2, "bread ", 900_000), (3, "salt", 100_000))
    )
    assert select([good, bad, worthless], {}) == (bad.id,)
    assert select([good, bad, worthless], {good.id: 1}) == (good.id,)
    assert select([worthless], {worthless.id: 1}) == (worthless.id,)
    assert select([good, good, good], {}, everything) == (good.id,)


def test_what_several_came_to_counts_for_more() -> None:
    def by_producers(candidate: Candidate, uses: int) -> int:
        return candidate.produced

    one = [Candidate(id=RecordId(bytes([i]) * 32), key="often") for i in range(3)]
    once = Candidate(id=RecordId(b"x" * 32), key="once", produced=2)
    assert select([*one, once], {}, by_producers, 1)[0] in {c.id for c in one}


def test_ties_do_not_follow_ids_or_keys() -> None:
    firsts = set[str]()
    for run in range(30):
        same = [Candidate(id=RecordId(bytes([i]) * 32), key=f"{run} {'abc'[i]}", relevance_ppm=UNIT) for i in range(3)]
        [first] = select(same, {}, hand_rule, 1)
        firsts.add("abc"[first[0]])
    assert firsts == set("abc")


def test_a_negative_capacity_and_senseless_candidates_are_refused_and_an_empty_bank_is_empty() -> None:
    with pytest.raises(UsageError, match="capacity"):
        select(CANDIDATES, {}, capacity=-1)
    with pytest.raises(UsageError, match="32 bytes"):
        Candidate(id=RecordId(b"short"), key="key")
    with pytest.raises(UsageError, match="32 bytes"):
        Use(record=RecordId(b"short"))
    assert select([], {}) == ()
    assert select(CANDIDATES, {}, capacity=0) == ()


def test_all_who_hold_the_same_messages_see_the_same_bank_and_own_uses_do_not_count() -> None:
    channel = Channel(swarm_id("bees"), "q1")
    records = [Record.of("finding", key, scope=TEAM) for key in ("bake bread at 230 degrees", "the moon is far away")]
    record = records[0]
    for author in ("ada", "ben"):
        for one in records:
            channel.publish(local_peer_id(author), Recorded(record=one), [], 0)
    elsewhere = Record.of("finding", "for others", scope="q2")
    channel.publish(local_peer_id("ada"), Recorded(record=elsewhere), [], 0)
    for user in ("ada", "cat", "cat", "dan"):
        channel.publish(local_peer_id(user), Use(record=record.id), [], 0)
    messages = list(channel.messages())
    assert uses_of(messages) == {record.id: 2}
    seen = {candidates_of(Random(seed).sample(messages, len(messages)), "how to bake bread") for seed in range(5)}
    assert len(seen) == 1
    [found] = seen
    assert {c.id for c in found} == {r.id for r in records}
    assert {c.produced for c in found} == {2}
    relevance = {c.id: c.relevance_ppm for c in found}
    assert relevance[record.id] > relevance[records[1].id]
    with RecordStore() as store:
        store.take(messages)
        assert store.get(select(found, uses_of(messages))[0]) == store.get(record.id)


COLUMNS = {
    "4 teams": (SharingWorld(), 0.76),
    "8 teams": (SharingWorld(teams=8), 0.73),
    "long keys": (SharingWorld(key_cost=0.012), 0.86),
    "mostly private": (SharingWorld(private=0.7), 0.91),
}
"""Each with the total of the card's oracle."""


@pytest.mark.parametrize("column", COLUMNS)
def test_chosen_sharing_beats_sharing_all_and_is_near_the_oracle(column: str) -> None:
    world, oracle = COLUMNS[column]
    all_of_it = world.mean(lambda seed: world.run(None, seed), 40)
    logit = world.trained(150)
    for policy in (hand_rule, logit):
        total, slowest = world.mean(lambda seed, p=policy: world.run(p, seed), 40)
        assert total <= all_of_it[0] - 0.03
        assert slowest <= 1.0
        assert total <= oracle + 0.04
    if column in ("long keys", "mostly private"):
        assert min(all_of_it) > 1  # worse than no memory at all: the paper's point


def test_the_worlds_bank_is_what_select_shows() -> None:
    world = SharingWorld()
    question = _Question(world, hand_rule, 3, None)
    question.run()
    steps = [question.candidate(team, step) for team in range(world.teams) for step in range(STEPS)]
    shown = {f"problem {problem}" for problem in question.shown if problem >= 0}
    chosen = set(select(steps, {}, hand_rule, 1_000))
    assert {c.key for c in steps if c.id in chosen and c.key.startswith("problem")} == shown
