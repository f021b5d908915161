"""One question on a simulated network: what its peers write, who is told, and what each of them then holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

from blake3 import blake3

from waggledance.core import (
    Body,
    Channel,
    Door,
    Message,
    MessageId,
    PeerId,
    SwarmId,
    encode,
    frame,
    open_frame,
    show,
    signature_holds,
)
from waggledance.network._copy import Copy, Sealed
from waggledance.network._greetings import Greetings
from waggledance.network._lives import Lives
from waggledance.network._network import Listener
from waggledance.network._post import Answer, Hello, Payload, Post
from waggledance.network._replica import Replica, simulated_key
from waggledance.network._shared_door import SharedDoor, Sound
from waggledance.network._sync import Give, Want, give, missing, wanted
from waggledance.network._virtual_loop import VirtualLoop
from waggledance.network._weather import Weather

if TYPE_CHECKING:
    from waggledance.network._simulated import Simulated

T = TypeVar("T")
AnyMessage = Message[Any]

EPOCH_MS = 1_735_689_600_000
"""Virtual time 0 on the wall: 2025-01-01 00:00 UTC."""


class SimulatedClock:
    """Virtual time, and a wall clock that starts at `EPOCH_MS`."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.now = loop.time

    def wall_ms(self) -> int:
        return EPOCH_MS + int(self.now() * 1000)


class SimulatedGathering:
    """One channel, with a copy for every peer.

    Repair runs while a peer's protocol is under way, or lingers; see `Greetings`.

    Why not the mesh's own repair. What is alike is one piece of code for both: `have`, `missing`, `wanted`, `give`.
    What is left there keeps apart many channels, at rest or awake, of many members (roots, outlines), and proves
    answers fresh by nonces, on a timer of each node's own that never stops. Here there is one channel, links do not
    lie about who sent what, and a repair that never stops would hide every deadlock and never let virtual time end.
    Nor could it be had for less: this room stands above the mesh, and a question in a debate of 8, 32 and 64 peers
    at 10 % loss takes 3, 6 and 6 times as long on the mesh's nodes. Those run in virtual time too:
    `testing.SimulatedMesh`.
    """

    certify = None
    certificate = ""
    spent = None
    notes: tuple[str, ...] = ()

    def __init__(
        self, network: Simulated, loop: VirtualLoop, swarm: SwarmId, channel: str, names: Sequence[str]
    ) -> None:
        self._network, self._loop, self._swarm, self._name = network, loop, swarm, channel
        self.names = tuple(names)
        self.clock = SimulatedClock(loop)
        label = b"waggle/simulated/1\0%d\0%s\0%s" % (network.seed, swarm, channel.encode())
        self._seed = int.from_bytes(blake3(label).digest(16))
        self._replicas = [
            Replica(i, name, simulated_key(network.seed, swarm, "peer", name)) for i, name in enumerate(names)
        ]
        self._asker = Replica(len(names), "asker", simulated_key(network.seed, swarm, "asker", ""))
        self._by_id = {replica.key.peer: replica for replica in (*self._replicas, self._asker)}
        self.members = tuple(replica.key.peer for replica in self._replicas)
        self.asker = self._asker.key.peer
        self._admitted = frozenset((*self.members, self.asker))
        self._sound: Sound = {}
        self._weather = Weather(network.faults, names)
        self._post = Post(
            loop, seed=self._seed, weather=self._weather, delay=network.delay, loss=network.loss,
            duplicate=network.duplicate, reorder=network.reorder, bit_flip=network.bit_flip, deliver=self._deliver,
        )  # fmt: skip
        self._sealed: dict[MessageId, Sealed] = {}
        self._opened: dict[bytes, Sealed] = {}
        self._from_asker: list[Sealed] = []
        self._listeners: list[Listener] = []
        self._running = 0
        self._lingering = self._closed = False
        self._greetings = Greetings(
            loop, self._replicas, self._post, self._weather, seed=self._seed, loss=network.loss,
            period_s=network.sync_every_s, wanted=lambda: not self._closed and bool(self._running or self._lingering),
        )  # fmt: skip
        self._lives = Lives(
            loop, self._replicas, network.faults, self._post, period_s=network.sync_every_s,
            stir=self._greetings.stir, renew=self._renew,
        )  # fmt: skip
        self.delivered = 0
        """How many messages have arrived at a door, first and repeated ones alike."""
        self.ended_s: float | None = None
        """Virtual seconds from the opening to the end of the question; None while it is open."""
        loop.explain.append(self._who_waits)
        for replica in (*self._replicas, self._asker):
            self._give_copy(replica)
        self._link()
        self._lives.schedule()

    # -- what the swarm sees ------------------------------------------------------------------------------------

    def copy(self, peer: PeerId) -> Channel:
        return self._by_id[peer].copy

    def door(self, peer: PeerId) -> Door:
        """Return the door of a peer's copy: what it refused, and the proofs it holds."""
        return self._by_id[peer].door

    @property
    def refused(self) -> Counter[str]:
        """How many messages were refused, by reason, at all doors together."""
        return sum((replica.door.refused for replica in self._replicas), Counter[str]())

    def start(self, peer: PeerId, run: Callable[[Channel], Coroutine[Any, Any, T]]) -> asyncio.Task[T]:
        replica = self._by_id[peer]
        task = self._lives.run(replica, run)
        self._running += 1
        task.add_done_callback(self._one_less)
        return task

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        if self._closed:
            return
        self.ended_s = self._post.now()
        current = asyncio.current_task()
        if self._network.linger_s and not (current and current.cancelling()):
            await self._linger()
        self._closed = True
        self._loop.explain.remove(self._who_waits)
        self._lives.close()
        self._greetings.close()
        self._post.close()
        for replica in (*self._replicas, self._asker):
            replica.copy.close()

    def _who_waits(self) -> list[str]:
        lines = [line for replica in self._replicas if replica.up for line in replica.copy.waiting()]
        down = [f"{r.name} is down since {r.down_since:g} s" for r in self._replicas if not r.up]
        return lines + down if lines else []

    # -- setting up ---------------------------------------------------------------------------------------------

    def _give_copy(self, replica: Replica) -> None:
        """Give a peer an empty copy."""
        replica.copy = Copy(
            self._swarm,
            self._name,
            replica.key.peer,
            worded=lambda body: replica.worded(body, self._post.now()),
            seal=lambda message, raw: self._seal(replica, message, raw),
            written=lambda sealed: self._written(replica, sealed),
        )
        self._give_door(replica)

    def _give_door(self, replica: Replica) -> None:
        def ask(author: PeerId, ids: tuple[MessageId, ...]) -> None:
            self._ask(replica, ids)

        replica.forget()
        refused = replica.door.refused if hasattr(replica, "door") else Counter[str]()
        replica.door = SharedDoor(
            replica.copy, members=self._admitted, clock=self.clock, verify=self._verify, ask=ask, sound=self._sound
        )
        replica.door.refused += refused

    def _renew(self, replica: Replica, log: str) -> None:
        """Give a peer whose process begins again what is left of its log."""
        replica.copy.close()
        if log == "empty":
            self._give_copy(replica)
            replica.recovering = True
            for sealed in self._from_asker:
                replica.door.admit(sealed.message, sealed.raw)
        else:
            self._give_door(replica)

    def _link(self) -> None:
        """Say who is linked to whom."""
        replicas, links = self._replicas, self._network.links
        if links is None:
            for replica in replicas:
                replica.neighbours = [other for other in replicas if other is not replica]
            return
        linked: list[set[int]] = [set() for _ in replicas]
        for edge in links.plan(0, self.members, (), self._network.seed):
            listeners = [self._by_id[id].index for id in edge.listeners]
            for speaker in (self._by_id[id].index for id in edge.speakers):
                for listener in listeners:
                    if speaker != listener:
                        linked[speaker].add(listener)
                        linked[listener].add(speaker)
        for replica, others in zip(replicas, linked, strict=True):
            replica.neighbours = [replicas[i] for i in sorted(others)]

    # -- writing and reading ------------------------------------------------------------------------------------

    def _seal(self, replica: Replica, message: AnyMessage, raw: bytes) -> Sealed:
        """Sign a message, then open and verify its frame as whoever gets it would: once, for all of them."""
        signature = replica.key.sign(message.id)
        message = Message(
            message.id, message.author, message.body, message.sequence, message.previous, message.parents,
            message.lamport, message.wall_ms, message.swarm, message.channel, signature,
        )  # fmt: skip
        framed = frame(message)
        opened = open_frame(framed)
        assert opened.id == message.id, "what was opened is what was sealed"
        assert signature_holds(opened.author, opened.id, opened.signature), "a fresh signature holds"
        sealed = self._sealed[opened.id] = self._opened[framed] = Sealed(opened, raw, framed)
        return sealed

    def _verify(self, author: PeerId, id: MessageId, signature: bytes) -> bool:
        known = self._sealed.get(id)
        if known is not None and known.message.signature == signature:
            return known.message.author == author
        return signature_holds(author, id, signature)

    def _written(self, replica: Replica, sealed: Sealed) -> None:
        """Send a message that was just written to everybody whom its author is linked to."""
        if replica is self._asker:
            self._from_asker.append(sealed)
            self._tell(sealed)
            for other in self._replicas:
                other.door.admit(sealed.message, sealed.raw)
            return
        self._greetings.stir()
        now = self._post.now()
        if not replica.up or self._weather.silent(replica.index, now):
            return
        message = sealed.message
        self._note(message)
        twin = replica.twin_of(message, now)
        if twin is None:
            self._post.push(replica, replica.neighbours, sealed.frame, message.sequence, 0)
            return
        second = self._twin(replica, message, *twin)
        self._note(second.message)
        half = (len(replica.neighbours) + 1) // 2
        self._post.push(replica, replica.neighbours[:half], sealed.frame, message.sequence, 0)
        self._post.push(replica, replica.neighbours[half:], second.frame, message.sequence, 1)

    def _twin(self, replica: Replica, message: AnyMessage, body: Body, previous: MessageId | None) -> Sealed:
        """Make and seal a second message with the number of a first one, on a sheet of its own."""
        sheet = Channel(self._swarm, self._name)
        if previous is not None:
            before = self._sealed[previous]
            sheet.add(before.message, before.raw)
        built_on = [self._sealed[id].message for id in message.parents]
        twin = sheet.publish(message.author, body, built_on, message.wall_ms + 1)
        sealed = self._seal(replica, twin, encode(twin))
        replica.twin = sealed.message
        return sealed

    def _note(self, message: AnyMessage) -> None:
        """Let the asker, and who listens to it, see a message that is sent for the first time, after its causes."""
        seen = self._asker.copy
        if message.id in seen:
            return
        unseen: dict[MessageId, Sealed] = {}
        look = [message.id]
        while look:
            id = look.pop()
            if id not in seen and id not in unseen:
                sealed = unseen[id] = self._sealed[id]
                look += sealed.message.parents
                if sealed.message.previous is not None:
                    look.append(sealed.message.previous)
        for sealed in sorted(unseen.values(), key=lambda s: (s.message.lamport, s.message.id)):
            self._asker.door.admit(sealed.message, sealed.raw)
            self._tell(sealed)

    def _tell(self, sealed: Sealed) -> None:
        for listener in self._listeners:
            listener(sealed.message, sealed.raw)

    def _deliver(self, receiver: Replica, sender: Replica, payload: Payload) -> None:
        """Take what has arrived."""
        match payload:
            case bytes():
                self._take(receiver, sender, payload)
            case Give():
                for framed in payload.frames:
                    self._take(receiver, sender, framed)
            case Hello():
                have = receiver.have()
                if have.d != payload.have.d or payload.must_answer:
                    self._give(receiver, sender, missing(receiver.copy, payload.have))
                    self._post.send(receiver, sender, Answer(have))
            case Answer():
                if receiver.recovering:
                    receiver.heard[sender.index] = payload.have
                self._give(receiver, sender, missing(receiver.copy, payload.have))
            case Want():
                self._give(receiver, sender, wanted(receiver.copy, payload))

    def _take(self, receiver: Replica, sender: Replica, framed: bytes) -> None:
        self.delivered += 1
        self._from = sender
        sealed = self._opened.get(framed)
        door = receiver.door
        stored = door.receive(framed) if sealed is None else door.admit(sealed.message, sealed.raw)
        if stored:
            self._greetings.stir()

    def _give(self, sender: Replica, receiver: Replica, messages: Sequence[AnyMessage]) -> None:
        if self._weather.silent(sender.index, self._post.now()):
            return
        seen = self._asker.copy
        for message in messages:
            if message.id not in seen:
                self._note(message)
        for batch in give(self._name, messages, lambda m: self._sealed[m.id].frame):
            self._post.send(sender, receiver, batch)

    def _ask(self, replica: Replica, ids: Sequence[MessageId]) -> None:
        """Ask whoever sent a message for what it builds on: who has it has its causes too."""
        new = tuple(id for id in ids if id not in replica.asked)
        if new:
            replica.asked.update(new)
            self._post.send(replica, self._from, Want(self._name, new))

    # -- the end ------------------------------------------------------------------------------------------------

    async def _linger(self) -> None:
        self._lingering = True
        self._greetings.stir()
        periods = ceil(self._network.linger_s / self._network.sync_every_s)
        for _ in range(periods):
            if self._greetings.rest:
                break
            await asyncio.sleep(self._network.sync_every_s)
        self._lingering = False

    def _one_less(self, task: asyncio.Task[Any]) -> None:
        self._running -= 1

    def __repr__(self) -> str:
        return f"SimulatedGathering({self._name!r}, {len(self._replicas)} peers, asker {show(self.asker)})"
