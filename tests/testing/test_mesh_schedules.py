"""Whole swarms under faults: what is wrong is found and made small, and what is right stands."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from math import inf

import pytest

from waggledance.core import Key, MessageId, UsageError
from waggledance.mesh import _agreement
from waggledance.network import Partition, VirtualLoop
from waggledance.testing import OnePhaseAcrossEpochs
from waggledance.testing._mesh_faults import (
    BadModel,
    FalseRecord,
    Flood,
    FullDisk,
    LateVotes,
    MeshFault,
    NewAddress,
    NewKey,
    Reboot,
    Resend,
    SignsAll,
    Slander,
    Sybils,
    Twins,
    Withhold,
    WrongChannel,
    WrongClock,
    counts_as_lie,
)
from waggledance.testing._mesh_schedule import MeshSchedule
from waggledance.testing._mesh_schedules import (
    Played,
    draw_schedule,
    play_schedule,
    search_mesh_schedules,
    shrink_mesh_schedule,
)
from waggledance.testing._mesh_stage import Stage
from waggledance.testing._simulated_key import SimulatedKey, SimulatedReader
from waggledance.testing._simulated_mesh import SimulatedClock

WINDOW = {"from_s": 0.05, "until_s": 3.0}


@pytest.mark.parametrize("seed", range(0, 100, 20))
def test_swarms_under_random_faults_break_no_law(seed: int) -> None:
    found = search_mesh_schedules(20, seed=seed)
    assert [(str(schedule), laws) for schedule, laws in found.broken] == []
    assert found.certified > 0


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(1_000_000, 1_020_000, 1_000))
def test_twenty_thousand_swarms_under_random_faults_break_no_law(seed: int) -> None:
    found = search_mesh_schedules(1_000, seed=seed)
    assert [(str(schedule), laws) for schedule, laws in found.broken] == []


@pytest.fixture
def one_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant the bug: members ack at once what they recomputed, in every epoch anew."""
    monkeypatch.setattr(_agreement, "Certifier", OnePhaseAcrossEpochs)


@pytest.mark.usefixtures("one_phase")
def test_certificates_of_one_phase_are_found_out_and_the_schedule_is_made_small() -> None:
    """Within 40 schedules from here; from anywhere within a few hundred, which is under a minute."""
    found = search_mesh_schedules(40, seed=60, first_only=True)
    assert _two_certified(found.broken[0][1])
    bad = found.broken[0][0]
    small = shrink_mesh_schedule(bad)
    assert len(small.faults) < len(bad.faults)
    for at in range(len(small.faults)):
        fewer = replace(small, faults=small.faults[:at] + small.faults[at + 1 :])
        assert not _two_certified(play_schedule(fewer).broken)


@pytest.mark.slow
@pytest.mark.usefixtures("one_phase")
@pytest.mark.parametrize("seed", [0, 10_000, 20_000, 30_000])
def test_certificates_of_one_phase_are_found_out_from_anywhere_within_four_hundred(seed: int) -> None:
    assert _two_certified(search_mesh_schedules(400, seed=seed, first_only=True).broken[0][1])


def _two_certified(broken: tuple[str, ...]) -> bool:
    return any(each.startswith("one certificate") for each in broken)


FOUND = 77
"""The seed of the first schedule that the planted bug breaks."""


def test_the_schedule_that_breaks_one_phase_breaks_nothing_of_two() -> None:
    assert play_schedule(draw_schedule(FOUND)).broken == ()


def test_the_same_schedule_comes_to_the_same_ids_and_certificates() -> None:
    for seed in (3, 5, 8):
        assert play_schedule(draw_schedule(seed)) == play_schedule(draw_schedule(seed))
    assert play_schedule(draw_schedule(3)).fingerprint != play_schedule(draw_schedule(5)).fingerprint


@pytest.mark.parametrize(
    "fault",
    [
        Reboot("p1", 0.1, 0.5), Reboot("p1", 0.1, 0.5, "empty"), Reboot("p1", 0.1, 0.5, "torn"),
        NewAddress("p1", 0.1, 0.5), FullDisk("p1", **WINDOW), WrongClock("p1", 30_000, 63_072_000, 0.05),
        BadModel("p1", "times out"), BadModel("p1", "refuses"), BadModel("p1", "abstains"), BadModel("p1", "spends"),
        BadModel("p1", "is slow"), BadModel("p1", "says something poisoned"),
        Withhold("p1", ("p0", "asker"), **WINDOW), LateVotes("p1", 2.0), Resend("p1", 0.5), WrongChannel("p1", 0.5),
        Flood("p1", 60, 0.1), Sybils("p1", 3, 0.1), Slander("p1", "p2", **WINDOW), FalseRecord("p1", 0.1),
        SignsAll("p1"), Twins("p1", ("p0", "p2")), NewKey("p1", 0.1),
    ],
    ids=str,
)  # fmt: skip
def test_one_fault_alone_breaks_no_law_and_keeps_no_certificate_away(fault: MeshFault) -> None:
    played = play_schedule(MeshSchedule(seed=1, faults=(fault,)))
    assert played.broken == ()
    assert played.certified == 1


def test_a_member_that_counts_as_honest_and_is_disowned_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MeshSchedule, "liars", frozenset[str]())
    faults = (Twins("p1", ("p0", "p2")),)
    assert any(broken.startswith("nobody disowned") for broken in play_schedule(MeshSchedule(faults=faults)).broken)


def test_copies_that_stay_apart_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the faults taken for over while a partition stands, copies would differ."""
    monkeypatch.setattr(MeshSchedule, "over_s", 0.0)
    cut = Partition(("p3",), 0.05, 200.0)
    assert any(b.startswith("equal replicas") for b in play_schedule(MeshSchedule(faults=(cut,))).broken)


def test_a_question_without_an_end_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(_stage: Stage, _i: int) -> None:
        await asyncio.sleep(inf)

    monkeypatch.setattr(Stage, "_ask", for_ever)
    assert any(broken.startswith("an end") for broken in play_schedule(MeshSchedule()).broken)


def test_a_schedule_prints_as_python_that_makes_it_again() -> None:
    from waggledance.testing import _mesh_schedules as names

    for seed in range(40):
        schedule = draw_schedule(seed)
        known = {**vars(names), "MeshSchedule": MeshSchedule, "inf": inf}
        assert eval(str(schedule), known) == schedule


def test_what_breaks_no_law_cannot_be_made_smaller() -> None:
    with pytest.raises(UsageError, match="nothing to make smaller"):
        shrink_mesh_schedule(MeshSchedule())


def test_shrinking_leaves_only_what_breaks_the_law() -> None:
    """With a law that one fault of seven breaks."""

    def play(schedule: MeshSchedule) -> Played:
        broken = ("budget: made up",) if any(isinstance(fault, Slander) for fault in schedule.faults) else ()
        return Played(broken, 0, 1, 0.0, b"")

    faults = (
        Reboot("p2", 0.1, 2.0), Partition(("p3",), 0.1, 3.0), WrongClock("p3", 10), Slander("p1", "p2", 0.0, 4.0),
        FalseRecord("p1", 0.2), BadModel("p0", "refuses"), NewAddress("p0", 0.1, 1.0),
    )  # fmt: skip
    small = shrink_mesh_schedule(MeshSchedule(seed=9, peers=7, questions=2, loss=0.3, faults=faults), play)
    assert small == MeshSchedule(seed=9, faults=(Slander("p1", "p2", 0.0, 0.12),))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"peers": 3}, "4 to 7 peers"),
        ({"peers": 8}, "4 to 7 peers"),
        ({"questions": 0}, "at least one question"),
        ({"faults": (SignsAll("p4"),)}, "'p4', who is not there"),
        ({"faults": (SignsAll("p1"), SignsAll("p2"))}, "of 4 members 1 may"),
        ({"faults": (Reboot("asker", 0.1, 1.0),)}, "the asker has no model"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(options: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        MeshSchedule(**options)  # type: ignore[arg-type]


def test_a_clock_that_runs_slow_is_refused() -> None:
    with closing(VirtualLoop()) as loop, pytest.raises(UsageError, match="runs fast by 0 ppm"):
        SimulatedClock(loop, -1)


def test_a_signature_holds_for_what_was_signed_and_for_its_author_only() -> None:
    one, other = SimulatedKey(bytes(32)), SimulatedKey(bytes([1] * 32))
    stranger, said = Key(bytes([2] * 32)), MessageId(bytes(32))
    reader = SimulatedReader([one, other], 10)
    assert reader.holds(one.peer, said, one.sign(said))
    assert not reader.holds(other.peer, said, one.sign(said))
    assert not reader.holds(one.peer, MessageId(bytes([1] * 32)), one.sign(said))
    assert reader.holds(stranger.peer, said, stranger.sign(said))
    assert not reader.holds(stranger.peer, said, one.sign(said))


def test_who_lies_differs_from_seed_to_seed() -> None:
    liars = [liar for seed in range(600) if draw_schedule(seed).peers == 4 for liar in draw_schedule(seed).liars]
    assert all(0.15 < liars.count(f"p{i}") / len(liars) < 0.35 for i in range(4))


def test_every_fault_is_drawn() -> None:
    drawn = {type(fault) for seed in range(600) for fault in draw_schedule(seed).faults}
    assert len(drawn) == 22
    assert {counts_as_lie(fault) for seed in range(50) for fault in draw_schedule(seed).faults} > {None}
