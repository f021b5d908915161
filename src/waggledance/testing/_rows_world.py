"""When rows at their own pace pay, and when several loops do: the real batch engine in virtual time.

- *Row against batch*: rows whose calls last differently long, with a new row as soon as one ends, against batches of
  the same size that wait for their slowest: E[longest of C] / E[one].
- *Peers against a centre*: every step costs the loop that steers it some time, during which it steers nothing else. One
  loop does at most 1 / cost steps a second, several as many times that.

Source: Matrix (arXiv:2511.21686), whose two claims these are; it measures them on clusters, this is exact.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf

from waggledance.core import Budget, UsageError
from waggledance.tasks import BatchReport, Pipeline, Row, run_rows, step
from waggledance.tasks._on_ray_blocks import Blocks
from waggledance.tasks._on_ray_worker import Counts, RowState, RowWorker, Told
from waggledance.testing._simulated_mesh import on_virtual_time


def row_over_batch(durations_s: Sequence[float], in_flight: int) -> float:
    """Return how many times as long batches of `in_flight` take as rows at their own pace, at equal calls in flight.

    Args:
        durations_s: how long each row's call lasts, at least one, each positive.
        in_flight: rows under way at once, at least 1.

    Raises:
        UsageError: no durations, one that is not positive, or in_flight out of range.

    >>> row_over_batch([1.0, 3.0, 1.0, 1.0], 2)
    1.3333333333333333
    """
    if not durations_s or not all(0 < duration_s < inf for duration_s in durations_s):
        raise UsageError("rows need durations that are positive and finite")

    @step
    async def call(row: Row) -> None:
        await asyncio.sleep(row.data["lasts_s"])

    rows = [{"lasts_s": duration_s} for duration_s in durations_s]

    async def at_own_pace() -> float:
        await run_rows(Pipeline([call]), rows, in_flight=in_flight)
        return asyncio.get_running_loop().time()

    async def in_batches() -> float:
        for first in range(0, len(rows), in_flight):
            await run_rows(Pipeline([call]), rows[first : first + in_flight], in_flight=in_flight)
        return asyncio.get_running_loop().time()

    return on_virtual_time(in_batches()) / on_virtual_time(at_own_pace())


def steps_a_second(
    in_flight: int, *, peers: int, steer_s: float = 0.002, call_s: float = 1.0, rows_each: int = 4
) -> float:
    """Return how many steps a second so many peers' loops get through, starting and ending included.

    Args:
        in_flight: rows under way at once over all peers, a multiple of `peers`.
        peers: loops that steer; 1 is a centre.
        steer_s: what a step costs the loop that steers it, in seconds.
        call_s: how long each call lasts, in seconds.
        rows_each: how many rows come for each that can be under way; each takes one step.

    Raises:
        UsageError: in_flight is no multiple of peers, or a number is not positive.
    """
    numbers = (in_flight, peers, steer_s, call_s, rows_each)
    if not all(0 < number < inf for number in numbers) or in_flight % peers:
        raise UsageError(
            f"in_flight must be a multiple of peers and all numbers positive, got {in_flight} in flight, {peers} "
            f"peers, steer_s={steer_s}, call_s={call_s}, rows_each={rows_each}"
        )
    rows = [{"id": str(number)} for number in range(in_flight * rows_each)]

    async def run() -> float:
        blocks = Blocks(
            _steered(steer_s, call_s),
            rows,
            _hiring(lambda: _steered(steer_s, call_s), in_flight // peers),
            workers=peers,
            in_flight=in_flight,
            journal=None,
            budget=Budget(),
            out=lambda row: None,
            report=BatchReport(),
        )
        await blocks.run()
        return asyncio.get_running_loop().time()

    return len(rows) / on_virtual_time(run())


def _steered(steer_s: float, call_s: float) -> Pipeline:
    """One step, whose loop does nothing else while it steers."""
    loop_is_busy = asyncio.Lock()

    @step(version="steered")
    async def call(row: Row) -> None:
        async with loop_is_busy:
            await asyncio.sleep(steer_s)
        await asyncio.sleep(call_s)

    return Pipeline([call])


def _hiring(make: Callable[[], Pipeline], in_flight: int) -> Callable[[int], Awaitable[_Peer]]:
    async def hire(place: int) -> _Peer:
        pipeline = make()
        return _Peer(RowWorker(lambda: pipeline, pipeline.digest, in_flight, seed=0))

    return hire


class _Peer:
    """A worker in this process; rows reach it as copies, as they would elsewhere."""

    def __init__(self, worker: RowWorker) -> None:
        self._worker = worker

    async def trade(self, rows: list[RowState], wait_s: float, *, more: bool) -> list[Told]:
        copies = [(id, data, {**done}, [*hops], {**past}, cost) for id, data, done, hops, past, cost in rows]
        return await self._worker.trade(copies, wait_s, more=more)

    async def finish(self) -> Counts:
        return await self._worker.finish()

    async def dismiss(self) -> None:
        """Do nothing: it ends by itself."""
