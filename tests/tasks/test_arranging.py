"""Who waits for whom, chosen from the shape of a plan: at every peer alike, legal, and told with the reason."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import FunctionPeer, Swarm
from waggledance.core import UnknownName
from waggledance.network import Constant
from waggledance.tasks import (
    Add,
    Atomic,
    Claiming,
    Join,
    Link,
    Op,
    Parts,
    Planned,
    PlanResult,
    Result,
    Task,
    Work,
    opened_plan,
)
from waggledance.tasks._arranging import TOPOLOGIES, rearranged
from waggledance.tasks._draft import Draft
from waggledance.testing import Run, simulate


def plan(links: str, *, when: str = "ok") -> list[Op]:
    """Return tasks by letters and their links, such as ``"ac bc"``, with those that have none."""
    names = sorted(set("abcd"))
    tasks = {name: Task(goal=name) for name in names}
    return [*map(Add, tasks.values()), *[Link(tasks[x].id, tasks[y].id, when=when) for x, y in links.split()]]


def reads(ops: list[Op]) -> dict[str, str]:
    """Return what each task waits for, a lead as ``L``."""
    draft = Draft()
    refused = [why for op in ops if (why := draft.begin_with(op))]  # type: ignore[arg-type]
    assert not refused
    goal = {id: "L" if e.task.kind == "lead" else e.task.goal for id, e in draft.entries.items()}
    return {goal[id]: "".join(sorted(goal[k.before] for k in e.before)) for id, e in sorted(draft.entries.items())}


@pytest.mark.parametrize(
    ("topology", "said", "expected"),
    [
        ("data-flow", "", {"a": "", "b": "", "c": "a", "d": "c"}),
        ("keep-edges", "layers by the rule keep-edges", {"a": "", "b": "", "c": "ab", "d": "c"}),
        ("coded", "parallel by the rule coded", {"a": "", "b": "", "c": "", "d": ""}),
        ("paper", "layers by the rule paper", {"a": "", "b": "", "c": "ab", "d": "c"}),
        ("parallel", "parallel: as it was told", {"a": "", "b": "", "c": "", "d": ""}),
        ("layers", "layers: as it was told", {"a": "", "b": "", "c": "ab", "d": "c"}),
    ],
)
def test_each_topology_has_its_own_links_and_says_why(topology: str, said: str, expected: dict[str, str]) -> None:
    ops, why = rearranged(plan("ac cd"), topology)
    assert reads(ops) == dict(sorted(expected.items(), key=lambda item: Task(goal=item[0]).id))
    assert why.startswith(said)
    assert bool(why) == (topology != "data-flow")
    if why:
        assert "(4 tasks, 2 links, 3 deep, 2 wide, coupling 0.33)" in why


def test_in_a_chain_each_reads_the_one_before_and_a_lead_stands_between_layers() -> None:
    chained = reads(rearranged(plan("ac cd"), "chain")[0])
    assert sorted(map(len, chained.values())) in ([0, 1, 1, 1], [0, 1, 1, 2])
    led = reads(rearranged(plan("ac bc"), "lead")[0])
    assert (led["c"], led["L"], led["a"], led["d"]) == ("L", "abd", "", "")


def test_links_with_a_condition_stay_in_every_topology() -> None:
    for topology in TOPOLOGIES:
        ops, _ = rearranged(plan("ab", when="yes"), topology)
        assert any(isinstance(op, Link) and op.when == "yes" for op in ops)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), topology=st.sampled_from(TOPOLOGIES))
def test_what_comes_out_is_legal_keeps_every_task_and_does_not_depend_on_the_order_it_came_in(
    seed: int, topology: str
) -> None:
    rng = Random(seed)
    tasks = [Task(goal=f"t{n}") for n in range(rng.randint(0, 9))]
    adds: list[Op] = [Add(task) for task in tasks]
    pairs = [(a, b) for n, a in enumerate(tasks) for b in tasks[n + 1 :] if rng.random() < 0.3]
    links: list[Op] = [Link(a.id, b.id, when=rng.choice(("ok", "ok", "end", "yes"))) for a, b in pairs]
    joins: list[Op] = [Join(task.id, 1) for task in tasks[-1:]]
    one, why = rearranged([*adds, *links, *joins], topology)
    other, also = rearranged([*rng.sample(adds, len(adds)), *rng.sample(links, len(links)), *joins], topology)
    assert why == also
    assert reads(one) == reads(other)
    assert {op.task.id for op in one if isinstance(op, Add)} >= {task.id for task in tasks}
    assert joins == [op for op in one if isinstance(op, Join)]


def run(topology: str, ops: list[Op], **more: Any) -> tuple[Run, list[str]]:
    order: list[str] = []

    async def execute(work: Work) -> Result:
        await asyncio.sleep(4)
        order.append(work.task.goal[:8])
        return Result(f"{work.task.goal[:8]}({','.join(sorted(work.inputs.values()))})")

    protocol = Planned(ops=tuple(ops), execute=execute, arrange=topology, claiming=Claiming(stagger_s=0.1), **more)
    return simulate(protocol, "Do it", peers=3, seed=2, delay=Constant(0.05), limit_s=900), order


def test_a_run_says_what_was_chosen_and_why_and_works_that_way() -> None:
    seen, order = run("keep-edges", plan("ac cd"))
    result = PlanResult.of(seen.log)
    assert [note for note in seen.decision.notes if note.startswith("topology: layers by the rule keep-edges")]
    assert len(result.plan.topologies) == 1
    assert "topology: layers by the rule keep-edges: tasks wait for others" in str(result)
    assert '"topology":["layers by the rule' in result.to_json()
    assert order[2:] == ["c", "d"]
    assert result.plan.result(Task(goal="c").id) == "c(a(),b())"
    flow, _ = run("data-flow", plan("ac cd"))
    assert PlanResult.of(flow.log).plan.result(Task(goal="c").id) == "c(a())"
    assert not PlanResult.of(flow.log).plan.topologies
    assert '"topology":["data-flow"]' in PlanResult.of(flow.log).to_json()


def test_parts_that_a_planner_makes_are_arranged_as_well() -> None:
    class Thirds:
        async def expand(self, work: Work) -> Atomic | Parts:
            if work.task.parent is not None:
                return Atomic()
            return Parts([Add(Task(goal=g, parent=work.task.id, depth=1)) for g in "xyz"])

        async def aggregate(self, work: Work) -> Result:
            return Result("+".join(sorted(work.inputs.values())))

    seen, order = run("chain", [Add(Task(goal="whole"))], planner=Thirds())
    (said,) = PlanResult.of(seen.log).plan.topologies
    assert ": chain: as it was told (3 tasks, 0 links" in said
    assert len(order) == 3
    assert seen.decision.text.count("(") == 6  # such as x(), y(x()) and z(y(x())): each reads the one before it
    assert seen.virtual_s > 12


def test_a_swarm_is_told_a_topology_where_it_is_told_what_to_do() -> None:
    swarm = Swarm([FunctionPeer(f"p{n}", lambda question: "so") for n in range(2)])
    _, first = opened_plan(plan("ac cd"), "layers")
    assert first[-1].kind == "note/1"
    result = asyncio.run(swarm.run(plan("ac cd"), arrange="layers"))
    assert result.complete
    assert str(result).count("topology: layers: as it was told") == 1


def test_a_topology_that_is_none_is_refused_before_anything_is_spent() -> None:
    with pytest.raises(UnknownName, match="topology of a plan 'star'"):
        Planned(arrange="star")


def test_links_in_a_circle_are_left_for_the_fold_to_refuse() -> None:
    ops = plan("ab ba")
    assert rearranged(ops, "layers") == (ops, "")
    assert rearranged(plan("")[:1], "layers") == (plan("")[:1], "")
    assert rearranged([], "chain") == ([], "")
