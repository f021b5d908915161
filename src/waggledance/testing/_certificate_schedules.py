"""Search for schedules under which members certify two decisions, or none at all; and make one that does so small.

Each schedule is drawn from a seed: who lies, what each member holds, who hears what and when, whose time goes by, whom
a partition parts, what liars claim and to whom it gets. Then the network heals, and everybody must come to a
certificate. Source: the project's network specification, §5, which gives the shares to expect of rules that are wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

import msgspec

from waggledance.consensus import Certifier
from waggledance.core import UsageError
from waggledance.testing._certificate_cast import Cast
from waggledance.testing._certificate_world import Make, Name, Step, World
from waggledance.testing._fewest import fewest

LAST_EPOCH = 3
"""While the adversary rules; afterwards there are as many as it takes."""
MOVES = 60
EPOCHS_TO_HEAL = 12
"""Of which each has an honest first claimant with 2 in 3: all twelve a liar's once in half a million."""


class Schedule(msgspec.Struct, frozen=True):
    """What happens, step by step, to whom: enough to see it again."""

    members: int
    liars: int
    seed: int
    one_phase: bool
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        """Return one line a step."""
        cast = Cast(self.members, self.liars, self.seed)
        liars = ", ".join(f"p{i}" for i in cast.liars) or "nobody"
        lines = [f"{self.members} members, seed {self.seed}, {liars} lies"]
        return "\n".join([*lines, *[f"{at:3}. {_in_words(step)}" for at, step in enumerate(self.steps, 1)]])


class Seen(msgspec.Struct, frozen=True):
    """What a schedule came to."""

    certified: tuple[bytes, ...]
    """Digests of the decisions that can be certified: two contradict each other."""
    ended: bool
    """Whether every honest member had a certificate when the network had healed; False where that was not tried."""


class Search(msgspec.Struct, frozen=True):
    """What a search found, of so many schedules."""

    schedules: int
    contradictions: tuple[Schedule, ...]
    """Those with two certificates."""
    endless: tuple[Schedule, ...]
    """Those in which, after the network had healed, somebody did not come to a certificate."""


def search_schedules(
    schedules: int,
    *,
    members: int = 4,
    liars: int = 1,
    seed: int = 0,
    one_phase: bool = False,
    make: Make = Certifier,
    first_only: bool = False,
) -> Search:
    """Run so many random schedules.

    Args:
        schedules: how many.
        members: how many members there are, of equal weight.
        liars: how many of them lie.
        seed: of the first schedule; the next ones count up.
        one_phase: one phase and one epoch, in which no decision is a possible end and not counted as endless.
        make: makes a member's certifier: `Certifier`, or one of your own to be tested.
        first_only: stop at the first schedule that goes wrong.

    Raises:
        UsageError: so many members or liars there cannot be.
    """
    contradictions: list[Schedule] = []
    endless: list[Schedule] = []
    done = 0
    while done < schedules and not (first_only and (contradictions or endless)):
        cast = Cast(members, liars, seed + done)
        world = World(cast, make, one_phase=one_phase)
        steps = _play(world, Random(f"steps {seed + done}"))
        schedule = Schedule(members, liars, seed + done, one_phase, tuple(steps))
        done += 1
        if not world.contradicts and not world.heal(EPOCHS_TO_HEAL) and not one_phase:
            endless.append(schedule)
        if world.contradicts:
            contradictions.append(schedule)
    return Search(done, tuple(contradictions), tuple(endless))


def replay_schedule(schedule: Schedule, make: Make = Certifier) -> Seen:
    """Do the steps of a schedule again; then let the network heal."""
    world = World(Cast(schedule.members, schedule.liars, schedule.seed), make, one_phase=schedule.one_phase)
    for step in schedule.steps:
        world.do(step)
    ended = world.heal(EPOCHS_TO_HEAL)
    return Seen(tuple(sorted(world.certifiable)), ended)


def shrink_schedule(schedule: Schedule, make: Make = Certifier) -> Schedule:
    """Leave out steps while the schedule still goes wrong in the same way, until none can be left out; see `fewest`.

    Raises:
        UsageError: nothing goes wrong in it.
    """
    contradicts = len(replay_schedule(schedule, make).certified) > 1

    def goes_wrong(steps: Sequence[Step]) -> bool:
        seen = replay_schedule(msgspec.structs.replace(schedule, steps=tuple(steps)), make)
        return len(seen.certified) > 1 if contradicts else not seen.ended

    if not goes_wrong(schedule.steps):
        raise UsageError("nothing goes wrong in this schedule, so there is nothing to make smaller")
    return msgspec.structs.replace(schedule, steps=tuple(fewest(schedule.steps, goes_wrong)))


class _Mood(msgspec.Struct, frozen=True):
    """What an adversary tends to do in one schedule."""

    hears: Mapping[str, float]
    """How readily messages of each kind get through, 0 to 1."""
    reach: float
    """The chance of a member to be part of a move, 0 to 1."""
    lie: float
    """The share of moves that are liars' claims."""
    sides: Mapping[int, bool]
    """Of a partition."""
    parted_until: int
    """The move at which the partition heals."""


def _mood(cast: Cast, rng: Random) -> _Mood:
    hears = {"seal": 1.0, "claim": 1.0, "prep": rng.choice((0.1, 0.5, 1.0)), "ack": rng.choice((0.0, 0.0, 0.1, 0.5))}
    return _Mood(
        hears=hears,
        reach=rng.uniform(0.5, 1.0),
        lie=rng.choice((0.0, 0.1, 0.2)),
        sides={i: rng.random() < 0.5 for i in cast.honest},
        parted_until=rng.choice((0, 0, MOVES // 3, MOVES)),
    )


def _play(world: World, rng: Random) -> list[Step]:
    """Do random moves, of one step or several, until a contradiction shows or they are enough; return the steps."""
    mood, done = _mood(world.cast, rng), list[Step]()
    for at in range(MOVES):
        for step in _move(world, rng, mood, at):
            done.append(step)
            world.do(step)
            if world.contradicts:
                return done
    return done


def _move(world: World, rng: Random, mood: _Mood, at: int) -> Iterable[Step]:
    honest, chance = world.cast.honest, rng.random()
    some = [i for i in honest if rng.random() < mood.reach] or [rng.choice(honest)]
    if chance < mood.lie and world.cast.liars:
        return [_lie(world, rng)]
    if chance < 0.35:
        return [("wait", i) for i in some if world.certifiers[i].epoch <= LAST_EPOCH]
    if chance < 0.4:
        return [("learn", rng.choice(honest))]
    kind = rng.choice(("seal", "claim", "prep", "ack"))
    return [("hear", i, name) for i in some for name in _arriving(world, rng, mood, at, i, kind)]


def _arriving(world: World, rng: Random, mood: _Mood, at: int, who: int, kind: str) -> list[Name]:
    """Draw what arrives at a member of one kind, in random order; one in twenty will arrive once more."""
    sides: Mapping[int, bool] = mood.sides if at < mood.parted_until else {}
    waiting, arriving = list[Name](), list[Name]()
    for name in world.waiting[who][kind]:
        parted = sides.get(name[0], sides.get(who)) != sides.get(who)
        arrives = not parted and rng.random() < mood.hears[kind]
        if arrives:
            arriving.append(name)
        if not arrives or rng.random() < 0.05:
            waiting.append(name)
    world.waiting[who][kind] = waiting
    rng.shuffle(arriving)
    return arriving


def _lie(world: World, rng: Random) -> Step:
    """Draw a claim by a liar: of a random quorum of the seals there are, in an epoch that somebody is in."""
    cast = world.cast
    seals: dict[int, list[Name]] = {}
    for name in world.messages:
        if name[1] == "seal":
            seals.setdefault(name[0], []).append(name)
    size = rng.randint(len(cast.members) - len(cast.liars), len(cast.members))
    authors = rng.sample(sorted(seals), min(size, len(seals)))
    epoch = world.certifiers[rng.choice(cast.honest)].epoch
    return "claim", rng.choice(cast.liars), epoch, tuple([rng.choice(seals[author]) for author in authors])


def _in_words(step: Step) -> str:
    what, who = step[0], step[1]
    if what == "hear":
        return f"p{who} hears {_called(step[2])}"
    if what == "claim":
        return f"p{who} claims, in epoch {step[2]}, what follows from {', '.join(map(_called, step[3]))}"
    return (
        f"p{who} waits until it has something to do"
        if what == "wait"
        else f"p{who} gets one more message of each member"
    )


def _called(name: Name) -> str:
    author, what, epoch, about = name
    return f"p{author}'s {what} of epoch {epoch}" + (f" ({about.hex()[:6]})" if about else "")
