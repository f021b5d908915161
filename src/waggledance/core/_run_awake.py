"""Run a coroutine to its end on an event loop that hears Ctrl-C at once.

`asyncio.run` cancels its coroutine on SIGINT, but a signal that comes right before the loop goes to sleep, or to
another thread of the process, is seen only when the loop's next timer is due: in the middle of a model's answer, a
program that cannot be stopped. Here a signal also writes a byte (`signal.set_wakeup_fd`) that the loop waits for, as
asyncio itself does on Windows.
"""

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

T = TypeVar("T")


def run_awake(main: Coroutine[Any, Any, T], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Do what `asyncio.run` does; a signal wakes the loop whenever it comes.

    After Ctrl-C no thread of `asyncio.to_thread` is waited for, as a model at work in one cannot be stopped; the
    interpreter waits for it at its own end.

    Args:
        main: what to run.
        loop_factory: makes the event loop, which then has to look after its own signals; the usual one when None.

    Raises:
        KeyboardInterrupt: Ctrl-C; the coroutine was cancelled and has ended.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        unheard = loop_factory is not None or sys.platform == "win32" or not _is_main_thread()
        try:
            with nullcontext() if unheard else _woken_by_signals(runner.get_loop()):
                return runner.run(main)
        except KeyboardInterrupt:
            runner.get_loop().set_default_executor(ThreadPoolExecutor(1))  # the old one would be waited for
            raise


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    heard, told = socket.socketpair()
    with heard, told:
        for end in (heard, told):
            end.setblocking(False)

        def drain() -> None:
            with suppress(BlockingIOError):
                heard.recv(4096)

        loop.add_reader(heard, drain)
        before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            loop.remove_reader(heard)
