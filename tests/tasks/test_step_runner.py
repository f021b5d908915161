"""Steps that never return, raise, hang on, or straggle cost their row at most, and never the run."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from waggledance.core import Budget
from waggledance.tasks import BatchReport, Pipeline, Row, Visit, run_rows, step
from waggledance.testing import on_virtual_time


def rows(n: int) -> list[dict[str, Any]]:
    return [{"id": f"r{i}", "n": i} for i in range(n)]


def ran(*steps: Any, n: int = 1, **how: Any) -> BatchReport:
    return on_virtual_time(run_rows(Pipeline(steps), rows(n), **how))


def test_a_step_that_never_returns_times_out_and_the_others_go_on() -> None:
    @step(timeout_s=4, retries=1)
    async def hang(row: Row) -> str:
        if row.data["n"] == 1:
            await asyncio.get_running_loop().create_future()
        return "fine"

    report = ran(hang, n=3)
    assert (report.done, report.failed, report.timed_out, report.retried) == (2, 1, 2, 1)
    assert report.seconds == pytest.approx(8)
    assert report.reasons == {"hang: no end within 4 s": 1}


def test_an_attempt_in_time_after_one_too_late_is_a_result() -> None:
    @step(timeout_s=4, retries=1)
    async def slow_once(visit: Visit) -> int:
        await asyncio.sleep(9 if visit.attempt == 0 else 3)
        return visit.attempt

    report = ran(slow_once)
    assert report.ended[0].results == {"slow_once": 1}
    assert report.seconds == pytest.approx(7)


def test_a_step_that_answers_when_it_is_told_to_end_is_late_all_the_same() -> None:
    @step(timeout_s=1)
    async def stubborn(row: Row) -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return "too late"
        return "never"

    report = ran(stubborn)
    assert report.reasons == {"stubborn: no end within 1 s": 1}


def test_a_step_that_does_not_end_when_it_is_told_to_is_given_up_and_holds_nobody_up() -> None:
    @step(timeout_s=1, width=1)
    async def deaf(row: Row) -> str:
        for _ in range(40 if row.data["n"] == 0 else 0):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return "fine"

    report = ran(deaf, n=4, in_flight=2)
    assert (report.done, report.failed, report.stuck, report.in_flight) == (3, 1, 1, 0)
    assert [row.id for row in report.ended] == ["r0", "r1", "r2", "r3"]
    assert report.seconds < 20
    assert "given up" in next(iter(report.reasons))


def test_a_branch_that_does_not_end_is_given_up_too() -> None:
    @step(timeout_s=1)
    async def deaf(row: Row) -> str:
        for _ in range(40):
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                continue
        return "fine"

    @step
    async def beside(row: Row) -> str:
        await asyncio.sleep(90)
        return "fine"

    report = ran(deaf, beside, n=2, in_flight=1)
    assert (report.failed, report.stuck) == (2, 2)
    assert report.seconds < 20


def test_a_step_that_cancels_itself_fails_its_row() -> None:
    @step
    async def self_cancelling(row: Row) -> None:
        raise asyncio.CancelledError

    report = ran(self_cancelling, n=2)
    assert report.reasons == {"self_cancelling: it cancelled itself": 2}


def test_a_time_out_is_forgotten_once_it_is_dealt_with() -> None:
    @step(timeout_s=1, retries=1)
    async def odd(visit: Visit) -> None:
        await asyncio.sleep(9 if visit.attempt == 0 else 0)
        raise asyncio.CancelledError

    report = ran(odd, n=2, in_flight=1)
    assert report.reasons == {"odd: it cancelled itself": 2}


def test_a_failing_branch_stops_the_others_of_its_row() -> None:
    ended = 0

    @step
    async def fails(row: Row) -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    @step
    async def long(row: Row) -> None:
        nonlocal ended
        await asyncio.sleep(50)
        ended += 1

    report = ran(fails, long)
    assert report.reasons == {"fails: ValueError: no": 1}
    assert (ended, report.seconds) == (0, pytest.approx(1))


def straggling(*, idempotent: bool, seen: list[tuple[str, int]] | None = None) -> Any:
    calls: dict[str, int] = {}

    @step(idempotent=idempotent)
    async def sometimes_slow(row: Row, visit: Visit) -> int:
        calls[row.id] = calls.get(row.id, 0) + 1
        if seen is not None:
            seen.append((row.id, visit.seed))
        await asyncio.sleep(100 if row.data["n"] % 50 == 49 and calls[row.id] == 1 else 1)
        return visit.seed

    return sometimes_slow


def test_a_straggler_gets_a_second_copy_with_the_same_seed_and_the_first_answer_wins() -> None:
    seen: list[tuple[str, int]] = []
    plain, hedged = ran(straggling(idempotent=False), n=200), ran(straggling(idempotent=True, seen=seen), n=200)
    assert (plain.seconds, plain.hedged) == (pytest.approx(102, abs=3), 0)
    assert hedged.seconds < 8
    assert hedged.hedged >= 4
    assert hedged.cost.calls == 200 + hedged.hedged
    assert [row.results for row in hedged.ended] == [row.results for row in plain.ended]
    assert len(set(seen)) == 200 < len(seen)


def test_a_copy_that_fails_does_not_end_the_first() -> None:
    calls: dict[str, int] = {}

    @step(idempotent=True)
    async def once_only(row: Row) -> str:
        calls[row.id] = calls.get(row.id, 0) + 1
        if calls[row.id] > 1:
            raise ValueError("a second time")
        await asyncio.sleep(30 if row.data["n"] == 60 else 1)
        return "first"

    report = ran(once_only, n=61, in_flight=10)
    assert (report.done, report.hedged) == (61, 1)


def test_no_copy_is_started_once_the_budget_is_spent() -> None:
    report = ran(straggling(idempotent=True), n=200, in_flight=200, budget=Budget(calls=200))
    assert (report.status, report.hedged, report.cost.calls) == ("complete", 0, 200)


def test_when_everything_gets_slow_at_once_one_call_in_ten_is_copied_at_most() -> None:
    @step(idempotent=True)
    async def slower(row: Row) -> None:
        await asyncio.sleep(1 if row.at < 100 else 50)

    report = ran(slower, n=300, in_flight=100)
    assert 0 < report.hedged <= 20


def test_a_row_cancelled_while_its_copy_runs_leaves_nothing_behind() -> None:
    async def main() -> tuple[int, str]:
        report = BatchReport()
        run = asyncio.create_task(run_rows(Pipeline([straggling(idempotent=True)]), rows(200), report=report))
        await asyncio.sleep(4)
        run.cancel()
        await asyncio.wait([run])
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()), report.status

    assert on_virtual_time(main()) == (1, "interrupted")


def test_ten_thousand_rows_with_time_outs_need_one_timer() -> None:
    most = 0

    @step(timeout_s=50)
    async def wait(row: Row) -> None:
        nonlocal most
        if row.at == 900:
            timers = [each for each in gc.get_objects() if isinstance(each, asyncio.TimerHandle)]
            most = sum(not timer.cancelled() and "Deadlines" in repr(timer) for timer in timers)
        await asyncio.sleep(1)

    assert ran(wait, n=1000, in_flight=1000).done == 1000
    assert most == 1
