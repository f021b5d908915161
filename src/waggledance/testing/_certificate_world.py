"""A world in which members certify one question while an adversary rules: over time, the network, and the liars.

Nothing happens but by a step, and a step that is not possible does nothing: so any part of a list of steps is a
schedule too, which is what lets one be made smaller. Liars support everything: whatever is claimed, they prep and ack,
in that epoch, and it is for the steps who hears of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, cast

from blake3 import blake3

from waggledance.consensus import Ack, Certifier, Claim, Prep, Seal, cut_of_seals, quorum
from waggledance.consensus._certificate_bodies import ack_statement, prep_statement
from waggledance.core import Body, Message, MessageId, SwarmId
from waggledance.testing._certificate_cast import LAST_NUMBER, PEERS, Cast, heads_of, is_signed, sign_as

Name = tuple[int, str, int, bytes]
"""A message: its author's place, what it is, its epoch, and the digest it is about or which of several seals it is."""
Step = tuple[Any, ...]
"""``("hear", to, name)``, ``("wait", who)``, ``("learn", who)`` or ``("claim", liar, epoch, names of seals)``."""

PARAMS = {"protocol": "adversary"}
_SWARM = SwarmId(bytes(16))
_KINDS = {Seal: "seal", Claim: "claim", Prep: "prep", Ack: "ack"}

Said = Seal | Claim | Prep | Ack
Make = Callable[..., Certifier]


class World:
    """The members' certifiers, every message said, and what acks could make a certificate.

    Args:
        players: who plays.
        make: makes a member's `Certifier`, from the same arguments.
        one_phase: as in `Certifier`.
    """

    def __init__(self, players: Cast, make: Make, *, one_phase: bool = False) -> None:
        self.cast = players
        everything = [LAST_NUMBER] * len(players.members)
        self.messages: dict[Name, Message[Any]] = {}
        self.waiting = {i: {kind: list[Name]() for kind in _KINDS.values()} for i in players.honest}
        """What each honest member has not heard yet, by kind."""
        self.now = dict.fromkeys(players.honest, 0.0)
        self.sealed = {i: list(players.held[i]) for i in players.honest}
        self.held = {i: list(everything if players.informed else players.held[i]) for i in players.honest}
        self.certifiable: dict[bytes, int] = {}
        """Decisions that a quorum acked, with the epoch: liars count as having acked everything claimed."""
        self._needed = quorum(players.members).needed - len(players.liars)
        self._heard = set[Name]()
        """What any honest member heard: it passes it on when the network has healed, and liars may have no more."""
        self._acked: dict[tuple[int, bytes], int] = {}
        self._prepped: dict[tuple[int, bytes], set[int]] = {}
        self._supported: set[tuple[int, bytes]] = set()
        self._numbers = [0] * len(players.members)
        self.certifiers = {
            i: make(
                PEERS[i], partial(sign_as, i), players.question, players.members, "byzantine",
                partial(players.decide, self.held[i]), "adversary", PARAMS, one_phase=one_phase, delay_s=1.0,
                holds=is_signed,
            )
            for i in players.honest
        }  # fmt: skip
        self._decided = self.certifiers[players.honest[0]].decided
        for i in players.liars:
            for which, seal in enumerate(players.seals_of_liars()):
                self._say(i, seal, which.to_bytes(1))
        for i in players.honest:
            self._publish(i, self.certifiers[i].finished(heads_of(self.sealed[i]), 0.0))

    @property
    def contradicts(self) -> bool:
        """Whether two decisions can both be certified."""
        return len(self.certifiable) > 1

    def do(self, step: Step) -> None:
        """Do a step; nothing where it is not possible."""
        what, who = step[0], step[1]
        if what == "hear":
            message = self.messages.get(step[2])
            if message is not None:
                self._heard.add(step[2])
                self._publish(who, self.certifiers[who].on(message, self.now[who]))
        elif what == "wait":
            until = self.certifiers[who].next_at
            if until < inf:
                self.now[who] = until
                self._publish(who, self.certifiers[who].tick(until))
        elif what == "learn":
            self._learn(who, 1)
        else:
            self._claim_falsely(who, step[2], step[3])

    def heal(self, most_epochs: int) -> bool:
        """Let everything said arrive, and time go by for all alike; return whether every honest member certified.

        Args:
            most_epochs: give up when somebody is so many epochs further than anybody was.
        """
        last = most_epochs + max(certifier.epoch for certifier in self.certifiers.values())
        silent = () if self.cast.liars_help else self.cast.liars
        for i in self.cast.honest:
            self._learn(i, LAST_NUMBER)
        while not all(certifier.certificate for certifier in self.certifiers.values()):
            if max(certifier.epoch for certifier in self.certifiers.values()) > last:
                return False
            if self._deliver_all(lambda name: name[0] not in silent or name in self._heard):
                continue
            waits = [c.next_at - self.now[i] for i, c in self.certifiers.items() if c.next_at < inf]
            if not waits:
                return False
            for i in self.cast.honest:
                self.now[i] += max(0.0, min(waits))
                self._publish(i, self.certifiers[i].tick(self.now[i]))
        return True

    def _learn(self, i: int, more: int) -> None:
        """Let a member get so many more messages of everybody, and seal them when it seals again."""
        for numbers in (self.held[i], self.sealed[i]):
            numbers[:] = [min(LAST_NUMBER, last + more) for last in numbers]
        certifier = self.certifiers[i]
        self._publish(i, certifier.retry(self.now[i]))
        self._publish(i, certifier.finished(heads_of(self.sealed[i]), self.now[i]))

    def _deliver_all(self, arrives: Callable[[Name], bool]) -> bool:
        heard = False
        for i in self.cast.honest:
            waiting = [name for names in self.waiting[i].values() for name in names]
            for names in self.waiting[i].values():
                names.clear()
            for name in waiting:
                if arrives(name):
                    heard = True
                    self.do(("hear", i, name))
        return heard

    # -- what is said -------------------------------------------------------------------------------------------

    def _publish(self, i: int, bodies: list[Body]) -> None:
        for body in bodies:
            said = cast("Said", body)
            message = self._say(i, said, b"" if isinstance(said, Seal) else said.digest)
            if message is not None:
                self._publish(i, self.certifiers[i].on(message, self.now[i]))

    def _say(self, i: int, body: Said, about: bytes) -> Message[Any] | None:
        name = (i, _KINDS[type(body)], body.round, about)
        if name in self.messages:
            return None
        self._numbers[i] += 1
        id = MessageId(blake3(b"%d %s %d %s" % (i, name[1].encode(), body.round, about)).digest())
        message = Message(id, PEERS[i], body, self._numbers[i], None, (), 1, 0, _SWARM, "q")
        self.messages[name] = message
        for to, waiting in self.waiting.items():
            if to != i:
                waiting[name[1]].append(name)
        ballot = (body.round, about)
        if isinstance(body, Claim):
            self._support(ballot)
        elif isinstance(body, Prep):
            self._prepped.setdefault(ballot, set()).add(i)
        elif isinstance(body, Ack) and i not in self.cast.liars:
            self._acked[ballot] = self._acked.get(ballot, 0) + 1
            if self._acked[ballot] >= self._needed:
                self.certifiable.setdefault(about, body.round)
        return message

    def _support(self, ballot: tuple[int, bytes]) -> None:
        if ballot in self._supported:
            return
        self._supported.add(ballot)
        epoch, digest = ballot
        question = self.cast.question
        for i in self.cast.liars:
            for kind, statement in ((Prep, prep_statement), (Ack, ack_statement)):
                signature = sign_as(i, statement(question, epoch, digest))
                self._say(i, kind(round=epoch, question=question, digest=digest, signature=signature), digest)

    def _claim_falsely(self, i: int, epoch: int, seals: tuple[Name, ...]) -> None:
        """Let a liar claim what follows from these seals, with the latest quorum of preps there is for it."""
        messages = [self.messages[name] for name in seals if name in self.messages]
        if len(messages) < len(seals):
            return
        cut = cut_of_seals([m.body.heads for m in messages])
        outcome = self.cast.decide([LAST_NUMBER] * len(self.cast.members), cut)
        if outcome is None:
            return
        digest = self._decided(cut, outcome).digest()
        ids = tuple(sorted([m.id for m in messages]))
        needed = self._needed + len(self.cast.liars)
        earlier = [e for (e, d), who in self._prepped.items() if d == digest and e < epoch and len(who) >= needed]
        shown = max(earlier, default=0)
        unlock = [
            (PEERS[who], sign_as(who, prep_statement(self.cast.question, shown, digest)))
            for who in (self._prepped[shown, digest] if earlier else ())
        ]
        self._say(i, Claim(round=epoch, seals=ids, digest=digest, unlock=tuple(sorted(unlock)), unlock_epoch=shown),
                  digest)  # fmt: skip
