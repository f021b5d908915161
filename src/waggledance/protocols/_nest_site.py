"""Nest site: decide as a honeybee swarm finds a home, by dances, stop signals and a quorum.

Every scout proposes a site (an answer), looks at it itself, and stays there with a chance equal to its own grade. Then,
tick by tick, each publishes one `Dance`:

- *Dancing.* A scout recruits for the site where it stands, with a strength that starts at its own grade of the site
  and drops by `decay` every tick, whatever the others do: dissent expires (Seeley 2003, "Consensus building during
  nest-site selection in honey bee swarms: the expiration of dissent", Behav. Ecol. Sociobiol. 53:417).
- *Following.* A scout that dances no more follows a dance drawn in proportion to strength. It believes nobody: it looks
  at that site itself, once, and moves there with a chance equal to its own grade. Better sites thus gain more scouts
  that dance longer (Pais et al. 2013, "A mechanism for value-sensitive decision-making", PLoS ONE 8:e73216).
- *Stop signals.* A dancer stops a dancer for a rival site, with a chance equal to its own strength; each signal takes
  `stop` off a dance, and one that is stopped to nothing leaves its site. So equal sites do not hold each other for ever
  (Seeley et al. 2012, "Stop signals provide cross inhibition in collective decision-making", Science 335:108).
- *Quorum.* The tick in which enough scouts stand at one site ends it (Seeley and Visscher 2004, "Quorum sensing during
  nest-site selection by honeybee swarms", Behav. Ecol. Sociobiol. 56:594).

At the end each scout says where it stands, as a proposal of round 1, and `Quorum` decides on those: so the decision is
a pure function of messages that any rule can read again. A tick in which nobody dances, or `rounds` ticks without a
quorum, end it as well; the decision then says that there was none.

Departures from the bees: all scouts set out with a site of their own instead of a few finders; a scout at rest counts
for its site, and a quorum is a share of all scouts, not a number at the entrance; a scout at rest follows at once; and
it does not move to a site that it finds worse than the one where it stands, where a bee compares no two sites. That
last one more than halves wrong commitments at a quorum of 0.7 (`benchmarks/worlds.py`); ``remembers=False`` leaves
it to the dances alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import msgspec

from waggledance.core import (
    NO_COST,
    UNIT,
    Body,
    Cost,
    Decision,
    Message,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    everyone_within,
)
from waggledance.protocols._protocol import check_patience
from waggledance.protocols._quorum import Otherwise, Quorum, needed_weight
from waggledance.protocols._ration import ration_for

HOME = 1
"""The round of the proposals in which scouts say where they stand at the end."""


class Dance(Body, frozen=True, gc=False):
    """Where a scout stands in one tick (the body's `round`), and how hard it dances.

    Raises:
        UsageError: a strength outside of 0 to 1,000,000, or one for no site.
    """

    kind: ClassVar[str] = "dance/1"
    site: str | None
    """The canonical answer where it stands; None at home."""
    strength_ppm: int = 0
    """How hard it dances, 0 to 1,000,000; 0 is rest."""
    stops: tuple[PeerId, ...] = ()
    """Whom it gives a stop signal in this tick."""
    reason: str = ""
    """What it saw when it looked at the site, or why it could not look; in the tick after looking."""
    cost: Cost = NO_COST

    def __post_init__(self) -> None:
        if not 0 <= self.strength_ppm <= UNIT:
            raise UsageError(f"a dance's strength lies between 0 and {UNIT}, got {self.strength_ppm}")
        if self.site is None and self.strength_ppm:
            raise UsageError("a dance without a site recruits for nothing")


Dances = Sequence[Message[Dance]]


@dataclass(frozen=True)
class NestSite:
    """Scouts propose, look, dance, stop each other and follow, until a quorum stands at one site.

    Args:
        quorum: share of all scouts, by weight, that must stand at one site in one tick, > 0 and ≤ 1.
        rounds: how many ticks it may take, ≥ 1; each is one message a scout.
        decay: how much a dance loses each tick, > 0 and ≤ 1, where 1 is the dance for a perfect site.
        stop: how much a dance loses by each stop signal, 0 to 1.
        remembers: a scout never moves to a site that it graded lower than the one where it stands.
        otherwise: without a quorum, ``"leader"`` takes the site with most scouts and says so, ``"undecided"`` none.
        patience_s: how long a tick waits for those who are late, in seconds; who misses one is not waited for again
            until it dances.

    Raises:
        UsageError: no tick, or a decay, a stop or a quorum out of range.
    """

    name: ClassVar[str] = "nest-site"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "critique"})
    gives: ClassVar[frozenset[str]] = frozenset({"confidence"})
    peers_min: ClassVar[int] = 3

    quorum: float = 0.7
    rounds: int = 20
    decay: float = 0.2
    stop: float = 0.1
    remembers: bool = True
    otherwise: Otherwise = "leader"
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        check_patience(self.patience_s)
        _ = self.decide
        if self.rounds < 1:
            raise UsageError(f"a nest-site search has 1 or more ticks, got rounds={self.rounds}")
        if not 0 < self.decay <= 1:
            raise UsageError(f"a dance decays by a share above 0 and up to 1 each tick, got decay={self.decay}")
        if not 0 <= self.stop <= 1:
            raise UsageError(f"a stop signal takes 0 to 1 off a dance, got stop={self.stop}")

    @property
    def decide(self) -> Quorum:
        """The rule over where scouts stand at the end."""
        return Quorum(self.quorum, self.otherwise)

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        ration = ration_for(seat, 2 + self.rounds)
        mine = await seat.publish(await seat.propose()) if ration.admits(seat.me) else None
        proposals = await seat.collect(Proposal, 0, until=in_time, of=ration.speakers)
        if mine is None or ration.turns < 3:
            return ration.tell(self.decide(proposals, (), seat.weights))
        scout = _Scout(seat, mine)
        await scout.settle()
        awaited = frozenset(m.author for m in proposals)
        for tick in range(ration.turns - 2):
            await seat.publish(scout.dance(tick))
            dances = await seat.collect(Dance, tick, until=in_time, of=awaited - _home(seat) | {seat.me})
            awaited = frozenset(m.author for m in seat.said(Dance, tick))
            if _over(dances, seat.weights, self.quorum) or _home(seat):
                break
            scout.wear(dances, round(self.decay * UNIT), round(self.stop * UNIT))
            await scout.follow(dances, self.remembers)
            scout.signal(dances)
        await seat.publish(scout.at_the_end())
        proposals = await seat.collect(Proposal, HOME, until=in_time, of=awaited)
        return ration.tell(self.decide(proposals, (), seat.weights))


@dataclass
class _Scout:
    """What one scout carries from tick to tick. All of it follows from messages and the seat's own generator."""

    seat: Seat
    mine: Message[Proposal]
    site: str | None = None
    strength: int = 0
    stops: tuple[PeerId, ...] = ()
    grades: dict[str, int] = field(default_factory=dict[str, int])
    seen: list[str] = field(default_factory=list[str])
    cost: Cost = NO_COST

    async def settle(self) -> None:
        """Look at the scout's own site and stay with a chance equal to its grade; at rest if it could not look."""
        site = self.mine.body.key
        grade = await self.look_at(site)
        if site not in self.grades or self.seat.rng.randrange(UNIT) < grade:
            self.site, self.strength = site, grade

    async def look_at(self, site: str | None) -> int:
        """Return the scout's own grade of a site, looking at most once; 0 when it could not."""
        proposal = self._presented(site)
        if site is None or proposal is None:
            return 0
        if site not in self.grades:
            judgement = await self.seat.critique([proposal])
            self.cost += judgement.cost
            if judgement.verdicts:
                self.grades[site] = judgement.verdicts[0].scores[0]
            self.seen += [verdict.reason for verdict in judgement.verdicts] or [judgement.lapse]
        return self.grades.get(site, 0)

    def wear(self, dances: Dances, decay: int, stop: int) -> None:
        """Let the tick and the stop signals of rivals take their part of the dance."""
        if not self.strength:
            return
        me = self.seat.me
        signals = sum(me in m.body.stops for m in dances if m.body.site != self.site)
        rested = max(0, self.strength - decay)
        self.strength = max(0, rested - signals * stop)
        if rested and not self.strength:
            self.site = None

    async def follow(self, dances: Dances, remembers: bool) -> None:
        """If at rest, go and look at a site that is danced for, and stay there with a chance equal to its grade."""
        dancers = [m for m in dances if m.body.strength_ppm and self._presented(m.body.site) is not None]
        if self.strength or not dancers:
            return
        [danced] = self.seat.rng.choices(dancers, [m.body.strength_ppm for m in dancers])
        grade = await self.look_at(danced.body.site)
        if remembers and self.site is not None and grade < self.grades.get(self.site, 0):
            return
        if self.seat.rng.randrange(UNIT) < grade:
            self.site, self.strength = danced.body.site, grade

    def signal(self, dances: Dances) -> None:
        """Choose whom to stop: with a chance equal to the dance's strength, one dancer for a rival site."""
        rivals = [m.author for m in dances if m.body.strength_ppm and m.body.site != self.site]
        draw = self.seat.rng.randrange(UNIT)
        self.stops = (self.seat.rng.choice(rivals),) if rivals and draw < self.strength else ()

    def dance(self, tick: int) -> Dance:
        """Return the tick's message; what was seen and what it cost are told once."""
        reason, cost, self.seen, self.cost = "; ".join(filter(None, self.seen)), self.cost, [], NO_COST
        return Dance(round=tick, site=self.site, strength_ppm=self.strength, stops=self.stops, reason=reason, cost=cost)

    def at_the_end(self) -> Proposal:
        """Return where the scout stands, in the words of whoever proposed it."""
        proposal = self._presented(self.site)
        if proposal is None:
            return Proposal(round=HOME, key=None, refs=(self.mine.id,), lapse="stands at no site")
        grade = None if self.site is None else self.grades.get(self.site)
        refs = tuple(dict.fromkeys((self.mine.id, proposal.id)))
        return msgspec.structs.replace(
            proposal.body, round=HOME, confidence_ppm=grade, refs=refs, lapse="", cost=self.cost
        )

    def _presented(self, site: str | None) -> Message[Proposal] | None:
        """Return the proposal that a scout reads for a site: its own, or the one with the smallest id."""
        if site is None:
            return None
        if self.mine.body.key == site:
            return self.mine
        return min((m for m in self.seat.said(Proposal) if m.body.key == site), default=None)


def standing(dances: Dances, weights: Mapping[PeerId, int]) -> dict[str, int]:
    """Return the weight of the scouts at each site, resting or dancing, in parts per million of one scout."""
    at: Counter[str] = Counter()
    for message in dances:
        if message.body.site is not None:
            at[message.body.site] += weights.get(message.author, UNIT)
    return dict(at)


def _over(dances: Dances, weights: Mapping[PeerId, int], quorum: float) -> bool:
    """Say whether the search ends with this tick: a quorum stands at one site, or nobody dances any more."""
    everybody = {**dict.fromkeys((m.author for m in dances), UNIT), **weights}
    most = max(standing(dances, weights).values(), default=0)
    return most >= needed_weight(quorum, everybody) or not any(m.body.strength_ppm for m in dances)


def _home(seat: Seat) -> frozenset[PeerId]:
    """Return who has said where it stands: they saw the end, and dance no more."""
    return frozenset(m.author for m in seat.said(Proposal, HOME))
