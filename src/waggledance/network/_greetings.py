"""Repair in one simulated question: on one timer for all peers, which stops when repair can do no more.

So a deadlock shows. The timer stops when all copies are equal, or when nobody has learned anything for so many repairs
that one that could help has failed with a chance below one in a billion; it starts again with the next thing that
happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import ceil

from waggledance.network._luck import fraction, luck
from waggledance.network._post import Hello, Post
from waggledance.network._replica import Replica
from waggledance.network._weather import Weather

SYNC_JITTER = 0.4
"""A repair starts within this share of the period: ±20 %, as in the network specification, §2."""
SURELY = 21
"""-ln(1e-9): after so many times the expected number of tries, what has not worked will not."""


class Greetings:
    """Lets each peer greet one of its neighbours, every period.

    Args:
        loop: the virtual loop.
        replicas: the peers.
        post: carries the greetings.
        weather: says who is silent.
        seed: of whom each peer greets, and when.
        loss: chance that a leg is lost, 0 to 1.
        period_s: seconds between two repairs, > 0.
        wanted: says whether anybody is there to repair for.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        replicas: Sequence[Replica],
        post: Post,
        weather: Weather,
        *,
        seed: int,
        loss: float,
        period_s: float,
        wanted: Callable[[], bool],
    ) -> None:
        self._loop, self._replicas, self._post, self._weather = loop, replicas, post, weather
        self._seed, self._loss, self._period_s, self._wanted = seed, loss, period_s, wanted
        self._timer: asyncio.TimerHandle | None = None
        self._repairs = self._in_vain = 0

    @property
    def rest(self) -> bool:
        """Whether no greeting is to come."""
        return self._timer is None

    def stir(self) -> None:
        """Something has happened: let repair run, if there is anybody to repair for."""
        self._in_vain = 0
        if self._timer is None and self._wanted() and self._loss < 1:
            self._timer = self._loop.call_later(self._period_s, self._greet)

    def close(self) -> None:
        """Greet nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _greet(self) -> None:
        """Let each peer greet one of its neighbours."""
        self._timer = None
        if self._can_do_no_more() or not self._wanted():
            return
        self._repairs += 1
        self._in_vain += 1
        now, period_s = self._post.now(), self._period_s
        for replica in self._replicas:
            replica.asked.clear()
            if replica.up and replica.neighbours and not self._weather.silent(replica.index, now):
                which, late = luck(self._seed, b"repair", replica.index, self._repairs, 0, 0, n=2)
                partner = replica.neighbours[which % len(replica.neighbours)]
                hello = Hello(replica.have(), must_answer=replica.recovering)
                self._post.send(replica, partner, hello, SYNC_JITTER * period_s * fraction(late))
        self._timer = self._loop.call_later(period_s, self._greet)

    def _can_do_no_more(self) -> bool:
        up = [replica for replica in self._replicas if replica.up]
        if len({replica.copy.digest() for replica in up}) <= 1:
            return True
        tries = min(len(up), 32) / (1 - self._loss) ** 2
        return self._in_vain >= ceil(SURELY * tries)
