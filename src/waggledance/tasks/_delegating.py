"""Agents that plan by tool calls: a model writes steps into the plan, has them done by others, and goes on.

To call a sub-agent is to add a step and to wait for what comes of it. Whoever suits the step best claims it, as any
task; steps that a model asks for at once are done side by side. The planner's own work is a claimed task as well, so
when its peer dies another goes on, and finds the steps that are done: the same words are the same step.

Source: "AgentOrchestra", arXiv:2506.12508 (SkyworkAI/DeepResearchAgent): a planner that calls sub-agents as tools
and edits its plan; that anybody may be the sub-agent is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import msgspec

from waggledance.core import RunFailed, Seat, Tool, UsageError
from waggledance.peers import arguments_of
from waggledance.tasks._edit import Add
from waggledance.tasks._plan import Plan
from waggledance.tasks._plan_tool import PLAN_TOOL, PlanTool, ToolReply, publish_reply
from waggledance.tasks._work import Executor, Result, Work, by_peer

if TYPE_CHECKING:
    from waggledance.core import News

_ABOUT = {
    "write_steps": "Write the list of steps of your task anew. Steps that stay keep their status. Others do them.",
    "add_step": "Add a step to the list. Somebody will do it; you do not wait.",
    "mark_step": "Say of a step that nobody is at that it is completed, with its result, or blocked.",
    "list_steps": "List the steps, with the status of each.",
    "do_step": "Have somebody do a step now, and get what came of it. Several asked for at once go side by side.",
}
_PROPERTIES: Mapping[str, Any] = PLAN_TOOL["add_step"]["properties"]
_DO_STEP = {**PLAN_TOOL["add_step"], "properties": {name: _PROPERTIES[name] for name in ("step", "kind")}}
_MARKS = ("completed", "blocked")
"""What is in progress is for the scheduler to say: a claim is work begun."""

_at: ContextVar[Work | None] = ContextVar("_at", default=None)
"""The work that the model is asked in, where it may plan."""


class Delegating:
    """An executor, and the toolbox of the agents that it asks: ``Agent(…, tools=[box])`` with ``execute=box``.

    The tools are there while a peer is at a task that may be planned, and not otherwise.

    Args:
        execute: does a task; the peer at the seat is asked when left out.
        levels: tasks so many levels deep may be planned, ≥ 1: with 1 only what the plan began with, no step of it.
        within_s: how long a model waits for a step, > 0 s. The step stays in the plan.

    Raises:
        UsageError: a number outside its range.
    """

    def __init__(self, execute: Executor = by_peer, *, levels: int = 1, within_s: float = 120.0) -> None:
        if levels < 1 or not 0 < within_s < float("inf"):
            raise UsageError(
                f"steps are planned one level deep or more and waited for a time above 0 s, got {levels}, {within_s} s"
            )
        self._execute, self._levels, self._within_s = execute, levels, within_s

    async def __call__(self, work: Work) -> Result:
        """Do a task; whoever is asked in it may plan."""
        token = _at.set(work if work.task.depth < self._levels else None)
        try:
            return await self._execute(work)
        finally:
            _at.reset(token)

    async def tools(self) -> Sequence[Tool]:
        """Return the calls there are: none outside of a task that may be planned."""
        if _at.get() is None:
            return ()
        schemas = {**PLAN_TOOL, "do_step": _DO_STEP}
        return [
            Tool(name, _ABOUT[name], msgspec.json.encode(dict(schema)).decode()) for name, schema in schemas.items()
        ]

    async def call(self, name: str, arguments: str) -> str:
        """Do what a model asks for.

        Raises:
            RunFailed: it makes no sense, was refused, or a step failed or was not done in time; the model is told why.
        """
        work = _at.get()
        if work is None:
            raise RunFailed("there is no plan here to edit")
        given = arguments_of(arguments)
        with work.seat.listen() as news:
            plan = Plan(work.seat.roster)
            plan.take(await news.next(0.0))
            if name == "do_step":
                return await self._do_step(work, plan, news, given)
            if name == "mark_step" and given.get("status") not in _MARKS:
                raise RunFailed(f"a step is marked {' or '.join(_MARKS)} here; who is at it is seen from the plan")
            reply = PlanTool(plan, work.task).call(name, given)
            return await _published(work.seat, plan, news, reply)

    async def _do_step(self, work: Work, plan: Plan, news: News, given: Mapping[str, Any]) -> str:
        reply = PlanTool(plan, work.task).call("add_step", given)
        added = next((op.task for op in reply.ops if isinstance(op, Add)), None)
        if added is None:
            raise RunFailed(reply.text)
        if added.id not in plan.entries:
            await _published(work.seat, plan, news, reply)
        until = work.seat.clock.now() + self._within_s
        while not (entry := plan.entries[added.id]).over:
            fresh = await news.next(max(0.0, until - work.seat.clock.now()))
            if not fresh:
                raise RunFailed(f"nobody has done it within {self._within_s:g} s; it stays among the steps")
            plan.take(fresh)
        if entry.status != "done":
            raise RunFailed(f"the step has {entry.status}: {entry.reasons[-1] if entry.reasons else 'nobody says why'}")
        return plan.result(added.id) or ""


async def _published(seat: Seat, plan: Plan, news: News, reply: ToolReply) -> str:
    """Publish what a call comes to and return its words.

    Raises:
        RunFailed: some of it is not legal as the plan stands.
    """
    before = set(plan.refused)
    await publish_reply(seat, reply)
    plan.take(await news.next(0.0))
    refused = [each for each in plan.refused if each.author == seat.me and each not in before]
    if refused:
        raise RunFailed("; ".join(map(str, refused)))
    return reply.text
