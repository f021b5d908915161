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
from waggledance.mesh._swim_messages import (
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
)
from waggledance.mesh._swim_own_word import OwnWord
from waggledance.mesh._swim_prober import Outgoing, Prober
from waggledance.mesh._swim_roll import MemberState, Roll
from waggledance.mesh._swim_rumours import Rumours, repeats
from waggledance.mesh._swim_suspects import Suspects


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
        self._rng, self._period_s, self._helpers = rng, period_s, helpers
        self._own = OwnWord(key, swarm, incarnation)
        self._roll = Roll(swarm, key.peer, verify)
        self._rumours = Rumours()
        self._prober = Prober(self._roll, self._news, rng=rng, period_s=period_s, helpers=helpers)
        self._suspects = Suspects(period_s)
        self._to_call: dict[PeerId, float] = {}
        self._period_at = inf
        self._since = 0.0
        self._left = False
        if self._own.claim:
            self._rumours.add(self._own.claim)
        self._counted: Counter[str] = Counter()

    @property
    def incarnation(self) -> int:
        """One's own number: rises when an accusation is refuted. Keep it over restarts."""
        return self._own.incarnation

    @property
    def counted(self) -> Counter[str]:
        """What it did itself: ``"probes"``, ``"suspicions"``, ``"deaths"``, ``"refutations"``. A copy."""
        return self._counted + Counter(probes=self._prober.begun)

    @property
    def refused(self) -> Counter[str]:
        """What did not count, by reason: ``"stranger"``, ``"stale"``, ``"signature"``, ``"busy"``."""
        return self._roll.refused

    @property
    def next_at(self) -> float:
        """When `tick` has something to do, seconds; infinite with nobody to probe, and after `leave`."""
        if self._left:
            return inf
        return min(self._period_at, self._prober.next_at, self._suspects.next_at, *self._to_call.values())

    def states(self) -> Mapping[PeerId, MemberState]:
        """Return what is held of every member, oneself included. A copy."""
        me = MemberState("left" if self._left else "alive", self._own.incarnation, self._since)
        return {self._own.peer: me, **self._roll.states}

    def state(self, peer: PeerId) -> MemberState:
        """Return what is held of one other member.

        Raises:
            UsageError: it is no member, or oneself.
        """
        if peer not in self._roll:
            raise UsageError(f"{show(peer)} is not among the {len(self._roll)} other members that `know` was given")
        return self._roll[peer].state

    def last_heard(self) -> dict[PeerId, float]:
        """Return when each other member last gave a sign of life, seconds; who gave none yet is missing. A copy."""
        return {peer: at for peer in self._roll if (at := self._roll[peer].heard_at) > -inf}

    def know(self, peers: Iterable[PeerId], now: float) -> None:
        """Set who the members are; new ones count as alive until probed. `peers` may name oneself, or nobody."""
        new, gone = self._roll.know(peers, now)
        self._prober.round.know(self._roll, new)
        for peer in gone:
            self._prober.forget(peer)
            self._suspects.discard(peer)
            self._to_call.pop(peer, None)
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
        row.heard_at = now
        self._prober.heard(peer)
        called = row.called_at >= max(row.since, now - self._period_s)
        if row.rank in (Suspicion.rank, Death.rank) and not called:
            self._to_call[peer] = now

    def hint(self, peer: PeerId, up: bool, now: float) -> Outgoing:
        """Take the transport's word that a session went up or down for what it is: a reason to probe at once."""
        if self._left or peer not in self._roll:
            return []
        self._wake(now)
        alive = self._roll[peer].rank == Refutation.rank
        if up:
            return [] if alive else [self._call(peer, now)]
        return self._prober.hurry(peer, now) if alive else []

    def tick(self, now: float) -> Outgoing:
        """Do what is due: end probes, ask helpers, declare deaths, begin a period."""
        if self._left:
            return []
        self._wake(now)
        out, failed = self._prober.tick(now)
        for peer in failed:
            self._accuse(peer, now)
        for peer, call in self._suspects.due(now):
            if call:
                self._to_call[peer] = now
            else:
                self._bury(peer, now)
        out += [self._call(peer, now) for peer in self._to_call]
        self._to_call.clear()
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
            if payload.target == self._own.peer:
                return [(sender, PingReply(payload.nonce, True, self._news(sender, better)))]
            return self._prober.help(sender, payload, now)
        if isinstance(payload, Pong):
            fresh, out = self._prober.pong(sender, payload.nonce, now)
            if fresh:
                self.heard(sender, now)
            return out
        reached = self._prober.reply(sender, payload)
        if reached is not None:
            self.heard(reached, now)
        return []

    def leave(self, now: float) -> Outgoing:
        """Say goodbye, to as many members as hear of any news first hand; after that this one says nothing more."""
        if self._left:
            return []
        self._left, self._since = True, now
        goodbye = self._own.goodbye()
        up = [peer for peer in sorted(self._roll) if self._roll[peer].rank < Death.rank]
        told = self._rng.sample(up, min(len(up), repeats(self._n_members)))
        return [(peer, Ping(self._prober.nonce(), (goodbye,))) for peer in told]

    @property
    def _n_members(self) -> int:
        return len(self._roll) + 1

    @property
    def _suspicion_s(self) -> float:
        return repeats(self._n_members) * self._period_s

    def _wake(self, now: float) -> None:
        """Blame nobody for a time in which oneself did not run: begin anew what was waiting, put off what was due."""
        late_s = now - self.next_at
        if late_s <= self._period_s / 2:
            return
        self._prober.clear()
        self._to_call.clear()
        self._suspects.put_off(late_s, now + self._period_s)
        self._period_at = min(self._period_at + late_s, now + self._period_s)

    def _begin_period(self, now: float) -> Outgoing:
        self._period_at = now + self._period_s
        out = self._prober.begin(now)
        dead = [peer for peer in sorted(self._roll) if self._roll[peer].rank == Death.rank]
        if dead:
            out.append(self._call(self._rng.choice(dead), now))
        return out

    def _call(self, peer: PeerId, now: float) -> tuple[PeerId, Ping]:
        """Tell a peer what is held of it, and other news, which ride on every ping."""
        self._roll[peer].called_at = now
        return peer, Ping(self._prober.nonce(), self._news(peer))

    def _accuse(self, peer: PeerId, now: float) -> None:
        row = self._roll[peer]
        if row.rank == Refutation.rank:
            self._counted["suspicions"] += 1
            self._tell(self._own.suspicion(peer, row), now)
            self._to_call[peer] = now
            self._spread(now)

    def _spread(self, now: float) -> None:
        """Tell k others at once what one has just said oneself; from there it rides on probes."""
        up = [peer for peer in sorted(self._roll) if self._roll[peer].rank == Refutation.rank]
        self._to_call.update(dict.fromkeys(self._rng.sample(up, min(len(up), self._helpers)), now))

    def _bury(self, peer: PeerId, now: float) -> None:
        row = self._roll[peer]
        spared_until = row.heard_at + self._suspicion_s
        if row.heard_at > row.since and spared_until > now:
            self._suspects.add(peer, spared_until)
            return
        self._counted["deaths"] += 1
        self._tell(self._own.death(peer, row), now)

    def _read(self, news: Iterable[News], now: float) -> list[News]:
        """Let news count; return what corrects those pieces that are outdated."""
        better: list[News] = []
        for piece in news:
            peer = PeerId(piece.peer)
            if peer == self._own.peer:
                held: News | None = self._answer(piece, now)
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
        self._suspects.discard(peer)
        if isinstance(piece, Suspicion):
            self._suspects.add(peer, now + self._suspicion_s)
        elif isinstance(piece, Death) and piece.accuser != self._own.peer:
            self._to_call[peer] = now  # if it is a lie, it is refuted in one round trip

    def _answer(self, piece: News, now: float) -> Refutation | None:
        """Return what refutes a piece of news about oneself, if it needs refuting."""
        claim = self._own.outbid(piece, self._roll)
        if claim is not None:
            self._counted["refutations"] += 1
            self._rumours.add(claim)
            self._spread(now)
            if not isinstance(piece, Leave):
                self._prober.health.shift(1)
        elif (piece.incarnation, piece.rank) >= (self._own.incarnation, Refutation.rank):
            return None
        return self._own.claim

    def _news(self, to: PeerId, first: Iterable[News] = ()) -> tuple[News, ...]:
        accusation = self._roll[to].evidence if to in self._roll and self._roll[to].rank else None
        return self._rumours.pick(to, ((accusation, *first) if accusation else first), self._n_members)
