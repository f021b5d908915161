"""Who waits for whom and reads whose results, chosen from the shape of what a plan begins with, or of a task's parts.

Data flow, the default, leaves links as they are. Else the links among the tasks become those of an arrangement:

- parallel: none; a task reads nothing of the others;
- chain: each also waits for the one before it, and reads its result;
- layers: each also waits for all that lie one link less from the start, and reads their results;
- lead: between two layers stands a task that puts together what the first found; the second reads that alone.

Links with a condition stay as they are in all of them. What was added waits for the end of a task, however it went.

Source: dmae97 et al. 2026, "AdaptOrch", arXiv:2602.16873. Its parallel drops what tasks need; so nothing does that here
unless one asks for it by ``coded``, ``paper`` or ``parallel``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, cast, get_args

from waggledance.core import Note, UnknownName
from waggledance.tasks._choose_topology import Arrangement, Choice, arranged, choose_topology, layers
from waggledance.tasks._edit import Add, Join, Link, Op
from waggledance.tasks._entry import Entry
from waggledance.tasks._planner import Atomic, Parts, Planner
from waggledance.tasks._shape import Shape, shape_of
from waggledance.tasks._task import MAX_GOAL_CHARS, Task, TaskId
from waggledance.tasks._work import Result, Work

DATA_FLOW = "data-flow"
ABOUT = "topology"
"""What a note is about that says which arrangement was chosen, and why."""
TOPOLOGIES = (DATA_FLOW, *get_args(Choice), *get_args(Arrangement)[1:])
"""What `run_plan` takes: data flow, a rule, or an arrangement."""

_WHY = {
    ("keep-edges", "parallel"): "no task waits for another",
    ("keep-edges", "chain"): "each waits for the one before it",
    ("keep-edges", "layers"): "tasks wait for others, and several lie side by side",
    ("coded", "lead"): "three fifths of all pairs are linked, or more",
    ("coded", "parallel"): "loosely linked, and half of all tasks lie side by side",
    ("coded", "chain"): "each waits for the one before it",
    ("coded", "layers"): "neither dense, nor wide, nor a chain",
    ("paper", "parallel"): "no links, or loosely coupled and more than half of all tasks side by side",
    ("paper", "chain"): "each waits for the one before it",
    ("paper", "lead"): "more than five tasks, closely coupled",
    ("paper", "layers"): "neither wide, nor large and closely coupled",
}


def check_topology(name: str) -> None:
    """Refuse what is neither data flow, nor a rule, nor an arrangement.

    Raises:
        UnknownName: says which there are.
    """
    if name not in TOPOLOGIES:
        raise UnknownName("topology of a plan", name, TOPOLOGIES)


def rearranged(ops: Sequence[Op], topology: str) -> tuple[list[Op], str]:
    """Return operations whose tasks wait for each other in another way, and what was chosen and why, in words.

    A pure function: peers that begin with the same operations choose the same. Words are empty and operations as they
    are where there is nothing to choose: by data flow, for fewer than two tasks, or where links close a cycle, which
    the fold will refuse.

    Args:
        ops: what a plan begins with, or a task's parts. Only links between tasks that are added here are exchanged.
        topology: a rule that chooses by the shape, or the arrangement itself.

    Raises:
        UnknownName: there is no such rule or arrangement.
    """
    check_topology(topology)
    tasks = {op.task.id: op.task for op in ops if isinstance(op, Add)}
    links = [op for op in ops if isinstance(op, Link) and op.before in tasks and op.after in tasks]
    order = _in_order(list(tasks), links)
    if topology == DATA_FLOW or len(tasks) < 2 or len(order) < len(tasks):
        return list(ops), ""
    shape = _shape(tasks, links, ops)
    by_rule = topology in get_args(Choice)
    how = choose_topology(shape, cast("Choice", topology)) if by_rule else cast("Arrangement", topology)
    pairs = {(link.before, link.after) for link in links}
    kept = [link for link in links if link.when != "ok" or how in ("chain", "layers")]
    if how == "lead":
        leads, new = _led(tasks, layers(order, pairs))
    else:
        leads, new = {}, [Link(a, b, when="end") for a, b in sorted(arranged(order, pairs, how) - pairs)]
    made: list[Op] = []
    for id in order:  # a task and the links that lead to it, side by side, so that nobody begins it between
        for one in (leads.pop(id, None), tasks[id]):
            if one is not None:
                made += [Add(one), *[link for link in (*kept, *new) if link.after == one.id]]
    made += [op for op in ops if not isinstance(op, Add) and op not in links]
    why = _WHY[topology, how] if by_rule else "as it was told"
    said = (
        f"{how}{f' by the rule {topology}' if by_rule else ''}: {why} ({shape.tasks} tasks, {shape.links} links, "
        f"{shape.depth} deep, {shape.width} wide, coupling {shape.coupling:.2f})"
    )
    return made, said


def _led(tasks: dict[TaskId, Task], rows: Sequence[Sequence[TaskId]]) -> tuple[dict[TaskId, Task], list[Link]]:
    """Return a lead's tasks between the layers, each by the first task of the layer behind it, and all links."""
    leads: dict[TaskId, Task] = {}
    links: list[Link] = []
    before: list[TaskId] = []
    for row, behind in pairwise(rows):
        goals = "; ".join(" ".join(tasks[id].goal.split()) for id in behind)
        goal = f"Put together what was found so far, for those who go on with: {goals}"[:MAX_GOAL_CHARS]
        lead = Task(goal=goal, kind="lead", parent=tasks[row[0]].parent, depth=tasks[row[0]].depth)
        leads[behind[0]] = lead
        links += [Link(id, lead.id, when="end") for id in (*before, *row)]
        links += [Link(lead.id, id, when="end") for id in behind]
        before = [lead.id]
    return leads, links


def _in_order(ids: Sequence[TaskId], links: Sequence[Link]) -> list[TaskId]:
    """Return tasks so that none comes before what it waits for, equals by id; those in a cycle are left out."""
    waits = {id: {link.before for link in links if link.after == id} for id in sorted(ids)}
    order: list[TaskId] = []
    while free := [id for id, first in waits.items() if first <= set(order)]:
        order += free
        waits = {id: first for id, first in waits.items() if id not in free}
    return order


def _shape(tasks: dict[TaskId, Task], links: Sequence[Link], ops: Sequence[Op]) -> Shape:
    joins = {op.task: op for op in ops if isinstance(op, Join)}
    return shape_of({
        id: Entry(
            task,
            before=tuple([link for link in links if link.after == id]),
            after=tuple([link.after for link in links if link.before == id]),
            join=joins.get(id),
        )
        for id, task in tasks.items()
    })  # fmt: skip


@dataclass(frozen=True)
class Arranged:
    """A planner whose parts wait for each other as another topology than their own links says."""

    planner: Planner
    topology: str

    name: ClassVar[str] = "arranged"

    async def expand(self, work: Work) -> Atomic | Parts:
        """Break a task up as the planner does, arrange the parts, and publish what was chosen and why."""
        expanded = await self.planner.expand(work)
        if isinstance(expanded, Atomic):
            return expanded
        ops, said = rearranged(expanded.ops, self.topology)
        if said:
            await work.seat.publish(Note(about=ABOUT, text=f"{work.task}: {said}"))
        waited_for = {op.before for op in expanded.ops if isinstance(op, Link)}
        last = [op.task.id for op in expanded.ops if isinstance(op, Add) and op.task.id not in waited_for]
        return Parts(ops, expanded.cost, last)

    async def aggregate(self, work: Work) -> Result:
        """Put a task together, as the planner does."""
        return await self.planner.aggregate(work)
