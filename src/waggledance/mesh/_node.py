"""A node: one process's side of the mesh. It holds channels, lets messages in, hands its own out, and repairs the rest.

What is written here goes to the log, and then, signed, to everybody who holds the channel. What was lost on the way is
repaired: every half second, ±20 %, the node greets one other member (see `Repair`). Who is here is watched by SWIM;
that changes whom the node asks first, and never who is a member or what a quorum is.

Own messages are in the log before they leave: a process that is killed and comes back goes on from its last number, and
does not contradict itself. One that lost its log asks the others for its own past before it writes.
Source: the project's network specification, §1 to §3.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random, SystemRandom
from typing import Any, Protocol

from waggledance.core import (
    THREAD,
    Clock,
    Key,
    LoopClock,
    Member,
    Message,
    Opening,
    PeerFault,
    PeerId,
    RunFailed,
    show,
)
from waggledance.mesh._admission import Membership
from waggledance.mesh._belonging import Belonging
from waggledance.mesh._blob_messages import BlobPayload
from waggledance.mesh._bounds import Bounds
from waggledance.mesh._channel_names import draw_mark
from waggledance.mesh._channels import Channels
from waggledance.mesh._freshness import Freshness
from waggledance.mesh._genesis import Genesis
from waggledance.mesh._held import EMPTY, Held
from waggledance.mesh._intake import Intake
from waggledance.mesh._message_log import MessageLog
from waggledance.mesh._order_marks import AskOrder
from waggledance.mesh._overhearing import Overhearing
from waggledance.mesh._pulse import Pulse
from waggledance.mesh._reader import Reader
from waggledance.mesh._repair import Repair
from waggledance.mesh._swim import Swim
from waggledance.mesh._swim_messages import Ping, PingReply, PingRequest, Pong
from waggledance.mesh._telling import Telling
from waggledance.mesh._transport import Transport
from waggledance.mesh._wire import (
    EVERYBODY,
    Answer,
    Ask,
    AskGenesis,
    Hello,
    Outline,
    Payload,
    Push,
    TellGenesis,
    open_datagram,
    seal,
)
from waggledance.mesh._words_messages import AskWords, TellWords
from waggledance.network import Give, Have, Want, give

logger = logging.getLogger(__name__)

AnyMessage = Message[Any]
PUSH_TO_ALL = 64
"""Up to so many holders of a channel get what is new at once; of more, `PUSH_TO` drawn ones. Repair does the rest."""
PUSH_TO = 3
RECOVERY_SECONDS = 1.0


class Reads(Protocol):
    """Takes what members give of a channel that a node does not hold."""

    def take(self, given: Give, /) -> bool:
        """Take a batch; say whether it belongs here."""
        ...


class Node:
    """One process's side of the mesh.

    Args:
        key: whose node it is.
        genesis: the swarm's founding.
        transport: the way to the others; the node closes it.
        log: where every message is kept; nowhere when None, and then nothing survives the process.
        clock: time.
        rng: luck: whom to greet, whom to probe.
        incarnation: SWIM's counter of this peer's lives; higher than in any earlier one.
        reader: opens frames and checks signatures; nodes in one process may share one that remembers.
    """

    def __init__(
        self,
        key: Key,
        genesis: Genesis,
        transport: Transport,
        *,
        log: MessageLog | None = None,
        clock: Clock | None = None,
        rng: Random | None = None,
        incarnation: int = 0,
        reader: Reader | None = None,
    ) -> None:
        self.key, self.genesis, self.transport, self.log = key, genesis, transport, log
        self.me, self.swarm = key.peer, genesis.swarm
        self.clock: Clock = clock or LoopClock()
        self._rng = rng or SystemRandom()  # nonces and names must not be guessed from those that were seen
        self.reader = reader or Reader()
        self.channels = Channels(
            key, self.swarm, self.clock, self.reader, log, transport,
            written=self._written, alarm=self._alarm,
            ask=lambda name, ids: self._send(self._intake.sender, Want(name, ids)),
        )  # fmt: skip
        self.refused: Counter[str] = Counter()
        """Datagrams refused before a channel's door, by reason; doors count their own."""
        self.alarms: list[str] = []
        """What an operator must know, such as that another process uses this key."""
        self.on_opening: Callable[[Held, Message[Opening]], None] | None = None
        """Called when a question is opened that this peer sits at."""
        self.on_thread: Callable[[Held, Message[Opening]], None] | None = None
        """Called when a channel is opened in which its members only talk."""
        self.on_gone: Callable[[frozenset[PeerId]], None] | None = None
        """Called with who is taken for dead or has left, when that has changed."""
        self.on_blob: Callable[[PeerId, BlobPayload, float], Sequence[tuple[PeerId, Payload]]] | None = None
        """Called with what peers say about blobs; returns what to say to whom."""
        self.telling = Telling(transport, self._send, self.clock.now)
        """Who wants to hear what this peer is saying."""
        self.readings: set[Reads] = set()
        """Who takes what members give of channels that this node does not hold."""
        self.overhearing = Overhearing(self._send, self._rng, self.refused)
        """What members say at this moment, for who asked."""
        self.gone: frozenset[PeerId] = frozenset()
        """Who is taken for dead or has left. Nobody waits for them; they count when they come."""
        self._fresh = Freshness(self._rng)
        self._repair = Repair(self.me, self.channels, self._fresh)
        self._bounds = Bounds(genesis.limits)
        self._intake = Intake(self.me, self.channels, self.reader, self._bounds, self.refused)
        self._loop = asyncio.get_running_loop()
        self._unsent: list[Held] = []
        self._closed = False
        self._was_member = False
        """Whether this peer belonged to the swarm when it began, by its own log and the genesis."""
        self._answered: dict[PeerId, float] = {}
        """When each member last said what it has."""
        self.swim = Swim(key, self.swarm, rng=self._rng, incarnation=incarnation, verify=self.reader.holds)
        self._belonging = Belonging(
            genesis, self.channels, self._intake, self.clock,
            caught_up=lambda: self._caught_up, changed=self._know_members,
        )  # fmt: skip
        self.lobby = self._belonging.lobby
        self._pulse = Pulse(
            self.me, self.clock, self._rng, self.channels, self._repair, self.swim,
            members=lambda: self.members, send=self._send_all, gone=self._now_gone,
        )  # fmt: skip

    # -- what is known ------------------------------------------------------------------------------------------

    @property
    def members(self) -> Mapping[PeerId, Member]:
        """Everybody who belongs to the swarm by now, by id."""
        return self._belonging.members

    @property
    def membership(self) -> Membership:
        """Who belongs to the swarm by now, who ever did, and who asks to."""
        return self._belonging.membership

    def refusals(self) -> Counter[str]:
        """How much was refused, by reason, at the node and at all doors."""
        return self.refused + self.channels.refusals()

    # -- beginning and ending -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load what the log holds, find the others, and recover this peer's own past from them."""
        self.channels.load()
        self.transport.listen(self._receive, self._on_presence)
        self._belonging.look()
        self._pulse.begin()
        await self._recover()
        self._was_member = self.me in self.members

    async def close(self) -> None:
        """Hand out what was written, say goodbye, and end. Closing twice is harmless."""
        if self._closed:
            return
        self._flush()
        self._send_all(self.swim.leave(self.clock.now()))
        self._closed = True
        self._pulse.close()
        self._belonging.close()
        self.channels.close()
        await self.transport.close()

    async def _recover(self) -> None:
        """Ask all members what they have, and wait a little: this peer may have said more than it remembers."""
        until = self.clock.now() + RECOVERY_SECONDS
        while self.clock.now() < until and self.members.keys() - {self.me} - self._answered.keys():
            self.ask_everybody()
            await asyncio.sleep(RECOVERY_SECONDS / 10)

    def knock(self) -> None:
        """Say again in the lobby what this peer has said there: who is no member yet is not repaired with."""
        own = [m for m in self.lobby.copy.messages() if m.author == self.me]
        self._push(self.lobby, self.lobby.copy.vouched(own))

    @property
    def heard_from_members(self) -> bool:
        """Whether anybody has answered this peer as one answers a member."""
        return bool(self._answered)

    @property
    def _caught_up(self) -> bool:
        """Whether this node knows what the others know. Until then it brings nobody in.

        It could let an invite be used again of which it does not know yet that it was, and whichever of the two joins
        comes first in the fold's order counts: the member that came first would be one no more.
        """
        return self._was_member or self.heard_from_members

    def last_heard(self) -> dict[PeerId, float]:
        """Return when each other member last gave a sign of life, on this node's clock; who gave none is missing.

        An answer to a repair counts besides what SWIM heard: it repeats the nonce of its question, so that an old one
        come again counts for twenty seconds at most.
        """
        heard = {peer: at for peer, at in self._answered.items() if peer in self.members}
        for peer, at in self.swim.last_heard().items():
            heard[peer] = max(at, heard.get(peer, at))
        return heard

    def ask_everybody(self) -> None:
        """Ask those members what they have who have not said so since the start."""
        for peer in sorted(self.members.keys() - {self.me} - self._answered.keys()):
            for held in self.channels.shared(peer):  # where more may be said
                self._send(peer, self._repair.ask(peer, held.have(), self.clock.now()))

    # -- channels -----------------------------------------------------------------------------------------------

    def open(self, name: str, members: Sequence[PeerId]) -> Held:
        """Open a channel of one's own: what is written into it goes to these members.

        Raises:
            RunFailed: a channel of this name is held already.
            UsageError: the name does not end with a mark of this node's; see `draw_mark`.
        """
        return self.channels.open(name, members)

    def draw_mark(self) -> str:
        """Return what a new channel's name ends with, so that nobody else's has it."""
        return draw_mark(self.me, self._rng)

    # -- handing out --------------------------------------------------------------------------------------------

    def _written(self, held: Held) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(held)

    def _flush(self) -> None:
        """Sign what was written, write it to the log, and send it."""
        unsent, self._unsent = self._unsent, []
        runs = [(held, held.copy.take(self.key)) for held in unsent]
        if self.log is not None:
            for _, run in runs:
                for message, raw in run:
                    self.log.append(message, raw)
            try:
                self.log.flush_now()
            except RunFailed as why:
                self._alarm(f"{why}. What is said goes on; after a crash it is asked back from the others")
        for held, run in runs:
            self._stored(held, [message for message, _ in run])
            if run:
                self._push(held, [message for message, _ in run])

    def _push(self, held: Held, messages: Sequence[AnyMessage]) -> None:
        holders = held.members - {self.me}
        for batch in batches_of(held.name, messages):
            if len(holders) > PUSH_TO_ALL:
                for peer in self._rng.sample(sorted(holders), PUSH_TO):
                    self._send(peer, batch)
            elif len(holders) > 1 and holders == self._belonging.everybody - {self.me}:
                self.transport.spread(seal(self.key, self.swarm, EVERYBODY, batch))
            else:
                for peer in sorted(holders):
                    self._send(peer, batch)

    def _send(self, to: PeerId, payload: Payload) -> None:
        if not self._closed:
            self.transport.send(to, seal(self.key, self.swarm, to, payload))

    # -- taking in ----------------------------------------------------------------------------------------------

    def _receive(self, datagrams: Sequence[bytes]) -> None:
        for datagram in datagrams:
            try:
                sender, payload = open_datagram(self.me, self.swarm, datagram, self._is_known, self.reader.holds)
                self._take(sender, payload)
            except PeerFault as fault:
                self.refused[fault.reason] += 1
                logger.debug("%s", fault)

    def _is_known(self, sender: PeerId) -> bool:
        return sender in self.members

    def _take(self, sender: PeerId, payload: Payload) -> None:
        now = self.clock.now()
        match payload:
            case Push() | Give():
                if not (isinstance(payload, Give) and self._is_read(payload)):
                    self._take_frames(sender, payload, now)
            case Hello() | Ask() | Answer() | Outline() | Want() | AskOrder():
                if isinstance(payload, Answer):
                    self._take_answer(sender, payload, now)
                self._reply(sender, payload, now)
            case AskGenesis():
                genesis = self.genesis.canonical()
                if self._bounds.told.takes(EVERYBODY, len(genesis), now):
                    self._send(sender, TellGenesis(genesis))
                else:
                    self.refused["rate"] += 1
            case TellGenesis():
                pass
            case Ping() | Pong() | PingRequest() | PingReply():
                if self._bounds.replies.takes(sender, 0, now):
                    self._send_all(self.swim.on(sender, payload, now))
                    self._pulse.arm()
                else:
                    self.refused["rate"] += 1
            case AskWords():
                if self._bounds.replies.takes(sender, 0, now):
                    self.telling.on(sender, payload)
                else:
                    self.refused["rate"] += 1
            case TellWords():
                self.overhearing.on(sender, payload)
            case _:
                if self.on_blob is not None:
                    self._send_all(self.on_blob(sender, payload, now))

    def _is_read(self, given: Give) -> bool:
        """Show a batch to those who read what is not held here; say whether it was for any of them."""
        taken = [reading.take(given) for reading in self.readings]
        return any(taken)

    def _take_answer(self, sender: PeerId, answer: Answer, now: float) -> None:
        """Note that a member has said what it has, if it says so now, and if what it has of this peer is here too."""
        held = self.channels.get(answer.have.ch)
        lacks_own = (
            held is not None
            and held.digest() != answer.have.d  # a channel at rest is not woken for what is equal
            and any(tip.author == self.me and tip.id not in held.copy for tip in answer.have.heads)
        )
        if not lacks_own and self._fresh.knows(sender, answer.nonce, now):
            self._answered[sender] = now

    def _reply(self, sender: PeerId, payload: Payload, now: float) -> None:
        """Say to a member what its request asks for, as far as it may make us."""
        if not self._bounds.replies.allows(sender, 0, now):
            self.refused["rate"] += 1
            return
        for reply in self._repair.on(sender, payload, now):
            size = sum(map(len, reply.frames)) if isinstance(reply, Give) else 0
            if not self._bounds.replies.takes(sender, size, now):
                self.refused["rate"] += 1
                return
            self._send(sender, reply)

    def _take_frames(self, sender: PeerId, batch: Push | Give, now: float) -> None:
        """Let frames in, keep what came in, and look at it."""
        held, grown = self._intake.take(sender, batch, self.members, self.genesis.limits.open_channels, now)
        if held is None:
            self._ask_for(batch.ch, now)
        elif grown:
            if self.log is not None:
                for message, raw in grown:
                    self.log.append(message, raw)
            self._stored(held, [message for message, _ in grown])

    def _ask_for(self, channel: str, now: float) -> None:
        """Ask a member for a channel of which something came before its opening; not often, and not for all."""
        if not self._is_known(self._intake.sender) or not self._bounds.asks.takes(self._intake.sender, 0, now):
            self.refused["channel"] += 1
        else:
            self._send(self._intake.sender, self._repair.ask(self._intake.sender, Have(channel, EMPTY, ()), now))

    def _stored(self, held: Held, messages: Sequence[AnyMessage]) -> None:
        """Look at what is new in a channel."""
        held.changed_s = self.clock.now()
        copy, forked = held.copy, held.copy.forked
        if len(held.members) <= PUSH_TO_ALL + 1:
            held.pushed(messages, held.changed_s)
        if held is self.lobby:
            self._belonging.hear(messages)
        if self.me in forked:
            self._alarm(
                f"another process writes as {show(self.me)} in channel {held.name!r}: stop one of the two, or give "
                "it a key of its own with `waggle id new`. Nobody counts what either says there"
            )
        for message in messages:
            if message.author == self.me and copy.goes_on_elsewhere(message):
                self._alarm(
                    f"another process writes as {show(self.me)}, and goes on where this one ended, in channel "
                    f"{held.name!r}: stop one of the two, or give it a key of its own with `waggle id new`"
                )
            if isinstance(message.body, Opening):
                called = self.on_thread if message.body.protocol == THREAD else self.on_opening
                if called is not None:
                    called(held, message)

    def _know_members(self) -> None:
        belongs = self.me in self.members  # who does not yet would only be refused
        self.swim.know(self.members if belongs else (), self.clock.now())

    def _now_gone(self, gone: frozenset[PeerId]) -> None:
        self.gone = gone
        if self.on_gone is not None:
            self.on_gone(gone)

    def _alarm(self, text: str) -> None:
        if text not in self.alarms:
            self.alarms.append(text)
            logger.error("%s", text)

    def _on_presence(self, peer: PeerId, up: bool) -> None:
        now = self.clock.now()
        self._send_all(self.swim.hint(peer, up, now))
        if up and peer in self.members:
            self._send(peer, self._repair.hello(peer, now))
        self._pulse.arm()

    def _send_all(self, out: Iterable[tuple[PeerId, Payload]]) -> None:
        for to, payload in out:
            self._send(to, payload)


def batches_of(channel: str, messages: Sequence[AnyMessage]) -> list[Push]:
    """Return messages as pushes of at most 1 MiB."""
    return [Push(batch.ch, batch.frames) for batch in give(channel, messages)]
