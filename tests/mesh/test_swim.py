"""Crashes are found, the living are not buried, the cut off come back, and liars are outbid."""

from __future__ import annotations

from math import inf, nan
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Key, UsageError, swarm_id
from waggledance.mesh import Swim
from waggledance.mesh._swim_messages import Ping, death, refutation, suspicion
from waggledance.testing import SwimWorld

SWARM = swarm_id("bees")
KEYS = [Key(bytes([n]) * 32) for n in range(1, 7)]
PEERS = [key.peer for key in KEYS]


def swim(of: int = 0, members: int = 4, *, seed: int = 5, incarnation: int = 0) -> Swim:
    made = Swim(KEYS[of], SWARM, rng=Random(seed), incarnation=incarnation)
    made.know(PEERS[:members], 0.0)
    return made


def status(detector: Swim, peer: int) -> str:
    return detector.states()[PEERS[peer]].status


@pytest.mark.parametrize("n", [2, 8, 32])
def test_a_crash_is_suspected_and_then_held_for_a_death_by_all(n: int) -> None:
    world = SwimWorld(n, seed=n, loss=0.1)
    world.run(3.3)
    gone = Random(n).choice(world.peers)
    world.crashed.add(gone)
    world.run(60, lambda: world.everyone_else(gone, "suspect", "dead"))
    assert world.now < 3.3 + 3 * n.bit_length() + 5
    world.run(100)
    assert world.everyone_else(gone, "dead")
    assert all(gone in world.swims[peer].states() for peer in world.peers), "the dead remain members"


def test_nobody_living_is_buried_at_ten_percent_loss() -> None:
    world = SwimWorld(8, seed=3, loss=0.1)
    world.run(400)
    assert world.counted("suspicions") > 0, "with no suspicion at all this shows nothing"
    assert world.counted("deaths") == 0
    assert world.counted("suspicions") / world.counted("probes") < 0.008


def test_messages_of_a_peer_do_not_grow_with_the_swarm() -> None:
    rates: list[float] = []
    for n in (8, 64):
        world = SwimWorld(n, seed=1, loss=0.1)
        world.run(30)
        rates.append(sum(world.sent.values()) / n / 30)
    assert rates[1] < 1.25 * rates[0]


def test_a_hung_peer_is_suspected_and_taken_back_when_it_goes_on() -> None:
    world = SwimWorld(8, seed=4)
    world.run(3.0)
    hung = Random(4).choice(world.peers)
    world.hang(hung)
    world.run(30, lambda: world.everyone_else(hung, "suspect", "dead"))
    assert world.now < 3.0 + 6
    world.run(40)
    assert world.everyone_else(hung, "dead")
    world.resume(hung)
    accused_before = world.swims[hung].counted["suspicions"]
    world.run(50)
    assert world.everyone_else(hung, "alive")
    assert world.swims[hung].counted["suspicions"] == accused_before == 0, "who slept blames nobody"


def test_a_killed_peer_is_suspected_by_all_within_half_a_second_of_the_hint() -> None:
    world = SwimWorld(8, seed=6)
    world.run(9.7)
    gone = Random(6).choice(world.peers)
    world.crashed.add(gone)
    world.hint(gone, up=False)
    assert not world.everyone_else(gone, "suspect"), "a hint is no verdict"
    assert world.run(12, lambda: world.everyone_else(gone, "suspect")) < 9.7 + 0.5


def test_a_false_hint_accuses_nobody() -> None:
    world = SwimWorld(8, seed=7)
    world.run(9.2)
    for peer in world.peers:
        world.hint(peer, up=False)
    world.run(12)
    assert world.counted("suspicions") == 0


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_after_a_partition_nobody_stays_dead(loss: float) -> None:
    world = SwimWorld(16, seed=8, loss=loss)
    world.run(2.0)
    world.side = dict.fromkeys(Random(8).sample(world.peers, 8), 1)
    world.run(60)
    assert world.counted("deaths") > 0
    world.side = {}
    world.run(90, lambda: all(world.everyone_else(peer, "alive") for peer in world.peers))
    assert world.now < 70
    deaths = world.counted("deaths")
    world.run(200)
    assert world.counted("deaths") == deaths
    assert all(world.everyone_else(peer, "alive", "suspect") for peer in world.peers)


def test_a_peer_restarts_after_its_death() -> None:
    world = SwimWorld(8, seed=9)
    world.run(2.0)
    peer = Random(9).choice(world.peers)
    for incarnation in (0, 1):  # having lost what it kept, or not
        world.crashed.add(peer)
        world.run(world.now + 30)
        assert world.everyone_else(peer, "dead")
        world.start(peer, incarnation)
        world.run(world.now + 10)
        assert world.everyone_else(peer, "alive")


def test_who_leaves_is_known_to_have_left_and_is_not_probed() -> None:
    world = SwimWorld(8, seed=10, loss=0.1)
    world.run(2.0)
    leaver = Random(10).choice(world.peers)
    detector = world.swims[leaver]
    world.send(leaver, detector.leave(world.now))
    world.run(12.0)
    assert world.everyone_else(leaver, "left")
    assert detector.states()[leaver].status == "left"
    assert detector.next_at == inf
    assert detector.leave(12.0) == detector.tick(13.0) == detector.hint(world.peers[0], False, 13.0) == []
    suspected = world.counted("suspicions")
    world.run(30.0)
    assert world.counted("suspicions") - suspected < 3, "at this loss and length some may be suspected"
    assert world.everyone_else(leaver, "left")


def test_a_forged_death_is_ignored_and_counted() -> None:
    detector = swim()
    true = death(KEYS[1], SWARM, PEERS[2], 0, b"")
    forged = [
        (msgspec.structs.replace(true, accuser=PEERS[3]), "signature"),
        (msgspec.structs.replace(true, peer=PEERS[3]), "signature"),
        (msgspec.structs.replace(true, incarnation=1), "signature"),
        (msgspec.structs.replace(true, claim=bytes(64)), "signature"),
        (death(KEYS[1], swarm_id("wasps"), PEERS[2], 0, b""), "signature"),
        (death(KEYS[5], SWARM, PEERS[2], 0, b""), "stranger"),
        (death(KEYS[1], SWARM, PEERS[5], 0, b""), "stranger"),
    ]
    for piece, reason in forged:
        before = detector.refused[reason]
        detector.on(PEERS[1], Ping(1, (piece,)), 0.1)
        assert detector.refused[reason] == before + 1
        assert {state.status for state in detector.states().values()} == {"alive"}
    detector.on(PEERS[1], Ping(1, (true,)), 0.1)
    assert status(detector, 2) == "dead"


def test_nobody_can_be_accused_beyond_what_it_claimed() -> None:
    detector = swim()
    claim = refutation(KEYS[2], SWARM, 3)
    for beyond in (
        suspicion(KEYS[1], SWARM, PEERS[2], 4, claim.signature),
        suspicion(KEYS[1], SWARM, PEERS[2], 4, b""),
    ):
        detector.on(PEERS[1], Ping(1, (beyond,)), 0.1)
    assert detector.refused["signature"] == 2
    detector.on(PEERS[1], Ping(1, (suspicion(KEYS[1], SWARM, PEERS[2], 3, claim.signature),)), 0.1)
    assert (status(detector, 2), detector.states()[PEERS[2]].incarnation) == ("suspect", 3)


def test_the_accused_refutes_in_one_round_trip_and_a_stale_accusation_changes_nothing() -> None:
    accuser, accused = swim(1), swim(2)
    lie = death(KEYS[1], SWARM, PEERS[2], 0, b"")
    accuser.on(PEERS[3], Ping(1, (lie,)), 0.1)
    accuser.heard(PEERS[2], 0.1)
    (ping,) = [payload for to, payload in accuser.tick(accuser.next_at) if to == PEERS[2]]
    ((to, pong),) = accused.on(PEERS[1], ping, 0.2)
    accuser.on(to if to != PEERS[1] else PEERS[2], pong, 0.3)
    assert accuser.states()[PEERS[2]] == msgspec.structs.replace(
        accuser.states()[PEERS[2]], status="alive", incarnation=1
    )
    accuser.on(PEERS[3], Ping(2, (lie,)), 0.4)
    assert status(accuser, 2) == "alive"
    assert accuser.refused["stale"] == 1


def test_a_forged_accusation_of_oneself_raises_nothing() -> None:
    detector = swim()
    true = suspicion(KEYS[1], SWARM, PEERS[0], 0, b"")
    forged = msgspec.structs.replace(true, accuser=PEERS[2])
    ((_, pong),) = detector.on(PEERS[1], Ping(1, (forged,)), 0.1)
    assert (detector.incarnation, pong.news, detector.refused["signature"]) == (0, (), 1)
    ((_, pong),) = detector.on(PEERS[1], Ping(2, (true,)), 0.1)
    assert (detector.incarnation, pong.news) == (1, (refutation(KEYS[0], SWARM, 1),))
    ((_, again),) = detector.on(PEERS[3], Ping(3, (true,)), 0.1)
    assert (detector.incarnation, again.news) == (1, pong.news)


@pytest.mark.parametrize("seed", range(4))
def test_who_slept_accuses_nobody_for_what_it_did_not_hear(seed: int) -> None:
    detector = swim(seed=seed)
    probed_at = detector.next_at
    ((target, _),) = detector.tick(probed_at)
    detector.tick(probed_at + 600)
    assert detector.counted["suspicions"] == 0
    assert detector.state(target).status == "alive"
    assert detector.next_at <= probed_at + 601, "it probes again"


def test_who_slept_does_not_bury_who_was_called_for_the_last_time_before() -> None:
    detector = swim()
    detector.on(PEERS[1], Ping(1, (suspicion(KEYS[1], SWARM, PEERS[2], 0, b""),)), 0.0)
    while detector.next_at < 8.5:  # of nine periods
        for peer in (PEERS[1], PEERS[3]):
            detector.heard(peer, detector.next_at)
        detector.tick(detector.next_at)
    detector.tick(600.0)
    assert status(detector, 2) == "suspect"
    while detector.next_at < 602:
        detector.tick(detector.next_at)
    assert status(detector, 2) == "dead"


def test_a_suspect_that_is_heard_is_told_and_is_not_buried_while_it_is_heard() -> None:
    detector = swim()
    accusation = suspicion(KEYS[1], SWARM, PEERS[2], 0, b"")
    detector.on(PEERS[1], Ping(1, (accusation,)), 0.0)
    detector.heard(PEERS[2], 0.01)
    assert detector.next_at == 0.01
    assert [payload.news[0] for to, payload in detector.tick(0.01) if to == PEERS[2]] == [accusation]
    now = 0.01
    while now < 40:  # a suspicion of four lasts nine periods
        for peer in PEERS[1:4]:
            detector.heard(peer, now)
        now = detector.next_at
        detector.tick(now)
    assert status(detector, 2) == "suspect"
    while detector.counted["deaths"] == 0 and now < 80:
        now = detector.next_at
        detector.tick(now)
    assert status(detector, 2) == "dead"
    assert 48 < now < 52, "nine periods after it was heard for the last time"


def test_the_dead_are_pinged_and_not_probed() -> None:
    detector = swim(members=2)
    detector.on(PEERS[1], Ping(1, (death(KEYS[1], SWARM, PEERS[1], 0, b""),)), 0.0)  # its own word, and genuine
    pings = 0
    for _ in range(10):
        pings += sum(to == PEERS[1] for to, _ in detector.tick(detector.next_at))
    assert detector.counted["probes"] == 0
    assert pings >= 9


def test_who_reads_late_doubts_itself_before_it_accuses() -> None:
    shares: list[float] = []
    for late_s in (2.0, 4.0):
        world = SwimWorld(16, seed=12)
        slow = Random(12).choice(world.peers)
        world.slow[slow] = late_s
        world.run(150)
        shares.append(world.swims[slow].counted["suspicions"] / world.swims[slow].counted["probes"])
    assert max(shares) < 0.2  # without local health 0.25 and 0.51


def test_who_repeats_what_is_outdated_is_corrected() -> None:
    detector = swim()
    better = refutation(KEYS[2], SWARM, 1)
    detector.on(PEERS[1], Ping(1, (better,)), 0.1)
    for _ in range(40):  # until it has told it as often as it tells anything
        detector.on(PEERS[1], Ping(1, ()), 0.1)
    ((_, silent),) = detector.on(PEERS[3], Ping(2, ()), 0.1)
    ((_, pong),) = detector.on(PEERS[3], Ping(2, (suspicion(KEYS[1], SWARM, PEERS[2], 0, b""),)), 0.1)
    assert silent.news == ()
    assert pong.news == (better,)


def test_alone_there_is_nothing_to_do() -> None:
    detector = swim(members=1)
    assert detector.next_at == inf
    assert detector.tick(5.0) == []
    assert list(detector.states()) == [PEERS[0]]
    detector.know([], 6.0)
    assert detector.hint(PEERS[1], False, 6.0) == []
    detector.heard(PEERS[1], 6.0)
    assert detector.leave(7.0) == []


def test_who_is_no_member_any_more_is_forgotten() -> None:
    detector = swim(members=4)
    detector.on(PEERS[1], Ping(1, (suspicion(KEYS[1], SWARM, PEERS[2], 0, b""),)), 0.1)
    detector.know([PEERS[1], PEERS[3]], 0.2)
    assert set(detector.states()) == {PEERS[0], PEERS[1], PEERS[3]}
    ((_, pong),) = detector.on(PEERS[1], Ping(2, ()), 0.3)
    assert pong.news == ()
    with pytest.raises(UsageError, match="not among the 2"):
        detector.state(PEERS[2])


@pytest.mark.parametrize("wrong", [{"period_s": 0}, {"period_s": nan}, {"period_s": inf}, {"helpers": -1},
                                   {"incarnation": -1}, {"incarnation": 1 << 60}])  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Swim(KEYS[0], SWARM, rng=Random(1), **wrong)  # pyright: ignore[reportArgumentType]


@settings(max_examples=15)
@given(seed=st.integers(0, 1 << 32), n=st.integers(2, 9), loss=st.floats(0, 0.5))
def test_incarnations_never_go_back(seed: int, n: int, loss: float) -> None:
    world = SwimWorld(n, seed=seed, loss=loss)
    liar, victim = Random(seed).sample(world.peers, 2)
    seen = {(holder, of): 0 for holder in world.peers for of in world.peers}
    for step in range(40):
        world.run(step / 2)
        held = world.swims[victim]
        for to in world.peers:
            if to not in (liar, victim):
                claim = held.states()[victim].incarnation
                news = death(world.keys[liar], swarm_id("swim-world"), victim, 0, b"") if claim == 0 else None
                world.send(liar, [(to, Ping(step, (news,) if news else ()))])
        for holder in world.peers:
            for of, state in world.swims[holder].states().items():
                assert state.incarnation >= seen[holder, of]
                seen[holder, of] = state.incarnation


def test_the_same_seed_gives_the_same_run() -> None:
    runs = [SwimWorld(8, seed=11, loss=0.2) for _ in range(2)]
    for world in runs:
        world.run(20)
    assert runs[0].sent_bytes == runs[1].sent_bytes
    assert [s.states() for s in runs[0].swims.values()] == [s.states() for s in runs[1].swims.values()]


@settings(max_examples=25)
@given(seed=st.integers(0, 1 << 32), delay_s=st.floats(0.001, 0.1), at=st.floats(0.5, 6.0))
def test_a_living_peer_is_dead_for_nobody_longer_than_a_round_trip(seed: int, delay_s: float, at: float) -> None:
    world = SwimWorld(5, seed=seed, delay_s=delay_s)
    liar, victim, duped = Random(seed).sample(world.peers, 3)
    world.run(at)
    for _ in range(4):  # each time in the incarnation of the last refutation
        held = world.swims[duped].states()[victim]
        claim = refutation(world.keys[victim], swarm_id("swim-world"), held.incarnation)
        lie = death(world.keys[liar], swarm_id("swim-world"), victim, held.incarnation,
                    claim.signature if held.incarnation else b"")  # fmt: skip
        world.send(duped, world.swims[duped].on(liar, Ping(1, (lie,)), world.now))
        assert world.swims[duped].state(victim).status == "dead"
        said = world.now
        world.slowest_s = 0.0
        world.run(said + 5, lambda: world.swims[duped].state(victim).status == "alive")
        assert world.swims[duped].state(victim).incarnation == held.incarnation + 1
        assert world.now - said <= 2 * world.slowest_s + world.period_s / 20
        world.run(world.now + 0.3)
