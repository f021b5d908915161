"""Every peer runs the same coroutine, and the plan gets done: with peers that fail, are silent, slow, slow to hear."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from random import Random
from typing import Any

import pytest

from waggledance import FunctionPeer, NobodyAnswered, Swarm
from waggledance.core import Budget, Cost, Message, RunFailed
from waggledance.network import Constant, Crash, Equivocate, Silent, Simulated
from waggledance.tasks import (
    Add,
    Atomic,
    Card,
    Claim,
    Claiming,
    Done,
    Finding,
    Join,
    Link,
    Op,
    Parts,
    Plan,
    PlanEdit,
    Planned,
    PlanResult,
    Result,
    Scored,
    StaticSkills,
    Task,
    TaskBudget,
    Work,
)
from waggledance.tasks._outcome import TaskOutcome
from waggledance.tasks._static import Claims
from waggledance.testing import Opinionated, Run, simulate

FAST = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2)


class Clockwork:
    """Does tasks in virtual time: each takes so many seconds, and says what it was given."""

    def __init__(self, seconds: float = 4.0) -> None:
        self.seconds, self.begun = seconds, Counter[str]()
        self.order: list[str] = []

    async def __call__(self, work: Work) -> Result:
        self.begun[work.task.goal] += 1
        await asyncio.sleep(self.seconds)
        self.order.append(work.task.goal)
        return Result(f"{work.task.goal}({','.join(sorted(work.inputs.values()))})")


def plan_of(run: Run) -> Plan:
    return PlanResult.of(run.log).plan


def chain(*goals: str) -> list[Op]:
    tasks = [Task(goal=goal) for goal in goals]
    return [*map(Add, tasks), *[Link(a.id, b.id) for a, b in pairwise(tasks)]]


def wide(n: int, **fields: Any) -> list[Op]:
    return [Add(Task(goal=f"t{i}", **fields)) for i in range(n)]


def run(ops: Sequence[Op], execute: Any, *, peers: int = 4, seed: int = 7, faults: Any = (), claiming: Claiming = FAST,
        delay_s: float = 0.05, **more: Any) -> Run:  # fmt: skip
    protocol = Planned(ops=tuple(ops), execute=execute, claiming=claiming, **more)
    return simulate(protocol, "Do it", peers=peers, seed=seed, faults=faults, delay=Constant(delay_s), limit_s=5_000)


def test_what_one_task_finds_the_next_one_gets() -> None:
    seen = run(chain("a", "b", "c"), Clockwork())
    assert seen.decision.key == "c(b(a()))"
    assert len({d.key for d in seen.honest}) == 1
    assert 12 <= seen.virtual_s < 15


def test_peers_work_side_by_side_and_nothing_is_done_twice() -> None:
    work = Clockwork()
    seen = run(wide(40), work, peers=8)
    assert seen.decision.status == "decided"
    assert sum(work.begun.values()) <= 41
    assert seen.virtual_s < 40 * 4 / 8 + 4


def test_a_task_begins_when_what_it_waits_for_is_done_and_not_when_a_layer_is() -> None:
    slow, fast, after_fast = Task(goal="slow"), Task(goal="fast"), Task(goal="after fast")
    order: list[str] = []

    async def execute(work: Work) -> Result:
        await asyncio.sleep(50 if work.task == slow else 5)
        order.append(work.task.goal)
        return Result("")

    run([Add(slow), Add(fast), Add(after_fast), Link(fast.id, after_fast.id)], execute)
    assert order == ["fast", "after fast", "slow"]


def test_a_crashed_peer_costs_its_tasks_one_lease() -> None:
    work = Clockwork(seconds=5)
    seen = run(wide(12), work, faults=[Crash("p1", at_s=2.0)])
    assert seen.decision.status == "decided"
    assert max(work.begun.values()) == 2
    assert sum(work.begun.values()) == 13
    assert seen.virtual_s < 12 * 5 / 3 + FAST.lease_s + 5


def test_a_long_task_keeps_its_lease_by_renewing_it() -> None:
    work = Clockwork(seconds=100)
    seen = run(wide(3), work)
    assert sum(work.begun.values()) == 3
    assert seen.decision.status == "decided"


def test_a_peer_that_fails_is_followed_by_another_and_the_reason_is_kept() -> None:
    async def execute(work: Work) -> Result:
        if not work.past:
            raise RunFailed("I know nothing of bees")
        return Result(f"after {work.past[0]}")

    seen = run(wide(1), execute)
    assert seen.decision.key == "after I know nothing of bees"
    (entry,) = plan_of(seen).entries.values()
    assert entry.holder not in entry.failed_by


def test_what_fails_every_time_ends_the_plan_undecided_with_what_is_there() -> None:
    async def execute(work: Work) -> Result:
        if work.task.goal == "t1":
            raise ZeroDivisionError("one by none")
        return Result("fine")

    seen = run([Add(Task(goal="t0")), Add(Task(goal="t1", tries=2))], execute)
    assert seen.decision.status == "undecided"
    assert "fine" in seen.decision.text
    assert any("ZeroDivisionError: one by none" in note for note in seen.decision.notes)


def test_a_step_that_never_returns_fails_after_its_time_and_a_missed_deadline_for_good() -> None:
    async def execute(work: Work) -> Result:
        await asyncio.sleep(1e6)
        return Result("")

    slow = Task(goal="never", tries=2, budget=TaskBudget(milliseconds=3_000))
    late = Task(goal="late", deadline_ms=4_000)
    with pytest.raises(NobodyAnswered, match=r"late: its deadline has passed; .*never: it took longer than 3 s"):
        run([Add(slow), Add(late)], execute)


def test_a_planner_breaks_a_task_up_and_puts_it_together_again() -> None:
    class Halves:
        """Splits a sum until three numbers are left."""

        async def expand(self, work: Work) -> Atomic | Parts:
            numbers = work.task.goal.split("+")
            if len(numbers) <= 3:
                return Atomic()
            middle = len(numbers) // 2
            parts = ["+".join(part) for part in (numbers[:middle], numbers[middle:])]
            return Parts([Add(Task(goal=g, parent=work.task.id, depth=work.task.depth + 1)) for g in parts])

        async def aggregate(self, work: Work) -> Result:
            return Result(str(sum(int(text) for text in work.inputs.values())))

    async def execute(work: Work) -> Result:
        await asyncio.sleep(1)
        return Result(str(sum(int(n) for n in work.task.goal.split("+"))))

    rng = Random(3)
    numbers = [rng.randrange(1_000) for _ in range(60)]
    goal = Task(goal="+".join(map(str, numbers)))
    seen = run([Add(goal)], execute, planner=Halves(), faults=[Crash("p2", at_s=1.5)])
    assert seen.decision.key == str(sum(numbers))


def test_another_peer_reviews_and_what_it_rejects_is_done_again() -> None:
    async def execute(work: Work) -> Result:
        return Result("good" if work.past else "bad")

    async def check(task: Task, result: str) -> Finding:
        return Finding(result == "good" or task.goal == "lenient", "it is bad")

    async def trust(task: Task, result: str) -> Finding:
        return Finding(True)

    task = Task(goal="strict", checks=("quality",), reviews=1)
    seen = run([Add(task)], execute, check=check)
    assert seen.decision.key == "good"
    assert run([Add(task)], execute, check=trust).decision.key == "bad"


def test_a_task_goes_to_a_peer_with_the_skill_and_outcomes_are_told_by_others() -> None:
    task = Task(goal="paint it", needs=("paint",))
    seen = run([Add(task)], Clockwork(), good_at={"p3": {"paint": 900_000}})
    assert seen.decision.status == "decided"
    names = {d: n for n, d in zip(("p0", "p1", "p2", "p3"), seen.decision.names, strict=True)}
    entry = plan_of(seen).entries[task.id]
    assert entry.holder is not None
    assert names[entry.holder] == "p3"
    outcomes = [m for m in seen.log if isinstance(m.body, TaskOutcome)]
    assert [(m.body.worker, m.body.reward_ppm) for m in outcomes] == [(entry.holder, 1_000_000)]
    assert outcomes[0].author != entry.holder


def test_a_work_of_two_trades_is_done_by_two_and_by_neither_of_them_alone() -> None:
    """The card on the Internet of Agents, arXiv:2407.07061: a task that a team solves and neither member alone."""
    frame, coat = Task(goal="frame", needs=("weld",)), Task(goal="coat", needs=("paint",))
    work: list[Op] = [Add(frame), Add(coat), Link(frame.id, coat.id)]
    welder, painter = {"weld": 900_000}, {"paint": 900_000}
    both = run(work, Clockwork(), peers=2, good_at={"p0": welder, "p1": painter})
    assert both.decision.key == "coat(frame())"
    assert len({entry.holder for entry in plan_of(both).entries.values()}) == 2
    for alone, left in ((welder, "coat"), (painter, "frame")):
        with pytest.raises(NobodyAnswered, match=f"open: .* {left}"):
            run(work, Clockwork(), peers=1, good_at={"p0": alone}, patience_s=60.0)


def test_nobody_says_of_a_task_of_its_own_how_it_went() -> None:
    seen = run(wide(24), Clockwork())
    told = [m for m in seen.log if isinstance(m.body, TaskOutcome)]
    assert len({m.body.task for m in told}) == 24
    assert all(m.author != m.body.worker for m in told)


def test_what_fails_its_own_check_is_not_published_and_tried_again_with_the_reason() -> None:
    async def execute(work: Work) -> Result:
        return Result("short" if not work.past else f"long enough after: {work.past[0]}")

    async def check(task: Task, result: str) -> Finding:
        return Finding(len(result) > 10, "it is too short", cost=Cost(calls=1, prompt_tokens=7))

    seen = run([Add(Task(goal="write", checks=("length",)))], execute, check=check)
    assert seen.decision.key == "long enough after: it is too short"
    assert [entry.cost.prompt_tokens for entry in plan_of(seen).entries.values()] == [14]
    assert (seen.decision.cost.calls, seen.decision.cost.prompt_tokens) == (2, 14)
    with pytest.raises(NobodyAnswered, match="was given none to check with"):
        run([Add(Task(goal="write", checks=("length",), tries=1))], execute)


def test_nobody_able_ends_after_patience_with_the_task_named() -> None:
    with pytest.raises(NobodyAnswered, match=r"in 1\d\d\.\d s.*open: .* paint it"):
        run([Add(Task(goal="paint it", needs=("paint",)))], Clockwork(), patience_s=60.0)


def test_a_straggler_is_hedged_and_the_first_result_counts() -> None:
    def seconds(*, hedge: float) -> tuple[float, str | None]:
        begun = Counter[str]()

        async def execute(work: Work) -> Result:
            begun[work.task.goal] += 1
            slow = work.task.goal == "t3" and begun["t3"] == 1
            await asyncio.sleep(500 if slow else 2)
            return Result("slow" if slow else "quick")

        eager = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2, hedge=hedge)
        seen = run(wide(8), execute, claiming=eager)
        return seen.virtual_s, seen.decision.key

    took, said = seconds(hedge=3.0)
    assert took < 30
    assert "slow" not in (said or "")
    assert seconds(hedge=float("inf"))[0] > 500


def test_urgent_tasks_come_first() -> None:
    work = Clockwork()
    ops = [Add(Task(goal=f"t{i}", priority=i)) for i in range(6)]
    run(ops, work, peers=1)
    assert work.order == [f"t{i}" for i in reversed(range(6))]


def test_silent_peers_and_lost_messages_delay_and_change_nothing() -> None:
    protocol = Planned(ops=tuple(chain("a", "b", "c")), execute=Clockwork(), claiming=FAST)
    seen = simulate(
        protocol, "Do it", peers=4, seed=3, faults=[Silent("p0")], delay=Constant(0.05), loss=0.2, limit_s=5_000
    )
    assert seen.decision.key == "c(b(a()))"


def begun_twice(share: float, seed: int, n: int = 160) -> int:
    """Return how many of n tasks 16 peers begin twice, when they hear of claims a share of a task's length later."""
    rng = Random(seed)
    seconds = {f"t{i}": rng.expovariate(0.1) + 0.5 for i in range(n)}
    mean = sum(seconds.values()) / n

    class Exponential(Clockwork):
        async def __call__(self, work: Work) -> Result:
            self.seconds = seconds[work.task.goal]
            return await super().__call__(work)

    work = Exponential()
    eager = Claiming(in_flight=1, lease_s=500.0, stagger_s=share * mean)
    seen = run(wide(n), work, peers=16, seed=seed, claiming=eager, delay_s=share * mean)
    assert seen.decision.status == "decided"
    return sum(work.begun.values()) - n


TWICE = [(0.05, 0.02), (0.2, 0.06)]
"""How late peers hear of claims, in lengths of a task, and what share of tasks may be begun twice: the card's goals."""


@pytest.mark.parametrize(("share", "goal"), TWICE)
def test_no_more_is_begun_twice_than_luck_makes_of_the_goal(share: float, goal: float) -> None:
    expected = 160 * goal  # one run has luck: 0 to 4 of 160 in sixteen, where 2 are the mean
    assert begun_twice(share, seed=5) <= expected + 3 * sqrt(expected)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "goal"), TWICE)
def test_little_is_begun_twice_however_late_peers_hear_of_claims(share: float, goal: float) -> None:
    assert sum(begun_twice(share, seed) for seed in range(12)) <= 12 * 160 * goal


def test_what_a_peer_said_that_contradicts_itself_counts_no_more() -> None:
    long = Claiming(in_flight=1, lease_s=400.0, stagger_s=0.2)
    protocol = Planned(ops=tuple(wide(12)), execute=Clockwork(seconds=8), claiming=long)
    seen = simulate(
        protocol, "Do it", peers=4, seed=5, faults=[Equivocate("p1", from_s=3.0)], delay=Constant(0.05), limit_s=5_000
    )
    assert all("p1" in forgers for name, forgers in seen.disowned.items() if name != "p1")
    by_id = seen.decision.names
    honest = Plan.fold([m for m in seen.log if by_id.get(m.author) != "p1"])
    assert honest.complete, "the others did all of it, what the forger had taken as well"
    assert seen.virtual_s < 100, "its claims go at once, and not when their lease is over"
    assert seen.decision.status == "decided"


def test_a_forger_is_ranked_no_more() -> None:
    ranked: list[tuple[float, frozenset[bytes]]] = []

    class Seen(Claims):
        def order(self, task: Task, cards: Sequence[Card]) -> tuple[Scored, ...]:
            ranked.append((asyncio.get_running_loop().time(), frozenset(card.peer for card in cards)))
            return super().order(task, cards)

    @dataclass(frozen=True)
    class Spying(StaticSkills):
        def start(self) -> Seen:
            return Seen()

    seen = run(wide(40), Clockwork(), faults=[Equivocate("p1", from_s=3.0)], router=Spying())
    (forger,) = [peer for peer, name in seen.decision.names.items() if name == "p1"]
    assert any(forger in peers for at, peers in ranked if at < 3)
    honest = [peers for at, peers in ranked if at > 12 and len(peers) == 3]
    assert honest
    assert not any(forger in peers for peers in honest)


def test_what_is_stopped_has_ended_when_the_plan_has() -> None:
    ended = Counter[str]()

    async def execute(work: Work) -> Result:
        first = not ended
        ended["begun"] += 1
        try:
            await asyncio.sleep(500 if first else 2)
        finally:
            await asyncio.sleep(3)  # a sandbox that is torn down, say
            ended["ended"] += 1
        return Result("")

    eager = Claiming(in_flight=1, lease_s=20.0, stagger_s=0.2, hedge=3.0)
    run(wide(8), execute, claiming=eager)
    assert ended["begun"] == ended["ended"] == 9


def test_a_budget_of_messages_ends_the_plan_with_what_is_done() -> None:
    swarm = Swarm([FunctionPeer(f"p{i}", lambda question: "x") for i in range(3)])
    result = asyncio.run(swarm.run(wide(20), budget=Budget(messages=30), claiming=FAST))
    done = [entry for entry in result.plan.entries.values() if entry.status == "done"]
    assert 0 < len(done) < 20
    assert any("budget of 30 messages is spent" in note for note in result.notes)


def test_what_a_seal_gives_back_to_a_peer_that_had_given_it_up_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waggledance.tasks._sealing.SEAL_EVERY", 1)
    late = Claiming(in_flight=1, lease_s=80_000.0, stagger_s=0.5)

    async def execute(work: Work) -> Result:
        await asyncio.sleep(Random(work.task.goal).expovariate(0.5) + 0.5)
        return Result("")

    for seed in (4, 11, 14, 17):  # in each, a seal turned two claims round after the first holder had stopped
        seen = run(wide(24), execute, peers=8, seed=seed, claiming=late, delay_s=1.0, patience_s=100.0)
        assert seen.decision.status == "decided"
        assert seen.virtual_s < 20


def test_the_same_seed_gives_the_same_log() -> None:
    def transcript() -> bytes:
        return run(wide(12), Clockwork(), faults=[Crash("p1", at_s=3.0)]).transcript

    assert transcript() == transcript()


def test_a_result_too_long_for_one_note_comes_back_whole_and_one_too_long_for_all_fails() -> None:
    async def execute(work: Work) -> Result:
        return Result("é" * (100_000 if work.task.goal == "t0" else 10**6))

    seen = run([Add(Task(goal="t0")), Add(Task(goal="t1", tries=1))], execute, peers=1)
    plan = plan_of(seen)
    by_goal = {e.task.goal: e for e in plan.entries.values()}
    assert plan.result(by_goal["t0"].task.id) == "é" * 100_000
    assert "at most 768,000 are published" in by_goal["t1"].reasons[0]


def test_what_a_peer_brings_is_claimed_first() -> None:
    seen = run(wide(3), Clockwork())
    claims: dict[Any, Message[Any]] = {}
    for message in seen.log:
        if isinstance(message.body, PlanEdit):
            for op in message.body.ops:
                if isinstance(op, Claim):
                    claims.setdefault((message.author, op.task), message)
                if isinstance(op, Done):
                    assert claims[message.author, op.task].sequence < message.sequence


def test_a_plan_whose_time_is_over_ends_whatever_its_peers_are_at() -> None:
    network = Simulated(seed=1, delay=Constant(0.05), limit_s=5_000)
    swarm = Swarm([Opinionated(f"p{i}") for i in range(3)], network=network)

    async def main() -> tuple[PlanResult, float]:
        ops = [Add(Task(goal="quick")), Add(Task(goal="never ends"))]
        result = await swarm.run(ops, execute=execute, claiming=FAST, budget=Budget(seconds=20.0))
        return result, asyncio.get_running_loop().time()

    async def execute(work: Work) -> Result:
        await asyncio.sleep(1e6 if work.task.goal == "never ends" else 1)
        return Result("done")

    with asyncio.Runner(loop_factory=network.new_event_loop) as runner:
        result, ended_s = runner.run(main())
    assert [result.plan.entries[id].task.goal for id in result.results] == ["quick"]
    assert not result.complete
    assert ended_s < 120


def test_a_part_that_hangs_holds_nobody_up_where_two_of_three_are_enough_and_is_stopped() -> None:
    stopped: list[str] = []

    async def execute(work: Work) -> Result:
        try:
            await asyncio.sleep(400 if work.task.goal == "t1" else 4)
        except asyncio.CancelledError:
            stopped.append(work.task.goal)
            raise
        return Result(f"{work.task.goal}({','.join(sorted(work.inputs.values()))})")

    whole = Task(goal="whole")
    ops = [*wide(3), Add(whole), *[Link(op.task.id, whole.id) for op in wide(3) if isinstance(op, Add)]]
    seen = run([*ops, Join(whole.id, 2, "drop")], execute)
    assert seen.decision.key == "whole(t0(),t2())"
    assert (stopped, seen.virtual_s < 12) == (["t1"], True)
    left = run([*ops, Join(whole.id, 2, "leave")], execute)
    assert (left.decision.key, left.virtual_s > 400) == ("whole(t0(),t2())", True)
