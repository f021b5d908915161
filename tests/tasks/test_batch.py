"""Rows go through a pipeline at their own pace; what fails ends alone, and nothing piles up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import pytest

from waggledance.core import Budget, Cost, UsageError
from waggledance.tasks import Back, BatchReport, Pipeline, Row, Visit, run_rows, step
from waggledance.testing import on_virtual_time


@step
async def generate(row: Row) -> str:
    return f"draft of {row.data['topic']}"


@step
async def review(row: Row, generate: str) -> str:
    return f"seen: {generate}"


@step
async def decide(row: Row, generate: str, review: str) -> str:
    return f"{generate} / {review}"


THREE = Pipeline([generate, review, decide])


def topics(n: int) -> Iterator[dict[str, Any]]:
    return ({"id": f"r{i}", "topic": f"t{i}"} for i in range(n))


async def test_every_row_goes_through_every_step_and_comes_back_in_order() -> None:
    report = await run_rows(THREE, topics(250), in_flight=7)
    assert [row.id for row in report.ended] == [f"r{i}" for i in range(250)]
    assert report.ended[3].results["decide"] == "draft of t3 / seen: draft of t3"
    assert (report.status, report.done, report.failed, report.cost.calls) == ("complete", 250, 0, 750)


async def test_rows_may_come_from_an_async_source_and_without_ids() -> None:
    async def coming() -> AsyncIterator[dict[str, Any]]:
        for i in range(30):
            await asyncio.sleep(0)
            yield {"topic": str(i)}

    report = await run_rows(THREE, coming(), in_flight=4)
    assert len({row.id for row in report.ended}) == 30


async def test_no_rows_are_done_at_once() -> None:
    assert (await run_rows(THREE, [])).status == "complete"


@pytest.mark.parametrize("in_flight", [0, -1, 100_001])
async def test_an_impossible_number_in_flight_is_refused(in_flight: int) -> None:
    with pytest.raises(UsageError, match="in_flight"):
        await run_rows(THREE, [], in_flight=in_flight)


async def test_a_source_of_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match="row 1 is a int"):
        await run_rows(THREE, [3])  # type: ignore[list-item]  # that is the point


def test_a_new_row_starts_the_moment_one_ends() -> None:
    """Matrix: rows ÷ batches is E[max of C] ÷ E[one]; at sigma .5 and 32 in flight it was 2.58."""
    rng = Random(1)
    durations = [rng.lognormvariate(0, 0.5) for _ in range(3200)]

    @step
    async def call(row: Row) -> None:
        await asyncio.sleep(durations[int(row.data["n"])])

    async def by_rows() -> float:
        return (await run_rows(Pipeline([call]), [{"n": i} for i in range(3200)], in_flight=32)).seconds

    by_batches_s = sum(max(durations[i : i + 32]) for i in range(0, 3200, 32))
    assert by_batches_s / on_virtual_time(by_rows()) >= 2.3


def test_memory_is_that_of_rows_in_flight_because_the_reader_waits() -> None:
    read = ended = most = 0

    def source() -> Iterator[dict[str, Any]]:
        nonlocal read, most
        for i in range(500):
            read += 1
            most = max(most, read - ended)
            yield {"id": i}

    def out(_: Row) -> None:
        nonlocal ended
        ended += 1

    @step
    async def wait(row: Row) -> None:
        await asyncio.sleep(1 + row.at % 7)

    report = on_virtual_time(run_rows(Pipeline([wait]), source(), in_flight=20, out=out))
    assert report.done == 500
    assert most <= 21
    assert report.ended == ()


def test_a_step_runs_as_wide_as_it_says() -> None:
    now = most = 0

    @step(width=3)
    async def narrow(row: Row) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(1)
        now -= 1

    report = on_virtual_time(run_rows(Pipeline([narrow]), topics(30), in_flight=30))
    assert (most, report.seconds) == (3, pytest.approx(10))


def test_steps_of_one_row_that_do_not_need_each_other_run_side_by_side() -> None:
    @step
    async def left(row: Row) -> str:
        await asyncio.sleep(3)
        return "l"

    @step
    async def right(row: Row) -> str:
        await asyncio.sleep(1)
        return "r"

    @step
    async def after_right(right: str) -> str:
        await asyncio.sleep(1)
        return right * 2

    @step
    async def both(left: str, after_right: str) -> str:
        return left + after_right

    report = on_virtual_time(run_rows(Pipeline([left, right, after_right, both]), topics(2)))
    assert report.ended[0].results["both"] == "lrr"
    assert report.seconds == pytest.approx(3), "after_right starts when right ends, not when left does"


async def test_a_step_whose_condition_does_not_hold_is_skipped_with_none() -> None:
    @step(when=lambda row: row.data["topic"] == "t1")
    async def extra(row: Row) -> str:
        return "extra"

    @step
    async def last(extra: str | None) -> str:
        return extra or "plain"

    report = await run_rows(Pipeline([extra, last]), topics(2))
    assert [row.results for row in report.ended] == [
        {"extra": None, "last": "plain"},
        {"extra": "extra", "last": "extra"},
    ]
    assert report.cost.calls == 3


async def test_a_review_that_fails_sends_the_row_back_with_what_it_said() -> None:
    @step
    async def draft(row: Row) -> str:
        return f"draft {row.trip('draft')}, after {row.earlier.get('judge')}"

    @step(back=Back("draft", unless=lambda row: row.trip("judge") == 3, times=5))
    async def judge(draft: str) -> str:
        return f"no to {draft[:7]}"

    [row] = (await run_rows(Pipeline([draft, judge]), topics(1))).ended
    assert row.results["draft"] == "draft 2, after no to draft 1"
    assert row.hops == ["draft", "judge"] * 3


def test_a_loop_stops_what_runs_on_the_old_draft() -> None:
    ran: list[str] = []

    @step
    async def draft(row: Row) -> int:
        return row.trip("draft")

    @step(back=Back("draft", unless=lambda row: row.results["draft"] == 1))
    async def judge(draft: int) -> None:
        await asyncio.sleep(1)

    @step
    async def slow(draft: int) -> int:
        await asyncio.sleep(5)
        ran.append(f"slow {draft}")
        return draft

    report = on_virtual_time(run_rows(Pipeline([draft, judge, slow]), topics(1)))
    assert ran == ["slow 1"]
    assert report.ended[0].results["slow"] == 1
    assert report.seconds == pytest.approx(6)


@pytest.mark.parametrize("order", ["judge first", "slow first"])
def test_a_result_of_the_old_draft_that_comes_with_the_loop_back_is_dropped(order: str) -> None:
    early, late = ("ajudge", "slow") if order == "judge first" else ("zjudge", "slow")

    @step
    async def draft(row: Row) -> int:
        return row.trip("draft")

    @step(name=early, back=Back("draft", unless=lambda row: row.results["draft"] == 1))
    async def judge(draft: int) -> None:
        await asyncio.sleep(1)

    @step(name=late)
    async def slow(draft: int) -> int:
        await asyncio.sleep(1)
        return draft

    report = on_virtual_time(run_rows(Pipeline([draft, judge, slow]), topics(1)))
    assert report.ended[0].results["slow"] == 1


def test_a_spent_budget_lets_the_calls_of_a_row_that_are_in_flight_end() -> None:
    ended: list[str] = []

    @step
    async def long(row: Row) -> None:
        await asyncio.sleep(5)
        ended.append("long")

    @step
    async def short(row: Row) -> None:
        await asyncio.sleep(1)

    @step
    async def more(short: None) -> None:
        ended.append("more")

    report = on_virtual_time(run_rows(Pipeline([long, short, more]), topics(1), budget=Budget(calls=2)))
    assert (report.status, ended, report.seconds) == ("budget", ["long"], pytest.approx(5))


async def test_a_failed_row_ends_alone_with_its_reason_and_is_tried_as_often_as_it_says() -> None:
    tries: list[int] = []

    @step(retries=2, check=lambda row, value: "odd" if value % 2 else None)
    async def even(row: Row, visit: Visit) -> int:
        tries.append(visit.attempt)
        return int(row.data["n"])

    report = await run_rows(Pipeline([even]), [{"n": 2}, {"n": 3}, {"n": 4}], in_flight=1)
    assert (report.done, report.failed, report.retried) == (2, 1, 2)
    failure = report.ended[1].failure
    assert failure is not None
    assert (failure.step, failure.reason, failure.attempts) == ("even", "check: odd", 3)
    assert tries == [0, 0, 1, 2, 0]
    assert report.reasons == {"even: check: odd": 1}


def test_a_step_that_raises_is_tried_again_after_a_pause() -> None:
    @step(retries=3)
    async def flaky(row: Row, visit: Visit) -> str:
        if visit.attempt < 2:
            raise ConnectionError("reset by peer")
        return "at last"

    report = on_virtual_time(run_rows(Pipeline([flaky]), topics(1)))
    assert report.ended[0].results == {"flaky": "at last"}
    assert report.seconds == pytest.approx(0.6)
    assert report.ended[0].cost.calls == 3


async def test_a_wrong_schema_is_a_failed_attempt_and_a_right_one_is_converted() -> None:
    @step(schema=dict[str, int])
    async def counts(row: Row) -> Any:
        return {"a": 1} if row.data["ok"] else {"a": "many"}

    report = await run_rows(Pipeline([counts]), [{"ok": True}, {"ok": False}])
    assert report.ended[0].results == {"counts": {"a": 1}}
    assert report.ended[1].failure is not None
    assert "wrong schema: Expected `int`, got `str`" in report.ended[1].failure.reason


async def test_conditions_and_checks_that_raise_fail_their_row_only() -> None:
    @step(when=lambda row: row.data["n"] / 0 > 1)
    async def never(row: Row) -> None: ...

    report = await run_rows(Pipeline([never]), [{"n": 1}, {"n": 2}])
    assert report.failed == 2
    assert "ZeroDivisionError" in next(iter(report.reasons))


async def test_an_id_seen_before_or_of_no_use_fails_its_row_and_the_others_go_on() -> None:
    rows = [{"id": "a", "topic": "1"}, {"id": "a", "topic": "2"}, {"id": [1], "topic": "3"}, {"id": 7, "topic": "4"}]
    report = await run_rows(THREE, rows)
    assert (report.done, report.failed) == (2, 2)
    assert [row.id for row in report.ended] == ["a", "a, row 2", "row 3", "7"]


async def test_a_spent_budget_ends_the_run_and_says_which_limit() -> None:
    report = await run_rows(THREE, topics(100), in_flight=5, budget=Budget(calls=30))
    assert (report.status, report.limit) == ("budget", "the budget of 30 calls is spent")
    assert report.cost.calls == 30
    assert report.failed == 0


async def test_what_visits_spend_is_counted_and_ends_the_run_by_tokens() -> None:
    @step
    async def ask(row: Row, visit: Visit) -> None:
        visit.spend(Cost(calls=3, prompt_tokens=60, completion_tokens=40))

    report = await run_rows(Pipeline([ask]), topics(100), in_flight=1, budget=Budget(tokens=950))
    assert report.done == 10
    assert report.cost == Cost(calls=30, prompt_tokens=600, completion_tokens=400)
    assert report.ended[0].cost == Cost(calls=3, prompt_tokens=60, completion_tokens=40)


async def results_at(in_flight: int) -> list[Any]:
    @step(retries=1)
    async def draw(row: Row, visit: Visit) -> int:
        await asyncio.sleep(visit.seed % 7)
        return visit.seed

    return [row.results for row in (await run_rows(Pipeline([draw]), topics(50), in_flight=in_flight, seed=5)).ended]


def test_results_are_the_same_at_any_number_in_flight() -> None:
    assert on_virtual_time(results_at(1)) == on_virtual_time(results_at(40))


async def test_cancelling_the_run_cancels_every_call_and_says_so() -> None:
    report, started, ended = BatchReport(), asyncio.Event(), 0

    @step
    async def forever(row: Row) -> None:
        nonlocal ended
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended += 1

    run = asyncio.create_task(run_rows(Pipeline([forever]), topics(9), in_flight=3, report=report))
    await started.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert (report.status, report.in_flight, ended) == ("interrupted", 0, 3)


async def test_whoever_takes_rows_may_end_the_run_by_raising() -> None:
    def out(row: Row) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await run_rows(THREE, topics(100), out=out)


async def test_steps_that_never_wait_let_others_have_a_turn() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await run_rows(THREE, topics(5000))
    beside.cancel()
    assert turns > 2
