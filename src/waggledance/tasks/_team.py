"""A recipe at work: the protocol that every peer of a team runs. It is `run_plan` on the recipe's plan, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from waggledance.core import (
    AnswerKind,
    BudgetSpent,
    Decision,
    Message,
    Opening,
    Proposal,
    RunFailed,
    Seat,
    UsageError,
)
from waggledance.protocols import as_opened
from waggledance.tasks._apart import Apart
from waggledance.tasks._checks import Checks
from waggledance.tasks._claims import Claiming
from waggledance.tasks._plan import Plan
from waggledance.tasks._plan_result import PlanResult
from waggledance.tasks._planned import SHOWN_CHARS, decision_of
from waggledance.tasks._recipe import Recipe
from waggledance.tasks._recipe_check import recipe_checks
from waggledance.tasks._recipe_parts import fanned_out, step_in, steps_in, watched_by
from waggledance.tasks._recipe_steps import RecipeStep
from waggledance.tasks._role_function import Artefact, Watched, role_functions
from waggledance.tasks._role_notes import labelled, reminded
from waggledance.tasks._router import Router
from waggledance.tasks._run_plan import run_plan
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._static import StaticSkills
from waggledance.tasks._task import TaskId
from waggledance.tasks._work import Executor, Result, Work, by_peer


@dataclass(frozen=True)
class Team:
    """Do what is asked as a recipe says: the question is the request, the decision is the artefact that comes out.

    Args:
        recipe: who makes what from what, itself or by the name of one that comes with the library.
        execute: does a task that no function does; the peer at the seat when None.
        sandbox: where functions and checks run programs; those that need one fail without.
        router: who suits which task.
        claiming: how eagerly peers take work; one thing at a time unless said otherwise.
        good_at: what peers say they are good at, by name: kinds and skills, in parts per million.
        patience_s: give up when nothing has happened for so long, > 0 s.
    """

    recipe: Recipe | str = ""
    execute: Executor | None = None
    sandbox: Sandbox | None = None
    router: Router = StaticSkills()
    claiming: Claiming = Claiming(in_flight=1)
    good_at: Mapping[str, Mapping[str, int]] | None = None
    patience_s: float = 300.0

    name: ClassVar[str] = "team"
    skills: ClassVar[frozenset[str]] = frozenset({"propose"})

    @property
    def plays(self) -> Recipe:
        """The recipe.

        Raises:
            UnknownName: none that comes with the library has that name.
            UsageError: none was given, as where a log or a peer elsewhere knows no more than that it was one's own.
        """
        from waggledance.tasks.recipes import recipe_named, recipe_names

        if isinstance(self.recipe, Recipe):
            return self.recipe
        if not self.recipe:
            raise UsageError(
                f"a team plays a recipe, and only those that come with the library have a name that others know: "
                f"'team(recipe=NAME)' with one of {', '.join(recipe_names())}"
            )
        return recipe_named(self.recipe)

    async def __call__(self, seat: Seat) -> Decision:
        recipe = self.plays
        if len(seat.roster) < recipe.seats:
            raise UsageError(
                f"recipe {recipe.name!r} keeps {recipe.seats} parts apart, so it needs {recipe.seats} peers or more, "
                f"got {len(seat.roster)}"
            )
        apart = Apart(self.router, seat.me, seat.roster, recipe)
        plan = await run_plan(
            seat,
            recipe.ops,
            execute=_Playing(self, apart),
            router=apart,
            check=Checks(recipe_checks(), schemas=recipe.schemas, sandbox=self.sandbox),
            claiming=self.claiming,
            good_at=(self.good_at or {}).get(seat.name, {}),
            patience_s=self.patience_s,
        )
        decision = outcome_of(recipe, plan)
        try:
            said = Proposal.of(decision.key, decision.text[:SHOWN_CHARS], lapse="; ".join(decision.notes)[:SHOWN_CHARS])
            await seat.publish(said)
        except BudgetSpent:
            pass  # the plan's own messages say the same
        return decision

    def folded(self, messages: Sequence[Message[Any]]) -> Decision:
        """Return what the team has come to by a question's messages."""
        return outcome_of(self.plays, PlanResult.of(messages).plan)


def team_of(work: object, request: str, opening: Opening | None = None) -> Team | None:
    """Return the team that works by a recipe, or goes on with what an opening says; None for other work.

    Args:
        work: a recipe, or with a request the name of one; whatever else is no team's.
        request: what it is asked for; none where it goes on.
        opening: of the run that goes on.

    Raises:
        UsageError: a recipe without a request, a request without a recipe; work beside a run that goes on; or one of a
            recipe that only the caller has.
        UnknownName: no recipe that comes with the library has that name.
    """
    if opening is not None:
        own = isinstance(work, Recipe) and opening.protocol.partition("(")[0] == Team.name
        if request or (work and not own):
            raise UsageError("give either work to begin with or a channel to resume, not both")
        if opening.protocol.partition("(")[0] != Team.name:
            return None
        team = Team(work if isinstance(work, Recipe) else _recipe_opened(opening))
    elif isinstance(work, Recipe) or request.strip():
        if not isinstance(work, Recipe | str) or not request.strip():
            raise UsageError(
                "a team is given a recipe, or the name of one, and what it is asked for: "
                "run('software-company', 'a to-do list')"
            )
        team = Team(work)
    else:
        return None
    _ = team.plays  # a name that is none is refused before anything is spent
    return team


def _recipe_opened(opening: Opening) -> str:
    """Return the name of the recipe in an opening; empty when it was the asker's own."""
    from waggledance.tasks._protocols import register_protocols

    register_protocols()
    team: object = as_opened(opening)
    return team.recipe if isinstance(team, Team) and isinstance(team.recipe, str) else ""


def outcome_of(recipe: Recipe, plan: Plan) -> Decision:
    """Return what a team has come to: the newest artefact of the kind that it is for. A pure function of the plan.

    It is undecided when there is none. What failed or never began on the way is in the notes.
    """
    return decision_of(plan, newest_of(recipe, plan))


def newest_of(recipe: Recipe, plan: Plan) -> tuple[TaskId, ...]:
    """Return the tasks of the newest artefacts of the kind that a recipe is for, as far as they are done."""
    made = newest(plan, [step for step in steps_in(recipe, plan) if step.produces == recipe.out and not step.team])
    return tuple([step.task.id for step in made])


def newest(plan: Plan, steps: Sequence[RecipeStep]) -> list[RecipeStep]:
    """Return those of some steps that made something in the last round in which one of them did."""
    done = [s for s in steps if not s.most and s.task.id in plan.entries and plan.entries[s.task.id].status == "done"]
    return [step for step in done if step.round == max(s.round for s in done)]


class _Playing:
    """What one peer does with a task of the recipe."""

    def __init__(self, team: Team, apart: Apart) -> None:
        self._team, self._apart = team, apart

    async def __call__(self, work: Work) -> Result:
        recipe = self._team.plays
        step = step_in(recipe, work.plan, work.task.id)
        if step is None:
            return await (self._team.execute or by_peer)(work)
        if step.most:
            return fanned_out(recipe, work.plan, step)
        if not step.role:
            return Result(asked_of(recipe, step, work.plan) if step.team else work.seat.question.text)
        role = step.of.roles[step.role]
        if role.team is not None:
            return Result(handed_in(recipe, step, work.plan))
        if self._apart.bars(work.task):
            raise RunFailed(f"this peer plays another part that is to be apart from the {step.role}")
        if role.does is not None:
            return Result(await role_functions()[role.does](given_to(recipe, step, work.plan, self._team.sandbox)))
        work = labelled(recipe, step, work)
        return await (self._team.execute or in_role)(work)


async def in_role(work: Work) -> Result:
    """Let the peer at this seat play a role: as a note where it writes some, since an answer comes with remarks.

    A kind named like a kind of answer is asked for as such an answer.
    """
    if work.task.kind in get_args(AnswerKind) or "note" not in work.seat.skills:
        return await work.ask(reminded(work))
    return await work.note("work", work.notes, text=reminded(work))


def given_to(recipe: Recipe, step: RecipeStep, plan: Plan, sandbox: Sandbox | None = None) -> Watched:
    """Return what a function that plays a step is given, in the order of the recipe."""
    before = watched_by(recipe, plan, step)
    done = {s.task.id for s in before if plan.entries[s.task.id].status == "done"}
    return Watched(
        tuple([Artefact(s, plan.result(s.task.id) or "") for s in before if s.task.id in done]),
        tuple([s for s in before if s.task.id not in done]),
        step.of.settings,
        sandbox,
        step,
    )


def asked_of(recipe: Recipe, step: RecipeStep, plan: Plan) -> str:
    """Return what a team within the team is asked for: what the role that it plays watches, and how it is to go on."""
    role = recipe.roles[step.played]
    made = [one for one in watched_by(recipe, plan, step) if plan.entries[one.task.id].status == "done"]
    texts = [plan.result(one.task.id) or "" for one in made]
    titled = texts if len(made) == 1 else [f"{one}\n{text}" for one, text in zip(made, texts, strict=True)]
    return "\n\n".join([*titled, *filter(None, [role.goal and f"Aim: {role.goal}.", role.prompt.strip()])])


def handed_in(recipe: Recipe, step: RecipeStep, plan: Plan) -> str:
    """Return the newest of what a team within the team has made; of several each under whose it is.

    Raises:
        RunFailed: it came to nothing.
    """
    made = newest(plan, watched_by(recipe, plan, step))
    if not made:
        raise RunFailed(f"the team {step.role} came to no {step.produces}")
    texts = [plan.result(one.task.id) or "" for one in made]
    return texts[0] if len(made) == 1 else "\n\n".join(f"{one}\n{text}" for one, text in zip(made, texts, strict=True))
