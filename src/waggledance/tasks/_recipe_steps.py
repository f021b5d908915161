"""From a recipe to the tasks of its plan: every role's part in every round, with links to what it watches.

An artefact belongs to a round: those of a loop to the first, second, … time round, what comes after the loop to the
round that it comes from, and what comes before it to all of them. A role begins when every artefact of its round of
every kind that it watches is there; so two peers who hold different parts of the log never pair different things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from waggledance.tasks._edit import Add, Link, Op
from waggledance.tasks._recipe_loop import entries_of, goes_round, loop_of, reach_of
from waggledance.tasks._role_prompt import told
from waggledance.tasks._task import Task

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe, Role


@dataclass(frozen=True)
class RecipeStep:
    """One artefact that may come to be: who makes it, from what, in which round."""

    task: Task
    role: str
    """Empty for the request."""
    produces: str
    round: int
    """From 0."""
    copy: int
    """From 0."""
    links: tuple[Link, ...] = ()

    @property
    def ops(self) -> tuple[Op, ...]:
        return (Add(self.task), *self.links)

    def __str__(self) -> str:
        """Return who makes what, such as ``"reviewer 2: review (round 3)"``."""
        who = self.role or "the user"
        again = f" (round {self.round + 1})" if self.round else ""
        return f"{who}{f' {self.copy + 1}' if self.copy else ''}: {self.produces}{again}"


def steps_of(recipe: Recipe) -> tuple[RecipeStep, ...]:
    """Return every step of a recipe, the request first, each after what it is made from.

    Raises:
        UsageError: a role's words are too long for a task.
    """
    return tuple(_Unrolled(recipe).steps)


def depth_of(steps: tuple[RecipeStep, ...]) -> int:
    """Return how many tasks stand on the longest chain."""
    depth: dict[bytes, int] = {}
    for step in steps:
        depth[step.task.id] = 1 + max((depth[link.before] for link in step.links), default=0)
    return max(depth.values(), default=0)


class _Unrolled:
    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._loop = loop_of(recipe) or frozenset[str]()
        self._entries = entries_of(recipe, self._loop)
        reach = reach_of(recipe)
        self._rounds = recipe.limits.rounds or 1
        self._in_rounds = self._loop.union(*(reach[kind] for kind in self._loop))
        """Kinds that there is one of for each round."""
        begin = RecipeStep(
            Task(goal="Take the request as it stands.", kind=recipe.start, tries=1, checks=self._checks(recipe.start)),
            "", recipe.start, 0, 0,
        )  # fmt: skip
        self.steps = [begin]
        self._made: dict[tuple[str, int], list[RecipeStep]] = {(recipe.start, 0): [begin]}
        self._unroll()

    def _unroll(self) -> None:
        """Add roles' parts as soon as all that they watch is there, until nothing is added."""
        waiting = [
            (name, role, round)
            for round in range(self._rounds)
            for name, role in self._recipe.roles.items()
            if round == 0 or self._in_rounds.intersection(role.watch)
        ]
        while waiting:
            due = [part for part in waiting if self._is_due(*part[1:], [(n, r, at) for n, r, at in waiting])]
            if not due:
                return
            waiting = [part for part in waiting if part not in due]
            for name, role, round in due:
                self._add(name, role, round)

    def _is_due(self, role: Role, round: int, waiting: list[tuple[str, Role, int]]) -> bool:
        """Say whether all that a part watches is there, and nobody who could still make more of it is waiting."""
        wanted = {self._at(kind, round) for kind in role.watch}
        if any(place not in self._made for place in wanted):
            return False
        return not any(self._makes(r, at) in wanted for _, r, at in waiting if self._makes(r, at) is not None)

    def _at(self, kind: str, round: int) -> tuple[str, int]:
        return kind, round if kind in self._in_rounds else 0

    def _makes(self, role: Role, round: int) -> tuple[str, int] | None:
        """Return what a part makes, and for which round; None for what would be one round too many."""
        later = round + goes_round(role, self._loop, self._entries)
        return self._at(role.produces, later) if later < self._rounds else None

    def _add(self, name: str, role: Role, round: int) -> None:
        made = self._makes(role, round)
        if made is None:
            return
        inputs = [(kind, step) for kind in role.watch for step in self._made[self._at(kind, round)]]
        for copy in range(role.copies):
            task = Task(
                goal=told(self._recipe, name, round=made[1], copy=copy),
                kind=role.produces,
                needs=tuple(sorted(set(role.needs))),
                checks=(*self._checks(role.produces), *role.checks),
                reviews=role.reviews,
                tries=role.tries,
            )
            links = [Link(step.task.id, task.id, self._when(role, kind)) for kind, step in inputs]
            step = RecipeStep(task, name, role.produces, made[1], copy, tuple(links))
            self.steps.append(step)
            self._made.setdefault(made, []).append(step)

    def _checks(self, kind: str) -> tuple[str, ...]:
        return (f"schema:{kind}",) if self._recipe.kinds[kind].schema is not None else ()

    @staticmethod
    def _when(role: Role, kind: str) -> str:
        return "some" if role.despite_failures else role.when.get(kind, "done")
