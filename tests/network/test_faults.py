"""Each fault does what it says, and the question still ends."""

import pytest

from waggledance.core import UnknownName, UsageError
from waggledance.network import (
    Constant,
    Crash,
    Equivocate,
    Fault,
    Lie,
    Partition,
    Pause,
    Restart,
    Silent,
    Slow,
    SlowLink,
)
from waggledance.protocols import Debate
from waggledance.testing import Run, simulate

DEBATE = Debate(rounds=1, patience_s=30)
DELAY = Constant(0.1)


def run(*faults: Fault, loss: float = 0.0, peers: int = 5, **options: float) -> Run:
    return simulate(DEBATE, "2 + 2?", peers=peers, faults=faults, delay=DELAY, loss=loss, **options)  # type: ignore[arg-type]


def said_by(ran: Run, name: str) -> list[str | None]:
    ids = {shown: id for id, shown in ran.decision.names.items()}
    return [m.body.key for m in ran.log if m.author == ids[name] and hasattr(m.body, "key")]


def test_without_faults_a_debate_takes_one_delay_a_round() -> None:
    ran = run()
    assert ran.virtual_s == pytest.approx(0.2)
    assert len(ran.honest) == 5
    assert not ran.refused


def test_a_silent_peer_is_heard_by_nobody_and_hears_all() -> None:
    ran = run(Silent("p3"))
    assert [ran.decision.name(peer) for peer in ran.decision.silent] == ["p3"]
    assert said_by(ran, "p3") == []
    assert len({decision.id for decision in ran.honest}) == 1
    assert 30 <= ran.virtual_s <= 31  # one patience in all, and not one a round
    at_once = simulate(Debate(rounds=0), "2 + 2?", faults=[Silent("p3")])
    assert len(at_once.decisions["p3"].used) == 5


def test_when_silence_ends_repair_brings_out_what_was_to_be_said() -> None:
    ran = run(Silent("p3", until_s=2.0))
    assert ran.decision.silent == ()
    assert ran.virtual_s < 10


def test_a_crashed_peer_says_nothing_more_and_the_decision_says_so() -> None:
    ran = run(Crash("p3", at_s=0.05))
    assert len(said_by(ran, "p3")) == 1
    assert "p3" not in ran.decisions
    assert any("'p3' crashed after 0.05 s" in note for note in ran.decision.notes)


def test_a_peer_that_is_down_from_the_start_never_speaks() -> None:
    assert said_by(run(Crash("p3")), "p3") == []


@pytest.mark.parametrize("log", ["old", "empty"])
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_restarted_peer_takes_up_where_it_was_and_contradicts_nobody(log: str, loss: float) -> None:
    ran = run(Crash("p3", at_s=0.15), Restart("p3", at_s=3.0, log=log), loss=loss)  # type: ignore[arg-type]
    assert len(ran.decisions) == 5
    assert ran.decision.silent == ()
    assert len(said_by(ran, "p3")) == 2, "one proposal a round, none said twice"
    assert all(not caught for caught in ran.disowned.values())
    assert len(set(ran.digests.values())) == 1


def test_a_peer_that_restarts_without_a_crash_before_goes_on_as_well() -> None:
    ran = run(Restart("p3", at_s=0.05, log="empty"))
    assert len(ran.decisions) == 5
    assert all(not caught for caught in ran.disowned.values())


def test_a_slow_peer_and_a_slow_link_hold_up_the_round() -> None:
    assert run(Slow("p3", extra_s=2.0)).virtual_s >= 2.2
    assert run(Slow("p3", factor=20)).virtual_s >= 2.0
    assert run(SlowLink("p3", "p1", extra_s=0.3)).virtual_s == pytest.approx(0.5)
    assert run(Slow("p3", extra_s=2.0, from_s=100)).virtual_s == pytest.approx(0.2)


def test_a_paused_peer_reads_and_sends_when_it_wakes() -> None:
    ran = run(Pause("p3", at_s=0.05, for_s=4.0))
    assert 4.05 <= ran.virtual_s < 5
    assert ran.decision.silent == ()


def test_a_partition_holds_up_both_sides_until_it_heals() -> None:
    ran = run(Partition(("p3", "p4"), until_s=5.0))
    assert 5.0 < ran.virtual_s < 15
    assert ran.decision.silent == ()
    assert len(set(ran.digests.values())) == 1


def test_a_partition_that_never_heals_leaves_two_decisions_and_two_sets() -> None:
    ran = run(Partition(("p3", "p4")))
    assert len({decision.id for decision in ran.decisions.values()}) == 2
    assert len(set(ran.digests.values())) == 2
    assert any("different sets" in note for note in ran.decision.notes)


@pytest.mark.parametrize(("direction", "inside", "outside"), [("out", 5, 4), ("in", 1, 5), ("both", 1, 4)])
def test_an_asymmetric_partition_stops_one_direction_only(direction: str, inside: int, outside: int) -> None:
    wall = Partition(("p4",), direction=direction)  # type: ignore[arg-type]
    ran = simulate(Debate(rounds=0), "2 + 2?", faults=[wall])
    assert len(ran.decisions["p4"].used) == inside
    assert len(ran.decisions["p1"].used) == outside


def test_a_liar_says_another_key_than_it_thinks() -> None:
    ran = run(Lie("p3", key="666"))
    assert said_by(ran, "p3") == ["666", "666"]
    assert "666" in ran.decision.support


def test_everybody_catches_an_equivocator_and_nobody_counts_it() -> None:
    ran = run(Equivocate("p3", key="5005"))
    assert all(caught == {"p3"} for caught in ran.disowned.values())
    assert [ran.decision.name(peer) for peer in ran.decision.silent] == ["p3"]
    assert "5005" not in ran.decision.support
    assert len(said_by(ran, "p3")) == 4, "two versions of two messages, all of them kept as evidence"
    assert len(set(ran.digests.values())) == 1
    assert len({decision.id for decision in ran.honest}) == 1


def test_lost_messages_are_repaired_without_waiting_for_patience() -> None:
    ran = run(loss=0.4)
    assert ran.virtual_s < 29
    assert ran.decision.silent == ()


def test_duplicates_count_once() -> None:
    calm, doubled = run(), run(duplicate=1.0)
    assert doubled.decision.id == calm.decision.id
    assert doubled.delivered > calm.delivered


def test_damaged_frames_are_refused_and_come_again() -> None:
    ran = run(bit_flip=0.3)
    assert sum(ran.refused.values()) > 3
    assert ran.decision.silent == ()
    assert len(set(ran.digests.values())) == 1


@pytest.mark.parametrize("fault", [Crash("nobody"), SlowLink("p0", "nobody"), Partition(("p0", "nobody"))])
def test_a_fault_for_nobody_is_refused_with_the_nearest_name(fault: Fault) -> None:
    with pytest.raises(UnknownName, match="no peer 'nobody'"):
        run(fault)


@pytest.mark.parametrize("fault", [Crash("p0", at_s=-1), Silent("p0", from_s=3, until_s=2), Pause("p0", 1, -1)])
def test_a_window_that_is_none_is_refused(fault: Fault) -> None:
    with pytest.raises(UsageError, match="a window begins"):
        run(fault)
