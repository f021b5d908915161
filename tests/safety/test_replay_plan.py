"""A plan run again with something changed: what a change does not reach stays done."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from waggledance import FunctionPeer, Swarm
from waggledance._replay import decide_again
from waggledance.core import Message, Note, Peer, PeerId, UsageError, members_of
from waggledance.safety import (
    Interject,
    MissingRecord,
    Reword,
    SwapModel,
    SwapRule,
    Unsay,
    Unseat,
    rerun,
)
from waggledance.tasks import Add, Link, Op, PlanResult, Task
from waggledance.testing import Kept, on_virtual_time

AnyMessage = Message[Any]
FIRST, SECOND, THIRD, APART = (Task(goal=goal) for goal in ("first", "second", "third", "apart"))
WORK: tuple[Op, ...] = (
    *map(Add, (FIRST, SECOND, THIRD, APART)), Link(FIRST.id, SECOND.id), Link(SECOND.id, THIRD.id)
)  # fmt: skip


class Crew:
    """Peers that say what they were given, and count what they were asked."""

    def __init__(self, mark: str = "") -> None:
        self.mark, self.asked = mark, Counter[str]()

    def __call__(self, name: str, model: str = "") -> Peer:
        def do(question: str) -> str:
            goal = question.splitlines()[0]
            self.asked[goal] += 1
            given = [line.strip() for line in question.splitlines()[1:] if "(" in line]
            return f"{goal}{self.mark}{model}({','.join(given)})"

        return FunctionPeer(name, do)


@pytest.fixture(scope="module")
def recorded() -> tuple[AnyMessage, ...]:
    kept, crew = Kept(), Crew()
    result = on_virtual_time(Swarm([crew(f"p{i}") for i in range(3)], log=kept).run(WORK))
    assert result.complete
    return tuple(kept.messages)


def results(messages: tuple[AnyMessage, ...]) -> dict[str, str | None]:
    plan = PlanResult.of(messages).plan
    return {entry.task.goal: plan.result(id) for id, entry in plan.entries.items()}


def note_of(messages: tuple[AnyMessage, ...], task: Task) -> Message[Note]:
    entry = PlanResult.of(messages).plan.entries[task.id]
    return next(m for m in messages if m.id in entry.result)


def holder_of(messages: tuple[AnyMessage, ...], task: Task) -> PeerId:
    holder = PlanResult.of(messages).plan.entries[task.id].holder
    assert holder is not None
    return holder


def test_a_plan_without_a_change_is_the_same_byte_for_byte_and_nobody_is_asked(
    recorded: tuple[AnyMessage, ...],
) -> None:
    fork = on_virtual_time(rerun(recorded, live="never"))
    assert fork.exact
    assert (fork.calls_live, fork.calls_recorded, fork.flipped) == (0, 4, False)
    assert decide_again(fork.messages).id == fork.decision.id


def test_an_unsaid_result_is_made_again_with_all_that_comes_after_it_and_nothing_else(
    recorded: tuple[AnyMessage, ...],
) -> None:
    crew = Crew("-again")
    fork = on_virtual_time(rerun(recorded, [Unsay(note_of(recorded, SECOND).id)], peers=crew))
    assert set(crew.asked) == {"second", "third"}
    assert fork.decision.status == "decided"
    assert "second-again" in (results(fork.messages)["third"] or "")
    assert results(fork.messages)["apart"] == results(recorded)["apart"]
    assert decide_again(fork.messages).id == fork.decision.id


def test_a_reworded_result_reaches_what_comes_after_it(recorded: tuple[AnyMessage, ...]) -> None:
    crew = Crew("-again")
    fork = on_virtual_time(rerun(recorded, [Reword(note_of(recorded, FIRST).id, "something else(x)")], peers=crew))
    assert set(crew.asked) == {"second", "third"}
    assert results(fork.messages)["first"] == "something else(x)"
    assert "something else" in (results(fork.messages)["second"] or "")


def test_a_reworded_last_result_takes_no_call(recorded: tuple[AnyMessage, ...]) -> None:
    fork = on_virtual_time(rerun(recorded, [Reword(note_of(recorded, THIRD).id, "the end(x)")], live="never"))
    assert results(fork.messages)["third"] == "the end(x)"
    assert "the end(x)" in fork.decision.text
    assert decide_again(fork.messages).id == fork.decision.id


def test_what_another_peer_made_is_made_again_when_it_thinks_with_another_model_or_is_gone(
    recorded: tuple[AnyMessage, ...],
) -> None:
    names = {m.id: m.name for m in members_of(recorded)}
    who = names[holder_of(recorded, THIRD)]
    crew = Crew("-again")
    fork = on_virtual_time(rerun(recorded, [SwapModel(who, "-other")], peers=crew))
    assert "third" in crew.asked
    assert fork.decision.status == "decided"
    gone = on_virtual_time(rerun(recorded, [Unseat(who)], peers=Crew("-again")))
    assert who not in {m.name for m in members_of(gone.messages)}
    assert gone.decision.status == "decided"


def test_a_task_that_would_have_to_be_done_anew_is_named(recorded: tuple[AnyMessage, ...]) -> None:
    with pytest.raises(MissingRecord, match="do the task 'second'"):
        on_virtual_time(rerun(recorded, [Unsay(note_of(recorded, SECOND).id)], live="never"))


def test_a_plan_takes_no_rule_and_no_interjection(recorded: tuple[AnyMessage, ...]) -> None:
    with pytest.raises(UsageError, match="decided by its fold"):
        on_virtual_time(rerun(recorded, [SwapRule("majority")]))
    with pytest.raises(UsageError, match="no interjections"):
        on_virtual_time(rerun(recorded, [Interject(note_of(recorded, FIRST).id, "more")]))


def test_a_fork_of_a_plan_can_be_forked(recorded: tuple[AnyMessage, ...]) -> None:
    fork = on_virtual_time(rerun(recorded, [Unsay(note_of(recorded, SECOND).id)], peers=Crew("-again")))
    again = on_virtual_time(rerun(fork.messages, live="never", into="twice"))
    assert again.exact
    assert again.decision.key == fork.decision.key


def test_an_unfinished_plan_goes_on(recorded: tuple[AnyMessage, ...]) -> None:
    third = PlanResult.of(recorded).plan.entries[THIRD.id]
    place = {m.id: n for n, m in enumerate(recorded)}
    assert third.done is not None
    cut = recorded[: place[third.done]]
    crew = Crew("-again")
    fork = on_virtual_time(rerun(cut, peers=crew))
    assert fork.decision.status == "decided"
    assert "third" in crew.asked
