"""Every recipe that ships, from request to what comes out, with scripted answers and in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest

from waggledance import NobodyAnswered, Swarm
from waggledance.core import Message
from waggledance.network import Constant, Crash
from waggledance.tasks import Claiming, Kind, PlanResult, Recipe, Result, Role, Sandbox, Team, Work
from waggledance.tasks._recipe_parts import step_in, steps_in
from waggledance.tasks._recipe_steps import RecipeStep
from waggledance.tasks.recipes import recipe_named
from waggledance.testing import Run, simulate
from waggledance.testing._todo_company import ANSWERS, REQUEST, todo_company

FAST = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)


Say = str | Callable[[RecipeStep, Work], str]
"""What a role says, or how it is found."""


class Script:
    """Says for each role what it is told to; a call takes 4 virtual seconds."""

    def __init__(self, name: str, says: Mapping[str, Say]) -> None:
        self.recipe = recipe_named(name)
        self.says = says
        self.played: list[tuple[str, str]] = []

    async def __call__(self, work: Work) -> Result:
        step = step_in(self.recipe, work.plan, work.task.id)
        assert step is not None
        await asyncio.sleep(4)
        said = self.says[step.role if step.role in self.says else ""]
        self.played.append((step.role, work.seat.name))
        return Result(said if isinstance(said, str) else said(step, work))


def run(script: Script, request: str = "Do it", *, peers: int = 5, faults: Any = (), seed: int = 7) -> Run:
    team = Team(script.recipe, execute=script, claiming=FAST, sandbox=Sandbox())
    return simulate(team, request, peers=peers, faults=faults, delay=Constant(0.05), limit_s=9_000, seed=seed)


def result_of(run: Run) -> PlanResult:
    return PlanResult.of(run.log)


# -- software company -----------------------------------------------------------------------------------------------


def test_a_software_company_makes_a_program_whose_tests_pass_after_one_repair() -> None:
    recipe = recipe_named("software-company")
    said: list[Message[Any]] = []
    swarm = Swarm(todo_company(5), protocol=Team(recipe, sandbox=Sandbox()))
    decision = asyncio.run(_watched(swarm, said))
    result = PlanResult.of(said)
    steps = steps_in(recipe, result.plan)
    texts = {str(step): result.plan.result(step.task.id) for step in steps if step.task.id in result.plan.entries}
    assert [what for what in texts if what.endswith(": code")] == ["engineer 1: code"]
    assert decision.text == ANSWERS["mender"]
    assert (texts["test_run: report"] or "").startswith("no\nexit code 1")
    assert (texts["test_run: report (round 2)"] or "").startswith("yes")
    assert result.plan.entries[recipe.steps[-1].task.id].status == "skipped"
    calls = sum(entry.cost.calls for entry in result.plan.entries.values())
    assert calls == decision.cost.calls == 6


def test_an_architect_that_dies_after_its_claim_costs_a_lease_and_changes_nothing_that_is_made() -> None:
    says = {role.replace(" ", "_"): text for role, text in ANSWERS.items()}
    whole = Script("software-company", says)
    seen = run(whole, REQUEST)
    architect = dict(whole.played)["architect"]
    script = Script("software-company", says)
    crashed = run(script, REQUEST, faults=[Crash(architect, at_s=6.0)])
    assert seen.virtual_s + 10 < crashed.virtual_s < seen.virtual_s + FAST.lease_s + 10
    assert dict(script.played)["architect"] != architect
    assert dict(script.played)["engineer"] != dict(script.played)["tester"]
    order = [role for role, _ in script.played]
    assert order[:2] == ["product_manager", "architect"]
    assert order.index("project_manager") < order.index("engineer")
    made = [{str(s): r.plan.result(s.task.id) for s in steps_in(whole.recipe, r.plan) if s.round == 0}
            for r in map(result_of, (seen, crashed))]  # fmt: skip
    assert made[0] == made[1]
    assert made[0]["engineer 1: code"] == ANSWERS["engineer"]


def _chain(*, checked: bool) -> Recipe:
    fits = {"type": "object", "properties": {"caught": {"const": False}}}
    kinds = {f"k{i}": Kind(about="a step", schema=fits if checked else None) for i in range(1, 6)}
    roles = {
        f"r{i}": Role(watch=(f"k{i - 1}" if i > 1 else "request",), produces=f"k{i}", prompt="Go on.", tries=9)
        for i in range(1, 6)
    }
    return Recipe(
        name="chain", kinds={"request": Kind(about="a wish"), **kinds}, roles=roles, start="request", out="k5"
    )


def test_errors_add_up_along_a_chain_and_checks_cut_them() -> None:
    """Five steps, each wrong in one of ten; a check catches seven of ten: .59 against .85, with a tenth more calls."""

    def right(*, checked: bool) -> tuple[float, float]:
        recipe, good, calls = _chain(checked=checked), 0, 0
        for seed in range(120):
            rng = Random(seed)

            async def execute(work: Work, rng: Random = rng) -> Result:
                nonlocal calls
                calls += 1
                wrong = rng.random() < 0.1
                before = work.notes[0].body.text if work.task.kind != "k1" else '{"right": true}'
                spoilt = wrong or '"right": false' in before
                caught = wrong and rng.random() < 0.7
                return Result(json.dumps({"right": not spoilt, "caught": caught}))

            team = Team(recipe, execute=execute, claiming=Claiming(in_flight=1, lease_s=20.0, stagger_s=0.0))
            decision = simulate(team, "Go", peers=1, delay=Constant(0.0), seed=seed, linger_s=0.0).decision
            good += '"right": true' in decision.text
        return good / 120, calls / 600

    bare, once = right(checked=False)
    checked, more = right(checked=True)
    assert once == 1
    assert bare == pytest.approx(0.9**5, abs=0.1)
    assert checked == pytest.approx((1 - 0.03 / 0.93) ** 5, abs=0.08)
    assert more <= 1.5


async def _watched(swarm: Swarm, said: list[Message[Any]]) -> Any:
    async for event in swarm.watch(REQUEST, expects="free"):
        if not isinstance(event, Message):
            return event
        said.append(event)
    raise AssertionError


# -- review panel ---------------------------------------------------------------------------------------------------


def scores(value: float, reason: str = "so it is") -> str:
    criteria = recipe_named("review-panel").settings["criteria"]
    return json.dumps({"scores": dict.fromkeys(criteria, value), "reason": reason})


def test_a_panel_reports_medians_flags_where_reviewers_differ_and_names_who_is_missing() -> None:
    hostile = "society and ethics again"

    def say(step: RecipeStep, work: Work) -> str:
        if step.role == "project management again":
            return "I would rather not"
        return scores(0 if step.role == hostile else 7, "x" * (4_000 if step.role == hostile else 200))

    seen = run(Script("review-panel", {"": say}))
    assert seen.decision.status == "decided"
    assert "| problem | 7.0 | 7.0 | reviewers differ |" in seen.decision.text
    assert "Missing: project management." in seen.decision.text
    shares = [len(line) for line in seen.decision.text.splitlines() if line.startswith("- ")]
    assert len(shares) == 6
    assert max(shares) <= 2 * min(shares)
    assert len({d.key for d in seen.honest}) == 1
    assert any("project management" in note for note in seen.decision.notes)


def test_nobody_on_a_panel_reads_another_before_it_has_scored() -> None:
    read: dict[str, int] = {}

    def say(step: RecipeStep, work: Work) -> str:
        read[step.role] = len(work.notes)
        return scores(5)

    first, second = run(Script("review-panel", {"": say})), run(Script("review-panel", {"": say}), seed=8)
    assert {n for role, n in read.items() if not role.endswith(" again")} == {1}
    assert {n for role, n in read.items() if role.endswith(" again")} == {8}
    assert first.decision.text == second.decision.text


# -- review pipeline ------------------------------------------------------------------------------------------------

SAMPLE = json.dumps({"question": "2 + 2?", "answer": "4"})


def graded(*points: int) -> dict[str, Say]:
    reviews = [json.dumps({"score": p, "reason": "because"}) for p in points]
    return {"generator": SAMPLE, "reviewer": lambda step, _: reviews[step.copy], "adjudicator": "Yes, it is right."}


def test_an_adjudicator_rules_only_where_one_grade_turns_the_decision_and_never_on_its_own() -> None:
    clear = Script("review-pipeline", graded(9, 8, 8))
    assert run(clear).decision.text == f"accepted by reviewers\n{SAMPLE}"
    assert "adjudicator" not in [role for role, _ in clear.played]
    close = Script("review-pipeline", graded(9, 8, 2))
    assert run(close).decision.text == f"accepted by adjudicator\n{SAMPLE}"
    assert len({who for _, who in close.played}) == 5
    assert run(Script("review-pipeline", graded(2, 3, 1))).decision.text.startswith(
        "rejected by reviewers: no\n3 grades"
    )


def test_a_sample_whose_reviewer_never_answers_in_form_is_settled_all_the_same() -> None:
    says: dict[str, Say] = {
        **graded(9, 8, 8),
        "reviewer": lambda step, _: "hm" if step.copy == 1 else '{"score": 9, "reason": "y"}',
    }
    seen = run(Script("review-pipeline", says))
    assert seen.decision.text == f"accepted by reviewers\n{SAMPLE}"


def test_a_dead_reviewer_costs_a_lease_and_the_row_still_ends() -> None:
    seen = run(Script("review-pipeline", graded(9, 8, 8)), peers=7, faults=[Crash("p3", at_s=6.0)])
    assert seen.decision.text == f"accepted by reviewers\n{SAMPLE}"


# -- audience test --------------------------------------------------------------------------------------------------

ADVICE = ["thank them", "be brief", "tell a joke"]


def test_the_candidate_with_the_advice_that_audiences_like_is_chosen_whoever_writes_it() -> None:
    def verdicts(_step: RecipeStep, _work: Work) -> str:
        liked = [1, 5, 6]  # writers with advice 0: alone, with 1, with 2, by the dealing of subsets
        pairs = [(a, b) for a in range(1, 8) for b in range(1, 8) if a != b]
        better = [a if (a - 1 in liked) >= (b - 1 in liked) else b for a, b in pairs]
        ties = {(a, b) for a, b in pairs if (a - 1 in liked) == (b - 1 in liked)}
        return json.dumps([
            {"first": a, "second": b, "better": min(a, b) if (a, b) in ties else w}
            for (a, b), w in zip(pairs, better, strict=True)
        ])  # fmt: skip

    says: dict[str, Say] = {
        "adviser": json.dumps(ADVICE[:2]), "odd_adviser": json.dumps(ADVICE[1:]), "audience": verdicts,
        "writer": lambda step, _: f"letter {step.copy}",
    }  # fmt: skip
    whole = run(Script("audience-test", says))
    chosen = whole.decision.text.splitlines()[0]
    assert chosen in {"letter 1", "letter 4", "letter 5"}
    effects = [line for line in whole.decision.text.splitlines() if "advice" in line]
    assert len(effects) == 3
    assert float(effects[0].split()[0]) > float(effects[2].split()[0])
    crashed = run(Script("audience-test", says), faults=[Crash("p2", at_s=14.0)])
    assert crashed.decision.text == whole.decision.text


# -- cross-team -----------------------------------------------------------------------------------------------------


def teams(fused_points: int, **more: Say) -> dict[str, Say]:
    points = json.dumps({"alpha": 4, "beta": 8, "gamma": 6, "delta": 2})
    return {
        "rater": points, "last_rater": json.dumps({"fuser": fused_points}), "fuser": "fused text",
        **{name: f"text of {name}" for name in ("alpha", "beta", "gamma", "delta")}, **more,
    }  # fmt: skip


def test_what_is_fused_must_be_rated_as_high_as_the_best_team_and_the_worse_half_is_not_fused() -> None:
    groups: list[str] = []

    def fuse(_step: RecipeStep, work: Work) -> str:
        groups.append(work.notes[1].body.text)
        return "fused text"

    better = run(Script("cross-team", teams(9, fuser=fuse)))
    assert better.decision.text.startswith("fused text")
    assert "text of beta" in groups[0]
    assert "text of delta" not in groups[0]
    worse = run(Script("cross-team", teams(5)))
    assert worse.decision.text.startswith("text of beta")
    assert "best of 4 teams 0.80" in worse.decision.text


def _break(_step: RecipeStep, _work: Work) -> str:
    raise ZeroDivisionError


def test_four_teams_are_four_peers_and_a_dead_fuser_leaves_the_best_team() -> None:
    script = Script("cross-team", teams(9, fuser=_break))
    seen = run(script)
    assert len({who for role, who in script.played if role in ("alpha", "beta", "gamma", "delta")}) == 4
    assert seen.decision.text.startswith("text of beta")


# -- adaptive chair -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("needed", "calls"), [(1, 5), (2, 10), (9, 20)])
def test_they_discuss_on_only_while_they_disagree_and_at_most_four_rounds(needed: int, calls: int) -> None:
    def say(step: RecipeStep, _work: Work) -> str:
        return "I thought.\n**9**" if step.round + 1 >= needed or step.copy < 2 else f"I thought.\n{step.copy}"

    script = Script("adaptive-chair", {"": say})
    seen = run(script)
    assert len(script.played) == calls
    assert seen.decision.text.splitlines()[1] == "answer: 9"
    assert seen.decision.text.startswith("yes" if needed < 9 else "no")
    assert {entry.status for entry in result_of(seen).plan.entries.values()} <= {"done", "skipped"}
    assert seen.decision.notes == ()


# -- hypothesis -----------------------------------------------------------------------------------------------------

GRAPH = """\
silk | is made of | protein
protein | folds into | sheets
sheets | carry | load
glue | is made of | protein
from: silk
to: load
"""


def fields() -> str:
    recipe = recipe_named("hypothesis")
    schema = recipe.kinds["proposal"].schema
    assert schema is not None
    return json.dumps({name: f"the {name}" for name in schema["required"]})


def test_seven_fields_are_worked_out_side_by_side_and_the_critic_is_not_the_author() -> None:
    script = Script("hypothesis", {"scientist": fields(), "": lambda step, _: f"words of {step.role}"})
    seen = run(script, GRAPH, peers=4)
    text = seen.decision.text
    assert text.startswith("# An idea, not a finding")
    one_after_the_other = 3 * 4  # ontologist, scientist, critic, four seconds each
    assert seen.virtual_s - one_after_the_other <= 0.35 * 7 * 4
    assert all(f"the {name}" in text and f"words of expander of {name}" in text for name in json.loads(fields()))
    assert "load and silk lie 3 steps apart" in text
    who = dict(script.played)
    assert who["critic"] != who["scientist"]
    assert Counter(role for role, _ in script.played).most_common(1)[0][1] == 1
    alone = run(Script("hypothesis", {"scientist": fields(), "": "words"}), GRAPH, peers=2)
    assert seen.virtual_s < alone.virtual_s


def test_what_a_hypothesis_names_is_looked_up_pair_by_pair_and_not_its_ends_alone() -> None:
    said = json.loads(fields()) | {"hypothesis": "Glue of Proteins carries a load, as wood and silk do."}
    graph = GRAPH.replace("from: silk", "wood | comes from | trees\nfrom: silk")
    script = Script("hypothesis", {"scientist": json.dumps(said), "": "words"})
    told = run(script, graph, peers=4).decision.text.partition("## Known before\n")[2].splitlines()
    assert told[0] == "not in the graph: load and silk lie 3 steps apart in it"
    assert "known: glue — is made of — protein" in told
    assert "not in the graph: glue and load lie 3 steps apart in it" in told
    assert "not in the graph: nothing in it leads from glue to wood" in told
    assert len([line for line in told if line.startswith(("known", "not in"))]) == 10  # five concepts, each pair once
    assert "Of the world outside the graph this says nothing." in told


def test_three_look_for_a_way_and_not_all_come_back_with_the_same() -> None:
    edges = "".join(f"a{i} | near | a{j}\n" for i in range(8) for j in range(i + 1, 8) if (i * j) % 3 != 1)
    seen = run(Script("hypothesis", {"scientist": fields(), "": "words"}), f"{edges}from: a0\nto: a1\n", peers=4)
    plan, recipe = result_of(seen).plan, recipe_named("hypothesis")
    ways = [plan.result(step.task.id) or "" for step in recipe.steps if step.produces == "path"]
    assert len(ways) == 3
    assert len(set(ways)) > 1


def test_a_request_without_a_graph_or_with_an_unknown_concept_fails_visibly() -> None:
    with pytest.raises(NobodyAnswered, match="gives no graph to go by"):
        run(Script("hypothesis", {"": "words"}), "Tell me about silk")
    with pytest.raises(NobodyAnswered, match="did you mean 'silk'"):
        run(Script("hypothesis", {"": "words"}), GRAPH.replace("from: silk", "from: silc"))
