"""Programs from the top down: a function calls helpers that nobody has written yet, and each is a task of its own.

Going up again, a function is written several times with its helpers at hand, and the version stands whose behaviour
agrees most with the others'. A task's goal is the function's head, with types and a docstring.

Where we depart from the paper: versions of the second pass only are compared, as the draft stays with who wrote it;
inputs are drawn by type, not written by a model; ties go by a hash.
Source: Chen et al. 2024, "Divide-and-Conquer Meets Consensus" (FunCoder), arXiv:2405.20092, algorithm 1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from blake3 import blake3

from waggledance.core import Cost, Message, Note, RunFailed, UsageError
from waggledance.peers._code import source
from waggledance.tasks._behaviour import by_behaviour
from waggledance.tasks._bounded import ancestors
from waggledance.tasks._edit import Add, Link, Op
from waggledance.tasks._function_heads import defined_in, entry_of, head_of, joined, name_in
from waggledance.tasks._inputs import inputs
from waggledance.tasks._plan import Plan
from waggledance.tasks._planner import Atomic, Parts
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._signature import signature
from waggledance.tasks._stubs import stubs
from waggledance.tasks._task import Task, TaskId
from waggledance.tasks._unsent import unsent
from waggledance.tasks._work import Result, Work

DRAFT = (
    "Write this function in Python. Where a step is a task of its own, call a helper for it, and add the helper as a "
    "stub: its head with types, a docstring that says what it does, and 'pass'. Write no stub for what is short."
)
WHOLE = "Write this function in Python, with everything that it needs."
WITH_HELPERS = "Write this function in Python. These helpers are finished, call them as they are: {}."
_REASONS = 3
_REASON_CHARS = 400


@dataclass(frozen=True)
class FunCoder:
    """Plans a program by its helpers and chooses versions by behaviour: a planner, with the executor for its leaves.

    ``swarm.run(Task(goal="def f(xs: list[int]) -> int: ..."), planner=coder, execute=coder.execute)``; the result is a
    program.

    Args:
        sandbox: where versions run.
        samples: how many versions of each function are written, at least 1.
        calls: how many inputs they are compared on, at least 1, if the types have so many.
        depth: how deep helpers have helpers; deeper functions are written whole.
        parts: more helpers of one function are a failed try, at least 1.

    Raises:
        UsageError: a number outside its range.
    """

    sandbox: Sandbox
    samples: int = 5
    calls: int = 12
    depth: int = 6
    parts: int = 12

    name: ClassVar[str] = "funcoder"

    def __post_init__(self) -> None:
        if min(self.samples, self.calls, self.parts) < 1 or self.depth < 0 or self.parts > 40:
            raise UsageError(
                "FunCoder writes 1 version or more, compares on 1 input or more, takes 1 to 40 helpers and 0 levels or "
                f"more; got samples={self.samples}, calls={self.calls}, parts={self.parts}, depth={self.depth}"
            )

    async def expand(self, work: Work) -> Atomic | Parts:
        """Ask for the function with stubs of helpers; each that no function above or beside has yet is a part.

        Raises:
            RunFailed: the goal is no function's head, the peer did not write it, or there are too many helpers.
        """
        entry = entry_of(work.task.goal)
        if work.task.depth >= self.depth:
            return Atomic()
        said = await work.ask(f"{work.task.goal}\n\n{DRAFT}", expects="code", notes=_past(work))
        known = _functions(work.plan)
        above = {name_in(task) for task in ancestors(work.plan, work.task)}
        called = [stub for stub in stubs(_program(said.text, entry)) if stub.name not in {entry, *above}]
        heads = [head_of(stub) for stub in called if stub.name not in known]
        if len(heads) > self.parts:
            raise RunFailed(f"it calls {len(heads)} helpers that are to be written; at most {self.parts}: write more")
        parts = [_part(work.task, head) for head in heads]
        if not parts:
            return Atomic(said.cost)
        beside = [known[stub.name] for stub in called if stub.name in known]
        return Parts([*map(Add, parts), *_waits(work.plan, parts, beside)], said.cost)

    async def aggregate(self, work: Work) -> Result:
        """Write the function anew with its finished helpers, several times, and return the program that is chosen.

        Raises:
            RunFailed: no helper was finished, no version defines the function, or the sandbox refused.
        """
        own = [id for id in work.inputs if work.plan.entries[id].task.parent == work.task.id]
        if not own:
            raise RunFailed("none of its helpers was finished")
        done = {id: work.plan.result(id) for id in _functions(work.plan).values()}
        beside = [id for id, result in done.items() if result and work.plan.entries[id].status == "done"]
        helpers = [found for id in dict.fromkeys([*own, *sorted(beside)]) if (found := source(done.get(id) or ""))]
        names = ", ".join(sorted(name_in(work.plan.entries[id].task) for id in own))
        return await self._chosen(work, WITH_HELPERS.format(names), helpers, shown=len(own))

    async def execute(self, work: Work) -> Result:
        """Write a function that needs no helpers several times, and return the version that is chosen.

        Raises:
            RunFailed: the goal is no function's head, no version defines it, or the sandbox refused.
        """
        return await self._chosen(work, WHOLE, ())

    async def _chosen(self, work: Work, how: str, helpers: Sequence[str], shown: int = 0) -> Result:
        entry = entry_of(work.task.goal)
        notes = (*[unsent("helper", helper) for helper in helpers[:shown]], *_past(work))
        wrong, cost = list[str](), Cost()

        async def version() -> str | None:
            nonlocal cost
            try:
                said = await work.ask(f"{work.task.goal}\n\n{how}", expects="code", notes=notes)
                cost += said.cost
                return joined(helpers, _program(said.text, entry), entry)
            except RunFailed as why:  # one version less
                wrong.append(str(why))
                return None

        written = await asyncio.gather(*[version() for _ in range(self.samples)])
        programs = [program for program in written if program is not None]
        if not programs:
            raise RunFailed(f"none of {self.samples} versions can be used: {min(wrong)}")
        head = signature(work.task.goal, entry)
        seed = int.from_bytes(blake3(work.task.id + "\0".join(sorted(programs)).encode(errors="replace")).digest(4))
        calls = inputs(head.kinds, self.calls, seed=seed, examples=head.examples)
        found = await by_behaviour(programs, entry, calls, self.sandbox, given=head.given)
        return Result(programs[found.best], cost)


def funcoder(samples: int = 5, calls: int = 12, depth: int = 6, parts: int = 12) -> FunCoder:
    """Return FunCoder with a sandbox of its own; see there for the numbers and what is raised."""
    return FunCoder(Sandbox(), samples, calls, depth, parts)


def _part(task: Task, head: str) -> Task:
    return Task(goal=head, kind=task.kind, parent=task.id, depth=task.depth + 1, priority=task.priority,
                deadline_ms=task.deadline_ms)  # fmt: skip


def _functions(plan: Plan) -> dict[str, TaskId]:
    """Return which task is for which function; of two for one name the one with the smaller id."""
    found: dict[str, TaskId] = {}
    for id in sorted(plan.entries):
        name = name_in(plan.entries[id].task)
        if name:
            found.setdefault(name, id)
    return found


def _waits(plan: Plan, parts: Sequence[Task], beside: Sequence[TaskId]) -> list[Op]:
    """Return links that let the first part wait for functions that others write already, where that closes no cycle."""
    adds: list[Add | Link] = [*map(Add, parts)]
    links = [Link(id, parts[0].id, when="end") for id in beside]
    return [link for link in links if not plan.would_refuse([*adds, link])]


def _program(text: str, entry: str) -> str:
    """Return the program in an answer.

    Raises:
        RunFailed: there is none, or it does not define the function.
    """
    program = source(text)
    if program is None or entry not in defined_in(program):
        raise RunFailed(f"the answer has no function {entry}: write it in one block of Python")
    return program


def _past(work: Work) -> tuple[Message[Note], ...]:
    return tuple([unsent("earlier-tries", reason[:_REASON_CHARS]) for reason in work.past[-_REASONS:]])
