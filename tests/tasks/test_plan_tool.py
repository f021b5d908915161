"""A model edits the plan by calls: each becomes edits of the fold, and a call without sense changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Channel, Note, local_peer_id, swarm_id
from waggledance.tasks import PLAN_TOOL, Add, Done, Plan, PlanEdit, PlanTool, Task, TaskId, ToolReply, publish_reply
from waggledance.testing._seats_at import seats_at

ANNA = local_peer_id("anna")
ROOT = Task(goal="Write the report")


class Desk:
    """A plan with one task, whose steps a model writes."""

    def __init__(self) -> None:
        self.channel = Channel(swarm_id("t"), "t")
        self._publish(PlanEdit(ops=(Add(ROOT),)))

    def _publish(self, body: Any) -> Any:
        return self.channel.publish(ANNA, body, list(self.channel.messages()), 0)

    @property
    def plan(self) -> Plan:
        return Plan.fold(self.channel.messages())

    def call(self, name: str, **arguments: Any) -> ToolReply:
        reply = PlanTool(self.plan, ROOT).call(name, arguments)
        ops = reply.ops
        if reply.done is not None:
            ops = (*ops, Done(reply.done, (self._publish(Note(about="result", text=reply.result)).id,)))
        if ops:
            self._publish(PlanEdit(ops=ops))
        return reply

    @property
    def listed(self) -> str:
        return PlanTool(self.plan, ROOT).listed()


def test_steps_are_written_marked_and_listed_in_their_order() -> None:
    desk = Desk()
    assert desk.listed == "there are no steps yet"
    desk.call("write_steps", steps=["find", "weigh", "write"], in_order=True)
    desk.call("mark_step", step="1", status="completed", note="three sources")
    desk.call("mark_step", step="weigh", status="in_progress")
    assert desk.listed == "1. [completed] find\n2. [in_progress] weigh\n3. [not_started] write"
    assert desk.plan.refused == ()
    done = next(id for id, e in desk.plan.entries.items() if e.task.goal == "find")
    assert desk.plan.result(done) == "three sources"


def test_steps_that_are_written_again_keep_their_status_and_open_ones_that_are_left_out_go() -> None:
    desk = Desk()
    desk.call("write_steps", steps=["find", "weigh", "write"])
    desk.call("mark_step", step="find", status="completed", note="so")
    desk.call("mark_step", step="weigh", status="blocked", note="no scales")
    desk.call("write_steps", steps=["find", "print"])
    marks = {e.task.goal: e.status for e in PlanTool(desk.plan, ROOT).steps()}
    assert marks == {"find": "done", "weigh": "failed", "print": "open"}


def test_marking_a_step_that_is_not_there_is_refused_with_those_that_are() -> None:
    desk = Desk()
    desk.call("write_steps", steps=["find"])
    wrong: tuple[Any, ...] = ("2", "0", "hunt", None, {}, 7)
    for step in wrong:
        reply = desk.call("mark_step", step=step, status="completed")
        assert reply.ops == ()
        assert reply.done is None
        assert reply.text.startswith("there is no step")
        assert "1. [not_started] find" in reply.text


def test_a_step_is_added_after_others_and_released_again() -> None:
    desk = Desk()
    desk.call("add_step", step="find")
    desk.call("add_step", step="write", after=["find"])
    assert desk.call("add_step", step="print", after=["nothing"]).ops == ()
    desk.call("mark_step", step="find", status="in_progress")
    desk.call("mark_step", step="find", status="not_started")
    assert desk.listed == "1. [not_started] find\n2. [not_started] write"
    assert [task.goal for task in desk.plan.ready() if task != ROOT] == ["find"]


CALLS = st.one_of(
    st.tuples(st.just("write_steps"), st.fixed_dictionaries({"steps": st.lists(st.sampled_from("abc"), max_size=4)})),
    st.tuples(st.just("add_step"), st.fixed_dictionaries({"step": st.sampled_from("abc"), "after": st.just(["a"])})),
    st.tuples(
        st.just("mark_step"),
        st.fixed_dictionaries({
            "step": st.sampled_from(["1", "a", "z"]),
            "status": st.sampled_from(["in_progress", "completed", "blocked", "not_started", "?"]),
        }),
    ),
    st.tuples(st.sampled_from([*PLAN_TOOL, "drop_all"]), st.dictionaries(st.sampled_from(["step", "steps", "after"]),
              st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2))),
)  # fmt: skip


@given(st.lists(CALLS, max_size=6))
@settings(max_examples=40)
def test_whatever_a_model_calls_nothing_is_raised_and_what_is_done_stays_done(calls: list[tuple[str, Any]]) -> None:
    desk, done = Desk(), set[TaskId]()
    for name, arguments in calls:
        desk.call(name, **arguments)
        now = {id for id, e in desk.plan.entries.items() if e.status == "done"}
        assert done <= now
        done = now


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("write_steps", {}, "takes 1 to 64 steps"),
        ("write_steps", {"steps": [""]}, "a text of its own"),
        ("write_steps", {"steps": ["a"] * 65}, "takes 1 to 64 steps"),
        ("add_step", {"step": 5}, "a text of 1 to 8,000"),
        ("paint", {}, "there is no call 'paint'"),
    ],
)
def test_a_call_without_sense_is_answered_with_what_is_wrong(name: str, arguments: Any, why: str) -> None:
    reply = PlanTool(Desk().plan, ROOT).call(name, arguments)
    assert why in reply.text
    assert reply.ops == ()


async def test_what_a_call_comes_to_is_published_by_the_seat_that_made_it() -> None:
    desk = Desk()
    (seat,) = seats_at(desk.channel, ["anna"])
    for name, arguments in (
        ("write_steps", {"steps": ["find", "write"], "in_order": True}),
        ("mark_step", {"step": "1", "status": "completed", "note": "three sources"}),
        ("mark_step", {"step": "9", "status": "completed"}),
    ):
        await publish_reply(seat, PlanTool(desk.plan, ROOT).call(name, arguments))
    assert desk.listed == "1. [completed] find\n2. [not_started] write"
    assert desk.plan.refused == ()
