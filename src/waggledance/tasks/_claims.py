"""Who claims what, and when: each peer by itself, from the plan, the ranking and its own clock.

A peer claims at once what it ranks first for. What another ranks first for it leaves alone for a moment, longer the
more stand before it, so that a better peer that is free has taken it by then; if none has, the next one does, and
begins once it would have heard of others who did the same. Tasks of
equal urgency are taken in an order of each peer's own (rendezvous hashing), so that peers who rank alike do not all run
for the same one: with gossip as slow as a twentieth of a task, the first in everybody's list is done twice in 73 of 100
cases, and a task in an order of one's own in 1.

A claim whose lease ran out without a renewal is taken over in the same order. Leases are measured on the clock of who
waits, from when the claim was seen.

Source: Thaler and Ravishankar 1998, "Using name-based mappings to increase hit rates" (rendezvous hashing); leases as
in Gray and Cheriton 1989.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from waggledance.core import UNIT, MessageId, PeerId, UsageError
from waggledance.tasks._edit import Claim, Hedge
from waggledance.tasks._entry import Entry
from waggledance.tasks._plan import Plan
from waggledance.tasks._rebalancer import Rebalancer
from waggledance.tasks._router import lot
from waggledance.tasks._task import Task, TaskId

MIN_SAMPLES = 3
"""Of finished tasks of a kind, before one of that kind can be called slow."""


@dataclass(frozen=True)
class Claiming:
    """How eagerly a peer takes work.

    Raises:
        UsageError: a number outside its range.
    """

    in_flight: int = 4
    """How many tasks it does at a time, ≥ 1."""
    lease_s: float = 30.0
    """How long the others leave it alone with a task without hearing of it, > 0 s."""
    stagger_s: float = 0.2
    """How long it waits for each peer that stands before it, ≥ 0 s: about what a message takes to everybody."""
    ahead: int = 0
    """How many more it claims than it does at a time, ≥ 0, to begin them without asking anybody. They wait, and go to
    whoever has nothing to do and asks for them."""
    rebalancer: Rebalancer | None = Rebalancer(aim_ppm=UNIT)
    """Says which of those that wait are worth handing over; none is when None."""
    hedge: float = inf
    """A task that takes so many times as long as is usual for its kind is done a second time by who has nothing else to
    do, > 1; never when infinite."""

    def __post_init__(self) -> None:
        if (
            min(self.in_flight - 1, self.ahead) < 0
            or not 0 < self.lease_s <= 86_400
            or not 0 <= self.stagger_s < inf
            or not self.hedge > 1
        ):
            raise UsageError(
                "a peer does 1 task at a time or more, claims 0 or more ahead, with a lease of up to a day, waits 0 s "
                f"or more for others and hedges after more than 1 time the usual: got {self.in_flight}, {self.ahead}, "
                f"{self.lease_s} s, {self.stagger_s} s and {self.hedge}"
            )


class Claims:
    """One peer's view of what it might claim. Keeps only when it saw what."""

    def __init__(self, me: PeerId, claiming: Claiming, place: Callable[[Task, PeerId | None], int | None]) -> None:
        self._me, self._claiming, self._place = me, claiming, place
        self._ready_since: dict[TaskId, float] = {}
        self._seen: dict[MessageId, float] = {}
        self._began: dict[TaskId, float] = {}
        self._lasted: dict[TaskId, float] = {}
        self._in_review: dict[TaskId, float] = {}
        self._took: dict[str, list[float]] = {}
        self.next_at = inf
        """When something may be due that is not due yet."""

    def notice(self, plan: Plan, now: float) -> None:
        """Remember when tasks became ready and when claims were first seen; forget what is over."""
        ready = {task.id for task in plan.ready()}
        self._ready_since = {id: self._ready_since.get(id, now) for id in sorted(ready)}
        busy = [entry for entry in plan.busy() if entry.claim is not None]
        self._seen = {e.claim: self._seen.get(e.claim, now) for e in busy if e.claim is not None}
        reviews = [entry.task.id for entry in plan.busy() if entry.status == "review"]
        self._in_review = {id: self._in_review.get(id, now) for id in reviews}
        held = {entry.task.id for entry in busy}
        for id, since in self._began.items():
            if id not in held and id in plan.entries:
                self._lasted[id] = now - since
                if plan.entries[id].status in ("review", "done"):
                    self._took.setdefault(plan.entries[id].task.kind, []).append(now - since)
        self._began = {id: self._began.get(id, now) for id in sorted(held)}

    def in_review(self, task: TaskId, now: float) -> float:
        """Return for how many seconds a task's result has been under review, as seen here."""
        return now - self._in_review.get(task, now)

    def lasted(self, task: TaskId) -> float:
        """Return for how many seconds somebody was at a task, as seen here, when that last ended."""
        return self._lasted.get(task, 0.0)

    def due(
        self, plan: Plan, now: float, free: int, hands: int, mine: frozenset[TaskId]
    ) -> list[tuple[Claim | Hedge, bool]]:
        """Return what to claim now, the most urgent first.

        With each comes whether others may be claiming it as well: then to begin has to wait until they would be heard.

        Args:
            plan: as it stands.
            now: this peer's time.
            free: how many more tasks it may claim.
            hands: how many more it could begin now, at most `free`.
            mine: what it is at already.
        """
        self.next_at = now + self._claiming.lease_s if self._in_review else inf
        lease_ms = max(1, round(self._claiming.lease_s * 1_000))
        claims: list[tuple[Claim | Hedge, bool]] = []
        if free <= 0:
            return claims
        ready = [task for task in plan.ready() if task.id not in mine]
        ready.sort(key=lambda task: (-task.priority, lot(task, self._me)))
        for task in ready:
            if len(claims) < free and self._may(task, None, self._ready_since.get(task.id, now), now):
                claims.append((Claim(task.id, lease_ms), self._place(task, None) != 0))
        for entry in plan.busy():
            if entry.status == "claimed" and entry.holder != self._me and len(claims) < free:
                since = self._seen.get(entry.claim or MessageId(b""), now) + entry.lease_ms / 1_000
                if self._may(entry.task, entry.holder, since, now):
                    claims.append((Claim(entry.task.id, lease_ms, over=entry.claim), True))
        if not claims and not ready:
            claims += [(hedge, True) for hedge in self._hedges(plan.busy(), now, mine)[:hands]]
        return claims

    def _may(self, task: Task, instead_of: PeerId | None, since: float, now: float) -> bool:
        """Say whether it is this peer's turn; if not yet, remember when it will be."""
        place = self._place(task, instead_of)
        if place is None:
            return False
        at = since + place * self._claiming.stagger_s
        if at <= now:
            return True
        self.next_at = min(self.next_at, at)
        return False

    def _hedges(self, busy: list[Entry], now: float, mine: frozenset[TaskId]) -> list[Hedge]:
        """Return the tasks of others that take much longer than is usual for their kind."""
        found: list[Hedge] = []
        for entry in busy:
            took = sorted(self._took.get(entry.task.kind, ()))
            if entry.status != "claimed" or entry.task.id in mine or len(took) < MIN_SAMPLES:
                continue
            if len(entry.claimants) > 1 and self._me not in entry.claimants:
                continue  # somebody does it a second time already
            slow_after = self._claiming.hedge * took[len(took) // 2]
            since = self._began.get(entry.task.id, now) + slow_after
            if slow_after < inf and self._may(entry.task, entry.holder, since, now):
                found.append(Hedge(entry.task.id))
        return found
