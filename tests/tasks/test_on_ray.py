"""A batch on a real Ray cluster of two nodes on this machine, worker and node killed in mid-run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import RunFailed, UsageError
from waggledance.tasks import Back, Pipeline, Row, Visit, run_on_ray, run_rows, step

on_a_cluster = [pytest.mark.slow, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


def pipeline(folder: Path, call_s: float = 0.0, processes: int = 1) -> Pipeline:
    """Three steps that note each call in a file of their process; all of it travels to the workers by value.

    The first step waits until so many processes have begun, lest one of them is done before another has started.
    """

    def note(row: Row, what: str) -> None:
        with (folder / str(os.getpid())).open("a") as file:
            file.write(f"{row.id} {what} {row.trip(what)}\n")

    @step
    async def generate(row: Row, visit: Visit) -> str:
        note(row, "generate")
        while processes > 1 and len(list(folder.iterdir())) < processes:
            await asyncio.sleep(0.05)
        await asyncio.sleep(call_s)
        return f"draft {visit.seed % 5}"

    @step(back=Back("generate", unless=lambda row: row.results["review"], times=1))
    async def review(row: Row, generate: str) -> bool:
        note(row, "review")
        await asyncio.sleep(call_s)
        return generate != "draft 0"

    @step
    async def decide(row: Row, generate: str, review: bool) -> dict[str, Any]:
        note(row, "decide")
        await asyncio.sleep(call_s)
        if row.data["n"] % 50 == 7:
            raise ValueError("sevens are not decided")
        return {"text": generate, "fine": review}

    return Pipeline([generate, review, decide])


def rows(count: int) -> list[dict[str, object]]:
    return [{"id": f"r{n}", "n": n} for n in range(count)]


def calls(folder: Path) -> dict[int, Counter[str]]:
    """By process, how often each call was made."""
    return {int(file.name): Counter(file.read_text().splitlines()) for file in folder.iterdir()}


def seen(ended: tuple[Row, ...]) -> list[tuple[object, ...]]:
    return [(row.id, row.results, row.hops, row.earlier, row.failure, row.cost) for row in ended]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="pip install waggledance[ray]")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80_000_000}
    nodes: Any = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    nodes.add_node(**node)
    ray.init(address=nodes.address, log_to_driver=False)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


class TestOnACluster:
    pytestmark = on_a_cluster

    async def test_two_nodes_give_what_one_process_gives(self, cluster: Any, tmp_path: Path) -> None:
        here, there = tmp_path / "here", tmp_path / "there"
        here.mkdir()
        there.mkdir()
        plain = await run_rows(pipeline(here), rows(400), in_flight=50, seed=3)
        spread = await run_on_ray(pipeline(there, processes=2), rows(400), in_flight=50, seed=3)
        assert seen(spread.ended) == seen(plain.ended)
        assert (spread.done, spread.failed, spread.cost) == (392, 8, plain.cost)
        made = calls(there)
        assert len(made) == 2
        assert os.getpid() not in made
        assert sum(made.values(), Counter[str]()) == calls(here)[os.getpid()]

    async def test_a_killed_worker_costs_its_calls_in_flight_only(self, cluster: Any, tmp_path: Path) -> None:
        here, there = tmp_path / "here", tmp_path / "there"
        here.mkdir()
        there.mkdir()
        plain = await run_rows(pipeline(here), rows(600), in_flight=100, seed=3)
        ended, killed = list[str](), list[int]()

        def out(row: Row) -> None:
            ended.append(row.id)
            if len(ended) == 150:
                killed.append(next(iter(calls(there))))
                os.kill(killed[0], signal.SIGKILL)

        report = await run_on_ray(pipeline(there, 0.2, processes=2), rows(600), in_flight=100, seed=3, out=out)
        assert sorted(ended) == sorted(row.id for row in plain.ended)
        assert (report.done, report.failed, report.status) == (588, 12, "complete")
        made = calls(there)
        assert len(made) == 3
        twice = sum(made.values(), Counter[str]()) - calls(here)[os.getpid()]
        assert 0 < twice.total() <= 2 * 50  # 50 in flight, and those that had just ended
        assert max(twice.values()) == 1

    async def test_results_are_those_of_a_run_without_faults_when_a_node_is_lost(
        self, cluster: Any, tmp_path: Path
    ) -> None:
        plain = await run_rows(pipeline(tmp_path), rows(300), in_flight=100, seed=5)
        third = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        count = 0

        def out(row: Row) -> None:
            nonlocal count
            count += 1
            ended.append(row)
            if count == 60:
                cluster.remove_node(third)

        ended: list[Row] = []
        await run_on_ray(pipeline(tmp_path, 0.2), rows(300), in_flight=60, seed=5, out=out)
        assert seen(tuple(sorted(ended, key=lambda row: row.at))) == seen(plain.ended)

    async def test_a_pipeline_may_be_made_by_each_worker(self, cluster: Any, tmp_path: Path) -> None:
        report = await run_on_ray(pipeline(tmp_path), rows(20), make=lambda: pipeline(tmp_path), workers=1)
        assert (report.done, len(calls(tmp_path))) == (19, 1)

    async def test_workers_of_another_version_are_refused(self, cluster: Any, tmp_path: Path) -> None:
        def other() -> Pipeline:
            return Pipeline(pipeline(tmp_path).steps[:1])

        with pytest.raises(RunFailed, match="another one than the batch's"):
            await run_on_ray(pipeline(tmp_path), rows(20), make=other)

    async def test_a_worker_that_cannot_start_ends_the_run_and_no_row_is_blamed(
        self, cluster: Any, tmp_path: Path
    ) -> None:
        class FailsToArrive:
            def __reduce__(self) -> tuple[Any, ...]:
                return int, ("this is no number",)

        arriving = FailsToArrive()

        def make() -> Pipeline:
            return pipeline(tmp_path / str(arriving))

        ended: list[Row] = []
        with pytest.raises(RunFailed, match="this is no number"):
            await run_on_ray(pipeline(tmp_path), rows(20), make=make, out=ended.append)
        assert ended == []


async def test_without_ray_installed_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"a batch on Ray needs Ray: .*pip install .*\[ray\]"):
        await run_on_ray(pipeline(tmp_path), rows(1))


async def test_numbers_out_of_range_are_refused_before_ray_starts(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in_flight"):
        await run_on_ray(pipeline(tmp_path), rows(1), in_flight=0)
    with pytest.raises(UsageError, match="workers"):
        await run_on_ray(pipeline(tmp_path), rows(1), workers=0)
