"""How the members of one question come to one set, and where it was asked for, to a certificate: one node's side of it.

When a member's protocol has ended it says what it holds (`Seal`). From the seals follows the cut, and from the cut the
decision, which everybody computes for itself with the protocol that the opening names. Where a certificate was asked
for, members sign what they got, in two phases (`Certifier`).
Source: the project's network specification, §5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from waggledance.consensus import (
    Ack,
    Certificate,
    Certifier,
    Claim,
    Heads,
    Prep,
    Seal,
    messages_of_cut,
    outcome_of_decision,
)
from waggledance.core import Body, Clock, Key, Message, MessageId, Opening, PeerId, RunFailed, UsageError, past_of
from waggledance.mesh._mesh_copy import MeshCopy
from waggledance.mesh._sealed_set import decide_over
from waggledance.protocols import folds

AnyMessage = Message[Any]
NOBODY = PeerId(bytes(32))
"""Follows a question without a vote."""
CERTIFYING = (Seal, Claim, Prep, Ack)
"""What a certifier looks at; of anything else it need not be told."""
VerifySignature = Callable[[PeerId, MessageId, bytes], bool]


class Agreement:
    """The end of one question at one node. The asker's node follows along without a say.

    Args:
        key: whose node it is.
        opening: the message that opened the question.
        copy: the node's copy of the channel.
        clock: time.
        holds: checks a signature.
        certify: whether to take part in the certificate that the opening asks for.
        signs: whether to sign, if this peer has a vote. An asker that sits at its own question follows it twice, and
            signs where it sits: two that sign with one key could contradict each other.
    """

    def __init__(
        self,
        key: Key,
        opening: Message[Opening],
        copy: MeshCopy,
        clock: Clock,
        holds: VerifySignature,
        *,
        certify: bool = True,
        signs: bool = True,
    ) -> None:
        self._key, self._opening, self._copy, self._clock = key, opening, copy, clock
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = inf
        self._outcomes: dict[Heads, bytes | None] = {}
        self._deciding: dict[Heads, asyncio.Task[None]] = {}
        self._lacking = False
        self._roster = frozenset(member.id for member in opening.body.members)
        self.ended = self._loop.create_future()
        """Done when there is a certificate."""
        self._certified: Certificate | None = None
        self.certifier: Certifier | None = None
        body = opening.body
        if certify and isinstance(body.certify, str):
            params = {"protocol": body.protocol, "topology": body.topology, "seed": str(body.seed)}
            me = key.peer if signs else NOBODY
            self.certifier = Certifier(
                me, key.sign, opening.id, body.members, body.certify, self._outcome, body.rule, params,
                holds=holds,
            )  # fmt: skip
            self._publish(self.certifier.resume(copy.messages(), clock.now()))
        self._unsubscribe = copy.subscribe(self._on)

    @property
    def certificate(self) -> Certificate | None:
        """The certificate, with the question in it; None while there is none."""
        made = self._certified if self.certifier is None else self.certifier.certificate
        return None if made is None else made.about(self._opening)

    @property
    def has_sealed(self) -> bool:
        """Whether this member has said what it holds, in this life or an earlier one."""
        return any(m.author == self._key.peer for m in self._copy.said(Seal))

    def finished(self) -> None:
        """Say what this member holds: its protocol has ended."""
        if self.certifier is not None:
            self._publish(self.certifier.finished(self.heads(), self._clock.now()))
        elif not self.has_sealed:
            self._publish([Seal(heads=self.heads())])

    def heads(self) -> Heads:
        """Return the newest message here of everybody who sits at the question."""
        forked = self._copy.forked
        heads = ((m.author, m.sequence, m.id) for m in self._copy.heads().values() if m.author in self._roster)
        return tuple(sorted(head for head in heads if head[0] not in forked))

    def messages(self, cut: Heads) -> list[AnyMessage] | None:
        """Return what a decision over a cut rests on, the opening first; None while some of it is not here.

        Of a protocol that folds, what the asker said counts as well, as far as those who sit there built on it: the
        plan that a piece of work begins with is the asker's.
        """
        said = messages_of_cut(cut, self._copy.get)
        if said is None:
            return None
        return [self._opening, *said, *(self._asked_by(cut) if folds(self._opening.body) else ())]

    def _asked_by(self, cut: Heads) -> list[AnyMessage]:
        """Return the asker's messages behind a cut, without the opening."""
        here = {message.id: message for message in self._copy.messages()}
        past = {id for _, _, head in cut for id in past_of(head, here)}
        asker = self._opening.author
        return [here[id] for id in sorted(past) if here[id].author == asker and here[id] != self._opening]

    def close(self) -> None:
        """Stop following the question, and let go of what holds on to this: else all that was said stays in memory."""
        self._unsubscribe()
        self._unsubscribe = _nothing
        if self._timer is not None:
            self._timer.cancel()
        for task in self._deciding.values():
            task.cancel()
        if self.certifier is not None:
            self._certified, self.certifier = self.certifier.certificate, None
        self._deciding.clear()

    # -- the certifier's surroundings ---------------------------------------------------------------------------

    def _on(self, message: AnyMessage, _raw: bytes) -> None:
        if self.certifier is not None and (self._lacking or isinstance(message.body, CERTIFYING)):
            self._loop.call_soon(self._take, message)

    def _take(self, message: AnyMessage) -> None:
        if self.certifier is None:  # closed since the message came
            return
        self._publish(self.certifier.on(message, self._clock.now()))
        if self._lacking:
            self._retry()

    def _retry(self) -> None:
        if self.certifier is None:  # closed in the meantime
            return
        self._lacking = False
        self._publish(self.certifier.retry(self._clock.now()))

    def _outcome(self, cut: Heads) -> bytes | None:
        """Return what the protocol decides over a cut; None while it is being computed, or a message is missing."""
        if cut not in self._outcomes and cut not in self._deciding:
            messages = self.messages(cut)
            if messages is None:
                self._lacking = True
                return None
            self._deciding[cut] = self._loop.create_task(self._decide(cut, messages))
        return self._outcomes.get(cut)

    async def _decide(self, cut: Heads, messages: Sequence[AnyMessage]) -> None:
        try:
            decision = await decide_over(self._opening, messages, self._clock)
        except (RunFailed, UsageError):
            self._outcomes[cut] = None  # this member cannot tell what follows, and signs nothing
            return
        self._outcomes[cut] = outcome_of_decision(decision)
        self._retry()

    def _publish(self, bodies: Sequence[Body]) -> None:
        for body in bodies:
            self._copy.publish(self._key.peer, body, [], self._clock.wall_ms())
        if not self.ended.done() and self.certificate is not None:
            self.ended.set_result(None)
        self._arm()

    def _arm(self) -> None:
        at = inf if self.certifier is None else self.certifier.next_at
        if at == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = at
        if at < inf:
            self._timer = self._loop.call_later(max(0.0, at - self._clock.now()), self._tick)

    def _tick(self) -> None:
        assert self.certifier is not None, "only a certified question has a timer"
        self._due = inf
        self._publish(self.certifier.tick(self._clock.now()))


def _nothing() -> None:
    """Do nothing."""
