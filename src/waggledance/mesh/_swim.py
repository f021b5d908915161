"""Failure detection: who of the swarm is up, found out by everybody probing somebody, without a centre.

Each period one peer is pinged; no answer in time, and helpers ping it as well; nothing until the period ends, and it is
suspected, which everybody hears of on the back of the next probes. It refutes with a higher incarnation, or is held for
dead after 3·⌈log2(N+1)⌉ periods. The dead are pinged now and then, so that after a partition nobody stays dead.

A state machine and nothing else: time comes in, datagrams come in and go out. It neither removes a member nor changes
a quorum. A lying member can make another look suspect or dead until its refutation has gone round, and no longer.

Source: Das, Gupta, Motivala 2002, "SWIM", doi:10.1109/DSN.2002.1028914; local health and the order of telling the
accused first ("buddy system"): Dadgar, Phillips, Currey 2018, "Lifeguard", arXiv:1707.00788; signatures, pinging the
dead, correcting who repeats what is outdated, and forgiving oneself a pause are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import inf, isfinite
from random import Random

from waggledance.core import Key, PeerId, SwarmId, UsageError, Verify, show, signature_holds
from waggledance.mesh._swim_health import Health
from waggledance.mesh._swim_messages import (
    MAX_INCARNATION,
    Death,
    Leave,
    News,
    Ping,
    PingReply,
    PingRequest,
    Pong,
    Refutation,
    Suspicion,
    SwimPayload,
    death,
    leave_note,
    refutation,
    suspicion,
)
from waggledance.mesh._swim_probes import LAST_CALLS, Deadline, Probe, Relay, Round
from waggledance.mesh._swim_roll import MemberState, Roll
from waggledance.mesh._swim_rumours import Rumours, repeats

MAX_HURRIED = 16
"""Probes at once because of hints: when a hub goes down, 200 sessions do; the rest is probed next, in turn."""
MAX_RELAYS = 64
"""Pings under way for others, so that nobody is made to flood a third."""
NO_AFTER = 0.8
"""Share of a time-out after which a helper says no, so that its no arrives in time (Lifeguard §IV-A)."""

Outgoing = list[tuple[PeerId, SwimPayload]]


class Swim:
    """One peer's failure detector.

    Call `tick` when the clock shows `next_at`, and send what it, `on`, `hint` and `leave` return.

    Args:
        key: signs what it says of itself and of others.
        swarm: inside every signature.
        rng: order of probes, choice of helpers, nonces.
        incarnation: where to begin; keep `incarnation` with the peer's state and give one more after a restart.
        period_s: protocol period T, seconds.
        helpers: how many others are asked to probe who did not answer (k in the paper).
        verify: says whether a signature holds.

    Raises:
        UsageError: a period that is not above 0 and finite, helpers below 0, an incarnation out of range.
    """

    def __init__(
        self,
        key: Key,
        swarm: SwarmId,
        *,
        rng: Random,
        incarnation: int = 0,
        period_s: float = 1.0,
        helpers: int = 3,
        verify: Verify = signature_holds,
    ) -> None:
        if not (isfinite(period_s) and period_s > 0):
            raise UsageError(f"a protocol period is a number of seconds above 0, got {period_s!r}")
        if helpers < 0:
            raise UsageError(f"helpers is a number of peers, 0 or more, got {helpers!r}")
        if not 0 <= incarnation <= MAX_INCARNATION // 2:
            raise UsageError(f"an incarnation is 0 to {MAX_INCARNATION // 2:,}, got {incarnation!r}")
        self._key, self._swarm, self._rng = key, swarm, rng
        self._period_s, self._helpers = period_s, helpers
        self._roll = Roll(swarm, key.peer, verify)
        self._round = Round(rng)
        self._rumours = Rumours()
        self._health = Health(period_s)
        self._probes: dict[PeerId, Probe] = {}
        self._relays: dict[int, Relay] = {}
        self._suspects: dict[PeerId, Deadline] = {}
        self._nudges: dict[PeerId, float] = {}
        self._period_at = inf
        self._since = 0.0
        self._left = False
        self._claim: Refutation | None = None
        self._incarnation = incarnation
        if incarnation:
            self._claim_incarnation(incarnation)
        self.counted: Counter[str] = Counter()
        """What it did itself: ``"probes"``, ``"suspicions"``, ``"deaths"``, ``"refutations"``."""

    @property
    def incarnation(self) -> int:
        """One's own number: rises when an accusation is refuted. Keep it over restarts."""
        return self._incarnation

    @property
    def refused(self) -> Counter[str]:
        """What did not count, by reason: ``"stranger"``, ``"stale"``, ``"signature"``, ``"busy"``."""
        return self._roll.refused

    @property
    def next_at(self) -> float:
        """When `tick` has something to do, seconds; infinite with nobody to probe, and after `leave`."""
        if self._left:
            return inf
        return min(
            self._period_at,
            *(probe.next_at for probe in self._probes.values()),
            *(relay.ends_at for relay in self._relays.values()),
            *(deadline.next_at for deadline in self._suspects.values()),
            *self._nudges.values(),
            inf,
        )

    def states(self) -> Mapping[PeerId, MemberState]:
        """Return what is held of every member, oneself included. A copy."""
        me = MemberState("left" if self._left else "alive", self._incarnation, self._since)
        return {self._key.peer: me, **self._roll.states}

    def state(self, peer: PeerId) -> MemberState:
        """Return what is held of one other member.

        Raises:
            UsageError: it is no member, or oneself.
        """
        if peer not in self._roll:
            raise UsageError(f"{show(peer)} is not among the {len(self._roll)} other members that `know` was given")
        return self._roll[peer].state

    def know(self, peers: Iterable[PeerId], now: float) -> None:
        """Set who the members are; new ones count as alive until probed. `peers` may name oneself, or nobody."""
        new, gone = self._roll.know(peers, now)
        self._round.know(self._roll, new)
        for peer in gone:
            self._probes.pop(peer, None)
            self._suspects.pop(peer, None)
            self._nudges.pop(peer, None)
            self._rumours.forget(peer)
        if not len(self._roll):
            self._period_at = inf
        elif self._period_at == inf:
            self._since = now
            self._period_at = now + self._rng.random() * self._period_s

    def heard(self, peer: PeerId, now: float) -> None:
        """Note a sign of life: an authentic datagram that cannot be an old one come again, which the caller ensures.

        It ends a probe, and puts off a death; who is held for suspect or dead is told so, for it to refute.
        """
        if self._left or peer not in self._roll:
            return
        self._wake(now)
        row = self._roll[peer]
        told_of_late = now - row.heard_at < self._period_s
        row.heard_at = now
        if self._probes.pop(peer, None):
            self._health.shift(-1)
        if row.rank in (Suspicion.rank, Death.rank) and not told_of_late:
            self._nudges[peer] = now

    def hint(self, peer: PeerId, up: bool, now: float) -> Outgoing:
        """Take the transport's word that a session went up or down for what it is: a reason to probe at once."""
        if self._left or peer not in self._roll:
            return []
        self._wake(now)
        alive = self._roll[peer].rank == Refutation.rank
        if up:
            return [] if alive else [(peer, Ping(self._nonce(), self._news(peer)))]
        if not alive:
            return []
        if len(self._probes) >= MAX_HURRIED:
            self._round.hurry(peer)
            return []
        return [self._probe(peer, now, now + 2 * self._health.wait_s)]

    def tick(self, now: float) -> Outgoing:
        """Do what is due: end probes, ask helpers, declare deaths, begin a period."""
        if self._left:
            return []
        self._wake(now)
        out: Outgoing = []
        for probe in list(self._probes.values()):
            if probe.ends_at <= now:
                self._fail(probe, now)
            elif probe.asks_at <= now:
                out += self._ask(probe)
        for nonce, relay in list(self._relays.items()):
            if relay.ends_at <= now:
                del self._relays[nonce]
                out.append((relay.requester, PingReply(relay.nonce, False, self._news(relay.requester))))
        for peer, deadline in list(self._suspects.items()):
            if deadline.next_at <= now:
                self._call(peer, deadline, now)
        out += [(peer, Ping(self._nonce(), self._news(peer))) for peer in self._nudges]
        self._nudges.clear()
        if self._period_at <= now:
            out += self._begin_period(now)
        return out

    def on(self, sender: PeerId, payload: SwimPayload, now: float) -> Outgoing:
        """Take a datagram that `sender` signed, and return what to answer. Never raises, whatever it says."""
        if self._left:
            return []
        if sender not in self._roll:
            self.refused["stranger"] += 1
            return []
        self._wake(now)
        better = self._read(payload.news, now)
        if isinstance(payload, Ping):
            return [(sender, Pong(payload.nonce, self._news(sender, better)))]
        if isinstance(payload, PingRequest):
            return self._help(sender, payload, better, now)
        if isinstance(payload, Pong):
            return self._answered(sender, payload.nonce, now)
        for probe in list(self._probes.values()):
            if probe.nonce == payload.nonce and sender in probe.silent:
                probe.silent.discard(sender)
                if payload.reached:
                    self.heard(probe.target, now)
        return []

    def leave(self, now: float) -> Outgoing:
        """Say goodbye, to as many members as hear of any news first hand; after that this one says nothing more."""
        if self._left:
            return []
        self._left, self._since = True, now
        goodbye = leave_note(self._key, self._swarm, self._incarnation)
        up = [peer for peer in sorted(self._roll) if self._roll[peer].rank < Death.rank]
        told = self._rng.sample(up, min(len(up), repeats(self._n_members)))
        return [(peer, Ping(self._nonce(), (goodbye,))) for peer in told]

    @property
    def _n_members(self) -> int:
        return len(self._roll) + 1

    @property
    def _suspicion_s(self) -> float:
        return repeats(self._n_members) * self._period_s

    def _nonce(self) -> int:
        return self._rng.getrandbits(63)

    def _wake(self, now: float) -> None:
        """Blame nobody for a time in which oneself did not run: begin anew what was waiting, put off what was due."""
        late_s = now - self.next_at
        if late_s <= self._period_s / 2:
            return
        self._probes.clear()
        self._relays.clear()
        self._nudges.clear()
        for deadline in self._suspects.values():
            deadline.next_at = max(deadline.next_at + late_s, now + self._period_s)
        self._period_at = min(self._period_at + late_s, now + self._period_s)

    def _begin_period(self, now: float) -> Outgoing:
        self._period_at = now + self._period_s
        out: Outgoing = []
        target = self._round.next(lambda peer: self._roll[peer].rank < Death.rank and peer not in self._probes)
        if target is not None:
            out.append(self._probe(target, now, now + self._period_s * self._health.stretch))
        dead = [peer for peer in sorted(self._roll) if self._roll[peer].rank == Death.rank]
        if dead:
            peer = self._rng.choice(dead)
            out.append((peer, Ping(self._nonce(), self._news(peer))))
        return out

    def _probe(self, target: PeerId, now: float, ends_at: float) -> tuple[PeerId, Ping]:
        self.counted["probes"] += 1
        probe = Probe(target, self._nonce(), now, now + self._health.wait_s, ends_at)
        self._probes[target] = probe
        return target, Ping(probe.nonce, self._news(target))

    def _ask(self, probe: Probe) -> Outgoing:
        up = [peer for peer in sorted(self._roll) if self._roll[peer].rank == Refutation.rank and peer != probe.target]
        helpers = self._rng.sample(up, min(len(up), self._helpers))
        probe.ask(helpers)
        again = Ping(probe.nonce, self._news(probe.target))
        asked = [(peer, PingRequest(probe.nonce, probe.target, self._news(peer))) for peer in helpers]
        return [(probe.target, again), *asked]

    def _help(self, requester: PeerId, request: PingRequest, better: list[News], now: float) -> Outgoing:
        target = PeerId(request.target)
        if target == self._key.peer:
            return [(requester, PingReply(request.nonce, True, self._news(requester, better)))]
        if target not in self._roll or len(self._relays) >= MAX_RELAYS:
            self.refused["stranger" if target not in self._roll else "busy"] += 1
            return []
        nonce = self._nonce()
        self._relays[nonce] = Relay(requester, request.nonce, target, now + NO_AFTER * self._health.wait_s)
        return [(target, Ping(nonce, self._news(target)))]

    def _answered(self, sender: PeerId, nonce: int, now: float) -> Outgoing:
        relay = self._relays.get(nonce)
        if relay is not None and relay.target == sender:
            del self._relays[nonce]
            self.heard(sender, now)
            return [(relay.requester, PingReply(relay.nonce, True, self._news(relay.requester)))]
        probe = self._probes.get(sender)
        if probe is not None and probe.nonce == nonce:
            if not probe.asked_again:
                row, rtt_s = self._roll[sender], now - probe.sent_at
                self._health.took(rtt_s)
                row.rtt_s = rtt_s if row.rtt_s is None else row.rtt_s + (rtt_s - row.rtt_s) / 8
            self.heard(sender, now)
        return []

    def _fail(self, probe: Probe, now: float) -> None:
        del self._probes[probe.target]
        self._health.shift(len(probe.silent) if probe.asked else 1)
        row = self._roll[probe.target]
        if row.rank == Refutation.rank:
            self.counted["suspicions"] += 1
            self._tell(suspicion(self._key, self._swarm, probe.target, row.incarnation, row.claim), now)
            self._nudges[probe.target] = now

    def _call(self, peer: PeerId, deadline: Deadline, now: float) -> None:
        """Call a suspect once more, or declare it dead when it was called often enough and was not heard."""
        row = self._roll[peer]
        if deadline.calls_left:
            deadline.calls_left -= 1
            deadline.next_at = now + self._period_s
            self._nudges[peer] = now
        elif row.heard_at > row.since and row.heard_at + self._suspicion_s > now:
            deadline.next_at = row.heard_at + self._suspicion_s
        else:
            self.counted["deaths"] += 1
            self._tell(death(self._key, self._swarm, peer, row.incarnation, row.claim), now)

    def _read(self, news: Iterable[News], now: float) -> list[News]:
        """Let news count; return what corrects those pieces that are outdated."""
        better: list[News] = []
        for piece in news:
            peer = PeerId(piece.peer)
            if peer == self._key.peer:
                held: News | None = self._answer(piece)
            else:
                held = self._roll.outdates(piece)
                self._tell(piece, now)
            if held is not None:
                better.append(held)
        return better

    def _tell(self, piece: News, now: float) -> None:
        """Let a piece of news about somebody else count, and if it is news, pass it on."""
        if not self._roll.read(piece, now):
            return
        self._rumours.add(piece)
        peer = PeerId(piece.peer)
        self._suspects.pop(peer, None)
        if isinstance(piece, Suspicion):
            self._suspects[peer] = Deadline(now + self._suspicion_s - LAST_CALLS * self._period_s)

    def _answer(self, piece: News) -> Refutation | None:
        """Return what refutes a piece of news about oneself, if anything does."""
        held, said = (self._incarnation, Refutation.rank), (piece.incarnation, piece.rank)
        if said == held:
            return None
        if said < held:
            self.refused["stale"] += 1
            return self._claim
        claim = self._claim.signature if self._claim and piece.incarnation == self._incarnation else b""
        if not self._roll.weigh(piece, claim):
            return None
        if isinstance(piece, Refutation):
            self._incarnation, self._claim = piece.incarnation, piece
            return None
        self.counted["refutations"] += 1
        if not isinstance(piece, Leave):
            self._health.shift(1)
        return self._claim_incarnation(piece.incarnation + 1)

    def _claim_incarnation(self, incarnation: int) -> Refutation:
        self._incarnation = incarnation
        self._claim = refutation(self._key, self._swarm, incarnation)
        self._rumours.add(self._claim)
        return self._claim

    def _news(self, to: PeerId, first: Iterable[News] = ()) -> tuple[News, ...]:
        accusation = self._roll[to].evidence if to in self._roll and self._roll[to].rank else None
        return self._rumours.pick(to, ((accusation, *first) if accusation else first), self._n_members)
