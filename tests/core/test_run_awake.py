from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from waggledance.core import run_awake

HEARD_BY_ANOTHER_THREAD = """
import asyncio, os, signal, threading, time
from waggledance.core import run_awake

def interrupt():  # another thread takes the signal: the loop's system call is not interrupted
    time.sleep(0.2)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

async def main():
    threading.Thread(target=interrupt).start()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise

try:
    run_awake(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="asyncio's loop on Windows is woken by signals itself")
def test_a_signal_that_does_not_interrupt_the_loops_sleep_ends_it_all_the_same() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HEARD_BY_ANOTHER_THREAD], capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.stdout.split() == ["cancelled", "interrupted"], ran.stderr


A_THREAD_AT_WORK = """
import asyncio, os, signal, time
from waggledance.core import run_awake

async def main():
    asyncio.get_running_loop().call_later(0.2, signal.raise_signal, signal.SIGINT)
    await asyncio.to_thread(time.sleep, 600)

try:
    run_awake(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


def test_a_thread_at_work_is_not_waited_for_after_ctrl_c() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", A_THREAD_AT_WORK], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.split() == ["interrupted"], ran.stderr


def test_the_result_comes_back_and_the_wakeup_of_before_is_restored() -> None:
    async def four() -> int:
        await asyncio.sleep(0)
        return 4

    before = signal.set_wakeup_fd(-1)
    assert run_awake(four()) == 4
    assert signal.set_wakeup_fd(before) == -1


def test_on_a_thread_which_hears_no_signals_it_runs_too() -> None:
    async def name() -> str:
        return threading.current_thread().name

    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(run_awake(name())), name="other")
    thread.start()
    thread.join(10)
    assert found == ["other"]


def test_an_error_of_the_coroutine_is_raised() -> None:
    async def fails() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        run_awake(fails())
