"""Replays that were asked for on the page: each runs here until it is done, and writes a new channel of the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from waggledance.core import Log, MessageId, Peer, UsageError, WaggleError, Witness, Words
from waggledance.safety import Intervention, fork_name, intervene, intervention_of

logger = logging.getLogger(__name__)

EDITS_AT_MOST = 100
REPLAYS_AT_ONCE = 4
BEGINS_WITHIN_S = 5.0
"""So long a replay is waited for before the page is told its name: what is wrong with an order shows at once."""
STOP_WITHIN_S = 0.5
LOOK_EVERY_S = 0.01


class AskedAnew(Protocol):
    """Live peers for one replay, by name, and with a model's name with that model."""

    def __call__(self, name: str, model: str, /) -> Peer: ...

    async def close(self) -> None:
        """Let go of their models."""
        ...


class ReplayOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the page asks for."""

    at: str | None = None
    """From which message on models are swapped and peers taken away; from the beginning when None."""
    edits: tuple[dict[str, Any], ...] = ()
    live: Literal["never", "needed"] = "needed"


class Replays:
    """The replays under way, and why others failed.

    Args:
        path: the log's file.
        peers: makes the peers of one replay; none are asked anew when None.
        log: the log, where this process has it open for writing; opened for each replay when None.
        hear: takes words that live peers say, by channel.
    """

    def __init__(
        self,
        path: Path,
        peers: Callable[[], AskedAnew] | None,
        log: Log | None,
        hear: Callable[[str, Words], None],
    ) -> None:
        self._path, self._peers, self._hear = path, peers, hear
        self._log, self._is_ours = log, log is None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._beginning = asyncio.Lock()
        """One begins at a time: a new channel's name is free until something stands in it."""
        self.failures: dict[str, str] = {}
        """By channel, why its replay did not come to its end."""

    def running(self) -> frozenset[str]:
        """Return the channels that replays are writing."""
        return frozenset(self._running)

    async def start(self, channel: str, order: ReplayOrder) -> str:
        """Begin a replay; return the new channel's name as soon as something stands in it.

        Raises:
            LogInUse: another process writes to the log.
            UsageError: the order makes no sense, or too many replays are under way.
            UnknownName: there is no such channel, message, peer or rule.
            MissingRecord: a call would be needed, and none may be made.
        """
        edits, at = _edits(order), _id(order.at)
        async with self._beginning:
            if len(self._running) >= REPLAYS_AT_ONCE:
                raise UsageError(f"{REPLAYS_AT_ONCE} replays are under way; wait for one to end")
            log = await self._opened()
            name = fork_name(log, channel)
            if name in self._running:
                raise UsageError(f"{name!r} is still about to begin; wait a moment")
            task = asyncio.get_running_loop().create_task(self._run(log, channel, name, edits, at, order.live))
            self._running[name] = task
            task.add_done_callback(lambda _: self._end(name))
            await _begun(task, lambda: name in log and order.live != "never")
            if not task.done():
                await log.flush()  # so that whoever is told the name finds the channel
        if task.done():
            await task
        return name

    async def close(self) -> None:
        """Stop all replays, and let go of the log also where one does not stop: a model at work in a thread cannot be
        stopped, and what was said is in the log already."""
        tasks = tuple(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_WITHIN_S)
        self._running.clear()
        self._let_go()

    async def _run(
        self,
        log: Log,
        channel: str,
        name: str,
        edits: Sequence[Intervention],
        at: MessageId | None,
        live: Literal["never", "needed"],
    ) -> None:
        peers = None if self._peers is None or live == "never" else self._peers()
        witness = Witness(exchange=log.append_exchange, words=lambda words: self._hear(name, words))
        try:
            await intervene(log, channel, edits, at=at, live=live, peers=peers, into=name, witness=witness)
        except WaggleError as why:
            self.failures[name] = str(why)
            raise
        except Exception as why:
            logger.exception("the replay %s of %s ended in a bug", name, channel)
            self.failures[name] = f"an error of ours ended the replay: {type(why).__name__}: {why}"
            raise
        finally:
            if peers is not None:
                await peers.close()

    async def _opened(self) -> Log:
        if self._log is None:
            self._log = await asyncio.to_thread(Log, self._path)
        return self._log

    def _end(self, name: str) -> None:
        task = self._running.pop(name, None)
        if task is not None and not task.cancelled():
            with suppress(BaseException):
                task.exception()  # it was kept by `_run`, and whoever waits for it hears it too
        self._let_go()

    def _let_go(self) -> None:
        """Let others write to the log when no replay does."""
        if self._is_ours and self._log is not None and not self._running:
            self._log.close()
            self._log = None


async def _begun(task: asyncio.Task[None], begun: Callable[[], bool]) -> None:
    """Wait until a replay has begun or ended, or has taken so long that nobody should wait."""
    clock = asyncio.get_running_loop().time
    until = clock() + BEGINS_WITHIN_S
    while not task.done() and not begun() and clock() < until:
        await asyncio.wait((task,), timeout=LOOK_EVERY_S)


def _edits(order: ReplayOrder) -> tuple[Intervention, ...]:
    if len(order.edits) > EDITS_AT_MOST:
        raise UsageError(f"a replay takes {EDITS_AT_MOST} edits at most, got {len(order.edits)}")
    return tuple(intervention_of(edit) for edit in order.edits)


def _id(text: str | None) -> MessageId | None:
    if text is None:
        return None
    with suppress(ValueError):
        if len(text) == 64:
            return MessageId(bytes.fromhex(text))
    raise UsageError(f"a moment is named by a message's 64 hexadecimal digits, got {text[:80]!r}")
