"""Simulated: peers on a network that is made of a seed, in virtual time.

Every peer has its own copy of the channel behind its own door, a real key, and links that delay, lose, double, reorder
and damage what they carry. Same seed, same bytes in the log, on any machine: time is virtual, luck is hashed from
names, and nothing is ordered by arrival at a real clock, by address in memory or by Python's hashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from waggledance.core import PeerId, SwarmId, UsageError
from waggledance.network._delay import Delay, LogNormal
from waggledance.network._faults import Fault, check_faults
from waggledance.network._gathering import SimulatedGathering
from waggledance.network._virtual_loop import VirtualLoop


class Edge(Protocol):
    """Some who speak and some who hear them."""

    @property
    def speakers(self) -> frozenset[PeerId]: ...
    @property
    def listeners(self) -> frozenset[PeerId]: ...


class Links(Protocol):
    """Who is linked to whom; any topology is one."""

    def plan(self, round: int, roster: Sequence[PeerId], said: tuple[()], seed: int, /) -> Iterable[Edge]:
        """Return who hears whom in round 0, before anything is said."""
        ...


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A network in virtual time. Ask with ``swarm.ask_sync(...)``, which runs on this network's own event loop.

    The asker stands outside: its messages are handed to everybody, and it sees each message when it is first sent, so
    that the log holds everything that was said to anybody, in the order in which it was said.

    Args:
        seed: same seed, same run; 0 ≤ seed < 2**63.
        delay: how long a message is on its way; round a median of 50 ms when not given.
        loss: chance that what is sent is lost, each leg by itself, 0 to 1.
        duplicate: chance that it arrives twice.
        reorder: chance that it is held back by one to three delays, so that later ones overtake it. Otherwise each link
            keeps its order.
        bit_flip: chance that a frame arrives with one bit flipped.
        faults: what goes wrong, and when: `Crash`, `Restart`, `Pause`, `Slow`, `SlowLink`, `Silent`, `Partition`,
            `Equivocate`, `Lie`.
        links: who is linked to whom, both ways: any topology, by its plan for round 0. Everybody with everybody when
            None. New messages are sent along links only; further on they get by repair.
        sync_every_s: how often each peer repairs with one of its neighbours, in seconds.
        limit_s: a run that is not over by then is ended as `Endless`, in seconds; ten days when not given.
        linger_s: how long peers go on repairing after the last decision, until their copies are equal, in seconds.
    """

    seed: int = 0
    delay: Delay = LogNormal(0.05)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bit_flip: float = 0.0
    faults: Sequence[Fault] = ()
    links: Links | None = None
    sync_every_s: float = 0.5
    limit_s: float = 864_000.0
    linger_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"the network's seed is {self.seed}; it must lie between 0 and 2**63 - 1")
        for name in ("loss", "duplicate", "reorder", "bit_flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} is {getattr(self, name)}; a chance lies between 0 and 1")
        if not (isfinite(self.sync_every_s) and self.sync_every_s >= 0.001):
            raise UsageError(f"sync_every_s is {self.sync_every_s}; peers repair every 0.001 s or less often")
        if not self.limit_s > 0:
            raise UsageError(f"limit_s is {self.limit_s}; it must be a number of seconds > 0")
        if not (isfinite(self.linger_s) and self.linger_s >= 0):
            raise UsageError(f"linger_s is {self.linger_s}; it must be a finite number of seconds ≥ 0")

    @property
    def name(self) -> str:
        return "simulated"

    @property
    def remote(self) -> bool:
        return False

    def new_event_loop(self) -> VirtualLoop:
        """Return a loop whose clock is virtual: for `Swarm.ask_sync`, and for ``asyncio.Runner(loop_factory=…)``."""
        return VirtualLoop(self.limit_s)

    def gather(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> SimulatedGathering:
        """Open a channel with these peers at it.

        Raises:
            UsageError: the running event loop lives in real time.
            UnknownName: a fault names a peer who does not take part.
        """
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            raise UsageError(
                "the simulated network lives in virtual time, this event loop in real time: use swarm.ask_sync(...), "
                "or run your coroutine with asyncio.Runner(loop_factory=network.new_event_loop)"
            )
        check_faults(self.faults, names)
        return SimulatedGathering(self, loop, swarm, channel, names)
