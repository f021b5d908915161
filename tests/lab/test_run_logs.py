"""The logs of an arm's runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from waggledance import FunctionPeer, Swarm
from waggledance.core import Log
from waggledance.lab._run_logs import Numbered, RunLogs, run_seed, seed_of


async def run(logs: RunLogs, seed: int, answer: str = "4", *, hangs: bool = False) -> None:
    async def slow(question: str) -> str:
        await asyncio.sleep(3600)
        return answer

    peer = FunctionPeer("p", slow if hangs else (lambda _: answer))
    await Swarm([peer], log=Numbered(logs, 7), seed=seed).ask("2 + 2?")


def test_every_run_has_a_seed_of_its_own() -> None:
    seeds = {run_seed(s, t, r) for s in range(4) for t in ("a", "b", "ab") for r in range(5)}
    assert len(seeds) == 60
    assert all(0 <= seed < 2**62 for seed in seeds)


async def test_a_second_sitting_writes_a_second_part_and_the_first_of_two_equal_runs_counts(tmp_path: Path) -> None:
    for answer in ("4", "5"):
        with RunLogs(tmp_path) as logs:
            await run(logs, 11, answer)
    assert [part.name for part in RunLogs(tmp_path).parts()] == ["part-0001.db", "part-0002.db"]
    (messages,) = RunLogs(tmp_path).read()
    assert seed_of(messages) == 11
    with Log(tmp_path / "part-0001.db", "r") as log:
        assert log.read(log.names()[0]) == messages


async def test_a_run_that_was_interrupted_or_cut_off_does_not_count(tmp_path: Path) -> None:
    with RunLogs(tmp_path) as logs:
        await run(logs, 1)
        hanging = asyncio.create_task(run(logs, 2, hangs=True))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
    assert RunLogs(tmp_path).finished() == {1}


async def test_a_channel_is_named_alike_whichever_run_came_first(tmp_path: Path) -> None:
    names: list[str] = []
    for folder, order in (("a", (1, 2)), ("b", (2, 1))):
        with RunLogs(tmp_path / folder) as logs:
            for seed in order:
                await run(logs, seed)
        names.append("".join(sorted(m[0].channel for m in RunLogs(tmp_path / folder).read())))
    assert names[0] == names[1]


def test_without_runs_there_is_nothing_and_no_folder_is_made(tmp_path: Path) -> None:
    with RunLogs(tmp_path / "none") as logs:
        assert logs.finished() == set()
    assert not (tmp_path / "none").exists()
