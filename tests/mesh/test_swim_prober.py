"""A probe ends by an answer that was asked for, and by nothing else; help has bounds."""

from __future__ import annotations

from random import Random

import pytest

from waggledance.core import Key, swarm_id
from waggledance.mesh import Swim
from waggledance.mesh._swim_messages import Ping, PingReply, PingRequest, Pong, suspicion

SWARM = swarm_id("bees")
KEYS = [Key(bytes([n]) * 32) for n in range(1, 40)]
PEERS = [key.peer for key in KEYS]


def swim(members: int) -> Swim:
    made = Swim(KEYS[0], SWARM, rng=Random(5))
    made.know(PEERS[:members], 0.0)
    return made


def test_a_late_no_and_a_foreign_yes_do_not_end_a_probe() -> None:
    detector = swim(members=3)
    ((target, ping),) = detector.tick(detector.next_at)
    asked = dict(detector.tick(detector.next_at))
    assert isinstance(ping, Ping)
    (helper,) = set(asked) - {target}
    for sender, payload in [
        (helper, Pong(ping.nonce, ())),  # not the target
        (target, Pong(ping.nonce + 1, ())),  # not the nonce
        (target, PingReply(ping.nonce, True, ())),  # not a helper
        (helper, PingReply(ping.nonce, False, ())),
        (helper, PingReply(ping.nonce, True, ())),  # the same helper, once more
    ]:
        detector.on(sender, payload, 0.9)
    detector.tick(detector.next_at)
    detector.tick(detector.next_at)
    assert detector.states()[target].status == "suspect"


def test_helping_is_bounded_and_asks_no_stranger() -> None:
    detector = swim(members=4)
    pings = [detector.on(PEERS[1], PingRequest(n, PEERS[2], ()), 0.1) for n in range(100)]
    assert sum(map(len, pings)) == 64
    assert detector.refused["busy"] == 36
    assert detector.on(PEERS[1], PingRequest(1, PEERS[5], ()), 0.1) == []
    assert detector.on(PEERS[5], Ping(1, ()), 0.1) == []
    assert detector.refused["stranger"] == 2
    ((to, reply),) = detector.on(PEERS[1], PingRequest(7, PEERS[0], ()), 0.1)
    assert (to, reply) == (PEERS[1], PingReply(7, True, ()))


def test_hints_about_everybody_at_once_probe_few_at_a_time() -> None:
    detector = swim(members=40)
    sent = [out for peer in PEERS[1:] for out in detector.hint(peer, False, 0.0)]
    assert len(sent) == 16
    assert detector.hint(PEERS[1], True, 0.0) == []


def test_hints_that_do_not_cease_put_off_no_verdict() -> None:
    detector = swim(members=3)
    now = 0.0
    while now < 1.5:
        detector.hint(PEERS[1], False, now)
        detector.hint(PEERS[1], True, now)
        while detector.next_at <= now:
            detector.tick(now)
        now += 0.05
    assert detector.state(PEERS[1]).status == "suspect"


def test_after_a_hint_a_peer_is_judged_by_how_quick_it_was_and_not_by_the_slowest() -> None:
    took = {PEERS[1]: 0.02, PEERS[2]: 0.4}
    verdicts: dict[object, float] = {}
    for hinted in took:
        detector = swim(members=3)
        known: set[object] = set()
        at = 0.0
        while known != took.keys():
            at = detector.next_at
            for target, ping in detector.tick(at):
                if isinstance(ping, Ping):
                    detector.on(target, Pong(ping.nonce, ()), at + took[target])
                    known.add(target)
        began = at + 0.45
        detector.hint(hinted, False, began)
        while detector.state(hinted).status == "alive":
            detector.tick(at := detector.next_at)
        verdicts[hinted] = at - began
    assert verdicts == {PEERS[1]: pytest.approx(0.3), PEERS[2]: pytest.approx(0.75)}


def test_an_answer_ends_a_probe_and_tells_how_long_it_took() -> None:
    detector = swim(members=2)
    at = detector.next_at
    ((target, ping),) = detector.tick(at)
    assert isinstance(ping, Ping)
    assert detector.on(target, Pong(ping.nonce, ()), at + 0.03) == []
    assert abs((detector.state(target).rtt_s or 0) - 0.03) < 1e-9
    assert detector.next_at == at + 1.0
    ((_, again),) = detector.tick(at + 1.0)
    assert isinstance(again, Ping)
    detector.on(target, Pong(again.nonce, ()), at + 1.11)
    assert abs((detector.state(target).rtt_s or 0) - 0.04) < 1e-9


def test_an_answer_after_a_second_ping_ends_the_probe_and_says_nothing_about_time() -> None:
    detector = swim(members=2)
    ((target, ping),) = detector.tick(detector.next_at)
    assert isinstance(ping, Ping)
    assert detector.tick(detector.next_at) == [(target, ping)]
    detector.on(target, Pong(ping.nonce, ()), detector.next_at - 0.1)
    assert detector.state(target).rtt_s is None
    detector.tick(detector.next_at)
    assert detector.state(target).status == "alive"


def test_silent_helpers_lengthen_the_next_wait_and_helpers_that_say_no_do_not() -> None:
    waits: list[float] = []
    for says_no in (True, False):
        detector = swim(members=5)
        at = detector.next_at
        ((target, ping),) = detector.tick(at)
        assert isinstance(ping, Ping)
        asked = [to for to, payload in detector.tick(at + 0.5) if isinstance(payload, PingRequest)]
        for helper in asked if says_no else []:
            detector.on(helper, PingReply(ping.nonce, False, ()), at + 0.9)
        detector.tick(at + 1.0)
        assert detector.state(target).status == "suspect"
        waits.append(detector.next_at - (at + 1.0))
    assert waits == [pytest.approx(0.5), pytest.approx(1.0)]  # the next period begins before a wait of 4 · 0.5 s ends


def test_having_been_suspected_lengthens_the_wait() -> None:
    detector = swim(members=3)
    detector.on(PEERS[1], Ping(1, (suspicion(KEYS[1], SWARM, PEERS[0], 0, b""),)), 0.0)
    told = {to for to, _ in detector.tick(detector.next_at)}
    assert told == {PEERS[1], PEERS[2]}, "its refutation goes out at once"
    at = detector.next_at
    ((target, _),) = detector.tick(at)
    assert detector.next_at == at + 1.0
    detector.tick(at + 1.0)
    assert detector.state(target).status == "alive", "a probe lasts two periods now"


def test_an_answer_for_somebody_else_comes_from_who_was_asked() -> None:
    detector = swim(members=4)
    ((target, ping),) = detector.on(PEERS[1], PingRequest(9, PEERS[2], ()), 0.0)
    assert (target, type(ping)) == (PEERS[2], Ping)
    assert isinstance(ping, Ping)
    assert detector.on(PEERS[3], Pong(ping.nonce, ()), 0.1) == []
    assert detector.on(PEERS[2], Pong(ping.nonce, ()), 0.1) == [(PEERS[1], PingReply(9, True, ()))]
    detector.on(PEERS[1], PingRequest(10, PEERS[2], ()), 0.1)
    late = [sent for at in (0.2, 0.5, 0.6) for sent in detector.tick(at)]
    assert (PEERS[1], PingReply(10, False, ())) in late
