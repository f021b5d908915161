"""From a recipe to the tasks of its plan: every role's part in every round, with links to what it watches.

An artefact belongs to a round: those of a loop to the first, second, … time round, what comes after the loop to the
round that it comes from, and what comes before it to all of them. A role begins when every artefact of its round of
every kind that it watches is there; so two peers who hold different parts of the log never pair different things.

A role with `each` has one step here, which adds its parts when the list is there (`parts_of`). A role with a `team`
has the steps of that team's recipe, which stand between what the role watches and what it hands in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from waggledance.tasks._edit import Add, Link, Op
from waggledance.tasks._list_in import most_in
from waggledance.tasks._recipe_loop import entries_of, goes_round, loop_of, reach_of
from waggledance.tasks._role_prompt import told
from waggledance.tasks._task import Task, TaskId

if TYPE_CHECKING:
    from waggledance.tasks._recipe import Recipe, Role

FAN_OUT = "fan-out"
"""The kind of a task that adds one part of a role for each entry of a list."""


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
    """From 0; of the parts of a role with `each`, which entry."""
    links: tuple[Link, ...] = ()
    most: int = 0
    """How many parts of its role it may add, when it makes nothing itself: an artefact of its kind is made by each."""
    entry: str = ""
    """Of such a part, the entry that it is for, as JSON."""
    team: str = ""
    """In a team within the team, whose."""
    played: str = ""
    """Of what such a team begins with, the role that it plays."""
    of_parts: tuple[tuple[TaskId, str], ...] = ()
    """Of each step that fans out and that it waits for, the condition of the links from its parts."""
    of: Recipe = field(kw_only=True, compare=False, repr=False)
    """The recipe that says what the role is."""

    @property
    def ops(self) -> tuple[Op, ...]:
        return (Add(self.task), *self.links)

    def __str__(self) -> str:
        """Return who makes what, such as ``"reviewer 2: review (round 3)"``."""
        who = " ".join(filter(None, (self.team, self.role))) or "the user"
        again = f" (round {self.round + 1})" if self.round else ""
        return f"{who}{f' {self.copy + 1}' if self.copy or self.entry else ''}: {self.what}{again}"

    @property
    def what(self) -> str:
        """What it makes, in words."""
        return f"parts of {self.produces}" if self.most else self.produces


def steps_of(recipe: Recipe) -> tuple[RecipeStep, ...]:
    """Return every step of a recipe, the request first, each after what it is made from.

    Raises:
        UsageError: a role's words are too long for a task.
    """
    goal = "Take the request as it stands."
    checks = checks_of(recipe, recipe.start)
    task = Task(goal=goal, kind=recipe.start, tries=1, checks=checks)
    return tuple(_Unrolled(recipe, RecipeStep(task, "", recipe.start, 0, 0, of=recipe)).steps)


def depth_of(steps: tuple[RecipeStep, ...]) -> int:
    """Return how many tasks stand on the longest chain, with what fans out."""
    depth: dict[bytes, int] = {}
    for step in steps:
        own = 2 if step.most else 1
        depth[step.task.id] = own + max((depth[link.before] for link in step.links), default=0)
    return max(depth.values(), default=0)


def checks_of(recipe: Recipe, kind: str, more: tuple[str, ...] = (), team: str = "") -> tuple[str, ...]:
    """Return the checks of what is made of a kind; a schema is named with the team whose kind it is."""
    names = (*((f"schema:{kind}",) if recipe.kinds[kind].schema is not None else ()), *more)
    if not team:
        return names
    return tuple([f"schema:{team}/{name[7:]}" if name.startswith("schema:") else name for name in names])


class _Unrolled:
    def __init__(self, recipe: Recipe, begin: RecipeStep) -> None:
        self._recipe, self._team = recipe, begin.team
        self._loop = loop_of(recipe) or frozenset[str]()
        self._entries = entries_of(recipe, self._loop)
        reach = reach_of(recipe)
        self._rounds = recipe.limits.rounds or 1
        self._in_rounds = self._loop.union(*(reach[kind] for kind in self._loop))
        """Kinds that there is one of for each round."""
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
                made = self._makes(role, round)
                if made is not None:
                    self._add(name, role, round, made)

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

    def _add(self, name: str, role: Role, round: int, made: tuple[str, int]) -> None:
        inputs = [(kind, step) for kind in role.watch for step in self._made[self._at(kind, round)]]
        if role.team is not None:
            steps = self._team_of(name, role, made[1], inputs)
            new = steps[-1:]
            self.steps += steps
        else:
            new = self._fan(name, role, made[1], inputs) if role.each else self._copies(name, role, made[1], inputs)
            self.steps += new
        self._made.setdefault(made, []).extend(new)

    def _copies(self, name: str, role: Role, round: int, inputs: list[tuple[str, RecipeStep]]) -> list[RecipeStep]:
        steps: list[RecipeStep] = []
        for copy in range(role.copies):
            task = task_of(self._recipe, name, told(self._recipe, name, round=round, copy=copy, team=self._team),
                           self._team)  # fmt: skip
            step = RecipeStep(task, name, role.produces, round, copy, team=self._team, of=self._recipe)
            steps.append(_after(step, role, inputs))
        return steps

    def _fan(self, name: str, role: Role, round: int, inputs: list[tuple[str, RecipeStep]]) -> list[RecipeStep]:
        told(self._recipe, name, round=round, team=self._team, part=(0, 10_000, "0" * 16))  # refuses what is too long
        kind, _, path = role.each.partition(".")
        most = (most_in(self._recipe.kinds[kind].schema, path) or 0) * sum(s.most or 1 for k, s in inputs if k == kind)
        whose = f" of the team {self._team}" if self._team else ""
        again = f" in round {round + 1}" if round else ""
        goal = f"Add one part of the {name}{whose} for each entry of {role.each}{again}."
        task = Task(goal=goal, kind=FAN_OUT, tries=role.tries)
        step = RecipeStep(task, name, role.produces, round, 0, (), most, team=self._team, of=self._recipe)
        return [_after(step, role, inputs)]

    def _team_of(self, name: str, role: Role, round: int, inputs: list[tuple[str, RecipeStep]]) -> list[RecipeStep]:
        """Return the steps of a team within the team: what it begins with, its own, and what it hands in."""
        inner = role.inner
        label = f"{name} {round + 1}" if round else name
        take = Task(goal=f"Tell the team {label} what is asked of it.", kind=inner.start, tries=role.tries,
                    checks=checks_of(inner, inner.start, team=label))  # fmt: skip
        begin = RecipeStep(take, "", inner.start, 0, 0, team=label, played=name, of=inner)
        steps = _Unrolled(inner, _after(begin, role, inputs)).steps
        hand = Task(goal=f"Hand in what the team {label} has made.", kind=role.produces, tries=role.tries,
                    checks=checks_of(self._recipe, role.produces, role.checks))  # fmt: skip
        made = [(inner.out, step) for step in steps if step.produces == inner.out]
        last = RecipeStep(hand, name, role.produces, round, 0, of=self._recipe)
        return [*steps, _after(last, replace(role, despite_failures=True), made)]


def _after(step: RecipeStep, role: Role, inputs: list[tuple[str, RecipeStep]]) -> RecipeStep:
    """Return a step with its links: from what fans out whatever its list says, from its parts on the role's terms."""
    links: list[Link] = []
    of_parts: list[tuple[TaskId, str]] = []
    for kind, before in inputs:
        when = "some" if role.despite_failures else role.when.get(kind, "done")
        if before.most:
            of_parts.append((before.task.id, when))
            when = when if when in ("end", "some") else "done"
        links.append(Link(before.task.id, step.task.id, when))
    return dataclasses.replace(step, links=tuple(links), of_parts=tuple(of_parts))


def task_of(recipe: Recipe, name: str, goal: str, team: str) -> Task:
    """Return the task of a role's part, for which it is told `goal`."""
    role = recipe.roles[name]
    return Task(
        goal=goal,
        kind=role.produces,
        needs=tuple(sorted(set(role.needs))),
        checks=checks_of(recipe, role.produces, role.checks, team),
        reviews=role.reviews,
        tries=role.tries,
    )
