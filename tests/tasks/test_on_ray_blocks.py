"""Rows in blocks to workers that die: all in virtual time, with real engines as workers and copies in place of Ray."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from typing import Any

import pytest

from waggledance.core import Budget, Cost, RunFailed, UsageError
from waggledance.tasks import Back, BatchReport, Pipeline, Row, Step, Visit, run_rows, step
from waggledance.tasks._on_ray_blocks import Blocks, WorkerDied
from waggledance.tasks._on_ray_worker import Counts, RowState, RowWorker, Told
from waggledance.testing import on_virtual_time

CALLS = Counter[tuple[str, str]]()


def pipeline(call_s: float = 1.0) -> Pipeline:
    """Draft, review and decide; a review may send a row back, and even rows are not checked."""

    @step(timeout_s=100.0)
    async def draft(row: Row, visit: Visit) -> str:
        CALLS[row.id, "draft"] += 1
        visit.spend(Cost(1, 3, 2))
        await asyncio.sleep(call_s * (1 + visit.seed % 3))
        return f"draft {visit.seed % 5} of {row.data['n']}"

    @step(back=Back("draft", unless=lambda row: row.results["review"], times=2))
    async def review(row: Row, draft: str) -> bool:
        CALLS[row.id, "review"] += 1
        await asyncio.sleep(call_s)
        return draft[6] in "012"

    @step(when=lambda row: row.data["n"] % 2 == 1)
    async def check(row: Row, review: bool) -> str:
        CALLS[row.id, "check"] += 1
        await asyncio.sleep(call_s)
        if row.data["n"] % 10 == 5:
            raise ValueError("fives are not checked")
        return "checked"

    @step
    async def decide(row: Row, draft: str, check: str | None) -> list[object]:
        CALLS[row.id, "decide"] += 1
        await asyncio.sleep(call_s)
        return [draft, check]

    return Pipeline([draft, review, check, decide])


def rows(count: int) -> list[dict[str, object]]:
    return [{"id": f"r{n}", "n": n} for n in range(count)]


class Near:
    """A worker in this process that dies when told to, and gets and gives copies only."""

    def __init__(self, inner: RowWorker, dies: asyncio.Future[None]) -> None:
        self.inner, self.dies = inner, dies
        self.most = 0
        self.here = 0

    async def trade(self, rows: list[RowState], wait_s: float, *, more: bool) -> list[Told]:
        self.here += len(rows)
        self.most = max(self.most, self.here)
        told: list[Told] = deepcopy(await self._or_die(self.inner.trade(deepcopy(rows), wait_s, more=more)))
        self.here -= sum(step is None for _, step, _, _ in told)
        return told

    async def finish(self) -> Counts:
        counts: Counts = await self._or_die(self.inner.finish())
        return counts

    async def _or_die(self, asked: Any) -> Any:
        asking = asyncio.ensure_future(asked)
        await asyncio.wait([asking, self.dies], return_when=asyncio.FIRST_COMPLETED)
        if self.dies.done():
            asking.cancel()
            raise WorkerDied("killed by the test")
        return await asking

    async def dismiss(self) -> None:
        if self.inner._run is not None:
            self.inner._run.cancel()
            await asyncio.gather(self.inner._run, return_exceptions=True)


class Crew:
    """Hires `Near` workers; the one hired as number k dies `deaths[k]` seconds later."""

    def __init__(self, make: Callable[[], Pipeline], in_flight: int, deaths: dict[int, float] | None = None) -> None:
        self.make, self.in_flight, self.deaths = make, in_flight, deaths or {}
        self.digest = make().digest
        self.hired: list[Near] = []

    async def hire(self, place: int) -> Near:
        loop = asyncio.get_running_loop()
        dies: asyncio.Future[None] = loop.create_future()
        after_s = self.deaths.get(len(self.hired))
        if after_s is not None:
            loop.call_later(after_s, dies.set_result, None)
        self.hired.append(Near(RowWorker(self.make, self.digest, self.in_flight, 7), dies))
        return self.hired[-1]


async def blocks(
    source: Any,
    crew: Crew,
    *,
    workers: int = 2,
    made: Pipeline | None = None,
    journal: Any = None,
    budget: Budget | None = None,
    out: Callable[[Row], None] | None = None,
) -> BatchReport:
    running = Blocks(
        made or crew.make(),
        source,
        crew.hire,
        workers=workers,
        in_flight=crew.in_flight * workers,
        journal=journal,
        budget=budget or Budget(),
        out=out,
        report=BatchReport(),
    )
    return await running.run()


def seen(report: BatchReport) -> list[tuple[object, ...]]:
    return [(r.id, r.results, r.hops, r.earlier, r.failure and r.failure.reason, r.at) for r in report.ended]


@pytest.fixture(autouse=True)
def _no_calls_yet() -> None:
    CALLS.clear()


def test_several_workers_end_every_row_as_one_process_does_costs_included() -> None:
    plain = on_virtual_time(run_rows(pipeline(), rows(60), in_flight=20, seed=7))
    spread = on_virtual_time(blocks(rows(60), Crew(pipeline, 10)))
    assert seen(spread) == seen(plain)
    assert spread.cost == plain.cost
    assert [row.cost for row in spread.ended] == [row.cost for row in plain.ended]
    assert (spread.done, spread.failed, spread.status) == (54, 6, "complete")
    assert spread.reasons == plain.reasons


@pytest.mark.parametrize(("after_s", "untold"), [(0.5, 0), (1.01, 10), (3.5, 0), (7.5, 0)])
def test_a_worker_that_dies_costs_its_calls_in_flight_and_what_it_had_not_told(after_s: float, untold: int) -> None:
    plain = on_virtual_time(run_rows(pipeline(), rows(60), in_flight=20, seed=7))
    once = +CALLS
    CALLS.clear()
    ended: list[str] = []
    crew = Crew(pipeline, 10, {1: after_s})
    report = on_virtual_time(blocks(rows(60), crew, out=lambda row: ended.append(row.id)))
    assert len(crew.hired) == 3
    assert sorted(ended) == sorted(row.id for row in plain.ended)
    assert (report.done, report.failed) == (54, 6)
    again = CALLS - once
    assert 0 < again.total() <= 10 + untold
    assert max(again.values()) == 1


def test_rows_of_a_dead_worker_end_as_if_it_had_lived() -> None:
    plain = on_virtual_time(run_rows(pipeline(), rows(60), in_flight=20, seed=7))
    crew = Crew(pipeline, 10, {0: 2.5, 1: 3.5, 2: 4.5, 3: 5.0})
    assert seen(on_virtual_time(blocks(rows(60), crew))) == seen(plain)


def test_a_row_that_kills_whoever_takes_it_fails_and_the_others_end() -> None:
    crew = Crew(lambda: pipeline(), 5)

    class Killing(Near):
        async def trade(self, rows: list[RowState], wait_s: float, *, more: bool) -> list[Told]:
            if any(row[0] == "r3" for row in rows):
                asyncio.get_running_loop().call_later(30.0, self.dies.set_result, None)
            return await super().trade(rows, wait_s, more=more)

    async def hire(place: int) -> Near:
        worker = await Crew.hire(crew, place)
        crew.hired[-1] = killing = Killing(worker.inner, worker.dies)
        return killing

    crew.hire = hire  # type: ignore[method-assign]

    def slow() -> Pipeline:
        made = pipeline()

        async def stuck(row: Row) -> str:
            await asyncio.sleep(1_000_000.0 if row.id == "r3" else 1.0)
            return "went on"

        return Pipeline([Step("stuck", stuck, (), ("row",)), *made.steps])

    crew.make, crew.digest = slow, slow().digest
    report = on_virtual_time(blocks(rows(40), crew), limit_s=10_000_000.0)
    (bad,) = [row for row in report.ended if row.id == "r3"]
    assert bad.failure is not None
    assert bad.failure.step == "stuck"
    assert bad.failure.reason.endswith("workers that had this row in hand died; the last: killed by the test")
    assert report.done + report.failed == 40
    assert report.failed == 5  # r3, and four that are not checked


def test_workers_that_never_start_end_the_run_saying_why() -> None:
    crew = Crew(pipeline, 5, dict.fromkeys(range(100), 0.0))

    async def hire(place: int) -> Near:
        crew.hired.append(await Crew.hire(crew, place))
        raise WorkerDied("no room on any node")

    crew.hire = hire  # type: ignore[method-assign]
    with pytest.raises(RunFailed, match="3 workers in a row died before they took a row; the last: no room"):
        on_virtual_time(blocks(rows(3), crew))


def test_a_worker_never_holds_more_than_its_share_and_as_much_ahead() -> None:
    crew = Crew(pipeline, 10)
    taken = 0

    def source() -> Any:
        nonlocal taken
        for row in rows(500):
            taken += 1
            assert taken - done <= 2 * 20
            yield row

    done = 0

    def out(row: Row) -> None:
        nonlocal done
        done += 1

    on_virtual_time(blocks(source(), crew, out=out))
    assert done == 500
    assert all(worker.most <= 20 for worker in crew.hired)


def test_both_workers_are_kept_busy() -> None:
    def even(call_s: float = 1.0) -> Pipeline:
        @step
        async def wait(row: Row) -> int:
            await asyncio.sleep(call_s)
            return int(row.data["n"])

        return Pipeline([wait])

    async def timed() -> float:
        await blocks(rows(1_000), Crew(even, 50))
        return asyncio.get_running_loop().time()

    assert on_virtual_time(timed()) <= 10.5  # 1,000 rows of one second, 100 at once: 10 s


def test_rows_that_come_slowly_start_at_once() -> None:
    began: list[float] = []

    def quick() -> Pipeline:
        @step
        async def wait(row: Row) -> float:
            began.append(asyncio.get_running_loop().time())
            await asyncio.sleep(100.0)
            return 0.0

        return Pipeline([wait])

    async def slowly() -> AsyncIterator[dict[str, object]]:
        for row in rows(10):
            await asyncio.sleep(10.0)
            yield row

    report = on_virtual_time(blocks(slowly(), Crew(quick, 50)))
    assert report.done == 10
    late = [at - 10.0 * (number + 1) for number, at in enumerate(sorted(began))]
    assert max(late) <= 0.25


def test_a_source_that_breaks_ends_the_run_with_its_error() -> None:
    async def broken() -> AsyncIterator[dict[str, object]]:
        yield {"id": "a", "n": 0}
        raise OSError("the file is gone")

    with pytest.raises(OSError, match="the file is gone"):
        on_virtual_time(blocks(broken(), Crew(pipeline, 5)))


def test_a_spent_budget_starts_no_further_row_and_lets_those_in_hand_end() -> None:
    report = on_virtual_time(blocks(rows(500), Crew(pipeline, 5), budget=Budget(calls=60)))
    assert report.status == "budget"
    assert report.limit == "the budget of 60 calls is spent"
    assert 60 <= report.cost.calls <= 60 + 20 * 10
    assert report.done + report.failed == len(report.ended) < 60


def test_a_worker_with_another_pipeline_ends_the_run() -> None:
    def other() -> Pipeline:
        @step
        async def another(row: Row) -> int:
            return 1

        return Pipeline([another])

    crew = Crew(other, 5)
    crew.make = pipeline
    with pytest.raises(RunFailed, match=r"another one than the batch's[\s\S]*draft\.needs"):
        on_virtual_time(blocks(rows(3), crew, made=other()))


class Keeps:
    """A journal in memory, as the batch sees it."""

    def __init__(self, ended: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.ended, self.told = set(ended), list[tuple[str, str]]()
        self.cost_before = Cost(calls=7)

    def begin(self, row: Row, pipeline: Pipeline) -> bool:
        if row.id == "r1":
            pipeline.settle(row, pipeline["draft"], "draft 0 of 1")
        return row.id in self.ended

    def result(self, row: Row, step: Step, value: object) -> object:
        if value == "checked" and row.id == "r7":
            raise UsageError("this cannot be written down")
        self.told.append((row.id, step.name))
        return value

    def skip(self, row: Row, step: Step) -> None:
        self.told.append((row.id, step.name))

    def end(self, row: Row) -> None:
        assert row.id not in self.ended
        self.ended.add(row.id)


def test_the_journal_hears_everything_once_and_what_it_holds_is_not_done_again() -> None:
    journal = Keeps({"r0", "r2"})
    report = on_virtual_time(blocks(rows(20), Crew(pipeline, 5, {1: 4.2}), journal=journal))
    assert report.reused == 2
    assert report.reused_results == 1
    assert journal.ended == {f"r{n}" for n in range(20)}
    assert CALLS["r0", "draft"] == CALLS["r1", "draft"] == 0
    assert report.cost_before == Cost(calls=7)
    (seven,) = [row for row in report.ended if row.id == "r7"]
    assert seven.failure is not None
    assert seven.failure.reason == "this cannot be written down"
    for row in report.ended:
        hops = [step for id, step in journal.told if id == row.id]
        skipped = ["check"] if row.results.get("check", "") is None else []
        held = ["draft"] if row.id == "r1" else []
        assert sorted(held + hops) == sorted(row.hops + skipped)
