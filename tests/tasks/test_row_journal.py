"""A journal goes on where a killed run ended: nothing is done twice but calls in flight, and each row ends once."""

from __future__ import annotations

import asyncio
import os
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Cost, UsageError
from waggledance.tasks import (
    Back,
    JournalFailed,
    JournalInUse,
    Pipeline,
    PlanChanged,
    Row,
    RowJournal,
    Visit,
    run_rows,
    step,
)
from waggledance.tasks._row_frames import HEADER


class Killed(BaseException):
    """Stands for SIGKILL: nothing runs after it."""


class World:
    """A pipeline that counts its calls, and a switch that ends the process in the middle of one."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.left = 10**9

        @step
        async def generate(row: Row, visit: Visit) -> dict[str, Any]:
            visit.spend(Cost(prompt_tokens=3))
            return await self.call(row, "generate", {"draft": row.data["n"], "trip": visit.trip})

        @step(back=Back("generate", unless=lambda row: row.data["n"] % 3 != 0))
        async def review(row: Row, generate: dict[str, Any]) -> list[Any]:
            return await self.call(row, "review", [generate["draft"] * 2, row.trip("review")])

        @step(when=lambda row: row.data["n"] % 2 == 0)
        async def extra(row: Row, review: list[Any]) -> str:
            return await self.call(row, "extra", "é\n" * row.data["n"])

        @step
        async def decide(row: Row, review: list[Any], extra: str | None) -> str:
            return await self.call(row, "decide", f"{review} {extra!r}")

        self.pipeline = Pipeline([generate, review, extra, decide])

    async def call(self, row: Row, name: str, value: Any) -> Any:
        self.calls[row.id, name] += 1
        if self.left <= 0:
            raise Killed
        self.left -= 1
        await asyncio.sleep(0)
        return value

    async def run(self, path: Path, rows: int, left: int = 10**9, in_flight: int = 5) -> list[Any]:
        """Run, or die after `left` calls; return what ended, in order."""
        self.left = left
        with RowJournal(path, self.pipeline) as journal:
            items: Iterator[dict[str, Any]] = ({"id": f"r{i}", "n": i} for i in range(rows))
            try:
                await run_rows(self.pipeline, items, in_flight=in_flight, journal=journal, out=lambda _: None)
            except Killed:
                return []
            return [(row.id, row.results, row.hops, row.failure) for row in journal.ended()]


@pytest.mark.parametrize("left", [0, 1, 7, 33, 60])
async def test_a_killed_run_goes_on_and_does_nothing_twice_but_calls_in_flight(tmp_path: Path, left: int) -> None:
    world, whole = World(), World()
    expected = await whole.run(tmp_path / "whole", 20)
    assert await world.run(tmp_path / "j", 20, left) == []
    assert await world.run(tmp_path / "j", 20) == expected
    twice = world.calls - whole.calls
    assert sum(twice.values()) <= 5, "only rows in flight"
    assert not whole.calls - world.calls


@given(lefts=st.lists(st.integers(0, 25), max_size=4), in_flight=st.integers(1, 8))
@settings(max_examples=12)
def test_killed_any_number_of_times_the_rows_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, lefts: list[int], in_flight: int
) -> None:
    folder = tmp_path_factory.mktemp("j")

    async def main() -> tuple[list[Any], list[Any]]:
        world = World()
        for left in lefts:
            await world.run(folder / "j", 9, left, in_flight)
        return await world.run(folder / "j", 9), await World().run(folder / "whole", 9)

    resumed, whole = asyncio.run(main())
    assert resumed == whole


async def test_a_run_that_is_over_is_not_done_again(tmp_path: Path) -> None:
    world = World()
    first = await world.run(tmp_path / "j", 6)
    with RowJournal(tmp_path / "j", world.pipeline) as journal:
        assert not journal._open, "nothing is held of rows that have ended"
    calls = world.calls.total()
    assert await world.run(tmp_path / "j", 6) == first
    assert world.calls.total() == calls


async def test_cost_of_all_runs_is_known_and_counts_against_the_budget(tmp_path: Path) -> None:
    world = World()
    await world.run(tmp_path / "j", 6, left=9, in_flight=1)
    with RowJournal(tmp_path / "j", world.pipeline) as journal:
        kept = journal.cost_before
    await world.run(tmp_path / "j", 6)
    with RowJournal(tmp_path / "j", world.pipeline) as journal:
        assert journal.cost_before.calls == world.calls.total() - 1, "all but the call that was in flight"
        assert journal.cost_before.prompt_tokens == 3 * 8 > kept.prompt_tokens > 0


@pytest.mark.parametrize("cut", [1, 5, 30, 64])
async def test_a_frame_that_was_cut_in_two_is_cut_off_and_done_again(tmp_path: Path, cut: int) -> None:
    world = World()
    whole = await world.run(tmp_path / "j", 6)
    os.truncate(tmp_path / "j", (tmp_path / "j").stat().st_size - cut)
    with RowJournal(tmp_path / "j", world.pipeline) as journal:
        assert journal.cut_off > 0
        assert journal.ended_before == 5
    assert await world.run(tmp_path / "j", 6) == whole


async def test_a_flipped_bit_costs_what_stands_behind_it_and_nothing_wrong_is_read(tmp_path: Path) -> None:
    world = World()
    whole = await world.run(tmp_path / "j", 6)
    raw = (tmp_path / "j").read_bytes()
    with RowJournal(tmp_path / "j", world.pipeline) as journal:
        first = journal._file.payload(0)
    for at in range(HEADER.size + len(first), len(raw), 41):
        (tmp_path / "j").write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
        assert await world.run(tmp_path / "j", 6) == whole, at


async def test_a_changed_plan_is_refused_with_the_difference_and_fresh_starts_over(tmp_path: Path) -> None:
    world = World()
    await world.run(tmp_path / "j", 3)

    @step(retries=2)
    async def generate(row: Row) -> str:
        return "other"

    other = Pipeline([generate])
    with pytest.raises(PlanChanged, match=r"(?s)\+generate.retries: 2.*--fresh"):
        RowJournal(tmp_path / "j", other)
    with pytest.raises(PlanChanged, match=r"(?s)-seed: 0.*\+seed: 9"):
        RowJournal(tmp_path / "j", world.pipeline, seed=9)
    with RowJournal(tmp_path / "j", other, fresh=True) as journal:
        assert journal.ended_before == 0


async def test_a_row_whose_fields_changed_is_done_anew(tmp_path: Path) -> None:
    world = World()
    for n in (1, 1, 5):
        with RowJournal(tmp_path / "j", world.pipeline) as journal:
            await run_rows(world.pipeline, [{"id": "r", "n": n}], journal=journal)
    assert world.calls["r", "decide"] == 2


async def test_rows_that_failed_are_tried_again_only_when_asked_and_keep_what_was_done(tmp_path: Path) -> None:
    works, drafts = False, 0

    @step
    async def draft(row: Row) -> str:
        nonlocal drafts
        drafts += 1
        return "draft"

    @step
    async def send(draft: str) -> str:
        if not works:
            raise ConnectionError("down")
        return "sent"

    pipeline = Pipeline([draft, send])

    async def go(*, again: bool) -> tuple[int, int, int]:
        with RowJournal(tmp_path / "j", pipeline, again=again) as journal:
            report = await run_rows(pipeline, [{"id": "a"}], journal=journal)
            return report.done, report.failed, report.reused

    assert await go(again=False) == (0, 1, 0)
    works = True
    assert await go(again=False) == (0, 0, 1)
    assert await go(again=True) == (1, 0, 0)
    assert await go(again=True) == (0, 0, 1)
    assert drafts == 1


def test_a_journal_has_one_writer(tmp_path: Path) -> None:
    pipeline = World().pipeline
    with RowJournal(tmp_path / "j", pipeline), pytest.raises(JournalInUse, match=r"process \d+ \(this one\)"):
        RowJournal(tmp_path / "j", pipeline)
    RowJournal(tmp_path / "j", pipeline).close()


@pytest.mark.parametrize("content", [b"id,question\n1,why\n" * 20, b"x", bytes(65)])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    for fresh in (False, True):
        with pytest.raises(UsageError, match="no journal but something else"):
            RowJournal(tmp_path / "j", World().pipeline, fresh=fresh)
    assert (tmp_path / "j").read_bytes() == content


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    with pytest.raises(UsageError, match="is a directory"):
        RowJournal(tmp_path / "j", World().pipeline)
    with pytest.raises(UsageError, match="no such file or directory; give another place"):
        RowJournal(tmp_path / "none" / "j", World().pipeline)


async def test_a_result_that_json_cannot_hold_fails_its_row(tmp_path: Path) -> None:
    @step
    async def odd(row: Row) -> object:
        return object() if row.data["n"] else 1

    pipeline = Pipeline([odd])
    with RowJournal(tmp_path / "j", pipeline) as journal:
        report = await run_rows(pipeline, [{"n": 0}, {"n": 1}], journal=journal)
    assert (report.done, report.failed) == (1, 1)
    assert "what step 'odd' returned cannot be kept" in next(iter(report.reasons))


async def test_a_result_of_a_schema_comes_back_as_that_schema(tmp_path: Path) -> None:
    class Draft(msgspec.Struct):
        text: str

    broken = True

    @step(schema=Draft)
    async def draft(row: Row) -> dict[str, str]:
        return {"text": "hello"}

    @step
    async def use(draft: Draft) -> str:
        if broken:
            raise Killed
        return draft.text

    pipeline = Pipeline([draft, use])
    with RowJournal(tmp_path / "j", pipeline) as journal, pytest.raises(Killed):
        await run_rows(pipeline, [{"id": "a"}], journal=journal)
    broken = False
    with RowJournal(tmp_path / "j", pipeline) as journal:
        report = await run_rows(pipeline, [{"id": "a"}], journal=journal)
    assert report.reused_results == 1
    assert report.ended[0].results["use"] == "hello"


async def test_a_full_disk_ends_the_run_with_what_to_do_and_the_journal_goes_on_later(tmp_path: Path) -> None:
    world, path = World(), tmp_path / "j"
    whole = await World().run(tmp_path / "whole", 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "whole").stat().st_size // 2, hard))
    try:
        with pytest.raises(JournalFailed, match=r"no space left.*safe.*make room.*goes on") as failed:
            await world.run(path, 20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert failed.value.exit_code == 74
    assert await world.run(path, 20) == whole
    with RowJournal(path, world.pipeline) as journal:
        assert journal.cut_off == 0


@pytest.mark.parametrize("value", [float("nan"), {"score": [1.0, float("inf")]}, (None, -float("inf"))])
async def test_a_number_that_is_none_fails_its_row_and_does_not_become_nothing(tmp_path: Path, value: Any) -> None:
    @step
    async def scored() -> Any:
        return value

    pipeline = Pipeline([scored])
    with RowJournal(tmp_path / "j", pipeline) as journal:
        (row,) = (await run_rows(pipeline, [{"id": "r"}], journal=journal)).ended
    assert row.failure is not None
    assert "NaN or infinite" in row.failure.reason


async def test_a_step_gets_the_same_from_the_step_before_whether_or_not_the_run_was_killed_between(
    tmp_path: Path,
) -> None:
    got: list[Any] = []
    dead = [True]

    @step
    async def first() -> Any:
        return {"pair": (1, 2), "nothing": None}

    @step
    async def second(first: Any) -> str:
        got.append(first)
        if dead.pop() if dead else False:
            raise Killed
        return "done"

    pipeline = Pipeline([first, second])
    for _ in range(2):
        with RowJournal(tmp_path / "j", pipeline) as journal, suppress(Killed):
            await run_rows(pipeline, [{"id": "r"}], journal=journal)
    assert got == [{"pair": [1, 2], "nothing": None}] * 2
    assert type(got[0]["pair"]) is type(got[1]["pair"])
