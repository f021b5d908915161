"""Certify one decision among members of whom some may lie: a pure state machine, two phases with a lock.

An epoch goes: every member seals what it holds; once a quorum has sealed, the member whose turn it is claims a
decision; every member recomputes it and preps at most one; a quorum of preps *locks* whoever sees it, and whoever is
locked acks; a quorum of acks is a certificate. No quorum in time: the next epoch, with new seals and twice the time.
A member that is locked to D preps nothing else, unless it sees a quorum of preps for it from a later epoch.

**Why never two.** Two quorums share an honest member. In one epoch it preps one decision. If D was acked by a quorum in
epoch e, the honest ones of it are locked to D, at e or later; a first quorum of preps for another decision after e
would need one of them, who has not seen a later quorum for it, because there is none yet. That holds under any delay,
loss and order, as long as members who lie have at most the weight f of the `Quorum`.

**Why it ends.** The clock of an epoch starts when a quorum has entered it, so nobody runs ahead and a partition
that heals costs no grown waits; whoever sees more than f in a later epoch follows; turns are drawn anew by hash in
every epoch, and time doubles until it exceeds the delays of the network.

The signed words of every member are in the channel, so a restarted member comes back from its log with `resume`.
Source: the project's network specification, §5; the lock as in Castro, Liskov 1999, "Practical Byzantine Fault
Tolerance", and Buchman, Kwon, Milosevic 2018, arXiv:1807.04938.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

from waggledance.consensus._ballots import Ballots
from waggledance.consensus._certificate import Certificate
from waggledance.consensus._certificate_bodies import (
    Ack,
    Claim,
    Prep,
    Seal,
    ack_statement,
    prep_statement,
)
from waggledance.consensus._claims import Claims, Found
from waggledance.consensus._cut_of_seals import Heads
from waggledance.consensus._decided import Decided, members_hash
from waggledance.consensus._progress import Progress
from waggledance.consensus._quorum import QuorumRule, quorum, voters
from waggledance.consensus._tally import Ballot
from waggledance.consensus._turns import STEPS_AN_EPOCH, step_s, turns
from waggledance.consensus._verify_certificate import Decide, VerifySignature
from waggledance.core import Body, Member, Message, MessageId, PeerId, UsageError, signature_holds

Sign = Callable[[MessageId], bytes]

MAX_VOTERS = 400
"""A claim with a quorum's preps in it must fit a message of 64 KiB: (34 + 100) bytes a member."""


class Certifier:
    """One member's part in certifying the decision on one question. No clock, no network: time and messages come in.

    Give it every message of the question's channel, its own included, and publish what it returns. Messages in any
    order, repeated, of other kinds or by strangers do no harm. Write to disk what it returns before it is sent, and
    give a restarted one all of it with `resume`: then it never contradicts itself.

    Args:
        me: this member; one without a vote follows along and says nothing.
        sign: signs a statement with this member's key.
        question: id of the message that opened the question.
        members: everybody with a vote, at most 400, and others of weight 0.
        quorum_rule: ``"byzantine"`` or ``"crash"``; see `quorum`.
        decide: recomputes the outcome from a cut, at most 64 KiB; None while any message of the cut is missing, and
            then call `retry` when more are here. A pure function of the cut.
        rule: the decision rule's name.
        params: how the question was worked on, as text, such as its protocol and topology; signed as well.
        one_phase: ack at once and have one epoch; then no decision is a possible end.
        delay_s: seconds that a message between members is expected to take, above 0.
        holds: checks a signature.

    Raises:
        UsageError: nobody or more than 400 members have a vote, a member stands twice, the delay is no time, or
            `params` names the quorum or the phases, which are filled in here.
    """

    def __init__(
        self,
        me: PeerId,
        sign: Sign,
        question: MessageId,
        members: Sequence[Member],
        quorum_rule: QuorumRule,
        decide: Decide,
        rule: str,
        params: Mapping[str, str],
        *,
        one_phase: bool = False,
        delay_s: float = 0.5,
        holds: VerifySignature = signature_holds,
    ) -> None:
        if not 0 < delay_s < inf:
            raise UsageError(f"delay_s is a number of seconds above 0, got {delay_s}")
        if "quorum" in params or "phases" in params:
            raise UsageError("params 'quorum' and 'phases' are filled in here; leave them out")
        self._weights = voters(members)
        if len(self._weights) > MAX_VOTERS:
            raise UsageError(f"{len(self._weights)} members have a vote; certificates are for at most {MAX_VOTERS}")
        self.me, self.quorum = me, quorum(members, quorum_rule)
        self.certificate: Certificate | None = None
        """The first one that this member could put together."""
        self.epoch = 0
        self._started: float | None = None
        """When a quorum had entered the epoch."""
        self._sign, self._question = sign, question
        self._one_phase, self._delay_s = one_phase, delay_s
        self._signs_first: type[Prep | Ack] = Ack if one_phase else Prep
        self._voters = tuple(sorted([m for m in members if m.weight], key=lambda m: m.id))
        hashed = members_hash(members)
        worked = {**params, "quorum": quorum_rule, "phases": "1" if one_phase else "2"}

        def decided(cut: Heads, outcome: bytes) -> Decided:
            return Decided(question=question, rule=rule, params=worked, cut=cut, members=hashed, outcome=outcome)

        self.decided = decided
        """Makes what is signed of a cut and its outcome."""
        self._claims = Claims(self._weights, self.quorum.needed, decide, decided)
        self._ballots = Ballots(question, self._weights, self.quorum, holds)
        self._heads: Heads | None = None
        self._sealed = self._claimed = self._prepped = self._acked = -1
        """The last epoch in which this member did so."""
        self._now = -inf
        self._ids = tuple(self._weights)
        self._go(0)

    # -- what comes in ------------------------------------------------------------------------------------------

    def finished(self, heads: Heads, now: float) -> list[Body]:
        """Say that this member's protocol has ended, and what it holds; again when it holds more.

        Args:
            heads: the newest message of each author that the decision should look at, sorted by author.
            now: seconds on a clock that never goes back.
        """
        self._heads = heads
        return self._act(now)

    def on(self, message: Message[Any], now: float) -> list[Body]:
        """Take a message of the channel; return what to publish."""
        return self._act(now) if self.certificate is None and self._take(message) else []

    def resume(self, messages: Iterable[Message[Any]], now: float) -> list[Body]:
        """Take many messages before acting on any: what a restarted member said earlier is among them."""
        for message in messages:
            self._take(message)
        return self._act(now)

    def retry(self, now: float) -> list[Body]:
        """Recompute what could not be recomputed: more messages of the question are here."""
        self._claims.retry()
        return self._act(now)

    def tick(self, now: float) -> list[Body]:
        """Act on time going by; due at `next_at`, and harmless at any time."""
        return self._act(now)

    # -- what can be seen ---------------------------------------------------------------------------------------

    @property
    def next_at(self) -> float:
        """When `tick` is due, on the clock that `now` came from; infinity when only a message can change things."""
        if self.certificate is not None or self._started is None or self._is_over():
            return inf
        times = [self._started + STEPS_AN_EPOCH * self._step]
        if self.me in self._weights:
            if self._claimed < self.epoch and self._prepped < self.epoch:
                times.append(self._claims_from())
            if self._prepped < self.epoch:
                times += [self._turn_of(author) for author in self._claims.of_epoch(self.epoch)]
        return min([at for at in times if at > self._now], default=inf)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come from here: certified, or one phase whose only epoch has gone by."""
        return self.certificate is not None or self._is_over()

    def progress(self) -> Progress:
        """Return how far it has come: for people who wait, and for an error when they stop waiting."""
        tallies = (self._ballots.preps, self._ballots.acks)
        prepped, acked = (max([t.weight(b) for b in t.signed if b[0] == self.epoch], default=0) for t in tallies)
        silent = tuple([m for m in self._voters if m.id not in self._ballots.epochs])
        return Progress(self.epoch, self._claims.sealed_weight, prepped, acked, self.quorum, silent)

    # -- what follows -------------------------------------------------------------------------------------------

    def _take(self, message: Message[Any]) -> bool:
        """Note what a member said; return whether it is news."""
        author, body = message.author, message.body
        if author not in self._weights:
            return False
        if isinstance(body, Prep):
            news = not self._one_phase and self._ballots.prep(author, body)
        elif isinstance(body, Ack):
            news = self._ballots.ack(author, body)
        elif isinstance(body, Seal):
            news = self._claims.seal(message)
        elif isinstance(body, Claim):
            news = self._claims.claim(message)
            if news and not self._one_phase:
                self._ballots.show(body)
        else:
            return False
        if news:
            self._ballots.enters(author, body.round)
            if author == self.me:
                self._remember(body)
        return news

    def _remember(self, body: Body) -> None:
        """Take up what this member said itself, before a restart."""
        epoch = body.round
        if isinstance(body, Seal):
            self._sealed = max(self._sealed, epoch)
        elif isinstance(body, Claim):
            self._claimed = max(self._claimed, epoch)
        elif isinstance(body, Prep) or self._one_phase:
            self._prepped = max(self._prepped, epoch)
        else:
            self._acked = max(self._acked, epoch)
        if epoch > self.epoch:
            self._go(epoch)

    def _act(self, now: float) -> list[Body]:
        """Do what is due; return what to publish."""
        self._now = max(self._now, now)
        said: list[Body] = []
        self._conclude()
        if self.certificate is None:
            self._follow()
            if self.me in self._weights:
                self._seal(said)
                if self._started is not None and not self._is_over():
                    self._prep(said)
                    self._claim(said)
                self._ack(said)
        return said

    def _follow(self) -> None:
        """Go to the next epoch when time is up, or to where more than f are; start the clock when a quorum is there."""
        if not self._one_phase:
            ahead = self._ballots.ahead(self.epoch) if self._ballots.latest > self.epoch else self.epoch
            if ahead > self.epoch:
                self._go(ahead)
            elif self._started is not None and self._now >= self._started + STEPS_AN_EPOCH * self._step:
                self._go(self.epoch + 1)
        needed = self.quorum.needed
        if self._started is None and self._claims.sealed_weight >= needed <= self._ballots.weight_from(self.epoch):
            self._started = self._now

    def _go(self, epoch: int) -> None:
        self.epoch, self._started = epoch, None
        self._step = step_s(self._delay_s, epoch)
        self._turns = turns(self._question, epoch, self._ids)

    def _seal(self, said: list[Body]) -> None:
        if self._heads is not None and self._sealed < self.epoch:
            self._sealed = self.epoch
            said.append(Seal(round=self.epoch, heads=self._heads))

    def _claim(self, said: list[Body]) -> None:
        """Claim a decision when it is this member's turn: the one it is locked to, else what all seals give."""
        if self._claimed >= self.epoch or self._prepped >= self.epoch or self._now < self._claims_from():
            return
        lock, found = self._ballots.lock, self._to_claim()
        if found is None:
            return
        self._claimed = self.epoch
        unlock = () if lock is None else self._ballots.preps.signatures(lock)
        said.append(Claim(round=self.epoch, seals=found.seals, digest=found.digest, unlock=unlock,
                          unlock_epoch=0 if lock is None else lock[0]))  # fmt: skip

    def _to_claim(self) -> Found | None:
        lock = self._ballots.lock
        return self._claims.propose() if lock is None else self._claims.found(lock[1])

    def _prep(self, said: list[Body]) -> None:
        """Sign the claim of whose turn came first, of those that this member recomputed and its lock allows."""
        claimed = self._claims.of_epoch(self.epoch)
        if self._prepped >= self.epoch or not claimed:
            return
        for author in sorted(claimed, key=self._turns.__getitem__):
            digest = claimed[author]
            if self._now < self._turn_of(author):
                return
            if self._allows(digest) and self._claims.found(digest) is not None:
                self._prepped = self.epoch
                said.append(self._signed(self._signs_first, (self.epoch, digest)))
                return

    def _allows(self, digest: bytes) -> bool:
        """Say whether the lock lets this member prep a decision; a later quorum would have become the lock."""
        lock = self._ballots.lock
        return lock is None or lock[1] == digest

    def _ack(self, said: list[Body]) -> None:
        """Ack what this member is locked to, once an epoch, unless it has prepped in a later one."""
        lock = self._ballots.lock
        if lock is not None and lock[0] > self._acked and lock[0] >= self._prepped and self._claims.found(lock[1]):
            self._acked = lock[0]
            said.append(self._signed(Ack, lock))

    def _signed(self, kind: type[Prep | Ack], ballot: Ballot) -> Body:
        epoch, digest = ballot
        statement = prep_statement if kind is Prep else ack_statement
        signature = self._sign(statement(self._question, epoch, digest))
        return kind(round=epoch, question=self._question, digest=digest, signature=signature)

    def _conclude(self) -> None:
        if self.certificate is not None:
            return
        for ballot in sorted(self._ballots.acks.full):
            found = self._claims.found(ballot[1])
            if found is not None:
                acks = self._ballots.acks.signatures(ballot)
                self.certificate = Certificate(decided=found.decided, epoch=ballot[0], acks=acks, members=self._voters)
                return

    def _turn_of(self, author: PeerId) -> float:
        """Return when a member's turn begins, which is also when its claim may be prepped."""
        return (self._started or 0.0) + self._turns[author] * self._step

    def _claims_from(self) -> float:
        """Return when this member claims: at its turn; in the first epoch a step later while seals are missing."""
        waits = self.epoch == 0 and self._claims.sealed_weight < self.quorum.total
        return self._turn_of(self.me) + (self._step if waits else 0.0)

    def _is_over(self) -> bool:
        ends = inf if self._started is None else self._started + STEPS_AN_EPOCH * self._step
        return self._one_phase and self._now >= ends
