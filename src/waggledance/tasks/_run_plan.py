"""The one coroutine that every peer runs to get a plan done: claim, do, check, publish, until there is nothing left.

There are no layers and no rounds: a task begins when what it waits for is done (data flow), wherever a fitting peer is
free. A peer that dies costs its tasks one lease. What is published is enough for anybody to go on from, so a plan
resumes from its log.

Source: Zhang et al. 2025, "UFO³", arXiv:2511.11332 (asynchronous dispatch), without its orchestrator; the recursion is
ROMA's (sentient-agi/ROMA): to break a task up and to put it together are two claims of the same task.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import Any, cast

from waggledance.core import UNIT, BudgetSpent, Message, Meter, Note, PeerId, RunFailed, Seat, well_formed
from waggledance.tasks._arranging import ABOUT, DATA_FLOW, Arranged, rearranged
from waggledance.tasks._card import Card
from waggledance.tasks._check import Check, Finding
from waggledance.tasks._claims import Claiming, Claims
from waggledance.tasks._doing import charge_check, look_at, try_task
from waggledance.tasks._doubted import Doubts
from waggledance.tasks._edit import (
    MAX_OPS,
    Accept,
    Add,
    Claim,
    Done,
    Fail,
    HandOver,
    Hedge,
    Op,
    PlanEdit,
    Renew,
    Review,
)
from waggledance.tasks._entry import Entry
from waggledance.tasks._evaluating import Evaluating
from waggledance.tasks._handing_over import HandingOver
from waggledance.tasks._here import Here, cards_of
from waggledance.tasks._offering import Offering
from waggledance.tasks._opened_plan import in_messages
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import Planner
from waggledance.tasks._reopening import Reopening
from waggledance.tasks._reporting import Reporting
from waggledance.tasks._router import Following, Router, Scored, lot
from waggledance.tasks._sealing import Sealing
from waggledance.tasks._standing import Standing
from waggledance.tasks._static import StaticSkills
from waggledance.tasks._task import Task, TaskId
from waggledance.tasks._work import Executor, Work, by_peer

RERANK_S = 1.0
"""A ranking is used again for so long, unless something was learnt."""


async def run_plan(
    seat: Seat,
    ops: Sequence[Op] = (),
    *,
    execute: Executor = by_peer,
    planner: Planner | None = None,
    router: Router | None = None,
    check: Check | None = None,
    claiming: Claiming | None = None,
    good_at: Mapping[str, int] | None = None,
    arrange: str = DATA_FLOW,
    seal_quorum: int | None = None,
    patience_s: float = 300.0,
) -> Plan:
    """Work on the plan of a seat's channel until it is over; return it.

    Args:
        seat: where; all peers run this, each at its own.
        ops: what the plan begins with, if it is not there already.
        execute: does a task.
        planner: breaks tasks up; every task is done as it is when None.
        router: who suits which task; by what peers say of themselves when None.
        check: looks at results before they are published, and at others' for reviews.
        claiming: how eagerly this peer takes work.
        good_at: what this peer says it is good at, in parts per million; its own skills in full besides.
        arrange: who waits for whom and reads whose results, of what the plan begins with and of every task's parts:
            as they are linked (``"data-flow"``), by a rule from their shape (``"keep-edges"``, ``"coded"``,
            ``"paper"``), or an arrangement (``"parallel"``, ``"chain"``, ``"lead"``, ``"layers"``). What was chosen
            and why is published as a note, see `Plan.topologies`.
        seal_quorum: how many members must back a seal of the plan's past; a majority when None.
        patience_s: give up when nothing has happened for so long, > 0 s: nobody here can do what is left.

    Raises:
        UsageError: a quorum below a majority, or of more members than there are.
        UnknownName: there is no such arrangement.
    """
    ops, chosen = rearranged(ops, arrange)
    if planner is not None and arrange != DATA_FLOW:
        planner = Arranged(planner, arrange)
    doing = _Doing(execute, planner, check)
    worker = _Worker(seat, doing, router or StaticSkills(), claiming or Claiming(), seal_quorum)
    return await worker.run(ops, chosen, dict(good_at or {}), patience_s)


class _Doing:
    """How this peer does tasks: with what executor, planner and checks."""

    def __init__(self, execute: Executor, planner: Planner | None, check: Check | None) -> None:
        self.execute, self.planner, self.check = execute, planner, check


class _Worker:
    """One peer at work on a plan."""

    def __init__(self, seat: Seat, doing: _Doing, router: Router, claiming: Claiming, seal_quorum: int | None) -> None:
        self._seat, self._doing, self._claiming = seat, doing, claiming
        self._news = seat.listen()
        self._sealing = Sealing(seat, claiming.lease_s, seal_quorum)
        self.plan = Plan(seat.roster)
        self._said: list[Message[Any]] = []
        self._forked: frozenset[PeerId] = frozenset()
        self._here: list[Message[Here]] = []
        self._carded: tuple[Mapping[PeerId, int], tuple[Card, ...]] | None = None
        """The cards as of some loads, as long as nobody says anew that it is here."""
        self._router = router
        self._doubts, self._standing = Doubts(seat.me), Standing(router)
        if isinstance(router, Following):
            router.follow(lambda: self.plan)
        self._ranked: dict[TaskId, tuple[float, tuple[Scored, ...]]] = {}
        self._claims = Claims(seat.me, claiming, self._place)
        self._reporting = Reporting(seat, self._claims, self._rank)
        self._handing = HandingOver(seat.me, claiming.rebalancer, claiming.stagger_s, self._place)
        self._evaluating = Evaluating(seat, doing.planner, lambda: self.plan)
        self._offering = Offering(seat, doing.planner, lambda: self.plan)
        self._reopening = Reopening(seat, doing.planner, claiming.stagger_s)
        self._at: dict[TaskId, asyncio.Task[None]] = {}
        """What this peer is at: tasks that it does, and results that it reviews."""
        self._stopped: set[asyncio.Task[None]] = set()
        """What it was at and lost, while that comes to its end."""
        self._renewed: dict[TaskId, float] = {}
        """When it last said of a task that it holds that it is at it."""
        self._ended: set[TaskId] = set()
        """Tasks of which a try may have ended since the last turn."""
        self._began = seat.clock.now()

    # -- the loop -----------------------------------------------------------------------------------------------

    async def run(self, ops: Sequence[Op], chosen: str, good_at: dict[str, int], patience_s: float) -> Plan:
        try:
            await self._join(ops, chosen, good_at)
            heard_at = self._now()
            while True:
                await self._turn(self._now())
                quiet_s = 0.0 if self._at else self._now() - heard_at
                if self._finished() or quiet_s > patience_s:
                    return self.plan
                fresh = await self._news.next(max(0.0, min(self._next_at() - self._now(), patience_s)))
                heard_at = self._now() if fresh or self._at else heard_at
                self._take(fresh)
        except BudgetSpent:  # not another message may be written
            return self.plan
        finally:
            for id in list(self._at):
                self._stop(id)
            await asyncio.gather(*self._stopped, return_exceptions=True)
            await self._evaluating.stop()
            await self._offering.stop()
            self._news.stop()

    async def _join(self, ops: Sequence[Op], chosen: str, good_at: dict[str, int]) -> None:
        """Say who is here, and put in what the plan begins with, as far as nobody has."""
        self._take(await self._news.next(0.0))
        own = dict.fromkeys(sorted(self._seat.skills), UNIT)
        await self._seat.publish(Here(skills=own | good_at, capacity=self._claiming.in_flight))
        if not all(op.task.id in self.plan.entries for op in ops if isinstance(op, Add)):
            for edit in in_messages(ops):
                await self._seat.publish(edit)
            if chosen:
                await self._seat.publish(Note(about=ABOUT, text=chosen))
        until = self._now() + 2 * self._claiming.stagger_s
        while len(self._here) < len(self._seat.roster) and self._now() < until:  # who ranks must know whom
            self._take(await self._news.next(until - self._now()))

    async def _turn(self, now: float) -> None:
        """Do what is due now: stop what was lost, renew, claim, review, report, seal."""
        self._claims.notice(self.plan, now)
        self._stop_lost()
        ops: list[Op] = [*self._renewals(now)]
        claims: list[tuple[Claim | Hedge, bool]] = []
        if self._seat.meter.spent_out() is None:
            self._take_up(now)
            claims = self._due(now, MAX_OPS - 1 - len(ops))
            ops += [claim for claim, _ in claims] or self._handed(now)[: MAX_OPS - 1 - len(ops)]
        if (replan := self._reopening.due(now)) is not None:
            ops.append(Add(replan))
        if ops:
            message = await self._seat.publish(PlanEdit(ops=tuple(ops)))
            self._take([message])
            self._begin(message, claims, now)
        self._review()
        ended, self._ended = self._ended, set()
        await self._reporting.turn(self.plan, ended)
        await self._sealing.turn(self.plan, now, ended=bool(ended))

    def _finished(self) -> bool:
        if self._seat.meter.seconds_left() <= 0:  # what it is at would not end in time
            return True
        if self._at:
            return False
        over = self.plan.over and bool(self.plan.entries) and not self._reopening.pending
        return over or self._seat.meter.spent_out() is not None

    def _now(self) -> float:
        return self._seat.clock.now()

    def _next_at(self) -> float:
        renew = min((at + self._claiming.lease_s / 2 for at in self._renewed.values()), default=inf)
        return min(self._claims.next_at, self._handing.next_at, renew, self._reopening.due_at, self._sealing.due_at)

    def _take(self, fresh: Sequence[Message[Any]]) -> None:
        self._said.extend(fresh)
        if self._seat.forked != self._forked:  # what a forger has said so far counts no more
            self._forked = self._seat.forked
            self._said = [m for m in self._said if m.author not in self._forked]
            self.plan, fresh = Plan(self._seat.roster), self._said
            self._here, self._doubts, self._standing = [], Doubts(self._seat.me), Standing(self._router)
            self._carded = None
            self._ranked.clear()
        self.plan.take(fresh)
        edits = [op for m in fresh if isinstance(m.body, PlanEdit) for op in m.body.ops]
        self._ended |= {op.task for op in edits if isinstance(op, Done | Fail | Review)}
        here = [cast("Message[Here]", m) for m in fresh if isinstance(m.body, Here)]
        self._here += here
        self._carded = None if here else self._carded
        learnt = [m for m in fresh if isinstance(m.body, TaskOutcome)]
        self._learn(learnt)
        self._evaluating.take(fresh)
        self._offering.take(fresh)
        if edits:
            self._reopening.look(self.plan, self._now())
        if here or learnt:
            self._ranked.clear()

    def _learn(self, told: Sequence[Message[Any]]) -> None:
        """Let the router learn from outcomes, without those told by peers who say otherwise than this one saw."""
        if self._doubts.take(told):
            self._standing, told = Standing(self._router), self._said
        self._standing.add([m for m in told if m.author not in self._doubts.authors])

    # -- who does what ------------------------------------------------------------------------------------------

    def _rank(self, task: Task) -> tuple[Scored, ...]:
        known = self._ranked.get(task.id)
        if known is None or self._now() - known[0] > RERANK_S:
            known = self._ranked[task.id] = (self._now(), self._standing.rank(task, self._cards()))
        return known[1]

    def _cards(self) -> tuple[Card, ...]:
        load = Counter(e.holder for e in self.plan.busy() if e.status == "claimed" and e.holder is not None)
        if self._carded is None or self._carded[0] != load:
            self._carded = load, cards_of(self._here, self._seat.table.names, load)
        return self._carded[1]

    def _place(self, task: Task, instead_of: PeerId | None) -> int | None:
        """Return how many stand before this peer for a task; None if it cannot do it. Who failed at it goes last."""
        failed = Counter(self.plan.entries[task.id].failed_by)
        order = [scored.peer for scored in self._rank(task) if scored.peer != instead_of]
        order.sort(key=lambda peer: failed[peer])
        return order.index(self._seat.me) if self._seat.me in order else None

    def _begin(self, message: Message[PlanEdit], claims: Sequence[tuple[Claim | Hedge, bool]], now: float) -> None:
        """Start on the tasks that this peer's message has got it."""
        for claim, contested in claims:
            entry = self.plan.entries[claim.task]
            if isinstance(claim, Claim):
                if entry.claim != message.id:
                    continue
                self._renewed[claim.task] = now
                if self._hands <= 0:  # it waits
                    continue
            settle_s = self._claiming.stagger_s if contested else 0.0
            self._at[claim.task] = asyncio.create_task(self._do(entry, settle_s))

    def _stop_lost(self) -> None:
        """Stop what another peer holds by now, or that is over or taken out."""
        for id in list(self._at):
            entry = self.plan.entries.get(id)
            lost = entry is None or entry.over
            if entry is not None and id in self._renewed and entry.status == "claimed":
                lost = entry.holder != self._seat.me
            if lost:
                self._stop(id)
        waiting = {entry.task.id for entry in self._waiting()}
        self._renewed = {id: at for id, at in self._renewed.items() if id in self._at or id in waiting}

    def _stop(self, id: TaskId) -> None:
        task = self._at.pop(id)
        self._renewed.pop(id, None)
        self._stopped.add(task)
        task.add_done_callback(self._stopped.discard)
        task.cancel()

    def _take_up(self, now: float) -> None:
        """Begin what this peer holds and is not at: claimed ahead, handed over, left from before this process, or lost
        and won back, as when a seal brings two claims into another order than their clocks.
        """
        for entry in self._waiting()[: self._hands]:
            claimed_at = self._renewed.setdefault(entry.task.id, now - self._claiming.stagger_s)
            settle_s = max(0.0, claimed_at + self._claiming.stagger_s - now)
            self._at[entry.task.id] = asyncio.create_task(self._do(entry, settle_s))

    def _waiting(self) -> list[Entry]:
        """Return what this peer holds and has not begun, the most urgent first."""
        mine = [e for e in self.plan.busy() if e.status == "claimed" and e.holder == self._seat.me]
        waiting = [entry for entry in mine if entry.task.id not in self._at]
        return sorted(waiting, key=lambda entry: (-entry.task.priority, lot(entry.task, self._seat.me)))

    @property
    def _hands(self) -> int:
        """How many more tasks it could begin."""
        return max(0, self._claiming.in_flight - len(self._at))

    def _due(self, now: float, most: int) -> list[tuple[Claim | Hedge, bool]]:
        """Return what to claim: as much as it could begin, and some ahead."""
        free = self._claiming.in_flight + self._claiming.ahead - len(self._at) - len(self._waiting())
        mine = frozenset(self._at) | self._reopening.held_back
        return self._claims.due(self.plan, now, min(free, most), min(self._hands, most), mine)

    def _handed(self, now: float) -> list[Accept | HandOver]:
        """Return what to hand over of what waits here; or, with a hand free, what to accept of what waits elsewhere."""
        self._handing.next_at = inf
        waiting = [entry.task.id for entry in self._waiting()]
        if any(self.plan.entries[id].willing for id in waiting):
            return list(self._handing.hands(self.plan, waiting, self._cards()))
        if waiting or not self._hands:
            return []
        return list(self._handing.accepts(self.plan, self._cards(), now))

    def _renewals(self, now: float) -> list[Renew]:
        due = [id for id, at in self._renewed.items() if now >= at + self._claiming.lease_s / 2]
        self._renewed.update(dict.fromkeys(due, now))
        return [Renew(id) for id in due]

    # -- doing and reviewing ------------------------------------------------------------------------------------

    async def _do(self, entry: Entry, settle_s: float) -> None:
        task, plan, seat = entry.task, self.plan, self._seat
        if settle_s:
            await seat.sleep(settle_s)
        notes = tuple([note for id in plan.inputs(task.id) for note in plan.result_notes(id)])
        work = Work(task, seat, plan, plan.inputs(task.id), notes, Meter(task.budget.limits(), seat.clock))
        limits = [] if task.budget.milliseconds is None else [task.budget.milliseconds / 1_000]
        if task.deadline_ms is not None:
            limits.append(task.deadline_ms / 1_000 - (self._now() - self._began))
        doing = self._doing
        ops = await try_task(work, doing.execute, doing.planner, doing.check, min(limits, default=None))
        await self._say(task.id, ops)

    async def _look(self, entry: Entry) -> None:
        """Review another peer's result."""
        task, done = entry.task, entry.done
        assert done is not None
        try:
            found = await look_at(task, self.plan.result(task.id) or "", self._doing.check)
        except RunFailed as why:
            found = Finding.failed(str(why) or "it could not be checked")
        charge_check(self._seat.meter, found.cost)
        reason = "" if found.passed else well_formed(found.reason)[:1_000]
        await self._say(task.id, [Review(task.id, done, found.passed, reason, found.cost)])

    async def _say(self, id: TaskId, ops: list[Op]) -> None:
        """Publish what came of a task, and have a hand free again."""
        with suppress(BudgetSpent):  # not another message may be written: the loop sees that as well
            await self._seat.publish(PlanEdit(ops=tuple(ops)))
        del self._at[id]
        self._renewed.pop(id, None)
        self._news.wake()

    def _review(self) -> None:
        """Begin the reviews that it is this peer's turn for: by lot as many as are asked for, one more each lease."""
        for entry in self.plan.busy():
            if entry.status != "review" or entry.task.id in self._at:
                continue
            said = entry.passed | entry.rejected
            if self._seat.me == entry.holder or self._seat.me in said:
                continue
            others = sorted((p for p in self._seat.roster if p != entry.holder), key=lambda p: lot(entry.task, p))
            waited = self._claims.in_review(entry.task.id, self._now())
            turns = entry.task.reviews + int(waited / self._claiming.lease_s)
            if self._seat.me in others[:turns]:
                self._at[entry.task.id] = asyncio.create_task(self._look(entry))
