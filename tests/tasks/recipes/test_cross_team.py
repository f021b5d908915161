"""Cross-team around any recipe: each team works by it, loops and fan-outs and all, and results are exchanged."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from waggledance.core import RunFailed, UnknownName, UsageError
from waggledance.network import Constant
from waggledance.tasks import Claiming, PlanResult, Recipe, Result, Team, Work, recipe_from, step_in, steps_in
from waggledance.tasks.recipes import cross_team, recipe_named, recipe_names
from waggledance.testing import Run, simulate

INNER = """\
name: pages
start: wish
out: page
limits: {rounds: 2, tasks: 20, calls: 10}
kinds:
  wish: a wish
  topics: {about: topics, schema: {type: array, maxItems: 2}}
  part: a text
  page: all of it
  verdict: yes or no
roles:
  planner: {watch: [wish], produces: topics, prompt: Plan.}
  writer: {watch: [topics], each: topics, produces: part, prompt: Write.}
  binder: {watch: [part], produces: page, prompt: Bind.}
  critic: {watch: [page], produces: verdict, prompt: Judge.}
  mender: {watch: [page, verdict], when: {verdict: no}, produces: page, prompt: Mend.}
"""
FAST = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)
TEAMS = ("alpha", "beta", "gamma", "delta")


class Cast:
    """Every team comes to a page of its own; delta's planner never makes a list."""

    def __init__(self, recipe: Recipe, lost: tuple[str, ...] = ("delta",), fused: int = 3) -> None:
        self.recipe, self.lost, self.fused = recipe, lost, fused
        self.wishes: dict[str, str] = {}

    async def __call__(self, work: Work) -> Result:
        step = step_in(self.recipe, work.plan, work.task.id)
        assert step is not None
        await asyncio.sleep(4)
        match step.role:
            case "planner":
                self.wishes[step.team] = work.notes[0].body.text
                return Result("no list" if step.team in self.lost else '["a", "b"]')
            case "writer":
                return Result(f"{step.team} on {json.loads(step.entry)}")
            case "binder":
                return Result(" / ".join(note.body.text for note in work.notes))
            case "critic":
                return Result("no" if step.team == "beta" else "yes")
            case "mender":
                return Result(f"mended: {work.notes[0].body.text}")
            case "rater":
                return Result(json.dumps({"alpha": 4, "beta": 8} | ({"gamma": 6} if "gamma" in self.wishes else {})))
            case "last_rater":
                return Result(json.dumps({"fuser": self.fused}))
            case _:
                return Result("fused")


def run(cast: Cast, peers: int = 6) -> Run:
    team = Team(cast.recipe, execute=cast, claiming=FAST)
    return simulate(team, "Bees", peers=peers, delay=Constant(0.05), limit_s=9_000)


def test_each_team_works_by_the_recipe_to_its_newest_result_and_a_lost_one_costs_its_share_only() -> None:
    cast = Cast(cross_team(recipe_from(INNER)))
    seen = run(cast)
    assert seen.decision.text.startswith("mended: beta on a / beta on b\n")
    assert "best of 3 teams 0.80" in seen.decision.text
    plan = PlanResult.of(seen.log).plan
    made = {step.role: plan.result(step.task.id) for step in steps_in(cast.recipe, plan) if step.role in TEAMS}
    assert made["alpha"] == "alpha on a / alpha on b"
    assert made["delta"] is None
    assert len({decision.key for decision in seen.honest}) == 1
    assert Team(cast.recipe).folded(seen.log[::-1]).id == seen.decision.id


def test_each_team_is_told_another_aim() -> None:
    cast = Cast(cross_team(recipe_from(INNER)))
    run(cast)
    assert all(wish.startswith("Bees\n\nAim: ") for wish in cast.wishes.values())
    assert len(set(cast.wishes.values())) == 4


def test_what_is_fused_wins_only_when_it_is_rated_as_high_and_no_team_at_all_fails_visibly() -> None:
    assert run(Cast(cross_team(recipe_from(INNER)), fused=9)).decision.text.startswith("fused\n")
    with pytest.raises(RunFailed, match="it is no JSON"):
        run(Cast(cross_team(recipe_from(INNER)), lost=TEAMS))


def test_every_shipped_recipe_can_be_what_each_team_is() -> None:
    for name in recipe_names():
        whole, inner = recipe_named(f"cross-team({name})"), recipe_named(name)
        assert {step.team for step in whole.steps} - {""} == set(TEAMS)
        assert whole.seats == max(1, inner.seats)
        assert whole.limits.calls == 60 + 4 * (inner.limits.calls or 0)
        assert len({step.task.id for step in whole.steps}) == len(whole.steps)


@pytest.mark.parametrize("teams", [2, 8])
def test_as_many_teams_as_are_said_work_with_an_aim_each_and_all_can_be_rated(teams: int) -> None:
    recipe = cross_team(recipe_from(INNER), teams=teams)
    cast = Cast(recipe, lost=())
    assert "best of" in run(cast).decision.text
    assert len(cast.wishes) == teams
    assert len(set(cast.wishes.values())) == teams
    schema = recipe.kinds["rating"].schema
    assert schema is not None
    assert schema["properties"].keys() == cast.wishes.keys()
    assert recipe.limits.calls == 60 + teams * 10
    assert recipe_named(f"cross-team({teams} review-pipeline)") == cross_team("review-pipeline", teams=teams)


def test_four_teams_are_those_of_the_recipe_itself() -> None:
    whole, four = recipe_named("cross-team"), cross_team("review-pipeline")
    assert {name: role.goal for name, role in four.roles.items()} == {n: role.goal for n, role in whole.roles.items()}
    assert four.kinds == whole.kinds


@pytest.mark.parametrize("teams", [0, 1, 9])
def test_fewer_teams_than_two_or_more_than_eight_are_refused(teams: int) -> None:
    with pytest.raises(UsageError, match="2 to 8 teams"):
        cross_team("review-pipeline", teams=teams)
    with pytest.raises(UsageError, match="2 to 8 teams"):
        recipe_named(f"cross-team({teams} review-pipeline)")
    with pytest.raises(UnknownName, match="many review-pipeline"):
        recipe_named("cross-team(many review-pipeline)")


def test_a_name_that_is_none_and_teams_within_teams_within_a_team_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'hypothesis'"):
        recipe_named("cross-team(hypothsis)")
    with pytest.raises(UsageError, match="a team within a team has none"):
        cross_team(recipe_named("cross-team(hypothesis)"))


@pytest.mark.parametrize("key", [{"each": "topics"}, {"apart": "x"}, {"reviews": 1}, {"copies": 2}])
def test_what_is_for_one_peer_is_refused_of_a_team(key: dict[str, Any]) -> None:
    said = ", ".join(f"{name}: {value}" for name, value in key.items())
    text = INNER.replace("prompt: Plan.", f"team: hypothesis, {said}")
    with pytest.raises(UsageError, match="a team plays it"):
        recipe_from(text)
