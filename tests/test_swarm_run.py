"""`Swarm.run`: a piece of work becomes a plan, peers do it together, and what is done is never lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from waggledance import Budget, FunctionPeer, Log, Swarm, decide_again
from waggledance.core import NO_COST, Message, RunFailed, UnknownName, UsageError
from waggledance.network import Simulated
from waggledance.tasks import Add, Claim, Claiming, Entry, Link, Op, PlanResult, Result, Task, Team, Work, recipe_from


def peers(n: int = 3) -> list[FunctionPeer]:
    return [FunctionPeer(f"p{i}", lambda question: f"<{question.splitlines()[0]}>") for i in range(n)]


def report() -> tuple[list[Task], list[Op]]:
    facts, pictures, report = tasks = [Task(goal=goal) for goal in ("facts", "pictures", "report")]
    return tasks, [*map(Add, tasks), Link(facts.id, report.id), Link(pictures.id, report.id)]


async def test_a_goal_in_words_comes_back_as_a_result() -> None:
    result = await Swarm(peers()).run("Write a poem")
    assert (str(result), result.complete, result.cost.calls) == ("<Write a poem>", True, 1)


async def test_the_inputs_of_a_task_reach_its_peer_as_notes() -> None:
    heard: list[str] = []

    def answer(question: str) -> str:
        heard.append(question)
        return f"<{question.splitlines()[0]}>"

    tasks, ops = report()
    result = await Swarm([FunctionPeer("ada", answer)]).run(ops)
    assert result.results == {tasks[2].id: "<report>"}
    assert "Result: <facts>" in heard[-1]
    assert "Result: <pictures>" in heard[-1]


async def test_a_plan_says_who_did_what_as_json() -> None:
    _, ops = report()
    told = json.loads((await Swarm(peers()).run(ops)).to_json())
    assert told["complete"]
    assert {task["goal"]: task["status"] for task in told["tasks"]} == dict.fromkeys(
        ("facts", "pictures", "report"), "done"
    )
    assert {task["by"] for task in told["tasks"]} <= {"p0", "p1", "p2"}


async def test_what_failed_is_named_and_what_is_done_is_kept() -> None:
    tasks, ops = report()

    async def execute(work: Work) -> Result:
        if work.task == tasks[1]:
            raise RunFailed("no camera")
        return await work.ask()

    result = await Swarm(peers()).run(ops, execute=execute)
    assert not result.complete
    assert result.plan.result(tasks[0].id) == "<facts>"
    assert {e.task.goal: e.status for e in result.unfinished} == {"pictures": "failed", "report": "open"}
    assert "failed: " in str(result)
    assert "no camera" in str(result)


async def test_what_failed_is_told_first_and_what_waits_for_it_is_counted() -> None:
    wrong, late = Task(goal="wrong"), [Task(goal=f"late {i}") for i in range(30)]
    ops: list[Op] = [*map(Add, late), Add(wrong), *[Link(wrong.id, task.id) for task in late]]

    async def execute(work: Work) -> Result:
        raise RunFailed("no camera")

    result = await Swarm(peers()).run(ops, execute=execute)
    assert result.left == (f"failed: {wrong}: no camera", "and 30 more open")
    many = [Task(goal=f"wrong {i}") for i in range(10)]
    named = (await Swarm(peers()).run([*map(Add, many)], execute=execute)).left
    assert named[:8] == tuple(f"failed: {task}: no camera" for task in sorted(many, key=lambda task: task.id)[:8])
    assert named[8:] == ("and 2 more failed",)


async def test_what_failed_is_told_before_what_is_under_way() -> None:
    *slow, wrong = sorted([Task(goal=f"t{i}") for i in range(3)], key=lambda task: task.id)
    said: list[Message[Any]] = []

    async def execute(work: Work) -> Result:
        if work.task != wrong:
            await asyncio.Event().wait()
        raise RunFailed("no camera")

    ops: list[Op] = [*map(Add, slow), Add(wrong)]
    running = asyncio.create_task(Swarm(peers()).run(ops, execute=execute, watch=said.append))
    while {"failed", "open"} & {entry.status for entry in entries_in(said)} != {"failed"}:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert PlanResult.of(said).left == (f"failed: {wrong}: no camera", *(f"claimed: {task}" for task in slow))


def entries_in(said: list[Message[Any]]) -> tuple[Entry, ...]:
    return tuple(PlanResult.of(said).plan.entries.values()) if said else ()


async def test_a_spent_budget_ends_the_plan_with_what_is_done() -> None:
    ops = [Add(Task(goal=f"t{i}")) for i in range(20)]
    result = await Swarm(peers()).run(ops, budget=Budget(calls=5))
    done = [e for e in result.plan.entries.values() if e.status == "done"]
    assert len(done) == 5
    assert any("budget of 5 calls is spent" in note for note in result.notes)


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("", "1 to 8,000 characters"),
        ([], "the plan has no task"),
        ([Claim(bytes(32), 1)], "Add, Link and Join"),  # type: ignore[arg-type]
        ([Link(bytes(32), bytes(32))], "not in the plan"),  # type: ignore[arg-type]
        ([Add(a := Task(goal="a")), Add(b := Task(goal="b")), Link(a.id, b.id), Link(b.id, a.id)], "close a cycle"),
    ],
)
async def test_work_that_is_no_plan_is_refused_before_anything_is_spent(work: str | list[Op], said: str) -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "x"

    with pytest.raises(UsageError, match=said):
        await Swarm([FunctionPeer("ada", answer)]).run(work)
    assert not asked


def test_a_plan_runs_in_the_simulator_and_its_log_gives_the_same_result_again(tmp_path: Path) -> None:
    _, ops = report()
    with Log(tmp_path / "log.db") as log:
        network = Simulated(seed=3, loss=0.2)
        swarm = Swarm(peers(), network=network, log=log)
        loop = network.new_event_loop()
        try:
            result = loop.run_until_complete(swarm.run(ops))
        finally:
            loop.close()
        again = decide_again(log.read(result.channel))
    assert result.complete
    assert again.key == "<report>"


async def test_a_plan_goes_on_from_its_log_and_does_nothing_twice(tmp_path: Path) -> None:
    begun: list[str] = []
    go_on = asyncio.Event()

    async def execute(work: Work) -> Result:
        begun.append(work.task.goal)
        if work.task.goal == "t3":
            await go_on.wait()
        return Result(f"<{work.task.goal}>")

    tasks = [Task(goal=f"t{i}") for i in range(5)]
    ops: list[Op] = [*map(Add, tasks), *[Link(a.id, b.id) for a, b in pairwise(tasks)]]
    with Log(tmp_path / "log.db") as log:
        running = asyncio.create_task(Swarm(peers(), log=log).run(ops, execute=execute))
        while "t3" not in begun:
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        (channel,) = log.names()
    go_on.set()
    with Log(tmp_path / "log.db") as log:
        result = await Swarm(peers(), log=log).run(resume=channel, execute=execute)
    assert begun == ["t0", "t1", "t2", "t3", "t3", "t4"]
    assert result.complete


async def test_a_plan_goes_on_only_with_the_peers_that_sat_there(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        result = await Swarm(peers(), log=log).run("x")
        with pytest.raises(UsageError, match="sat p0, p1, p2 and not p0, p1"):
            await Swarm(peers(2), log=log).run(resume=result.channel)
        with pytest.raises(UsageError, match="either work"):
            await Swarm(peers(), log=log).run("y", resume=result.channel)
        with pytest.raises(UnknownName):
            await Swarm(peers(), log=log).run(resume="q9-nothing")
    with pytest.raises(UsageError, match="goes on from a log"):
        await Swarm(peers()).run(resume="q1")


def test_a_killed_process_leaves_a_plan_that_goes_on(tmp_path: Path) -> None:
    program = dedent("""
        import asyncio, sys, time
        from waggledance import FunctionPeer, Log, Swarm
        from waggledance.tasks import Add, Claiming, Link, Result, Task

        async def execute(work):
            with open(sys.argv[2], "a") as file:
                file.write(work.task.goal + "\\n")
            await asyncio.sleep(0.05)
            return Result(f"<{work.task.goal}>")

        tasks = [Task(goal=f"t{i}") for i in range(40)]
        ops = [*map(Add, tasks), *[Link(a.id, b.id) for a, b in zip(tasks, tasks[1:])]]
        resume = sys.argv[3] if len(sys.argv) > 3 else None
        with Log(sys.argv[1]) as log:
            swarm = Swarm([FunctionPeer(f"p{i}", lambda q: "x") for i in range(3)], log=log)
            result = asyncio.run(swarm.run(() if resume else ops, resume=resume, execute=execute))
        print(result.complete, len([e for e in result.plan.entries.values() if e.status == "done"]))
    """)
    script, begun = tmp_path / "work.py", tmp_path / "begun.txt"
    script.write_text(program)
    command = [sys.executable, str(script), str(tmp_path / "log.db"), str(begun)]
    with subprocess.Popen(command, env={**os.environ}) as process:
        while not begun.exists() or len(begun.read_text().split()) < 12:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Log(tmp_path / "log.db", "r") as log:
        (channel,) = log.names()
    ended = subprocess.run([*command, channel], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "40"]
    lines = begun.read_text().split()
    twice = {goal for goal in lines if lines.count(goal) > 1}
    assert len(lines) <= 40 + 8, "only what the log had not on disk yet is done again"
    assert twice <= {f"t{i}" for i in range(4, 13)}


async def test_with_no_call_to_a_model_a_plan_costs_nothing() -> None:
    async def execute(work: Work) -> Result:
        return Result("done by hand")

    result = await Swarm(peers()).run("x", execute=execute, claiming=Claiming(in_flight=1))
    assert result.cost == NO_COST


async def test_a_planner_can_be_named_and_a_wrong_name_is_refused_before_anything_is_spent() -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "whole"

    def plan(question: str, about: str, material: list[str]) -> str:
        return "1. the first half\n2. the second half" if "everything" in question else "atomic"

    swarm = Swarm([FunctionPeer("ada", answer, note=plan)])
    result = await swarm.run("Find out everything about it", planner="roma(depth=1)")
    assert len(result.plan.entries) == 3
    assert result.complete
    asked.clear()
    with pytest.raises(UnknownName, match="did you mean 'roma'"):
        await swarm.run("x", planner="rome")
    assert not asked


TEAM = """\
name: pair
start: request
out: note
limits: {rounds: 2, calls: 9}
kinds: {request: a wish, note: a text, verdict: yes or no}
roles:
  writer: {watch: [request], produces: note, prompt: Write.}
  critic: {watch: [note], produces: verdict, prompt: Judge.}
  mender: {watch: [note, verdict], when: {verdict: no}, produces: note, prompt: Mend.}
"""


def play(told: str) -> str:
    return "no" if "the critic" in told else "mended" if "the mender" in told else "written"


async def test_a_recipe_and_a_request_are_work_and_what_its_team_comes_to_is_the_result() -> None:
    recipe = recipe_from(TEAM)
    swarm = Swarm([FunctionPeer(f"p{i}", play) for i in range(3)])
    result = await swarm.run(recipe, "Bees")
    assert (result.text, result.complete, result.cost.calls) == ("mended", True, 4)
    assert result.text == (await swarm.ask("Bees", expects="free", protocol=Team(recipe))).text
    short = await swarm.run(recipe, "Bees", budget=Budget(calls=1))
    assert (short.text, short.complete, short.cost.calls) == ("written", False, 1)


async def test_a_shipped_recipe_is_run_by_its_name_and_goes_on_from_the_log(tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log:
        swarm = Swarm([FunctionPeer(f"p{i}", lambda question: "9") for i in range(5)], log=log)
        result = await swarm.run("adaptive-chair", "17 - 8?")
        assert result.text.splitlines()[:2] == ["yes", "answer: 9"]
        again = await swarm.run(resume=result.channel)
        assert (again.text, again.cost.calls) == (result.text, 0)
        own = await swarm.run(recipe_from(TEAM), "Bees")
        with pytest.raises(UsageError, match=r"team\(recipe=NAME\)"):
            await swarm.run(resume=own.channel)
        assert (await swarm.run(recipe_from(TEAM), resume=own.channel)).text == own.text


async def test_a_recipe_without_a_request_or_with_what_it_says_itself_is_refused_before_anything_is_spent() -> None:
    swarm = Swarm([FunctionPeer("p0", play)])
    with pytest.raises(UsageError, match="what it is asked for"):
        await swarm.run(recipe_from(TEAM))
    with pytest.raises(UsageError, match="what it is asked for"):
        await swarm.run([Add(Task(goal="x"))], "Bees")
    with pytest.raises(UnknownName, match="did you mean 'software-company'"):
        await swarm.run("software-compny", "Bees")
    with pytest.raises(UsageError, match="leave out planner and check"):
        await swarm.run(recipe_from(TEAM), "Bees", planner="roma")
    with pytest.raises(UsageError, match="keeps 5 parts apart"):
        await swarm.run("review-pipeline", "Bees")
