"""A model's objections to a draft are read leniently, name a part each, and make the next draft better."""

from __future__ import annotations

import asyncio

from waggledance import Swarm
from waggledance.models import Request, Scripted
from waggledance.network import VirtualLoop
from waggledance.peers import Agent
from waggledance.tasks import Add, Critical, Link, Negotiated, Objection, PlanDraft, Roma, Task
from waggledance.tasks._critical import draft_lines, read_objections

GOAL = Task(goal="Which is longer?")
NILE, AMAZON = (Task(goal=g, kind="look", parent=GOAL.id, depth=1) for g in ("the Nile", "the\nAmazon"))
BOTH = Task(goal="compare", parent=GOAL.id, depth=1)
DRAFT = PlanDraft(
    task=GOAL.id, ops=(Add(NILE), Link(NILE.id, BOTH.id), Add(AMAZON), Add(BOTH), Link(AMAZON.id, BOTH.id))
)


def test_a_draft_is_shown_as_numbered_parts_one_a_line_with_what_each_comes_after() -> None:
    assert draft_lines(DRAFT) == "1. look: the Nile\n2. look: the Amazon\n3. think: compare after: 1, 2"


def test_a_line_names_a_part_and_whatever_else_is_said_is_passed_over() -> None:
    text = "Well.\n2: in kilometres\n- Part 3) by how much?\n9: no such part\n0: nor this\nnone\n1:"
    assert read_objections(text, DRAFT) == (
        Objection(edit=2, why="in kilometres"),
        Objection(edit=3, why="by how much?"),
    )
    assert read_objections("none", DRAFT) == read_objections("", DRAFT) == ()
    assert len(read_objections("1: no\n" * 99, DRAFT)) == 32
    assert len(read_objections(f"1: {'x' * 9_999}", DRAFT)[0].why) == 500


def test_models_talk_a_plan_over_and_the_objection_is_fenced_in_the_next_request() -> None:
    asked: list[str] = []

    def script(request: Request) -> str:
        text = request.turns[-1].text
        asked.append(text)
        if "that somebody drafted" in text:
            return "none" if "in kilometres" in text else "1: say in kilometres"
        if "write one word: atomic" in text:
            if "the Nile" in text and "longer" not in text:
                return "atomic"
            told = " in kilometres" if "say in kilometres" in text else ""
            return f"1. look: the Nile{told}\n2. look: the Amazon{told}"
        return "fine"

    peers = [Agent(f"p{i}", Scripted(script)) for i in range(3)]
    swarm = Swarm(peers, seed=1)

    async def main() -> str:
        planner = Negotiated(Critical(Roma()), rounds=2, patience_s=5.0)
        result = await swarm.run(Task(goal="Which is longer, the Nile or the Amazon?"), planner=planner)
        return " ".join(sorted(entry.task.goal for entry in result.plan.entries.values() if entry.task.depth == 1))

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        goals = runner.run(main())
    assert goals == "the Amazon in kilometres the Nile in kilometres"
    (shown, *_) = [text for text in asked if "say in kilometres" in text]
    fenced = shown[shown.index("\nbegin ") : shown.index("\nend ")]
    assert "> edit 0 (add the Nile): say in kilometres" in fenced
