"""Search for schedules of whole swarms that break a law of the mesh, and make one that does so small.

Each schedule is drawn from a seed: how many sit, which of them lie and how, what is asked, what the links do, whose
process ends, whose disk, clock or model is bad. The members are the nodes that run on a real network; only links,
time and disks are made up. Source: the project's network specification, §9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random

import msgspec

from waggledance.core import UsageError
from waggledance.network import Delay, Exponential, Lie, LogNormal, Partition, Pause, Silent, Slow, SlowLink, Uniform
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
    Trouble,
    Twins,
    Withhold,
    WrongChannel,
    WrongClock,
    counts_as_lie,
    named_in,
)
from waggledance.testing._mesh_schedule import MeshSchedule
from waggledance.testing._mesh_stage import Played, play
from waggledance.testing._simulated_mesh import ASKER, on_virtual_time

PROTOCOLS = (
    "vote(patience_s=3)", "vote(patience_s=3)", "debate(rounds=1,patience_s=2)", "peer-ranking(patience_s=3)",
    "round-table(rounds=1,patience_s=2)",
)  # fmt: skip
SOON_SECONDS = 0.5
"""When nothing is wrong a question is over by then; most faults begin before."""
FAULTS_BEGIN_BY_SECONDS = 3.0
AN_EPOCH_SECONDS = 3.0
"""How long the first epoch of a certificate lasts: half of the faults outlast it."""
FAULTS_LAST_SECONDS = 8.0
_TROUBLES: tuple[Trouble, ...] = (
    "times out", "is slow", "refuses", "abstains", "spends", "says something poisoned",
)  # fmt: skip


class MeshSearch(msgspec.Struct, frozen=True):
    """What a search found."""

    schedules: int
    certified: int
    """Questions with a certificate."""
    asked: int
    broken: tuple[tuple[MeshSchedule, tuple[str, ...]], ...]
    """Each schedule that broke a law, and which."""


def play_schedule(schedule: MeshSchedule) -> Played:
    """Play a schedule in virtual time; the same schedule comes to the same, to the byte.

    >>> played = play_schedule(MeshSchedule(loss=0.1))
    >>> played.broken, played.certified
    ((), 1)
    """
    return on_virtual_time(play(schedule))


def search_mesh_schedules(
    schedules: int, *, seed: int = 0, first_only: bool = False, draw: Callable[[int], MeshSchedule] | None = None
) -> MeshSearch:
    """Play so many random schedules.

    Args:
        schedules: how many, 0 or more.
        seed: of the first; the next ones count up.
        first_only: stop at the first that breaks a law.
        draw: draws the schedule of a seed; `draw_schedule` when not given.
    """
    drawn = draw or draw_schedule
    done = certified = asked = 0
    broken: list[tuple[MeshSchedule, tuple[str, ...]]] = []
    while done < schedules and not (first_only and broken):
        schedule = drawn(seed + done)
        played = play_schedule(schedule)
        done, certified, asked = done + 1, certified + played.certified, asked + played.asked
        if played.broken:
            broken.append((schedule, played.broken))
    return MeshSearch(done, certified, asked, tuple(broken))


def draw_schedule(seed: int) -> MeshSchedule:
    """Return the schedule of a seed."""
    rng = Random(f"mesh schedule {seed}")
    peers = rng.choice((4, 4, 4, 5, 6, 7))
    names = [f"p{i}" for i in range(peers)]
    liars = rng.sample(names, rng.choice((0, (peers - 1) // 3, (peers - 1) // 3)))
    faults: list[MeshFault] = [lie for liar in liars for lie in _lies(rng, liar, names)]
    faults += [_on_links(rng, names) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    faults += [_in_process(rng, names) for _ in range(rng.choice((0, 0, 1, 2)))]
    return MeshSchedule(
        seed=seed,
        peers=peers,
        protocol=rng.choice(PROTOCOLS),
        questions=rng.choice((1, 1, 1, 2)),
        delay=rng.choice(_DELAYS),
        loss=rng.choice((0.0, 0.0, 0.05, 0.1, 0.3)),
        duplicate=rng.choice((0.0, 0.0, 0.1)),
        reorder=rng.choice((0.0, 0.0, 0.2)),
        bit_flip=rng.choice((0.0, 0.0, 0.01)),
        faults=tuple(faults),
    )


_DELAYS: tuple[Delay, ...] = (Uniform(0.01, 0.03), Exponential(0.05), LogNormal(0.05, 0.8))


def _window(rng: Random) -> tuple[float, float]:
    start = rng.uniform(0, rng.choice((SOON_SECONDS, SOON_SECONDS, FAULTS_BEGIN_BY_SECONDS)))
    lasts = rng.uniform(rng.choice((0.2, AN_EPOCH_SECONDS)), FAULTS_LAST_SECONDS)
    return round(start, 2), round(start + lasts, 2)


def _some(rng: Random, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(rng.sample(names, rng.randint(1, len(names) - 1))))


def _on_links(rng: Random, names: Sequence[str]) -> MeshFault:
    start, end = _window(rng)
    everybody = (*names, ASKER)
    match rng.randrange(6):
        case 0 | 1:
            side = rng.choice((_some(rng, everybody), (rng.choice(names),)))
            return Partition(side, start, end, rng.choice(("both", "both", "out", "in")))
        case 2:
            return Pause(rng.choice(everybody), start, round(end - start, 2))
        case 3:
            return Slow(rng.choice(everybody), round(rng.uniform(0, 1), 2), rng.uniform(1, 5), start, end)
        case 4:
            sender, receiver = rng.sample(everybody, 2)
            return SlowLink(sender, receiver, round(rng.uniform(0, 2), 2), rng.uniform(1, 5), start, end)
        case _:
            return Silent(rng.choice(names), start, end)


def _in_process(rng: Random, names: Sequence[str]) -> MeshFault:
    start, end = _window(rng)
    peer = rng.choice(names)
    match rng.randrange(5):
        case 0 | 1:
            return Reboot(peer, start, round(end - start, 2))
        case 2:
            return NewAddress(peer, start, round(end - start, 2))
        case 3:
            return WrongClock(peer, rng.randint(0, 40_000), rng.choice((-1, 1)) * 2 * 365 * 86_400, start)
        case _:
            return BadModel(peer, rng.choice(_TROUBLES))


def _lies(rng: Random, liar: str, names: Sequence[str]) -> Iterator[MeshFault]:
    """Draw how a peer lies: most often by equivocating and signing everything, which is what certificates fear."""
    others = [*(name for name in names if name != liar), ASKER]
    start, end = _window(rng)
    twins = rng.random() < 0.4
    if twins:
        yield Twins(liar, _some(rng, others))
    if rng.random() < 0.5:
        yield SignsAll(liar)
    if rng.random() < 0.4:
        yield LateVotes(liar, round(rng.uniform(0.1, FAULTS_LAST_SECONDS), 2))
    for _ in range(rng.choice((0, 1, 2))):
        match rng.randrange(12):
            case 0:
                yield Lie(liar, rng.choice(("5", "22", "a lie")))
            case 1 | 2:
                yield Withhold(liar, _some(rng, others), start, end)
            case 3 | 4:
                yield Resend(liar, rng.choice((0.1, 0.5)))
            case 5:
                yield WrongChannel(liar, rng.choice((0.1, 0.5)))
            case 6:
                yield Flood(liar, rng.randint(10, 60), start)
            case 7:
                yield Sybils(liar, rng.randint(1, 3), start)
            case 8:
                yield Slander(liar, rng.choice(others[:-1]), start, end)
            case 9:
                yield FalseRecord(liar, start)
            case 10 if not twins:
                yield Reboot(liar, start, round(end - start, 2), rng.choice(("empty", "torn")))
            case 11 if not twins:
                yield NewKey(liar, start)
            case _:
                yield FullDisk(liar, start, end)


def shrink_mesh_schedule(
    schedule: MeshSchedule, replay: Callable[[MeshSchedule], Played] = play_schedule
) -> MeshSchedule:
    """Leave out what is not needed to break the same law: faults, bad luck on the links, peers, questions, time.

    Args:
        schedule: one that breaks a law.
        replay: plays a schedule.

    Raises:
        UsageError: no law is broken in it.
    """
    laws = _laws(replay(schedule))
    if not laws:
        raise UsageError("no law is broken in this schedule, so there is nothing to make smaller")
    smaller: MeshSchedule | None = schedule
    while smaller is not None:
        schedule = smaller
        smaller = next((each for each in _smaller(schedule) if laws & _laws(replay(each))), None)
    return schedule


def _laws(played: Played) -> set[str]:
    return {broken.split(":")[0] for broken in played.broken}


def _smaller(schedule: MeshSchedule) -> Iterator[MeshSchedule]:
    """Yield schedules that are a little smaller, those first that leave out most."""
    faults = schedule.faults
    size = len(faults)
    while size:
        for at in range(len(faults), 0, -size):
            yield replace(schedule, faults=faults[: max(0, at - size)] + faults[at:])
        size //= 2
    plain = MeshSchedule()
    for name in ("questions", "loss", "duplicate", "reorder", "bit_flip", "delay", "protocol"):
        if getattr(schedule, name) != getattr(plain, name):
            yield replace(schedule, **{name: getattr(plain, name)})
    last = f"p{schedule.peers - 1}"
    if schedule.peers > 4 and not any(last in named_in(fault) for fault in faults):
        fewer = schedule.peers - 1
        if len({counts_as_lie(fault) for fault in faults} - {None}) <= (fewer - 1) // 3:
            yield replace(schedule, peers=fewer)
    for i, fault in enumerate(faults):
        for shorter in _shorter(fault):
            yield replace(schedule, faults=(*faults[:i], shorter, *faults[i + 1 :]))


def _shorter(fault: MeshFault) -> Iterator[MeshFault]:
    """Yield a fault with half its time, down to a tenth of a second."""
    for name, start in (("until_s", "from_s"), ("for_s", ""), ("down_s", ""), ("away_s", "")):
        end = getattr(fault, name, None)
        if end is not None and end < float("inf"):
            begins = getattr(fault, start) if start else 0.0
            half = round((end - begins) / 2, 2)
            if half >= 0.1:
                yield replace(fault, **{name: round(begins + half, 2)})
