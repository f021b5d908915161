"""The processes of one simulated question: how faults end them and begin them again, and what each then does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from math import inf
from operator import itemgetter
from typing import Any, TypeVar

from waggledance.core import Channel, RunFailed
from waggledance.network._faults import Crash, Equivocate, Fault, Lie, Partition, Pause, Restart, Silent
from waggledance.network._post import Hello, Post
from waggledance.network._replica import Replica

T = TypeVar("T")

RECOVERY_PERIODS = 20
"""For so many periods a peer that lost its log goes on asking those who have not answered for its own past."""


class Crashed(RunFailed):
    """A peer's process ended and did not begin again; carries whose and when."""

    def __init__(self, peer: str, at_s: float) -> None:
        super().__init__(peer, at_s)
        self.peer, self.at_s = peer, at_s

    def __str__(self) -> str:
        return f"peer {self.peer!r} crashed after {self.at_s:g} s and did not come back"


class Lives:
    """The processes of the peers of one question.

    Args:
        loop: the virtual loop.
        replicas: the peers.
        faults: what befalls them, and when.
        post: carries what a peer asks that lost its log; its clock is that of the faults.
        period_s: seconds between two repairs, and between two questions of such a peer.
        stir: called when something has happened after which repair may find something to do.
        renew: called with a peer whose process begins again, and what is left of its log.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        replicas: Sequence[Replica],
        faults: Sequence[Fault],
        post: Post,
        *,
        period_s: float,
        stir: Callable[[], None],
        renew: Callable[[Replica, str], None],
    ) -> None:
        self._loop, self._replicas, self._faults, self._post = loop, replicas, faults, post
        self._period_s, self._stir, self._renew = period_s, stir, renew
        self._to_come: deque[tuple[float, Callable[[], None]]] = deque()
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def close(self) -> None:
        """Let nothing more befall anybody."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def run(self, replica: Replica, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        """Run a peer's coroutine, again after each restart."""
        mortal = any(isinstance(f, Crash | Restart) and f.peer == replica.name for f in self._faults)
        return self._loop.create_task(self._live(replica, run) if mortal else run(replica.copy))

    # -- what befalls them --------------------------------------------------------------------------------------

    def schedule(self) -> None:
        """Put what the faults do in the order of their moments; what is due at the start is done at once."""
        by_name = {replica.name: replica for replica in self._replicas}
        for fault in self._faults:
            match fault:
                case Crash():
                    self._at(fault.at_s, partial(self._crash, by_name[fault.peer]))
                case Restart():
                    self._at(fault.at_s, partial(self._restart, by_name[fault.peer], fault.log))
                case Lie():
                    by_name[fault.peer].lies += (fault,)
                case Equivocate():
                    by_name[fault.peer].equivocations += (fault,)
                case Silent() | Partition():
                    self._at(fault.until_s, self._stir)
                case Pause():
                    self._at(fault.at_s + fault.for_s, self._stir)
                case _:
                    pass
        self._to_come = deque(sorted(self._to_come, key=itemgetter(0)))
        self._come_due()

    def _at(self, at_s: float, what: Callable[[], None]) -> None:
        if at_s < inf:
            self._to_come.append((at_s, what))

    def _come_due(self) -> None:
        """Do what is due by now; of one moment, in the order in which the faults are listed."""
        now = max(self._post.now(), self._next_s)
        while self._to_come and self._to_come[0][0] <= now:
            self._to_come.popleft()[1]()
        if self._to_come and not self._closed:
            self._next_s = self._to_come[0][0]
            self._timer = self._loop.call_at(self._post.started_s + self._next_s, self._come_due)

    def _crash(self, replica: Replica) -> None:
        if not replica.up:
            return
        replica.up, replica.down_since = False, self._post.now()
        if replica.life is not None:
            replica.life.cancel()

    def _restart(self, replica: Replica, log: str) -> None:
        self._crash(replica)
        replica.up = True
        self._renew(replica, log)
        if replica.back is not None and not replica.back.done():
            replica.back.set_result(None)
        self._stir()

    # -- one process after the other ----------------------------------------------------------------------------

    async def _live(self, replica: Replica, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> T:
        """Run a peer's coroutine, again after each restart; the last life's result stands.

        Raises:
            Crashed: the process ended and no restart is to come.
        """
        first = replica.up
        while True:
            if not replica.up:
                await self._wait_for_restart(replica)
            life = self._loop.create_task(run(replica.copy) if first else self._live_again(replica, run))
            replica.life = life
            first = False
            try:
                return await life
            except asyncio.CancelledError:
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise

    async def _live_again(self, replica: Replica, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> T:
        if replica.recovering:
            await self._recover(replica)
        replica.copy.recall()
        return await run(replica.copy)

    async def _wait_for_restart(self, replica: Replica) -> None:
        now = self._post.now()
        ahead = (f for f in self._faults if isinstance(f, Restart) and f.peer == replica.name and f.at_s > now)
        if not any(ahead):
            raise Crashed(replica.name, replica.down_since)
        replica.back = self._loop.create_future()
        try:
            await replica.back
        finally:
            replica.back = None

    async def _recover(self, replica: Replica) -> None:
        """Ask every neighbour for what it has, until this peer's own past is here from all who answer."""
        me = replica.key.peer
        for _ in range(RECOVERY_PERIODS):
            for other in replica.neighbours:
                if other.index not in replica.heard:
                    self._post.send(replica, other, Hello(replica.have(), must_answer=True))
            await asyncio.sleep(self._period_s)
            mine = [tip.id for have in replica.heard.values() for tip in have.heads if tip.author == me]
            if len(replica.heard) == len(replica.neighbours) and all(id in replica.copy for id in mine):
                break
            self._stir()
        replica.recovering = False
