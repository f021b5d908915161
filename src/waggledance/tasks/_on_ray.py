"""A batch on a Ray cluster: the same pipeline, rows in blocks to one engine a node, results to one journal here.

Everything between processes is Ray's own: the cluster belongs to one owner, who trusts what runs on it. Nothing that
peers of other owners said is ever unpickled this way; for those there is the mesh.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any

from waggledance.core import Budget, RunFailed, UsageError, WaggleError, with_extra
from waggledance.tasks._batch import MAX_IN_FLIGHT
from waggledance.tasks._batch_journal import Journal
from waggledance.tasks._batch_report import BatchReport
from waggledance.tasks._on_ray_blocks import Blocks, WorkerDied
from waggledance.tasks._on_ray_worker import Counts, RowState, RowWorker, Told
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._row import Row
from waggledance.tasks._step_runner import REASON_CHARS


async def run_on_ray(
    pipeline: Pipeline,
    rows: Iterable[Row | Mapping[str, Any]] | AsyncIterable[Row | Mapping[str, Any]],
    *,
    make: Callable[[], Pipeline] | None = None,
    in_flight: int = 100,
    workers: int | None = None,
    address: str | None = None,
    journal: Journal | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    out: Callable[[Row], None] | None = None,
    report: BatchReport | None = None,
) -> BatchReport:
    """Take rows through a pipeline on a Ray cluster; otherwise as `run_rows`, with the same results.

    A worker that is killed costs its calls in flight, and what it finished in the last 20 ms; its rows go on at another
    from where they stood. A budget that is reached lets rows in flight run to their end.

    Args:
        pipeline: the steps.
        rows: what goes in.
        make: makes the same pipeline at each worker, where steps hold what cannot travel, such as a model or an open
            file; without it, Ray carries `pipeline` itself to them.
        in_flight: rows under way at once over all workers, 1 to 100,000.
        workers: how many engines; one a node when None.
        address: of the cluster, as `ray.init` takes it; ``auto`` is the one running on this machine. None takes the one
            this process has joined, or that `RAY_ADDRESS` names, or starts one here for as long as the batch runs.
        journal: keeps what is done, here.
        budget: limits of the whole run.
        seed: of the run.
        out: told each row as it ends, here.
        report: is filled in while the run goes on.

    Raises:
        UsageError: Ray is not installed, or a number is out of range.
        RunFailed: no cluster could be reached, workers could not start, or they run another version of the pipeline.
    """
    if not 1 <= in_flight <= MAX_IN_FLIGHT:
        raise UsageError(f"in_flight is 1 to {MAX_IN_FLIGHT:,}, got {in_flight}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers is 1 or more, or None for one a node; got {workers}")
    ray = _ray()
    joined = ray.is_initialized()
    if not joined:
        _join(ray, address)
    try:
        nodes: list[str] = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        crew = _Crew(
            ray,
            nodes,
            ray.put((make or (lambda: pipeline), pipeline.digest)),
            -(-in_flight // (workers or len(nodes))),
            seed,
        )
        blocks = Blocks(
            pipeline,
            rows,
            crew.hire,
            workers=workers or len(nodes),
            in_flight=in_flight,
            journal=journal,
            budget=budget or Budget(),
            out=out,
            report=report or BatchReport(),
        )
        return await blocks.run()
    finally:
        if not joined:
            ray.shutdown()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody unless the owner says so
    try:
        import ray
    except ImportError:
        raise UsageError(with_extra("a batch on Ray needs Ray", "ray")) from None
    return ray


def _join(ray: Any, address: str | None) -> None:
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    try:
        ray.init(address=where, include_dashboard=False if where == "local" else None, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as why:
        raise RunFailed(
            f"no Ray cluster could be reached at {where!r}: {why}. Start one with `ray start --head` and name it, "
            "or name none to have one started here"
        ) from why


class _Actor(RowWorker):
    """A `RowWorker` in a Ray process of its own, which does nothing but the batch.

    Rows in flight are no garbage and hold no cycles; looking through them again and again costs up to half the time.
    """

    def __init__(self, made: tuple[Callable[[], Pipeline], bytes], in_flight: int, seed: int) -> None:
        super().__init__(*made, in_flight, seed)
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)


class _Crew:
    """Starts workers, one after another round the nodes."""

    def __init__(self, ray: Any, nodes: list[str], made: Any, in_flight: int, seed: int) -> None:
        self._ray, self._nodes = ray, nodes
        self._actor: Any = ray.remote(num_cpus=0)(_Actor)
        self._arguments = made, in_flight, seed

    async def hire(self, place: int) -> _RayWorker:
        """Start the worker of a place on its node, or on another if that one is gone; return once it is there."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        node = NodeAffinitySchedulingStrategy(self._nodes[place % len(self._nodes)], soft=True)
        worker = _RayWorker(self._ray, self._actor.options(scheduling_strategy=node).remote(*self._arguments))
        await worker.trade([], 0.0, more=True)
        return worker


class _RayWorker:
    """A worker at the other end of Ray."""

    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    async def trade(self, rows: list[RowState], wait_s: float, *, more: bool) -> list[Told]:
        told: list[Told] = await self._asked(self._actor.trade.remote(rows, wait_s, more=more))
        return told

    async def finish(self) -> Counts:
        counts: Counts = await self._asked(self._actor.finish.remote())
        return counts

    async def dismiss(self) -> None:
        self._ray.kill(self._actor)

    async def _asked(self, answer: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return await answer
        except errors.RayTaskError as why:
            raise _own(why.cause) from why
        except errors.RayError as why:
            said = " ".join(str(why).split())[-REASON_CHARS:]
            if getattr(why, "actor_init_failed", False):
                raise RunFailed(f"a worker could not start: … {said}") from why
            raise WorkerDied(said) from why


def _own(cause: BaseException) -> BaseException:
    """What ended a worker's engine, as an error of ours."""
    return cause if isinstance(cause, WaggleError) else RunFailed(f"a worker failed: {type(cause).__name__}: {cause}")
