"""Virtual time jumps, ends in a named deadlock, and lets nothing real in."""

import asyncio
import gc
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from waggledance.core import UsageError
from waggledance.network import Deadlock, Endless, VirtualLoop

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]], limit_s: float = float("inf")) -> T:
    async def whole() -> T:
        return await main()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit_s)) as runner:
        return runner.run(whole())


def timers() -> int:
    """Count the timers in memory, those that other tests left among them."""
    return sum(isinstance(each, asyncio.TimerHandle) for each in gc.get_objects())


def test_a_day_of_sleep_takes_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(86_400 * 3)
        return asyncio.get_running_loop().time()

    started = time.monotonic()
    assert run(main) == pytest.approx(86_400 * 3)
    assert time.monotonic() - started < 60


def test_timers_go_off_in_the_order_of_their_times() -> None:
    seen: list[tuple[str, float]] = []

    async def after(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(after("c", 3), after("a", 1), after("b", 2))

    run(main)
    assert seen == [("a", 1.0), ("b", 2.0), ("c", 3.0)]


def test_timers_of_one_moment_go_off_in_the_order_in_which_they_were_set() -> None:
    async def main() -> list[int]:
        seen, loop = list[int](), asyncio.get_running_loop()
        for number in range(100):
            loop.call_at(1.0, seen.append, number)
        await asyncio.sleep(2)
        return seen

    assert run(main) == list(range(100))


def test_timers_that_were_cancelled_never_go_off_and_are_not_kept() -> None:
    async def main() -> tuple[list[int], int]:
        seen, loop = list[int](), asyncio.get_running_loop()
        before = timers()
        for number in range(10_000):
            timer = loop.call_at(1.0 + number, seen.append, number)
            if number % 5_000:
                timer.cancel()
        kept = timers() - before
        await asyncio.sleep(20_000)
        return seen, kept

    seen, kept = run(main)
    assert seen == [0, 5_000]
    assert kept < 500


def test_a_timer_that_never_goes_off_is_none() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_at(float("inf"), print)
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(main)


def test_waiting_for_what_never_comes_is_a_deadlock_and_names_the_time() -> None:
    async def main() -> None:
        await asyncio.sleep(5)
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"deadlock after 5 s .* no peer waits on its channel"):
        run(main)


def test_what_never_ends_is_ended_at_the_limit() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(10)

    with pytest.raises(Endless, match=r"no end after \d+ s"):
        run(main, limit_s=1000)


def test_a_thread_is_refused() -> None:
    async def main() -> None:
        await asyncio.to_thread(time.monotonic)

    with pytest.raises(UsageError, match="asks for a thread"):
        run(main)


def test_a_socket_is_refused() -> None:
    async def main() -> None:
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)
            await asyncio.get_running_loop().sock_recv(here, 1)

    with pytest.raises(UsageError, match="real time"):
        run(main)


def test_looking_up_a_host_is_refused() -> None:
    async def main() -> None:
        await asyncio.open_connection("localhost", 9)

    with pytest.raises(UsageError, match="real time"):
        run(main)


def test_an_error_in_a_callback_ends_the_run() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(1, lambda: 1 // 0)
        await asyncio.sleep(2)

    with pytest.raises(ZeroDivisionError):
        run(main)


def test_the_clock_is_not_advanced_past_another_timer() -> None:
    async def main() -> tuple[bool, bool, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        results: list[bool] = []

        def jump() -> None:
            results.extend([loop.advance(1.5), loop.advance(2.5)])

        loop.call_at(1, jump)
        loop.call_at(2, lambda: None)
        await asyncio.sleep(3)
        return results[0], results[1], loop.time()

    assert run(main) == (True, False, 3.0)
