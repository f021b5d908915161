"""Probing: a ping, then once more together with helpers', then the verdict; and pinging for others.

    0           ping the target
    wait        no answer: ping it again, and ask k helpers to ping it
    T · health  nobody reached it: it failed

After a hint there is a reason to look: both happen after half a usual wait and one and a half, without doubt of
oneself, and by what this very peer has shown: others that are slow do not put off its verdict.

The second ping of one's own is ours: one datagram more in a failed probe, a fifth of the false suspicions at 10 % loss.
Source: Das, Gupta, Motivala 2002, "SWIM", §3.1; health: Dadgar, Phillips, Currey 2018, "Lifeguard", arXiv:1707.00788.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from waggledance.core import PeerId
from waggledance.mesh._swim_health import MIN_WAIT_S, TIMES_P99, Health
from waggledance.mesh._swim_messages import (
    Death,
    News,
    Ping,
    PingReply,
    PingRequest,
    Refutation,
    SwimPayload,
)
from waggledance.mesh._swim_probes import Probe, Round
from waggledance.mesh._swim_relays import NO_AFTER, Relay, Relays
from waggledance.mesh._swim_roll import Roll

MAX_HURRIED = 16
"""Probes at once because of hints: when a hub goes down, 200 sessions do; the rest is probed next, in turn."""

Outgoing = list[tuple[PeerId, SwimPayload]]


class Prober:
    """One peer's probes, and those it makes for others.

    Args:
        roll: whom it may probe and ask.
        news: what to put on a datagram to a peer.
        rng: order of probes, choice of helpers, nonces.
        period_s: protocol period T, seconds.
        helpers: k in the paper.
    """

    def __init__(
        self, roll: Roll, news: Callable[[PeerId], tuple[News, ...]], *, rng: Random, period_s: float, helpers: int
    ) -> None:
        self._roll, self._news, self._rng, self._period_s, self._helpers = roll, news, rng, period_s, helpers
        self._probes: dict[PeerId, Probe] = {}
        self._relays = Relays()
        self.round = Round(rng)
        self.health = Health(period_s)
        self.begun = 0
        """Probes so far."""

    @property
    def next_at(self) -> float:
        """When `tick` has something to do, or infinity."""
        return min(self._relays.next_at, *(probe.next_at for probe in self._probes.values()), float("inf"))

    def nonce(self) -> int:
        """Return a number that nobody can guess."""
        return self._rng.getrandbits(63)

    def begin(self, now: float) -> Outgoing:
        """Probe whose turn it is."""
        target = self.round.next(lambda peer: self._roll[peer].rank < Death.rank and peer not in self._probes)
        return (
            []
            if target is None
            else [self._probe(target, now, self.health.wait_s, self._period_s * self.health.stretch)]
        )

    def hurry(self, target: PeerId, now: float) -> Outgoing:
        """Probe this one at once and in less time, as there is a reason; when too many are probed already, next."""
        usual_s, rtt_s = self.health.usual_s, self._roll[target].rtt_s
        if rtt_s is not None:
            usual_s = min(usual_s, max(MIN_WAIT_S, TIMES_P99 * rtt_s))
        within_s = 1.5 * usual_s
        under_way = self._probes.get(target)
        if under_way is not None and under_way.ends_at <= now + within_s:
            return []
        if len(self._probes) >= MAX_HURRIED:
            self.round.hurry(target)
            return []
        return [self._probe(target, now, 0.5 * usual_s, within_s)]

    def tick(self, now: float) -> tuple[Outgoing, list[PeerId]]:
        """Do what is due; return what to send, and whose probes failed."""
        out: Outgoing = []
        failed: list[PeerId] = []
        for probe in list(self._probes.values()):
            if probe.ends_at <= now:
                del self._probes[probe.target]
                self.health.shift(len(probe.silent) if probe.asked else 1)
                failed.append(probe.target)
            elif probe.asks_at <= now:
                out += self._ask(probe)
        for relay in self._relays.ended(now):
            out.append((relay.requester, PingReply(relay.nonce, False, self._news(relay.requester))))
        return out, failed

    def help(self, requester: PeerId, request: PingRequest, now: float) -> Outgoing:
        """Ping a member for another; at most so many at once."""
        target, nonce = PeerId(request.target), self.nonce()
        if target not in self._roll:
            self._roll.refused["stranger"] += 1
        elif not self._relays.add(nonce, Relay(requester, request.nonce, target, now + NO_AFTER * self.health.wait_s)):
            self._roll.refused["busy"] += 1
        else:
            return [(target, Ping(nonce, self._news(target)))]
        return []

    def pong(self, sender: PeerId, nonce: int, now: float) -> tuple[bool, Outgoing]:
        """Return whether a pong answers a ping that is under way, and whom to tell for whom it was sent."""
        relay = self._relays.answered(sender, nonce)
        if relay is not None:
            return True, [(relay.requester, PingReply(relay.nonce, True, self._news(relay.requester)))]
        probe = self._probes.get(sender)
        if probe is None or probe.nonce != nonce:
            return False, []
        if not probe.asked_again:
            row, rtt_s = self._roll[sender], now - probe.sent_at
            self.health.took(rtt_s)
            row.rtt_s = rtt_s if row.rtt_s is None else row.rtt_s + (rtt_s - row.rtt_s) / 8
        return True, []

    def reply(self, helper: PeerId, reply: PingReply) -> PeerId | None:
        """Return whom a helper, who was asked and had not answered yet, has reached."""
        for probe in self._probes.values():
            if probe.nonce == reply.nonce and helper in probe.silent:
                probe.silent.discard(helper)
                return probe.target if reply.reached else None
        return None

    def heard(self, peer: PeerId) -> None:
        """End a probe: its target is up."""
        if self._probes.pop(peer, None):
            self.health.shift(-1)

    def forget(self, peer: PeerId) -> None:
        """End a probe without a verdict."""
        self._probes.pop(peer, None)

    def clear(self) -> None:
        """Give up all probes, also those for others."""
        self._probes.clear()
        self._relays.clear()

    def _probe(self, target: PeerId, now: float, wait_s: float, within_s: float) -> tuple[PeerId, Ping]:
        self.begun += 1
        probe = Probe(target, self.nonce(), now, now + wait_s, now + within_s)
        self._probes[target] = probe
        return target, Ping(probe.nonce, self._news(target))

    def _ask(self, probe: Probe) -> Outgoing:
        up = [peer for peer in sorted(self._roll) if self._roll[peer].rank == Refutation.rank and peer != probe.target]
        helpers = self._rng.sample(up, min(len(up), self._helpers))
        probe.ask(helpers)
        asked = [(peer, PingRequest(probe.nonce, probe.target, self._news(peer))) for peer in helpers]
        return [(probe.target, Ping(probe.nonce, self._news(probe.target))), *asked]
