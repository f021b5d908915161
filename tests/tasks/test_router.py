"""Laws that every router keeps, and the fold behind them: a new router is one more line in `ROUTERS`."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import UNIT, Message, UsageError, local_peer_id
from waggledance.tasks import ROUTERS, Card, Router, Scored, Standing, Task, TaskOutcome, counted
from waggledance.tasks._router import best_first, lot
from waggledance.tasks._standing import _EVERY
from waggledance.testing._routing_world import said_outcome

EVERY_ROUTER = [kind() for kind in ROUTERS.values()]
PEERS = [local_peer_id(f"p{i}") for i in range(6)]
ASKERS = [local_peer_id(f"asker {i}") for i in range(3)]
KINDS = ("think", "code")
TASK = Task(goal="find the queen", kind="code")
CARDS = [Card(peer=peer, skills={"code": 200_000 + 90_000 * i}, load=i % 3, capacity=2) for i, peer in enumerate(PEERS)]

Said = Message[TaskOutcome]


def outcomes(n: int, seed: int) -> list[Said]:
    """Return outcomes with features that routers learn from, some at one Lamport time, some doubled."""
    rng = Random(seed)
    said: list[Said] = []
    for i in range(n):
        task = Task(goal=f"task {rng.randrange(max(1, n - n // 8))}", kind=rng.choice(KINDS))
        worker = rng.choice(PEERS)
        x = rng.choice([(), (UNIT, 500_000, 0, 0, 400_000, UNIT), (100_000, -200_000, 300_000)])
        body = TaskOutcome(
            task=task.id, task_kind=task.kind, worker=worker, reward_ppm=rng.randrange(UNIT + 1), x=x,
            milliseconds=rng.randrange(5_000),
        )  # fmt: skip
        said.append(said_outcome(rng.choice(ASKERS), body, 1 + i // 2))
    return said


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
@settings(max_examples=5)
@given(n=st.integers(0, 3 * _EVERY), seed=st.integers(0, 99), rng=st.randoms(use_true_random=False))
def test_a_rank_takes_no_notice_of_the_order_of_outcomes_and_cards_nor_of_repeats(
    router: Router, n: int, seed: int, rng: Random
) -> None:
    said = outcomes(n, seed)
    mixed = rng.sample(said, k=n) + said[: n // 3]
    cards = rng.sample(CARDS, k=len(CARDS))
    assert router.rank(TASK, cards, mixed) == router.rank(TASK, CARDS, said)


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
@settings(max_examples=3)
@given(seed=st.integers(0, 99), rng=st.randoms(use_true_random=False))
def test_learning_bit_by_bit_with_late_comers_equals_the_fold_from_scratch(
    router: Router, seed: int, rng: Random
) -> None:
    said = outcomes(4 * _EVERY, seed)
    late = [i + (2 * _EVERY * rng.random() if rng.random() < 0.2 else 0) for i in range(len(said))]
    standing = Standing(router)
    for _, message in sorted(zip(late, said, strict=True)):
        standing.add([message])
    assert standing.rank(TASK, CARDS) == router.rank(TASK, CARDS, said)
    assert len(standing) == len(counted(said))


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
def test_equal_peers_come_first_about_equally_often(router: Router) -> None:
    cards = [Card(peer=peer) for peer in PEERS[:4]]
    first = Counter(router.rank(Task(goal=f"task {i}"), cards)[0].peer for i in range(400))
    assert all(65 <= first[card.peer] <= 140 for card in cards)


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
def test_a_peer_that_is_down_comes_last_and_one_without_the_skill_not_at_all(router: Router) -> None:
    down = Card(peer=PEERS[0], skills={"code": UNIT, "french": UNIT}, available=False)
    up = Card(peer=PEERS[1], skills={"code": 0, "french": 0})
    task = Task(goal="translate", kind="code", needs=("french",))
    for i in range(30):
        ranking = router.rank(Task(goal=f"translate {i}", kind="code", needs=("french",)), [down, up, *CARDS[2:]])
        assert [scored.peer for scored in ranking] == [PEERS[1], PEERS[0]]
    assert router.rank(task, CARDS) == ()
    assert router.rank(task, []) == ()


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
def test_one_peer_alone_is_chosen_and_all_down_are_still_ranked(router: Router) -> None:
    assert [scored.peer for scored in router.rank(TASK, CARDS[:1])] == [PEERS[0]]
    gone = [Card(peer=peer, available=False) for peer in PEERS]
    ranking = router.rank(TASK, gone)
    assert {scored.peer for scored in ranking} == set(PEERS)
    assert all(abs(scored.score_ppm) < 1 << 61 for scored in ranking)


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
def test_two_cards_of_one_peer_are_refused(router: Router) -> None:
    with pytest.raises(UsageError, match="two cards of one peer"):
        router.rank(TASK, [CARDS[0], CARDS[0]])


@pytest.mark.parametrize("router", EVERY_ROUTER, ids=lambda router: router.name)
def test_features_of_another_router_or_out_of_range_do_no_harm(router: Router) -> None:
    said = [
        said_outcome(ASKERS[0], TaskOutcome(task=Task(goal=f"t{i}").id, task_kind="code", worker=PEERS[0],
                                            reward_ppm=UNIT, x=x), i + 1)
        for i, x in enumerate([(-UNIT,) * 6, (16 * UNIT,) * 6, (16 * UNIT,) * 3, (1,) * 16, ()])
    ]  # fmt: skip
    assert len(router.rank(TASK, CARDS, said)) == len(CARDS)


def test_what_a_peer_says_of_itself_does_not_count_nor_what_is_said_twice() -> None:
    mine = TaskOutcome(task=TASK.id, task_kind="code", worker=PEERS[0], reward_ppm=UNIT)
    assert counted([said_outcome(PEERS[0], mine, 1)]) == ()
    first = said_outcome(ASKERS[0], mine, 1)
    again = said_outcome(ASKERS[0], TaskOutcome(task=TASK.id, task_kind="code", worker=PEERS[0], reward_ppm=0), 2)
    assert counted([again, first]) == (first,)


def test_only_the_word_of_who_asked_counts_where_that_is_known() -> None:
    body = TaskOutcome(task=TASK.id, task_kind="code", worker=PEERS[0], reward_ppm=UNIT)
    asked, other = said_outcome(ASKERS[0], body, 1), said_outcome(ASKERS[1], body, 1)
    assert counted([asked, other], asked_by={TASK.id: ASKERS[0]}) == (asked,)
    assert counted([asked, other], asked_by={}) == ()
    assert counted([asked, other], doubted={ASKERS[0]}) == (other,)


def test_an_earlier_word_that_comes_late_takes_the_place_of_a_later_one() -> None:
    router = EVERY_ROUTER[1]
    later = said_outcome(ASKERS[0], TaskOutcome(task=TASK.id, task_kind="code", worker=PEERS[0], reward_ppm=UNIT), 5)
    early = said_outcome(ASKERS[0], TaskOutcome(task=TASK.id, task_kind="code", worker=PEERS[0], reward_ppm=0), 1)
    standing = Standing(router, [later])
    standing.add([early])
    assert standing.rank(TASK, CARDS) == router.rank(TASK, CARDS, [early])


@given(seed=st.integers(0, 1_000))
@settings(max_examples=20)
def test_a_lot_is_fair_between_any_two_peers(seed: int) -> None:
    a, b = local_peer_id(f"a{seed}"), local_peer_id(f"b{seed}")
    wins = sum(lot(Task(goal=f"{i}"), a) < lot(Task(goal=f"{i}"), b) for i in range(200))
    assert 60 <= wins <= 140


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reward_ppm": UNIT + 1}, "a reward lies between"),
        ({"reward_ppm": -1}, "a reward lies between"),
        ({"worker": b"short"}, "32 bytes"),
        ({"x": (0,) * 17}, "at most 16 features"),
        ({"x": (17 * UNIT,)}, "at most 16 features"),
        ({"milliseconds": -1}, "milliseconds"),
    ],
)
def test_an_outcome_that_makes_no_sense_is_refused(wrong: dict[str, object], says: str) -> None:
    fields: dict[str, object] = {"task": TASK.id, "task_kind": "code", "worker": PEERS[0], "reward_ppm": 0}
    with pytest.raises(UsageError, match=says):
        TaskOutcome(**(fields | wrong))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_scores_say_whom_they_are_of() -> None:
    assert EVERY_ROUTER[0].rank(TASK, CARDS)[0] == Scored(PEERS[5], 650_000)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 40), levels=st.sampled_from([1, 3, 10**6]))
def test_the_best_come_first_as_if_every_pair_were_looked_at(seed: int, n: int, levels: int) -> None:
    rng = Random(seed)
    cards = [Card(peer=local_peer_id(f"{seed}/{i}"), available=rng.random() < 0.8) for i in range(n)]
    scores = [rng.randrange(levels) - levels // 2 for _ in cards]
    plain = sorted(
        zip(scores, cards, strict=True), key=lambda row: (not row[1].available, -row[0], lot(TASK, row[1].peer))
    )
    assert best_first(TASK, cards, scores) == plain
