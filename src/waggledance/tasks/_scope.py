"""Scope: who is near a task, along what rests on what and who is at it. Not by place, and not by who knows whom.

Source: Bi 2026, "CASCADE", arXiv:2604.00451: scope along dependencies. The graph of plan and claims is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from waggledance.core import PeerId
from waggledance.tasks._plan import Plan
from waggledance.tasks._task import TaskId

N = TypeVar("N", bound=Hashable)


def within_hops(neighbours: Callable[[N], Iterable[N]], start: N, hops: int) -> frozenset[N]:
    """Return everything at most so many hops away from a start, that included; none for a negative number.

    >>> sorted(within_hops(lambda n: (n - 1, n + 1), 0, 2))
    [-2, -1, 0, 1, 2]
    """
    reached, edge = ({start}, [start]) if hops >= 0 else (set[N](), list[N]())
    for _ in range(hops):
        edge = [other for other in {o: None for node in edge for o in neighbours(node)} if other not in reached]
        if not edge:
            break
        reached.update(edge)
    return frozenset(reached)


def scope(plan: Plan, task: TaskId, hops: int) -> frozenset[PeerId]:
    """Return the peers who are or were at a task at most so many links away, whichever way the links point.

    A pure function of the plan. At 0 hops these are the peers of the task itself; a task that is not in the plan has
    none. Tasks that nobody ever claimed are passed through.
    """
    entries = plan.entries
    if task not in entries:
        return frozenset()

    def linked(id: TaskId) -> list[TaskId]:
        return [*[link.before for link in entries[id].before], *entries[id].after]

    return frozenset([peer for id in within_hops(linked, task, hops) for peer in entries[id].claimants])
