"""What the tools do: MCP's arguments become orders and words in threads, what comes of them becomes data.

Nothing here knows how MCP travels. A caller is whoever the host knows it as; where keys are asked for, a caller reads
the log of its own questions and of its threads, and of no others'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from waggledance.core import (
    THREAD,
    AnswerKind,
    Budget,
    Message,
    Opening,
    PeerId,
    Question,
    Summary,
    UnknownName,
    UsageError,
    well_formed,
)
from waggledance.gateways._event import Decided, Failed
from waggledance.gateways._guard import ANYONE
from waggledance.gateways._host import DEFAULT, Host
from waggledance.gateways._mcp_tools import LOG_TOKENS, SWARM_TOOLS, THREAD_TOOLS, McpTool
from waggledance.gateways._mcp_views import channel_text, channels_text, decision_plain, step_text, thread_plain
from waggledance.gateways._order import Order
from waggledance.gateways._running import Running
from waggledance.gateways._threads_desk import Desk
from waggledance.gateways._threads_filter import short
from waggledance.gateways._threads_fold import Close
from waggledance.protocols import AskProtocol

Progress = Callable[[int, str], Awaitable[None]]
"""Told how many messages there are, and the last in words."""
Arguments = Mapping[str, Any]
KEPT_CHANNELS = 10_000
"""Of one caller's own questions: older ones it reads no more."""


class McpCalls:
    """The tools of one host.

    Args:
        host: whose swarms.
        desks: gives a caller's desk; None where it has none.
    """

    def __init__(self, host: Host, desks: Callable[[str], Desk | None] = lambda _caller: None) -> None:
        self.host = host
        self._desks = desks
        self._asked: dict[str, dict[str, None]] = {}
        """Each caller's own channels, oldest first."""

    def desk(self, caller: str) -> Desk | None:
        """Return a caller's desk."""
        return self._desks(caller)

    def tools(self, caller: str) -> Mapping[str, McpTool]:
        """Return what a caller may use, by name."""
        return SWARM_TOOLS if self._desks(caller) is None else {**SWARM_TOOLS, **THREAD_TOOLS}

    async def call(self, name: str, arguments: Arguments, caller: str, progress: Progress) -> dict[str, Any]:
        """Use a tool, with arguments that fit its schema; return what fits its other one.

        Raises:
            WaggleError: why not.
        """
        match name:
            case "ask":
                return await self._ask(arguments, caller, progress)
            case "run":
                return await self._run(arguments, caller, progress)
            case "log":
                return self._log(arguments, caller)
            case _:
                desk = self._desks(caller)
                if desk is None or name not in THREAD_TOOLS:
                    raise UnknownName("tool", name, self.tools(caller))
                return await _with_threads(desk, name, arguments)

    def questions(self, caller: str) -> tuple[Summary, ...]:
        """Return the questions that a caller may read of, oldest first; threads are none, nor is a mesh's lobby."""
        log = self.host.log
        summaries = () if log is None else log.channels()
        asked = (s for s in summaries if s.asked_ms is not None and s.protocol != THREAD)
        return tuple(s for s in asked if self._may_read(caller, s.channel))

    # -- within -------------------------------------------------------------------------------------------------

    async def _ask(self, arguments: Arguments, caller: str, progress: Progress) -> dict[str, Any]:
        running = self.host.start(self._order(arguments, question_of(arguments), caller))
        await self._watched(running, caller, progress)
        return decision_plain(await running.decision())

    async def _run(self, arguments: Arguments, caller: str, progress: Progress) -> dict[str, Any]:
        from waggledance.tasks import PlanResult

        title, protocol = plan_of(arguments)
        order = self._order(arguments, Question(text=title, expects="free"), caller)
        running = self.host.start(order, protocol)
        messages = await self._watched(running, caller, progress)
        if not messages:
            await running.decision()  # says why nothing was begun
        result = PlanResult.of(messages)
        told: dict[str, Any] = msgspec.json.decode(result.to_json())
        if running.state == "done":
            decision = await running.decision()
            told |= {"cost": msgspec.to_builtins(decision.cost), "seconds": round(decision.seconds, 3)}
            told["notes"] = list(decision.notes)
        return told

    def _order(self, arguments: Arguments, question: Question, caller: str) -> Order:
        swarm = arguments.get("swarm") or (DEFAULT if DEFAULT in self.host.swarms else next(iter(self.host.swarms)))
        budget = arguments.get("budget")
        return Order(
            swarm=swarm,
            question=question,
            caller=caller,
            budget=None if budget is None else Budget(**budget),
            seed=arguments.get("seed"),
            closely=False,
            original=msgspec.json.encode(arguments),
        )

    async def _watched(self, running: Running, caller: str, progress: Progress) -> list[Message[Any]]:
        """Wait until an order has ended, and tell of it; whoever stops waiting stops the order."""
        said: list[Message[Any]] = []
        names: dict[PeerId, str] = {}
        try:
            async with aclosing(running.events()) as events:
                async for event in events:
                    if isinstance(event, (Decided, Failed)):
                        break
                    if isinstance(event, Message):
                        said.append(event)
                        if isinstance(event.body, Opening):
                            names |= {event.author: "asker"} | {member.id: member.name for member in event.body.members}
                            self._note(caller, event.channel)
                        if (told := step_text(event, names)) is not None:
                            await progress(len(said), told)
        except asyncio.CancelledError:
            running.cancel()
            raise
        return said

    def _log(self, arguments: Arguments, caller: str) -> dict[str, Any]:
        channel, start = arguments.get("channel"), arguments.get("start", 0)
        budget = arguments.get("tokens", LOG_TOKENS)
        if channel is None:
            summaries = self.questions(caller)
            text, further = channels_text(summaries, start, budget)
            return {"channel": None, "text": text, "total": len(summaries), "next": further}
        messages, desk = self._read(channel, caller)
        text, further = channel_text(messages, start, budget)
        if desk is not None:
            desk.show(channel, [m.id for m in messages[start:further]])
        return {"channel": channel, "text": text, "total": len(messages), "next": further}

    def _read(self, channel: str, caller: str) -> tuple[Sequence[Message[Any]], Desk | None]:
        """Return what stands in a channel, and the caller's desk where it is a thread's."""
        desk, log = self._desks(caller), self.host.log
        if desk is not None and any(thread.channel == channel for thread in desk.threads()):
            return desk.read(channel), desk
        known = [summary.channel for summary in self.questions(caller)]
        if log is None or channel not in known:
            raise UnknownName("channel", channel, known[-20:])
        return log.read(channel), None

    def _may_read(self, caller: str, channel: str) -> bool:
        return caller == ANYONE or channel in self._asked.get(caller, {})

    def _note(self, caller: str, channel: str) -> None:
        mine = self._asked.setdefault(caller, {})
        mine[channel] = None
        if len(mine) > KEPT_CHANNELS:
            del mine[next(iter(mine))]


def question_of(arguments: Arguments) -> Question:
    """Return what is asked; where nobody says what kind of answer counts, its words do.

    Raises:
        UsageError: the text is empty, or kind and options do not fit.
    """
    from waggledance.peers import guess_kind

    text, options = well_formed(arguments["question"]), tuple(map(well_formed, arguments.get("options", ())))
    expects: AnswerKind | None = arguments.get("expects") or ("choice" if options else None)
    return guess_kind(text) if expects is None else Question(text=text, expects=expects, options=options)


def plan_of(arguments: Arguments) -> tuple[str, AskProtocol]:
    """Return what a piece of work is about, and the plan that it begins with.

    Raises:
        UsageError: it has both a goal and tasks, or neither; two tasks have one id, one comes after a task that is not
            there, or they wait for each other in a circle.
        UnknownName: there is no such planner.
    """
    from waggledance.tasks import Add, Link, Op, Planned, Task, opened_plan

    goal, tasks = arguments.get("goal"), arguments.get("tasks")
    if (goal is None) == (tasks is None):
        raise UsageError("give either a goal or tasks, and not both")
    given: Sequence[Arguments] = tasks or [{"goal": goal}]
    made = [Task(goal=well_formed(one["goal"]), kind=one.get("kind") or "think") for one in given]
    by_name: dict[str, Task] = {}
    for one, task in zip(given, made, strict=True):
        if (name := one.get("id")) is not None and by_name.setdefault(name, task) is not task:
            raise UsageError(f"two tasks have the id {name!r}: give each its own")
    ops: list[Op] = [Add(task) for task in made]
    for one, task in zip(given, made, strict=True):
        for name in one.get("after", ()):
            if name not in by_name:
                raise UnknownName("task", name, by_name)
            ops.append(Link(by_name[name].id, task.id))
    title, _ = opened_plan(ops)
    return title, Planned(ops=tuple(ops), planner=arguments.get("planner") or "")


async def _with_threads(desk: Desk, name: str, arguments: Arguments) -> dict[str, Any]:
    match name:
        case "thread_open":
            return thread_plain(desk.open(arguments["title"], arguments["members"]))
        case "thread_say":
            said = await desk.say(
                arguments["thread"],
                arguments["text"],
                mentions=arguments.get("mentions", ()),
                reply_to=arguments.get("reply_to", ""),
            )
            return {"id": short(said.id), "thread": said.channel}
        case "thread_close":
            return thread_plain(await desk.close(arguments["thread"], arguments.get("summary", "")))
        case _:
            return {"message": await _waited(desk, arguments)}


async def _waited(desk: Desk, arguments: Arguments) -> dict[str, Any] | None:
    heard = await desk.wait(
        channel=arguments.get("thread", ""),
        mention=arguments.get("mention", False),
        author=arguments.get("from", ""),
        since=arguments.get("since"),
        within_s=arguments.get("max_ms", 30_000) / 1000,
    )
    if heard is None:
        return None
    body, thread = heard.message.body, heard.thread
    close = isinstance(body, Close)
    return {
        "id": short(heard.message.id),
        "thread": thread.channel,
        "title": thread.title,
        "from": thread.name(heard.message.author),
        "kind": "close" if close else "say",
        "text": (body.summary or "agrees to close") if isinstance(body, Close) else body.words,
        "mentions": [] if isinstance(body, Close) else [thread.name(peer) for peer in body.to],
        "reply_to": None if isinstance(body, Close) or not body.refs else short(body.refs[0]),
        "since": list(heard.since),
    }
