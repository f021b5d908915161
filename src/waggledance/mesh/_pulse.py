"""What a node does as time goes by: it greets one other to repair, probes who is here, and lets quiet channels rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from random import Random

from waggledance.core import Clock, Member, PeerId
from waggledance.mesh._channels import Channels
from waggledance.mesh._repair import Repair
from waggledance.mesh._swim import Swim
from waggledance.mesh._wire import Payload

REPAIR_SECONDS = 0.5
REPAIR_JITTER = 0.2
GREETS_THE_LIVING = 0.9
"""So often it is somebody who seems alive that is greeted, where there is one; else anybody."""


class Pulse:
    """One timer for all that is due.

    Args:
        me: the node's peer.
        clock: time.
        rng: luck: whom to greet, and when.
        channels: the node's.
        repair: makes greetings.
        swim: watches who is here.
        members: returns who belongs to the swarm.
        send: puts payloads on their way.
        gone: called with who is taken for dead or has left, when that has changed.
    """

    def __init__(
        self,
        me: PeerId,
        clock: Clock,
        rng: Random,
        channels: Channels,
        repair: Repair,
        swim: Swim,
        *,
        members: Callable[[], Mapping[PeerId, Member]],
        send: Callable[[Iterable[tuple[PeerId, Payload]]], None],
        gone: Callable[[frozenset[PeerId]], None],
    ) -> None:
        self._me, self._clock, self._rng = me, clock, rng
        self._channels, self._repair, self._swim = channels, repair, swim
        self._members, self._send, self._tell_gone = members, send, gone
        self._loop = asyncio.get_running_loop()
        self._gone = frozenset[PeerId]()
        self._repair_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def begin(self) -> None:
        """Do what is due, from now on."""
        self._repair_at = self._clock.now()
        self._tick()

    def arm(self) -> None:
        """Set the timer anew: something may be due sooner than before."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._closed:
            wait = min(self._repair_at, self._swim.next_at) - self._clock.now()
            self._timer = self._loop.call_later(max(0.0, wait), self._tick)

    def close(self) -> None:
        """Do nothing more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        now = self._clock.now()
        if now >= self._repair_at:
            self._repair_at = now + REPAIR_SECONDS * (1 + REPAIR_JITTER * (2 * self._rng.random() - 1))
            partner = self._partner()
            if partner is not None:
                self._send([(partner, self._repair.hello(partner, now))])
            for held in self._channels.awake():
                held.door.let_go()
            self._channels.let_rest()
        self._send(self._swim.tick(now))
        self._look_who_is_gone()
        self.arm()

    def _look_who_is_gone(self) -> None:
        gone = frozenset(peer for peer, state in self._swim.states().items() if state.status in ("dead", "left"))
        if gone != self._gone:
            self._gone = gone
            self._tell_gone(gone)

    def _partner(self) -> PeerId | None:
        """Draw whom to greet: somebody who seems alive, now and then somebody who does not."""
        states, members = self._swim.states(), self._members()
        others = sorted(members.keys() - {self._me}) if self._me in members else []
        alive = [peer for peer in others if peer in states and states[peer].status == "alive"]
        pool = alive if alive and self._rng.random() < GREETS_THE_LIVING else others
        return self._rng.choice(pool) if pool else None
