"""Plans are talked over before they stand: who holds the claim drafts, the others object, all find one draft."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from waggledance.core import Message, UsageError
from waggledance.network import Constant, Crash, Silent
from waggledance.tasks import (
    Add,
    AnotherWay,
    Atomic,
    Bounded,
    Claiming,
    Negotiated,
    Objection,
    Parts,
    Plan,
    PlanAgreed,
    PlanDraft,
    Planned,
    PlanOpinion,
    PlanResult,
    Replanned,
    Result,
    Task,
    TaskId,
    Work,
    draft_agreed,
)
from waggledance.testing import Run, simulate

FAST = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)
GOAL = Task(goal="Carry ten boxes")


@dataclass
class Crew:
    """Drafts a plan of a part for each objection that it has met; objects until a draft has so many parts."""

    wants: int
    slow_s: float = 0.0
    drafted: Counter[str] = field(default_factory=Counter[str])
    past: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    async def expand(self, work: Work) -> Atomic | Parts:
        if work.task.parent is not None:
            return Atomic()
        self.drafted[work.seat.name] += 1
        self.past.append(work.past)
        parts = [Task(goal=f"part {i}", parent=work.task.id, depth=1) for i in range(1 + len(work.past))]
        return Parts([*map(Add, parts)])

    async def aggregate(self, work: Work) -> Result:
        return Result("+".join(sorted(work.inputs.values())))

    async def object_to(self, work: Work, draft: Message[PlanDraft]) -> Sequence[Objection]:
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        have = sum(isinstance(op, Add) for op in draft.body.ops)
        if have >= self.wants or work.seat.name != _critic(work):
            return ()
        return [Objection(edit=0, why=f"only {have} parts"), Objection(edit=200, why="names no edit")]


def _critic(work: Work) -> str:
    """Return the first of those who did not draft."""
    holder = work.plan.entries[work.task.id].holder
    return min(work.seat.table.names[p] for p in work.seat.roster if p != holder)


async def execute(work: Work) -> Result:
    await asyncio.sleep(1)
    return Result(work.task.goal[-1])


def play(crew: Any, *, rounds: int = 3, patience_s: float = 8.0, faults: Any = (), peers: int = 4, seed: int = 7,
         loss: float = 0.0) -> Run:  # fmt: skip
    protocol = Planned(ops=(Add(GOAL),), planner=Negotiated(crew, rounds, patience_s), execute=execute, claiming=FAST)
    return simulate(protocol, "Do it", peers=peers, seed=seed, faults=faults, loss=loss, delay=Constant(0.05),
                    limit_s=5_000)  # fmt: skip


def said(run: Run, kind: type[Any]) -> list[Message[Any]]:
    return [m for m in run.log if isinstance(m.body, kind)]


def plan_of(run: Run) -> Plan:
    return PlanResult.of(run.log).plan


def parts_of(run: Run) -> set[TaskId]:
    return {id for id, entry in plan_of(run).entries.items() if entry.task.parent == GOAL.id}


def test_a_draft_that_nobody_objects_to_stands_after_one_round_and_no_waiting() -> None:
    seen = play(Crew(wants=1))
    assert seen.decision.key == "0"
    assert (len(said(seen, PlanDraft)), len(said(seen, PlanOpinion)), len(said(seen, PlanAgreed))) == (1, 3, 1)
    assert seen.virtual_s < 5


def test_objections_are_met_in_the_next_draft_and_those_that_name_no_edit_are_not_shown() -> None:
    crew = Crew(wants=2)
    seen = play(crew)
    assert seen.decision.key == "0+1"
    assert [len(past) for past in crew.past] == [0, 1]
    assert crew.past[1] == ("edit 0 (add part 0): only 1 parts",)
    assert [m.body.last for m in said(seen, PlanAgreed)] == [False]


def test_the_last_draft_stands_whatever_there_is_against_it() -> None:
    crew = Crew(wants=99)
    seen = play(crew, rounds=3)
    assert seen.decision.status == "decided"
    assert sum(crew.drafted.values()) == len(said(seen, PlanDraft)) == 3
    assert [m.body.last for m in said(seen, PlanAgreed)] == [True]


def test_the_parts_that_are_worked_on_are_those_of_the_draft_that_was_agreed_on() -> None:
    for wants in (1, 2, 99):
        seen = play(Crew(wants=wants))
        draft = draft_agreed(seen.log)[GOAL.id, 0]
        assert {op.task.id for op in draft.body.ops if isinstance(op, Add)} == parts_of(seen)


def test_a_silent_evaluator_costs_its_patience_once_and_not_in_every_round() -> None:
    quick = play(Crew(wants=99))
    assert _designer(quick) == "p0"  # and p1 objects
    seen = play(Crew(wants=99), faults=[Silent("p3")])
    assert len(said(seen, PlanDraft)) == 3
    assert quick.virtual_s + 8 <= seen.virtual_s < quick.virtual_s + 8 + 1


def test_who_looks_too_long_is_not_waited_for_longer_than_patience() -> None:
    assert play(Crew(wants=1, slow_s=500.0), rounds=1).virtual_s < 8 + 5


def _designer(run: Run) -> str:
    return run.decision.names[said(run, PlanDraft)[0].author]


def test_when_the_designer_dies_between_draft_and_agreement_the_next_one_drafts_within_a_lease() -> None:
    crew = Crew(wants=1, slow_s=4.0)
    first = _designer(play(crew))
    crew = Crew(wants=1, slow_s=4.0)
    seen = play(crew, faults=[Crash(first, at_s=3.0)])
    assert seen.decision.key == "0"
    drafts = said(seen, PlanDraft)
    assert len({m.author for m in drafts}) == 2
    assert len(drafts) == 2
    assert seen.virtual_s < 3 + FAST.lease_s + 8 + 10


def test_a_fifth_of_all_messages_lost_changes_nothing_but_the_time() -> None:
    for seed in range(3):
        seen = play(Crew(wants=2), loss=0.2, seed=seed)
        assert seen.decision.key == "0+1"
        assert len({d.key for d in seen.honest}) == 1


def test_a_broken_evaluator_and_a_planner_that_looks_at_nothing_hold_nobody_up() -> None:
    class Broken(Crew):
        async def object_to(self, work: Work, draft: Message[PlanDraft]) -> Sequence[Objection]:
            raise ZeroDivisionError("one by none")

    class Mute:
        expand, aggregate = Crew.expand, Crew.aggregate

        def __init__(self) -> None:
            self.drafted, self.past = Counter[str](), list[tuple[str, ...]]()

    for crew in (Broken(wants=9), Mute()):
        seen = play(crew)
        assert seen.decision.key == "0"
        assert seen.virtual_s < 5


def test_wrapped_into_other_planners_it_is_still_talked_over() -> None:
    crew = Crew(wants=2)
    planner = Replanned(Bounded(Negotiated(Bounded(crew), patience_s=8.0)), AnotherWay())
    protocol = Planned(ops=(Add(GOAL),), planner=planner, execute=execute, claiming=FAST)
    seen = simulate(protocol, "Do it", peers=4, delay=Constant(0.05), limit_s=5_000)
    assert len(said(seen, PlanDraft)) == 2
    assert len(parts_of(seen)) == 2


def test_a_single_peer_agrees_with_itself() -> None:
    assert play(Crew(wants=9), peers=1).decision.key == "0"


@settings(max_examples=30)
@given(rng=st.randoms(use_true_random=False), wants=st.sampled_from([1, 2, 99]))
def test_which_draft_was_agreed_on_depends_on_the_set_of_messages_and_on_nothing_else(rng: Random, wants: int) -> None:
    log = _LOGS.setdefault(wants, play(Crew(wants=wants)).log)
    some = rng.sample(log, rng.randrange(len(log) + 1))
    again = [*rng.sample(some, len(some)), *some[:3]]
    assert draft_agreed(some) == draft_agreed(again)


_LOGS: dict[int, tuple[Message[Any], ...]] = {}


def test_agreement_counts_only_from_the_draft_s_author_and_with_what_it_heard() -> None:
    log = play(Crew(wants=2)).log
    (agreement,) = [m for m in log if isinstance(m.body, PlanAgreed)]
    heard = set(agreement.body.heard)
    assert len(heard) == 3
    assert draft_agreed(log)
    assert not draft_agreed([m for m in log if m.id not in heard])
    assert not draft_agreed([m for m in log if m.id != agreement.body.draft])
    stranger = next(m for m in log if m.author != agreement.author)
    said_by_another = structs.replace(agreement, author=stranger.author)
    assert not draft_agreed([said_by_another if m is agreement else m for m in log])


@pytest.mark.parametrize(
    ("rounds", "patience_s"), [(0, 1.0), (17, 1.0), (1, 0.0), (1, float("nan")), (1, float("inf"))]
)
def test_numbers_out_of_range_are_refused(rounds: int, patience_s: float) -> None:
    with pytest.raises(UsageError, match="a plan is drafted 1 to 16 times"):
        Negotiated(Crew(wants=1), rounds, patience_s)


def test_a_draft_without_edits_and_a_round_too_late_are_refused() -> None:
    with pytest.raises(UsageError, match="1 to 256 edits, got 0"):
        PlanDraft(task=GOAL.id, ops=())
    with pytest.raises(UsageError, match="got round 16"):
        PlanDraft(task=GOAL.id, ops=(Add(GOAL),), round=16)
