"""A piece of work as the protocol that a swarm's peers run: a plan that is worked at, or a recipe's team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import msgspec

from waggledance._run import Run
from waggledance.core import Body, Budget, Message, UsageError, opening_of
from waggledance.tasks import (
    Check,
    Claiming,
    Executor,
    Op,
    Planned,
    Planner,
    PlanResult,
    Recipe,
    Router,
    Sandbox,
    Task,
    Team,
    by_peer,
    newest_of,
    opened_plan,
    team_of,
)


@dataclass(frozen=True)
class Begun:
    """A piece of work as its run needs it."""

    title: str
    """What it is about, in words: the question that its opening asks."""
    protocol: Planned | Team
    first: Sequence[Body]
    """What the asker publishes after the opening; nothing where the work goes on."""
    budget: Budget | None

    def result(self, run: Run, notes: Sequence[str]) -> PlanResult:
        """Return what a run has made of the work."""
        result = PlanResult.of(
            run.messages(),
            cost=run.cost,
            seconds=run.seconds,
            notes=tuple(notes),
            certificate=run.gathering.certificate,
        )
        if isinstance(self.protocol, Planned):
            return result
        return msgspec.structs.replace(result, wanted=newest_of(self.protocol.plays, result.plan))


def begin(
    work: str | Task | Sequence[Op] | Recipe,
    request: str,
    said: Sequence[Message[Any]],
    *,
    planner: Planner | str,
    router: Router | None,
    execute: Executor | None,
    check: Check | None,
    sandbox: Sandbox | None,
    claiming: Claiming | None,
    good_at: Mapping[str, Mapping[str, int]] | None,
    arrange: str,
    patience_s: float,
    budget: Budget | None,
) -> Begun:
    """Return the work as its run needs it; the arguments are those of `Swarm.run`, which says what they mean.

    Args:
        said: what was said at the channel of work that goes on; nothing where it is new.

    Raises:
        UsageError: there is nothing to do, or the work cannot be made into a plan.
        UnknownName: no recipe that comes with the library has that name.
    """
    opening = opening_of(said)
    title = request if opening is None else opening.body.question.text
    team = team_of(work, request, None if opening is None else opening.body)
    if team is not None:
        if planner or check is not None:
            raise UsageError("a recipe says itself who plans and what is checked: leave out planner and check")
        team = replace(
            team,
            execute=execute,
            sandbox=sandbox,
            router=router or team.router,
            good_at=good_at,
            claiming=claiming or team.claiming,
            patience_s=patience_s,
        )
        return Begun(title, team, (), team.plays.limits.allow(budget))
    first: Sequence[Body] = ()
    if opening is None:
        title, first = opened_plan(cast("str | Task | Sequence[Op]", work), arrange)
    planned = Planned(
        given=True,
        planner=planner,
        router=router,
        execute=execute or by_peer,
        check=check,
        claiming=claiming or Claiming(),
        good_at=good_at,
        arrange=arrange,
        patience_s=patience_s,
    )
    return Begun(title, planned, first, budget)
