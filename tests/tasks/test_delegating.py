"""A model plans by tool calls: others do the steps, and what they find comes back to it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from waggledance.core import ToolCall, UsageError
from waggledance.models import Completion, Request, Scripted
from waggledance.models._scripted import Line
from waggledance.network import Constant, Crash
from waggledance.peers import Agent
from waggledance.tasks import Add, Claiming, Delegating, Planned, PlanResult, Task
from waggledance.testing import Run, simulate

WHOLE = Task(goal="Which is longer, the Nile or the Rhine?")
ONE_EACH = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)
KNOWN = {"How long is the Nile?": "6650 km", "How long is the Rhine?": "1230 km"}


def wants(*calls: tuple[str, dict[str, Any]]) -> Completion:
    asked = tuple(ToolCall(f"c{n}", name, msgspec.json.encode(given).decode()) for n, (name, given) in enumerate(calls))
    return Completion(text="", prompt_tokens=5, completion_tokens=5, finish="stop", seconds=0.0, calls=asked)


def results(request: Request) -> list[str]:
    return [turn.text for turn in request.turns if turn.role == "tool"]


def asked(request: Request) -> str:
    return next(goal for goal in (*KNOWN, WHOLE.goal) if goal in request.turns[-1].text)


def delegates(request: Request) -> Line:
    """Ask for two steps at once and put together what comes back; without tools, know one river each."""
    if results(request):
        return f"{' and '.join(results(request))}"
    if request.tools:
        return wants(*[("do_step", {"step": step, "kind": "rivers"}) for step in KNOWN])
    return f"{KNOWN[asked(request)]}"


def run(script: Any, *, peers: int = 3, delay_s: float = 4.0, **more: Any) -> tuple[Run, Scripted]:
    box = Delegating(within_s=more.pop("within_s", 60.0))
    model = Scripted(script, delay_s=delay_s)
    agents = {f"p{n}": Agent(f"p{n}", model, tools=[box]) for n in range(peers)}
    planned = Planned(ops=(Add(WHOLE),), execute=box, claiming=more.pop("claiming", ONE_EACH))
    seen = simulate(planned, WHOLE.goal, peers=list(agents.values()), seed=3, delay=Constant(0.05), limit_s=900, **more)
    return seen, model


def test_a_model_has_two_steps_done_by_others_at_once_and_answers_from_what_they_found() -> None:
    seen, model = run(delegates)
    assert seen.decision.key == "6650 km and 1230 km"
    plan = PlanResult.of(seen.log).plan
    entries = {e.task.goal: e for e in plan.entries.values()}
    assert {e.task.kind for g, e in entries.items() if g in KNOWN} == {"rivers"}
    assert len({entries[goal].holder for goal in (*KNOWN, WHOLE.goal)}) == 3
    assert seen.virtual_s < 3 * 4 + 3  # think, both steps side by side, think again
    assert plan.goals() == [WHOLE.id]
    assert [len(request.tools) for request in model.requests] == [5, 0, 0, 5]


def test_the_list_is_written_marked_and_read_by_calls_and_what_is_refused_is_told() -> None:
    def script(request: Request) -> Line:
        if not request.tools:
            return "done"
        match len(results(request)):
            case 0:
                return wants(("write_steps", {"steps": ["look", "weigh"], "in_order": True}))
            case 1:
                return wants(("mark_step", {"step": "weigh", "status": "completed", "note": "by hand"}))
            case 2:
                return wants(("mark_step", {"step": "look", "status": "in_progress"}))
            case 3:
                return wants(("do_step", {"step": "look"}))
            case 4:
                return wants(("list_steps", {}))
            case _:
                return f"{' | '.join(results(request))}"

    seen, _ = run(script)
    written, marked, begun, looked, listed = seen.decision.text.split(" | ")
    assert written == "2 steps"
    assert marked.startswith("The tool failed: claim refused: the task is open and waits for others")
    assert begun == "The tool failed: a step is marked completed or blocked here; who is at it is seen from the plan"
    assert looked == "done"
    assert listed.startswith("1. [completed] look\n2. [")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("do_step", {"step": ""}), "a step is a text"),
        (("do_step", {"step": "x", "kind": "?"}), "its kind a name"),
        (("do_step", {"step": "x", "after": "y"}), "is not there"),
        (("add_step", {"step": 7}), "a step is a text"),
        (("list_steps", ()), "no JSON object"),
    ],
)
def test_a_call_without_sense_is_told_to_the_model(call: Any, said: str) -> None:
    def script(request: Request) -> Line:
        return f"{results(request)[0]}" if results(request) else wants(call)

    assert said in run(script)[0].decision.text


def test_a_step_that_nobody_does_in_time_or_that_fails_comes_back_as_that() -> None:
    seen, _ = run(delegates, peers=1, within_s=10.0)
    assert seen.decision.text.count("nobody has done it within 10 s; it stays among the steps") == 2

    def failing(request: Request) -> Line:
        return "" if not request.tools else delegates(request)

    seen, _ = run(failing, within_s=300.0)
    assert "The tool failed: the step has failed: " in seen.decision.text


def test_when_the_planner_dies_another_goes_on_and_the_steps_that_are_done_are_not_done_again() -> None:
    whole, _ = run(delegates)
    plan = PlanResult.of(whole.log)
    planner = plan.names[plan.plan.entries[WHOLE.id].holder or whole.log[0].author]
    seen, model = run(delegates, faults=[Crash(planner, at_s=10.0)])
    assert seen.decision.key == "6650 km and 1230 km"
    assert sum(not request.tools for request in model.requests) == 2


def test_outside_of_a_plan_there_are_no_tools_and_senseless_settings_are_refused() -> None:
    assert asyncio.run(Delegating().tools()) == ()
    for wrong in ({"levels": 0}, {"within_s": 0.0}, {"within_s": float("nan")}, {"within_s": float("inf")}):
        with pytest.raises(UsageError, match="one level deep or more"):
            Delegating(**wrong)  # type: ignore[arg-type]
