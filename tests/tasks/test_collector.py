"""The garbage collector looks less often while a batch runs, and is as it was afterwards."""

import asyncio
import gc
from collections.abc import Iterator
from threading import Barrier, Thread

import pytest

from waggledance.tasks import Pipeline, Row, run_rows, step
from waggledance.tasks._collector import MOST, PER_ROW, fewer_collections


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_it_looks_in_proportion_to_what_is_in_flight_and_then_as_before() -> None:
    for in_flight, young in ((1, 700), (100, 100 * PER_ROW), (10**6, MOST)):
        with fewer_collections(in_flight):
            assert gc.get_threshold() == (young, 10, 10)
        assert gc.get_threshold() == (700, 10, 10)


def test_of_batches_side_by_side_the_largest_counts_whichever_ends_first() -> None:
    one, other = fewer_collections(1_000), fewer_collections(100)
    with other:
        one.__enter__()
        assert gc.get_threshold()[0] == 1_000 * PER_ROW
    assert gc.get_threshold()[0] == 1_000 * PER_ROW
    one.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)


def test_what_somebody_else_sets_meanwhile_stays() -> None:
    with fewer_collections(1_000):
        gc.set_threshold(9_000, 5, 5)
        with fewer_collections(2_000):
            assert gc.get_threshold() == (9_000, 5, 5)
    assert gc.get_threshold() == (9_000, 5, 5)


@pytest.mark.parametrize("usual", [(0, 10, 10), (90_000, 10, 10)])
def test_a_collector_that_is_off_or_looks_less_often_is_left_alone(usual: tuple[int, int, int]) -> None:
    gc.set_threshold(*usual)
    with fewer_collections(10_000):
        assert gc.get_threshold() == usual
    assert gc.get_threshold() == usual


@step
async def look(row: Row) -> int:
    return gc.get_threshold()[0]


@step
async def never(row: Row) -> None:
    await asyncio.Event().wait()


async def test_a_batch_sets_it_and_puts_it_back_also_when_it_raises_or_is_cancelled() -> None:
    report = await run_rows(Pipeline([look]), [{"id": "a"}], in_flight=500)
    assert report.ended[0].results["look"] == 500 * PER_ROW
    assert gc.get_threshold() == (700, 10, 10)

    def out(row: Row) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_rows(Pipeline([look]), [{"id": "a"}], in_flight=500, out=out)
    assert gc.get_threshold() == (700, 10, 10)
    batch = asyncio.ensure_future(run_rows(Pipeline([never]), [{"id": "a"}], in_flight=500))
    await asyncio.sleep(0)
    assert gc.get_threshold()[0] == 500 * PER_ROW
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    assert gc.get_threshold() == (700, 10, 10)


def test_batches_in_threads_of_their_own_leave_it_as_it_was() -> None:
    together, seen = Barrier(4), list[int]()

    def run(in_flight: int) -> None:
        with fewer_collections(in_flight):
            together.wait()
            seen.append(gc.get_threshold()[0])
            together.wait()

    threads = [Thread(target=run, args=(n,)) for n in (100, 400, 900, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [900 * PER_ROW] * 4
    assert gc.get_threshold() == (700, 10, 10)
