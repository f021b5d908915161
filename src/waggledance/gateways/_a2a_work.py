"""A2A tasks at work: each is an order of the host, followed to its end, and found again after a restart.

What one listener hears, all hear, in the same order: streams, blocking callers and webhooks read the same events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from a2a.types import Message as A2AMessage
from a2a.types import Part, Role, Task, TaskArtifactUpdateEvent, TaskState, TaskStatusUpdateEvent

from waggledance._replay import decide_again
from waggledance.core import (
    LoopClock,
    Member,
    Message,
    Opening,
    PeerId,
    Question,
    Roster,
    RunFailed,
    Turn,
    WaggleError,
    outcome_of,
    well_formed,
)
from waggledance.gateways._a2a_asked import text_of
from waggledance.gateways._a2a_ledger import Entry, Ledger
from waggledance.gateways._a2a_task import (
    ENDED,
    begun,
    by_agent,
    decided,
    delivered,
    said,
    state_of,
    status_of,
    updated,
)
from waggledance.gateways._event import Cancelled, Decided, Failed, Started
from waggledance.gateways._host import Host
from waggledance.gateways._order import Order, new_id
from waggledance.gateways._running import Running

logger = logging.getLogger(__name__)

MAX_BEFORE, MAX_BEFORE_BYTES = 8, 8_000
Update: TypeAlias = Task | TaskStatusUpdateEvent | TaskArtifactUpdateEvent


@dataclass(eq=False)
class Live:
    """A task that is being worked on."""

    running: Running
    task: Task
    """As it is now."""
    heard: int = 0
    """How many of the order's events `task` and `names` know of."""
    names: dict[PeerId, str] = field(default_factory=dict[PeerId, str])
    notes: tuple[str, ...] = ()
    """What is said with the decision, beside its own notes."""
    said: list[Message[Any]] = field(default_factory=list[Message[Any]])
    """The messages of its channel, as far as a surface is drawn of them."""
    follower: asyncio.Task[None] | None = None

    async def ended(self) -> Task:
        """Wait for the end; return the task as it then is. Whoever waits may leave, and stops nothing."""
        if self.follower is not None:
            await asyncio.shield(self.follower)
        return self.task


class Work:
    """The tasks of a door: those at work, and through the ledger those that have ended.

    Args:
        host: who does the work.
        ledger: where tasks are kept.
    """

    def __init__(self, host: Host, ledger: Ledger) -> None:
        self.host, self.ledger = host, ledger
        self._clock = LoopClock()
        self._live: dict[str, Live] = {}

    def start(self, order: Order, asked: A2AMessage, notes: tuple[str, ...] = ()) -> Live:
        """Begin an order as a task. Raises what `Host.start` does, and `RunFailed` where it cannot be kept."""
        running = self.host.start(order)
        live = Live(running, begun(running.id, order.context, asked, self._clock.wall_ms()), notes=notes)
        try:
            self.ledger.write(self._entry(live))
        except BaseException:
            running.cancel()  # its caller would never hear of it
            raise
        self._go_on(live)
        return live

    async def find(self, swarm: str, id: str, caller: str) -> None:
        """Look for a task that this door never gave: another server may have, whose swarm's members know of it."""
        if self.ledger.find(id):
            return
        try:
            running = await self.host.find_elsewhere(swarm, id, caller, context=new_id())
        except RunFailed as why:
            logger.debug("task %s: %s", id, why)
            return
        if running is not None and self.ledger.find(id) is None:  # nobody else has found it meanwhile
            self._follow_elsewhere(running)

    def _follow_elsewhere(self, running: Running) -> None:
        order = running.order
        asked = A2AMessage(message_id=order.id, role=Role.ROLE_USER, parts=[Part(text=order.question.text)])
        live = Live(running, begun(order.id, order.context or new_id(), asked, self._clock.wall_ms()))
        self.ledger.write(self._entry(live))
        self._go_on(live)

    def live(self, id: str) -> Live | None:
        """Return a task that is being worked on."""
        return self._live.get(id)

    def task(self, entry: Entry) -> Task:
        """Return a task as it is now."""
        live = self._live.get(entry.id)
        return live.task if live is not None else Task.FromString(entry.task)

    def before(self, swarm: str, caller: str, context: str, refs: Sequence[str]) -> tuple[Turn, ...]:
        """Return what was asked and decided before in a conversation, and in tasks referred to; oldest first.

        Of the caller's own tasks with this swarm that came to a decision the last eight, as far as 8,000 bytes go.
        """
        found = self.ledger.page(swarm, caller, size=MAX_BEFORE, context=context)[0] if context else []
        for entry in map(self.ledger.find, dict.fromkeys(refs[:MAX_BEFORE])):
            if entry is not None and (entry.swarm, entry.caller) == (swarm, caller):
                found.append(entry)
        newest = sorted({entry.id: entry for entry in found}.values(), key=lambda entry: -entry.place)[:MAX_BEFORE]
        turns: list[Turn] = []
        left = MAX_BEFORE_BYTES
        for entry in newest:
            task = self.task(entry)
            if task.status.state != TaskState.TASK_STATE_COMPLETED or not task.history:
                continue
            asked, answered = text_of(task.history[0].parts), text_of(task.artifacts[0].parts)
            left -= len(asked.encode()) + len(answered.encode())
            if left < 0:
                break
            turns[:0] = [Turn("user", well_formed(asked)), Turn("assistant", well_formed(answered))]
        return tuple(turns)

    async def updates(self, live: Live) -> AsyncGenerator[Update]:
        """Yield a task as it is now, and then everything that changes, until it ends."""
        now = Task()
        now.CopyFrom(live.task)
        names, after = dict(live.names), live.heard
        yield now
        async with aclosing(live.running.events(after)) as events:
            async for event in events:
                if isinstance(event, Message):
                    _meet(event, names)
                    words = said(live.task, event, names)
                    if words is not None:
                        yield words
        if now.status.state not in ENDED:
            task = await live.ended()
            for artifact in task.artifacts:
                yield delivered(task, artifact)
            yield updated(task, task.status)

    async def recover(self) -> list[str]:
        """Bring tasks that nobody is at work on to their end; return their ids. Asked once, after a restart.

        One whose members are elsewhere and went on meanwhile is taken up again, and ends when they have decided.
        """
        left = [entry for entry in self.ledger.unfinished() if entry.id not in self._live]
        for entry in left:
            task = Task.FromString(entry.task)
            if self._taken_up(entry, task):
                continue
            self._end_from_log(entry, task)
            ended = Entry(
                id=entry.id, swarm=entry.swarm, caller=entry.caller, context=entry.context, channel=entry.channel,
                state=task.status.state, changed_ms=self._clock.wall_ms(), task=task.SerializeToString(),
            )  # fmt: skip
            self.ledger.write(ended)
        return [entry.id for entry in left]

    def _taken_up(self, entry: Entry, task: Task) -> bool:
        """Go on with a task of an earlier process, if its swarm can; say whether it can."""
        hosted = self.host.swarms.get(entry.swarm)
        if hosted is None or hosted.take_up is None or not entry.channel:
            return False
        question = Question(text=well_formed(text_of(task.history[0].parts)) or "?", expects="free")
        order = Order(swarm=entry.swarm, question=question, caller=entry.caller, id=entry.id, context=entry.context)
        try:
            self._go_on(Live(self.host.start(order, channel=entry.channel), task))
        except WaggleError as why:
            logger.warning("task %s is not taken up: %s", entry.id, why)
            return False
        return True

    def _go_on(self, live: Live) -> None:
        self._live[live.task.id] = live
        live.follower = asyncio.get_running_loop().create_task(self._follow(live))

    async def stop(self) -> None:
        """Stop what is still being worked on, and wait until every task's end is written down."""
        followers = [live.follower for live in self._live.values() if live.follower is not None]
        for live in list(self._live.values()):
            live.running.cancel()
        await asyncio.gather(*followers, return_exceptions=True)

    async def _follow(self, live: Live) -> None:
        try:
            async with aclosing(live.running.events()) as events:
                async for event in events:
                    if isinstance(event, Started):
                        self.ledger.opened(live.task.id, event.channel)
                    elif isinstance(event, Message):
                        _meet(event, live.names)
                        live.said.append(event)
                    elif isinstance(event, Decided):
                        live.task.artifacts.append(decided(live.task, event.decision, live.said, live.notes))
                        self._ended(live, TaskState.TASK_STATE_COMPLETED)
                    elif isinstance(event, Failed):
                        self._failed(live, event.error)
                    live.heard += 1
            self.ledger.write(self._entry(live))
        except WaggleError as why:  # a full disk: the caller has the answer all the same
            logger.warning("task %s: %s", live.task.id, why)
        finally:
            del self._live[live.task.id]

    def _failed(self, live: Live, error: WaggleError) -> None:
        if isinstance(error, Cancelled) and self.host.draining:
            state, why = TaskState.TASK_STATE_FAILED, "the server was stopped before the swarm decided; ask again"
        else:
            state, why = state_of(error), str(error)
        self._ended(live, state, by_agent(live.task, f"{live.task.id}-end", why))

    def _ended(self, live: Live, state: TaskState, why: A2AMessage | None = None) -> None:
        live.task.status.CopyFrom(status_of(state, self._clock.wall_ms(), why))

    def _entry(self, live: Live) -> Entry:
        order, task = live.running.order, live.task
        return Entry(
            id=task.id, swarm=order.swarm, caller=order.caller, context=task.context_id, channel=live.running.channel,
            state=task.status.state, changed_ms=task.status.timestamp.ToMilliseconds(), task=task.SerializeToString(),
        )  # fmt: skip

    def _end_from_log(self, entry: Entry, task: Task) -> None:
        """Say how a task ended that the process did not live to see: the log knows, if the swarm came to a decision."""
        now = self._clock.wall_ms()
        if self.host.log is not None and entry.channel:
            with suppress(WaggleError):
                messages = self.host.log.read(entry.channel)
                if outcome_of(messages) is not None:
                    task.artifacts.append(decided(task, decide_again(messages), messages))
                    task.status.CopyFrom(status_of(TaskState.TASK_STATE_COMPLETED, now))
                    return
        where = f"; what was said is in channel {entry.channel!r} of the log" if entry.channel else ""
        why = by_agent(task, f"{task.id}-end", f"the server was restarted before the swarm decided{where}; ask again")
        task.status.CopyFrom(status_of(TaskState.TASK_STATE_FAILED, now, why))


def _meet(message: Message[Any], names: dict[PeerId, str]) -> None:
    """Learn who sits in the channel, from its first messages."""
    members: tuple[Member, ...] = message.body.members if isinstance(message.body, Opening | Roster) else ()
    names.update((member.id, member.name) for member in members)
