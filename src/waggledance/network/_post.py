"""The post: what is on its way between simulated peers, and what happens to it there.

One heap of arrivals and one timer for all of it. Each leg's luck has a name of its own (see `luck`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

from waggledance.network._delay import Constant, Delay
from waggledance.network._luck import WHOLE, chance, fraction, luck
from waggledance.network._replica import Replica
from waggledance.network._sync import Give, Have, Want
from waggledance.network._virtual_loop import VirtualLoop
from waggledance.network._weather import Weather

LUCK_A_LEG = 6


@dataclass(frozen=True)
class Hello:
    """The first leg of a repair: what the sender has."""

    have: Have
    must_answer: bool
    """The sender has lost its log: answer even if our sets are equal."""


@dataclass(frozen=True)
class Answer:
    """The last of the second legs: what the one who was greeted has."""

    have: Have


Payload = bytes | Hello | Answer | Want | Give
Deliver = Callable[[Replica, Replica, Payload], None]


class Post:
    """Carries payloads from replica to replica.

    Args:
        loop: the virtual loop.
        seed: of all luck.
        weather: what the faults do to a leg.
        delay: how long a leg takes.
        loss: chance that a leg is lost.
        duplicate: chance that a leg arrives twice.
        reorder: chance that a leg is held back, so that later ones overtake it.
        bit_flip: chance that one bit of a frame arrives flipped.
        deliver: called as deliver(receiver, sender, payload) on arrival.
    """

    def __init__(
        self,
        loop: VirtualLoop,
        *,
        seed: int,
        weather: Weather,
        delay: Delay,
        loss: float,
        duplicate: float,
        reorder: float,
        bit_flip: float,
        deliver: Deliver,
    ) -> None:
        self._loop, self._seed, self._weather, self._delay, self._deliver = loop, seed, weather, delay, deliver
        self._lost, self._twice, self._held, self._flipped = map(chance, (loss, duplicate, reorder, bit_flip))
        lucky = not (self._lost or self._twice or self._held or self._flipped)
        self._same_for_all = delay.seconds if lucky and weather.calm and isinstance(delay, Constant) else None
        self.started_s = loop.time()
        self._flying: list[tuple[float, int, Sequence[Replica], Replica, Payload]] = []
        self._launched = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due = inf

    def now(self) -> float:
        """Return the seconds since the question was opened."""
        return self._loop.time() - self.started_s

    def push(self, sender: Replica, receivers: Sequence[Replica], frame: bytes, sequence: int, branch: int) -> None:
        """Send a new message to several peers at once; `sequence` and `branch` name its luck."""
        if not receivers:
            return
        if self._same_for_all is not None:
            self._launch(self._loop.time() + self._same_for_all, receivers, sender, frame)
            return
        n = LUCK_A_LEG * len(receivers)
        draws = luck(self._seed, b"push", sender.index, sequence, branch, 0, n=n)
        for i, receiver in enumerate(receivers):
            self._carry(sender, receiver, frame, draws[LUCK_A_LEG * i : LUCK_A_LEG * (i + 1)], 0.0)

    def send(self, sender: Replica, receiver: Replica, payload: Payload, wait_s: float = 0.0) -> None:
        """Send one leg of a repair, `wait_s` from now."""
        leg = sender.legs[receiver.index] = sender.legs.get(receiver.index, 0) + 1
        draws = luck(self._seed, b"leg", sender.index, receiver.index, leg, 0, n=LUCK_A_LEG)
        self._carry(sender, receiver, payload, draws, wait_s)

    def close(self) -> None:
        """Drop everything that is on its way."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._due = None, inf
        self._flying.clear()

    def _carry(self, sender: Replica, receiver: Replica, payload: Payload, draws: Sequence[int], wait_s: float) -> None:
        lost, late, twice, again, held, flipped = draws
        now, weather = self.now(), self._weather
        if not weather.calm:
            now = weather.awake_at(sender.index, now)
            if weather.silent(sender.index, now) or weather.blocked(sender.index, receiver.index, now):
                return
        if lost < self._lost:
            return
        delay = self._delay.drawn(fraction(late))
        if not weather.calm:
            delay = weather.delayed(sender.index, receiver.index, delay, now)
        at = self.started_s + now + wait_s + delay
        if held < self._held:
            at += delay * (1 + 2 * fraction(again))
        else:
            at = max(at, sender.last.get(receiver.index, 0.0))
            sender.last[receiver.index] = at
        if flipped < self._flipped:
            payload = _with_a_bit_flipped(payload, flipped * WHOLE // self._flipped)
        self._launch(at, (receiver,), sender, payload)
        if twice < self._twice:
            self._launch(at + self._delay.drawn(fraction(again)), (receiver,), sender, payload)

    def _launch(self, at: float, receivers: Sequence[Replica], sender: Replica, payload: Payload) -> None:
        self._launched += 1
        heappush(self._flying, (at, self._launched, receivers, sender, payload))
        if at < self._due:
            self._arm(at)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = at
        self._timer = self._loop.call_at(at, self._land)

    def _land(self) -> None:
        """Deliver everything that has arrived by now."""
        now = max(self._loop.time(), self._due)
        self._timer, self._due = None, -inf  # so that what is launched meanwhile sets no timer
        flying, weather = self._flying, self._weather
        while flying and (flying[0][0] <= now or self._loop.advance(flying[0][0])):
            at, _, receivers, sender, payload = heappop(flying)
            now = max(now, at)
            for receiver in receivers:
                if not receiver.up:
                    continue
                if not weather.calm:
                    awake = self.started_s + weather.awake_at(receiver.index, at - self.started_s)
                    if awake > at:
                        self._launch(awake, (receiver,), sender, payload)
                        continue
                self._deliver(receiver, sender, payload)
        self._due = inf
        if flying:
            self._arm(flying[0][0])


def _with_a_bit_flipped(payload: Payload, draw: int) -> Payload:
    """Return a frame, or a batch of them, with one bit flipped; what is no frame has checks of its own and gets by."""
    if isinstance(payload, bytes):
        bit = draw % (8 * len(payload))
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << (bit % 8)
        return bytes(flipped)
    if isinstance(payload, Give):
        which = draw % len(payload.frames)
        frames = list(payload.frames)
        frames[which] = bytes(_with_a_bit_flipped(frames[which], draw // len(frames)))  # type: ignore[arg-type]
        return Give(payload.ch, tuple(frames))
    return payload
