"""From a plan's shape to how its tasks are run: in parallel, in a chain, under a lead, in layers, or by data flow.

Data flow, which `run_plan` does unless it is asked for another topology, needs no such choice and is at least as good
as all of them on random plans.

Source: dmae97 et al. 2026, "AdaptOrch", arXiv:2602.16873; ``coded`` is the order of tests in the author's router
(dmae97/Adaptorch-MCP), ``paper`` the order in the paper, ``keep-edges`` ours: no task loses what it
needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeVar, get_args

from waggledance.core import UnknownName, UsageError
from waggledance.tasks._shape import Shape

Arrangement = Literal["single", "parallel", "chain", "lead", "layers"]
"""``parallel``: all at once, links dropped; ``chain``: one after the other; ``lead``: layers whose every result goes
through one lead; ``layers``: nobody begins a layer before the last is over."""
Choice = Literal["keep-edges", "coded", "paper"]

WIDE, DENSE, LARGE = 0.5, 0.6, 5
"""The thresholds θ_ω (on ω / n), θ_γ and θ_δ of the source."""

T = TypeVar("T")


def choose_topology(shape: Shape, rule: Choice = "keep-edges") -> Arrangement:
    """Return how to run a plan of a shape; the same at every peer that folds the same plan.

    Args:
        shape: of the plan, see `Plan.shape`.
        rule: ``keep-edges`` drops no link; ``coded`` and ``paper`` go by density and width, and may.

    Raises:
        UsageError: the plan has no tasks.
        UnknownName: there is no such rule.

    >>> choose_topology(Shape(tasks=3, links=2, depth=3, width=1, coupling=0.67))
    'chain'
    >>> choose_topology(Shape(tasks=3, links=2, depth=3, width=1, coupling=0.67), "coded")
    'lead'
    """
    if rule not in get_args(Choice):
        raise UnknownName("rule for a topology", rule, get_args(Choice))
    if shape.tasks < 1:
        raise UsageError("a plan without tasks has no shape to choose a topology by")
    if shape.tasks == 1:
        return "single"
    if rule == "keep-edges":
        return "parallel" if not shape.links else "chain" if shape.width == 1 else "layers"
    return _coded(shape) if rule == "coded" else _paper(shape)


def arranged(tasks: Sequence[T], links: Collection[tuple[T, T]], how: Arrangement) -> frozenset[tuple[T, T]]:
    """Return the links by which tasks wait for each other when a plan is run in an arrangement.

    Args:
        tasks: in an order in which none comes before what it waits for.
        links: (first, second) pairs among them.
        how: ``layers`` and ``lead`` let each wait for everything in the layer before; the order in a chain is that of
            `tasks`.

    Raises:
        UsageError: `tasks` has one before what it waits for.

    >>> sorted(arranged("abc", {("a", "c")}, "chain"))
    [('a', 'b'), ('b', 'c')]
    """
    match how:
        case "single" | "parallel":
            return frozenset()
        case "chain":
            return frozenset(pairwise(tasks))
        case "lead" | "layers":
            rows = layers(tasks, links)
            return frozenset((a, b) for before, row in pairwise(rows) for a in before for b in row)


def layers(tasks: Sequence[T], links: Collection[tuple[T, T]]) -> list[list[T]]:
    """Return tasks by how many links they lie from the start, longest way, in the order given.

    Raises:
        UsageError: a task comes before what it waits for.
    """
    before: Mapping[T, list[T]] = {task: [a for a, b in links if b == task] for task in tasks}
    depth: dict[T, int] = {}
    for task in tasks:
        if any(first not in depth for first in before[task]):
            raise UsageError(f"{task!r} stands before a task that it waits for; sort them first")
        depth[task] = 1 + max((depth[first] for first in before[task]), default=-1)
    return [[task for task in tasks if depth[task] == layer] for layer in range(max(depth.values(), default=-1) + 1)]


def _coded(shape: Shape) -> Arrangement:
    if _density(shape) >= DENSE:
        return "lead"
    if shape.width / shape.tasks >= WIDE:
        return "parallel"
    return "chain" if shape.depth == shape.tasks else "layers"


def _paper(shape: Shape) -> Arrangement:
    if not shape.links:
        return "parallel"
    if shape.width == 1:
        return "chain"
    if shape.coupling > DENSE and shape.tasks > LARGE:
        return "lead"
    return "parallel" if shape.width / shape.tasks > WIDE and shape.coupling <= DENSE else "layers"


def _density(shape: Shape) -> float:
    """Return the share of pairs that are linked, |E| / (n (n - 1) / 2), which says little of small plans."""
    return shape.links / (shape.tasks * (shape.tasks - 1) / 2)
