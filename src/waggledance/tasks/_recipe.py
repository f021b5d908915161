"""A recipe: a team as data. Roles watch kinds of artefacts and produce others; the plan follows from that.

Nobody hands work out and nobody chats. A role says which kinds it watches and which one it produces; wherever what it
watches is there, a task stands in the plan, and whoever suits it does it. Roles are addressed, never peers. Which task
follows which is known before anything is done, so the plan is a pure function of the recipe (`Recipe.ops`), the same at
every peer. What depends on results are conditions of links (a report that says no), which the plan decides, and the
parts of a role with `each`, which are a pure function of the list that it fans out over.

Source: Hong et al. 2024, "MetaGPT", arXiv:2308.00352 (roles that subscribe to structured documents), without its
rounds, its inboxes and its addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from waggledance.core import Budget, UsageError
from waggledance.tasks._edit import Op

if TYPE_CHECKING:
    from waggledance.tasks._recipe_steps import RecipeStep
    from waggledance.tasks._task import TaskId

MAX_TASKS = 400
MAX_DEPTH = 200
_Count = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of artefact. One named like a kind of answer (``code``, ``number``) is read as such an answer."""

    about: str
    """What it is, in words that are shown to whoever makes one."""
    schema: dict[str, Any] | None = None
    """The JSON schema that an artefact must fit; plain text when None."""


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody in the team, whoever plays it."""

    watch: tuple[str, ...]
    """Kinds that it needs; it begins once all artefacts of each are there."""
    produces: str
    """The kind that it makes."""
    goal: str = ""
    constraints: tuple[str, ...] = ()
    prompt: str = ""
    """What it is told to do, in its own words."""
    does: str | None = None
    """A function that does it instead of a peer's mind, see `role_function`: the same wherever it runs."""
    team: Recipe | str | None = None
    """A recipe whose team does it instead of one peer, itself or by the name of one that comes with the library."""
    each: str = ""
    """A list in what it watches, as in ``design.files``: one plays it for each entry, once the list is there."""
    needs: tuple[str, ...] = ()
    """Skills that whoever plays it must have."""
    when: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Conditions on watched kinds, see `check_condition`: without them, whatever the artefact says."""
    despite_failures: bool = False
    """Whether it goes ahead with what is there when some of what it watches has failed or was skipped."""
    checks: tuple[str, ...] = ()
    """Checks of what it makes, beside its kind's schema: ``command:…``, ``schema:KIND``, or one's own by the name that
    `recipe_check` gave it."""
    reviews: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    """How many other peers must find that the checks pass."""
    tries: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    copies: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """How many play it, each for itself."""
    apart: str = ""
    """Nobody plays two roles that have the same word here, nor two copies of one: a critic is not the author. The parts
    of a role with `each` are one in this, which several may share."""

    @property
    def inner(self) -> Recipe:
        """The recipe of its team.

        Raises:
            UnknownName: none that comes with the library has that name.
            UsageError: it has no team.
        """
        from waggledance.tasks.recipes import recipe_named

        if self.team is None:
            raise UsageError("this role is played by one peer or function, not by a team")
        return recipe_named(self.team) if isinstance(self.team, str) else self.team


class RecipeLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recipe may come to. A plan that would be larger is refused before it begins."""

    tasks: Annotated[int, msgspec.Meta(ge=1, le=MAX_TASKS)] = 64
    depth: Annotated[int, msgspec.Meta(ge=1, le=MAX_DEPTH)] = 32
    """Tasks on the longest chain."""
    rounds: Annotated[int, msgspec.Meta(ge=1, le=50)] | None = None
    """How often what goes round a loop is made at most; needed where there is a loop."""
    calls: _Count | None = None
    tokens: _Count | None = None
    seconds: _Count | None = None

    @property
    def budget(self) -> Budget:
        """What a run of it may cost."""
        return Budget(calls=self.calls, tokens=self.tokens, seconds=self.seconds)

    def allow(self, budget: Budget | None) -> Budget:
        """Return a budget with these limits where it has none of its own."""
        said = msgspec.structs.asdict(budget or Budget())
        own = msgspec.structs.asdict(self.budget)
        return Budget(**{name: own[name] if value is None else value for name, value in said.items()})


class RecipeFault(UsageError):
    """A recipe that cannot work. Says all that is wrong with it, each with its place."""

    def __init__(self, name: str, faults: tuple[tuple[tuple[str, ...], str], ...]) -> None:
        super().__init__(name, faults)
        self.name, self.faults = name, faults

    def __str__(self) -> str:
        return f"recipe {self.name!r}: " + "; ".join(f"{'.'.join(place)}: {why}" for place, why in self.faults)


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """A team as data.

    Raises:
        RecipeFault: it cannot work: an unknown kind, a role that watches nothing, a loop without a limit, ….

    >>> echo = Recipe(name="echo", kinds={"request": Kind(about="a wish"), "reply": Kind(about="what is said of it")},
    ...               roles={"echo": Role(watch=("request",), produces="reply", prompt="Say it again.")},
    ...               start="request", out="reply")
    >>> [step.role for step in echo.steps]
    ['', 'echo']
    """

    name: str
    kinds: dict[str, Kind]
    roles: dict[str, Role]
    start: str
    """The kind of the first artefact: what the user asks for."""
    out: str
    """The kind that the team is for; of several in a loop, the newest counts."""
    description: str = ""
    limits: RecipeLimits = RecipeLimits()
    models: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """How many different models it is made for: with fewer, peers share their blind spots."""
    settings: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """What its functions go by: a rubric, a threshold."""

    def __post_init__(self) -> None:
        from waggledance.tasks._recipe_faults import faults_of

        faults = tuple(faults_of(self))
        if faults:
            raise RecipeFault(self.name, faults)

    @cached_property
    def steps(self) -> tuple[RecipeStep, ...]:
        """Every artefact that may come to be, the request first, each after what it is made from."""
        from waggledance.tasks._recipe_steps import steps_of

        return steps_of(self)

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """The plan, as edits: pure, so that all peers who hold the recipe derive the same tasks."""
        return tuple([op for step in self.steps for op in step.ops])

    @cached_property
    def by_task(self) -> Mapping[TaskId, RecipeStep]:
        """The steps, by their tasks."""
        return {step.task.id: step for step in self.steps}

    @cached_property
    def apart(self) -> Mapping[tuple[str, int, str], tuple[RecipeStep, ...]]:
        """The steps that are to be apart, by their word, round and team; `Apart` holds that."""
        groups: dict[tuple[str, int, str], list[RecipeStep]] = {}
        for step in self.steps:
            word = step.of.roles[step.role].apart if step.role else ""
            if word:
                groups.setdefault((word, step.round, step.team), []).append(step)
        return {key: tuple(group) for key, group in groups.items()}

    @property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """What ``schema:KIND`` means in its tasks' checks; in those of a team within it, ``schema:TEAM/KIND``."""
        whose = {step.team: step.of for step in self.steps if step.team}
        own = {name: kind.schema for name, kind in sorted(self.kinds.items()) if kind.schema is not None}
        theirs = [
            (f"{team}/{name}", kind.schema) for team, of in sorted(whose.items()) for name, kind in of.kinds.items()
        ]
        return own | {name: schema for name, schema in theirs if schema is not None}

    @property
    def seats(self) -> int:
        """How many peers it takes at least, as nobody plays two roles that are to be apart."""
        groups: dict[str, int] = {}
        for role in self.roles.values():
            if role.apart:
                groups[role.apart] = groups.get(role.apart, 0) + role.copies
        teams = [role.inner.seats for role in self.roles.values() if role.team is not None]
        return max([*groups.values(), *teams], default=1)
