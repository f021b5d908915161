"""The door of a channel: what arrives is checked here, in one order, before it counts.

    length → schema → encoding again gives the same bytes → limits → swarm and channel match → author is admitted
    → signature → parents are known (else it is parked, and they are asked for) → number, previous message and
    logical clock are consistent → stored

Nothing that a peer sends raises: a refusal is counted by its reason, and the latest ones are kept for people.

**Signatures.** Every message that is stored is signed, or vouched for: each message names its author's previous one by
hash, so one signature covers the run behind it. An unsigned message waits for a signed later one of its author.

**Equivocation.** Two different messages by one author with one number stay in the set, both, so that all peers come to
the same set; the proof is kept, and their author is collected no more.

Source: the project's network specification, §1 (acceptance) and §2 (fork proofs); `PERFORMANCE.md` there, fact 1.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from typing import Any, ClassVar

import msgspec

from waggledance.core._channel import Channel
from waggledance.core._clock import Clock
from waggledance.core._errors import PeerFault, UsageError
from waggledance.core._fork import ForkProof
from waggledance.core._ids import MessageId, PeerId, show
from waggledance.core._keys import signature_holds
from waggledance.core._message import Message, frame, open_frame, raw_of

logger = logging.getLogger(__name__)

AnyMessage = Message[Any]
Verify = Callable[[PeerId, MessageId, bytes], bool]
Ask = Callable[[PeerId, tuple[MessageId, ...]], None]

PARKED_PER_AUTHOR = 1_000
PARKED_BYTES_PER_AUTHOR = 8 * 1024 * 1024
"""Our own, beside the specification's 1,000: so many frames of the largest size would be 96 MB an author."""
PARKED_SECONDS = 30.0
REFUSALS_KEPT = 100


class Refusal(msgspec.Struct, frozen=True):
    """One thing that was not let in, for people to read."""

    reason: str
    """One of `Door.reasons`."""
    detail: str
    author: PeerId | None = None
    """Who the message says it is by; None when it could not be read. Proven only if `reason` comes after signatures."""
    id: MessageId | None = None


class Unvouched:
    """How much waits for a signature, at several doors together: who wrote it is not known."""

    __slots__ = ("size_bytes",)

    def __init__(self) -> None:
        self.size_bytes = 0


class _Parked:
    """A message that waits for what it builds on, for a signature that vouches for it, or for both."""

    __slots__ = ("message", "missing", "raw", "since", "vouched", "voucher")

    def __init__(self, message: AnyMessage, raw: bytes, vouched: bool) -> None:
        self.message, self.raw, self.vouched = message, raw, vouched
        self.since = 0.0
        self.missing: set[MessageId] = set()
        self.voucher: _Parked | None = None
        """The author's next message, where this one is vouched for and not signed."""


class Door:
    """Lets messages into one peer's copy of a channel.

    Args:
        channel: the copy.
        members: whose messages are let in.
        admits: instead of `members`, says whether a message may come in, by its author or by what it says.
        clock: how long something has waited outside.
        require_signatures: False inside one process, where nobody can speak for another.
        verify: says whether a signature holds; give one that remembers what it has verified, to share that work.
        ask: called with an author and ids, when a message by that author builds on messages that are not here.
        unvouched: where what waits for a signature is counted, for several doors together.
    """

    __slots__ = ("_admits", "_ask", "_clock", "_load", "_load_bytes", "_parked", "_require_signatures", "_verify",
                 "_waiting", "channel", "forks", "known", "refusals", "refused", "unvouched")  # fmt: skip

    reasons: ClassVar[tuple[str, ...]] = (
        "oversize", "malformed", "not-canonical", "limits", "swarm", "channel", "stranger", "signature",
        "parked-too-many", "expired", "chain",
    )  # fmt: skip
    """Every reason for a refusal, in the order in which they are looked for."""

    def __init__(
        self,
        channel: Channel,
        *,
        members: Collection[PeerId] | None = None,
        admits: Callable[[AnyMessage], bool] | None = None,
        clock: Clock,
        require_signatures: bool = True,
        verify: Verify = signature_holds,
        ask: Ask | None = None,
        unvouched: Unvouched | None = None,
    ) -> None:
        if (members is None) == (admits is None):
            raise UsageError("a door needs either members=… or admits=…, to know whom to let in")
        self.channel = channel
        inside = frozenset(members or ())
        self._admits: Callable[[AnyMessage], bool] = admits or (lambda message: message.author in inside)
        self._clock, self._require_signatures, self._verify, self._ask = clock, require_signatures, verify, ask
        self.refused: Counter[str] = Counter()
        """How many were refused, by reason."""
        self.refusals: deque[Refusal] = deque(maxlen=REFUSALS_KEPT)
        """The latest refusals."""
        self.known = 0
        """How many arrived again: harmless, and not refused."""
        self.forks: dict[PeerId, ForkProof] = {}
        """The first proof against each author who equivocated."""
        self._parked: OrderedDict[MessageId, _Parked] = OrderedDict()
        self._waiting: dict[MessageId, list[_Parked]] = {}
        """By the id that is missing: who waits for it."""
        self._load: Counter[tuple[PeerId, bool]] = Counter()
        self._load_bytes: Counter[tuple[PeerId, bool]] = Counter()
        self.unvouched = unvouched or Unvouched()

    @property
    def parked(self) -> int:
        """How many messages wait outside."""
        return len(self._parked)

    def missing(self) -> tuple[MessageId, ...]:
        """Return the ids that parked messages wait for and that are not parked themselves, sorted: what to ask for."""
        return tuple(sorted(id for id in self._waiting if id not in self._parked))

    # -- letting in ---------------------------------------------------------------------------------------------

    def receive(self, received: bytes) -> tuple[AnyMessage, ...]:
        """Take a frame as it came; return the messages that are stored because of it, causes before effects."""
        try:
            message = open_frame(received)
        except PeerFault as fault:
            self._refuse(fault)
            return ()
        return self.admit(message, raw_of(received))

    def admit(self, message: AnyMessage, raw: bytes) -> tuple[AnyMessage, ...]:
        """Take a message that `open_frame` has opened, with its canonical bytes; otherwise as `receive`."""
        if self._parked:
            self.let_go()
        id = message.id
        if id in self.channel:
            self.known += 1
            return ()
        earlier = self._parked.get(id)
        if earlier is not None and (earlier.vouched or not message.signature):
            self.known += 1
            return ()
        try:
            parked = self._checked(message, raw)
        except PeerFault as fault:
            self._refuse(fault, message)
            return ()
        if earlier is not None:
            self._take_away(earlier)
        return self._settle(parked)

    def _checked(self, message: AnyMessage, raw: bytes) -> _Parked:
        """Check all that can be said of a message by itself."""
        channel, author = self.channel, message.author
        if message.swarm != channel.swarm:
            raise PeerFault("swarm", f"it belongs to swarm {message.swarm.hex()}")
        if message.channel != channel.name:
            raise PeerFault("channel", f"it belongs to channel {message.channel!r}")
        if not self._admits(message):
            raise PeerFault("stranger", f"{show(author)} is no member of channel {channel.name!r}")
        vouched = not self._require_signatures
        if not vouched and message.signature:
            vouched = self._verify(author, message.id, message.signature)
            if not vouched:
                raise PeerFault("signature", f"the signature is not {show(author)}'s")
        return _Parked(message, raw, vouched)

    def _settle(self, new: _Parked) -> tuple[AnyMessage, ...]:
        """Store a message and whatever waited for it, or park it."""
        message, channel = new.message, self.channel
        if not new.vouched:
            new.vouched = self._find_voucher(new)
        causes = message.parents if message.previous is None else (message.previous, *message.parents)
        new.missing = {id for id in causes if id not in channel}
        if new.vouched and not new.missing:
            stored = self._store(new)
            return tuple(stored)
        if not self._park(new):
            return ()
        if not new.vouched:
            return ()
        run = self._vouch_behind(new)
        stored = []
        if not run[-1].missing:
            stored = self._store(run[-1])
        absent = {id for parked in run for id in parked.missing if id not in self._parked}
        if absent and self._ask is not None:
            self._ask(message.author, tuple(sorted(absent)))
        return tuple(stored)

    def _store(self, first: _Parked) -> list[AnyMessage]:
        """Store a message whose causes are here, then those that waited for it, and so on."""
        stored: list[AnyMessage] = []
        ready = deque([first])
        while ready:
            parked = ready.popleft()
            self._take_away(parked)
            message = parked.message
            try:
                self._check_chain(message)
            except PeerFault as fault:
                self._refuse(fault, message)
                continue
            proof = self._fork(parked)
            if proof is not None:
                self.forks.setdefault(message.author, proof)
                self.channel.disown(message.author)
            self.channel.add(message, parked.raw)
            stored.append(message)
            for waiter in self._waiting.pop(message.id, ()):
                waiter.missing.discard(message.id)
                if waiter.vouched and not waiter.missing:
                    ready.append(waiter)
        return stored

    def _check_chain(self, message: AnyMessage) -> None:
        """Check number, previous message and logical clock, now that all causes are here."""
        get, latest = self.channel.get, 0
        if message.previous is not None:
            previous = get(message.previous)
            assert previous is not None, "causes are known before the chain is looked at"
            if previous.author != message.author:
                raise PeerFault("chain", "its author's previous message is by somebody else")
            if previous.sequence + 1 != message.sequence:
                raise PeerFault("chain", f"number {message.sequence} follows number {previous.sequence}")
            latest = previous.lamport
        for id in message.parents:
            parent = get(id)
            assert parent is not None, "causes are known before the chain is looked at"
            latest = max(latest, parent.lamport)
        if message.lamport != latest + 1:
            raise PeerFault("chain", f"its logical clock says {message.lamport}, its causes make it {latest + 1}")

    # -- equivocation -------------------------------------------------------------------------------------------

    def _fork(self, new: _Parked) -> ForkProof | None:
        """Return the proof, if this message and one that is here share their author and number."""
        message = new.message
        head = self.channel.head(message.author)
        if head is None or head.sequence < message.sequence:
            return None
        ahead = (p for p in self._parked.values() if p.vouched and p.message.previous == head.id)
        run = [m for p in ahead if p.message.author == message.author for m in _run_of(p)][::-1]
        at: AnyMessage | None = head
        while at is not None:
            if at.signature:
                run.clear()
            run.append(at)
            if at.sequence == message.sequence:
                break
            at = None if at.previous is None else self.channel.get(at.previous)
        here = tuple(frame(m) for m in reversed(run))
        return ForkProof(message.author, message.sequence, here, tuple(frame(m) for m in _run_of(new)))

    # -- waiting outside ----------------------------------------------------------------------------------------

    def _find_voucher(self, new: _Parked) -> bool:
        """Look for a parked message of the same author that names this one as its previous and is vouched for."""
        for waiter in self._waiting.get(new.message.id, ()):
            said = waiter.message
            if waiter.vouched and said.previous == new.message.id and said.author == new.message.author:
                new.voucher = waiter
                return True
        return False

    def _vouch_behind(self, signed: _Parked) -> list[_Parked]:
        """Vouch for the unsigned run that waits behind a message; return it, newest first, the message included."""
        run = [signed]
        while (previous := run[-1].message.previous) is not None:
            behind = self._parked.get(previous)
            if behind is None or behind.vouched or behind.message.author != signed.message.author:
                break
            self._count(behind, -1)
            behind.vouched, behind.voucher = True, run[-1]
            self._count(behind, +1)
            run.append(behind)
        return run

    def _park(self, parked: _Parked) -> bool:
        message = parked.message
        load = (message.author, parked.vouched)
        size = len(parked.raw)
        if self._load[load] >= PARKED_PER_AUTHOR or self._load_bytes[load] + size > PARKED_BYTES_PER_AUTHOR:
            self._refuse(PeerFault("parked-too-many", f"{self._load[load]:,} messages by {show(message.author)} wait"),
                         message)  # fmt: skip
            return False
        parked.since = self._clock.now()
        self._parked[message.id] = parked
        self._count(parked, +1)
        for id in parked.missing:
            self._waiting.setdefault(id, []).append(parked)
        return True

    def _count(self, parked: _Parked, step: int) -> None:
        load = (parked.message.author, parked.vouched)
        self._load[load] += step
        self._load_bytes[load] += step * len(parked.raw)
        if not parked.vouched:
            self.unvouched.size_bytes += step * len(parked.raw)
        if not self._load[load]:
            del self._load[load], self._load_bytes[load]

    def _take_away(self, parked: _Parked) -> None:
        """Take a message out of the parking, wherever it is noted."""
        if self._parked.pop(parked.message.id, None) is None:
            return
        self._count(parked, -1)
        for id in parked.missing:
            waiters = self._waiting.get(id)
            if waiters is not None:
                waiters.remove(parked)
                if not waiters:
                    del self._waiting[id]

    def let_go(self) -> None:
        """Give up those that have waited too long; the oldest stand first. Happens with every arrival, too."""
        before = self._clock.now() - PARKED_SECONDS
        while self._parked:
            parked = next(iter(self._parked.values()))
            if parked.since > before:
                return
            self._take_away(parked)
            reason, what = ("expired", "what it builds on") if parked.vouched else ("signature", "a signature")
            self._refuse(PeerFault(reason, f"{what} did not come within {PARKED_SECONDS:g} s"), parked.message)

    def close(self) -> None:
        """Let go of all that waits: nobody comes to this door any more."""
        for parked in list(self._parked.values()):
            self._take_away(parked)

    def _refuse(self, fault: PeerFault, message: AnyMessage | None = None) -> None:
        self.refused[fault.reason] += 1
        author, id = (None, None) if message is None else (message.author, message.id)
        self.refusals.append(Refusal(fault.reason, fault.detail, author, id))
        logger.debug("channel %s: %s", self.channel.name, fault)


def _run_of(parked: _Parked) -> Iterator[AnyMessage]:
    """Yield a message and its author's next ones, up to the one whose signature vouches for it."""
    at: _Parked | None = parked
    while at is not None:
        yield at.message
        at = at.voucher
