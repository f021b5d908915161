"""A recipe at work: the protocol that every peer of a team runs. It is `run_plan` on the recipe's plan, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from waggledance.core import AnswerKind, BudgetSpent, Decision, Message, Proposal, RunFailed, Seat, UsageError
from waggledance.tasks._apart import Apart
from waggledance.tasks._checks import Checks
from waggledance.tasks._claims import Claiming
from waggledance.tasks._plan import Plan
from waggledance.tasks._plan_result import PlanResult
from waggledance.tasks._planned import SHOWN_CHARS, decision_of
from waggledance.tasks._recipe import Recipe
from waggledance.tasks._recipe_steps import RecipeStep
from waggledance.tasks._role_function import Artefact, Watched, role_functions
from waggledance.tasks._role_notes import labelled, reminded
from waggledance.tasks._router import Router
from waggledance.tasks._run_plan import run_plan
from waggledance.tasks._sandbox import Sandbox
from waggledance.tasks._static import StaticSkills
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
        apart = Apart(self.router, seat.me, recipe.apart_from)
        plan = await run_plan(
            seat,
            recipe.ops,
            execute=_Playing(self, apart),
            router=apart,
            check=Checks(schemas=recipe.schemas, sandbox=self.sandbox),
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


def outcome_of(recipe: Recipe, plan: Plan) -> Decision:
    """Return what a team has come to: the newest artefact of the kind that it is for. A pure function of the plan.

    It is undecided when there is none. What failed or never began on the way is in the notes.
    """
    done = [s for s in recipe.steps if s.produces == recipe.out and s.task.id in plan.entries
            and plan.entries[s.task.id].status == "done"]  # fmt: skip
    newest = [step.task.id for step in done if step.round == max(s.round for s in done)]
    return decision_of(plan, newest)


class _Playing:
    """What one peer does with a task of the recipe."""

    def __init__(self, team: Team, apart: Apart) -> None:
        self._team, self._apart = team, apart

    async def __call__(self, work: Work) -> Result:
        recipe = self._team.plays
        step = recipe.by_task.get(work.task.id)
        if step is None:
            return await (self._team.execute or by_peer)(work)
        if not step.role:
            return Result(work.seat.question.text)
        if not self._apart.begins(work.plan, work.task):
            raise RunFailed(f"this peer plays another part that is to be apart from the {step.role}")
        does = recipe.roles[step.role].does
        if does is not None:
            return Result(await role_functions()[does](given_to(recipe, step, work.plan, self._team.sandbox)))
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
    before = [recipe.by_task[link.before] for link in step.links]
    done = {s.task.id for s in before if plan.entries[s.task.id].status == "done"}
    return Watched(
        tuple([Artefact(s, plan.result(s.task.id) or "") for s in before if s.task.id in done]),
        tuple([s for s in before if s.task.id not in done]),
        recipe.settings,
        sandbox,
        step,
    )
