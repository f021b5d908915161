"""One schedule, played: a swarm in virtual time, everything that happens to it, and what became of the laws."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import msgspec
from blake3 import blake3

from waggledance.core import Decision, Key, PeerId, WaggleError
from waggledance.mesh import Node, Sitting, Transport
from waggledance.network import Lie, Pause, Silent, Slow, SlowLink, VirtualLoop
from waggledance.network import Partition as Cut
from waggledance.protocols import by_name
from waggledance.testing._mesh_faults import (
    BadModel,
    FalseRecord,
    Flood,
    FullDisk,
    LateVotes,
    MeshFault,
    NewAddress,
    NewKey,
    Reboot,
    Resend,
    SignsAll,
    Slander,
    Sybils,
    Trouble,
    Twins,
    Withhold,
    WrongChannel,
    WrongClock,
)
from waggledance.testing._mesh_laws import Laws
from waggledance.testing._mesh_liars import claim_everything, flood, invent_peers, sign_all, slander
from waggledance.testing._mesh_models import ScheduledPeer
from waggledance.testing._mesh_schedule import LIMITS, MeshSchedule
from waggledance.testing._mesh_twists import (
    Twist,
    TwistedTransport,
    misplacing,
    resending,
    voting_late,
    withholding,
)
from waggledance.testing._simulated_disk import LogLeft, SimulatedDisk
from waggledance.testing._simulated_mesh import ASKER, SimulatedClock, SimulatedMesh

WAIT_SECONDS = 60.0
"""How long an asker waits for members."""
ENDS_WITHIN_SECONDS = 120.0
"""A question that takes longer has no end: the asker's wait, and the longest patience of a protocol over it."""
SETTLES_WITHIN_SECONDS = 60.0
LOOK_SECONDS = 0.2
SLANDER_EVERY_SECONDS = 0.5


class Played(msgspec.Struct, frozen=True):
    """What a schedule came to."""

    broken: tuple[str, ...]
    """The laws that were broken, each as ``"law: what was seen"``."""
    certified: int
    """Questions with a certificate."""
    asked: int
    virtual_s: float
    fingerprint: bytes
    """Hash of the ids of all messages at the asker and of all certificates: equal for the same schedule."""


class Stage:
    """Plays one schedule. Use `play` on a `VirtualLoop`.

    Args:
        schedule: what happens.
    """

    def __init__(self, schedule: MeshSchedule) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "a schedule is played in virtual time"
        self._schedule, self._loop, self._rng = schedule, loop, Random(f"stage {schedule.seed}")
        self._twins: list[tuple[Node, Sitting]] = []
        self._is_over = False
        self._changing = {name: asyncio.Lock() for name in schedule.names}
        """Held while a process ends and begins again, or moves."""
        says = {fault.peer: fault.key for fault in schedule.faults if isinstance(fault, Lie)}
        trouble: dict[str, Trouble] = {
            fault.peer: fault.trouble for fault in schedule.faults if isinstance(fault, BadModel)
        }
        self._peers = [
            ScheduledPeer(name, LIMITS, trouble.get(name), says.get(name)) for name in schedule.names
        ]  # fmt: skip
        links = [f for f in schedule.faults if isinstance(f, Cut | Pause | Silent | Slow | SlowLink)]
        self.mesh = SimulatedMesh(
            self._peers, seed=schedule.seed, limits=LIMITS, delay=schedule.delay, loss=schedule.loss,
            duplicate=schedule.duplicate, reorder=schedule.reorder, bit_flip=schedule.bit_flip, faults=links,
            signatures="simulated", wire=self._wired,
        )  # fmt: skip
        self._laws = Laws(self.mesh, schedule.liars)

    async def play(self) -> Played:
        """Let everything happen; return what became of the laws."""
        schedule, mesh = self._schedule, self.mesh
        for fault in schedule.faults:
            if isinstance(fault, WrongClock):
                mesh.clocks[fault.peer] = SimulatedClock(self._loop, fault.fast_ppm)
        async with mesh:
            await self._begin_twins()
            for name in mesh.nodes:
                self._make_lie(name)
            happening = [self._loop.create_task(self._happen(fault)) for fault in schedule.faults]
            asking = [self._loop.create_task(self._ask(i)) for i in range(schedule.questions)]
            await asyncio.wait(asking, timeout=ENDS_WITHIN_SECONDS)
            await asyncio.sleep(max(0.0, schedule.over_s - self._loop.time()))
            self._is_over = True
            await asyncio.gather(*happening)
            decisions = self._ended(asking)
            await self._settled()
            nodes = [*mesh.nodes.values(), *(node for node, _ in self._twins)]
            self._laws.look(nodes, self._peers, decisions)
            for node, sitting in self._twins:
                await sitting.close()
                await node.close()
            asker = mesh.nodes[ASKER]
            ids = sorted(m.id for held in asker.channels.values() for m in held.copy.messages())
            certificates = [decision.certificate for decision in decisions]
            seen = blake3(b"".join(ids) + "".join(certificates).encode()).digest()
            return Played(tuple(sorted(set(self._laws.broken))), sum(map(bool, certificates)), schedule.questions,
                          self._loop.time(), seen)  # fmt: skip

    # -- what happens -------------------------------------------------------------------------------------------

    async def _ask(self, i: int) -> Decision | None:
        await asyncio.sleep(float(i))
        schedule = self._schedule
        protocol = by_name(schedule.protocol)
        try:
            return await self.mesh.ask(f"{i}: 2 + 2?", protocol=protocol, certify=True, wait_s=WAIT_SECONDS)
        except WaggleError:
            return None  # that is an end, too

    async def _happen(self, fault: MeshFault) -> None:
        match fault:
            case Reboot():
                await self._until(fault.at_s)
                async with self._changing[fault.peer]:
                    await self._crash(fault.peer)
                    await asyncio.sleep(fault.down_s)
                    await self._begin(fault.peer, fault.log)
            case NewKey():
                await self._until(fault.at_s)
                async with self._changing[fault.peer]:
                    await self._crash(fault.peer)
                    key = Key(blake3(b"waggle/new-key/1\0" + self.mesh.keys[fault.peer].peer).digest())
                    await self._begin(fault.peer, "old", key)
            case NewAddress():
                await self._until(fault.at_s)
                async with self._changing[fault.peer]:
                    self.mesh.hub.away(self.mesh.keys[fault.peer].peer)
                    await asyncio.sleep(fault.away_s)
                    self.mesh.hub.back(self.mesh.keys[fault.peer].peer)
            case FullDisk():
                await self._until(fault.from_s)
                self.mesh.disks[fault.peer].full = True
                await self._until(fault.until_s)
                self.mesh.disks[fault.peer].full = False
            case WrongClock():
                await self._until(fault.at_s)
                self.mesh.clocks[fault.peer].wrong_ms += fault.jump_s * 1000
            case Flood():
                await self._lie_at(fault.at_s, fault.peer, lambda node: flood(node, fault.messages, self._rng))
            case Sybils():
                await self._lie_at(
                    fault.at_s, fault.peer, lambda node: invent_peers(node, fault.count, self._schedule.seed)
                )
            case FalseRecord():
                await self._lie_at(fault.at_s, fault.peer, claim_everything)
            case Slander():
                await self._until(fault.from_s)
                about = self.mesh.keys[fault.about].peer
                while self._loop.time() < fault.until_s and not self._is_over:
                    await self._lie_at(0.0, fault.peer, lambda node: slander(node, about, self._rng))
                    await asyncio.sleep(SLANDER_EVERY_SECONDS)
            case _:
                pass

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._loop.time()))

    async def _lie_at(self, at_s: float, name: str, lie: Callable[[Node], None]) -> None:
        await self._until(at_s)
        if name in self.mesh.nodes:
            lie(self.mesh.nodes[name])

    async def _crash(self, name: str) -> None:
        self._laws.note_acks(self.mesh.nodes[name])
        await self.mesh.crash(name)

    async def _begin(self, name: str, log: LogLeft, key: Key | None = None) -> None:
        next(peer for peer in self._peers if peer.name == name).begin_life()
        await self.mesh.begin(name, log, key=key)
        self._make_lie(name)

    # -- who lies -----------------------------------------------------------------------------------------------

    def _wired(self, name: str, transport: Transport) -> Transport:
        """Return a member's transport: twisted, if it lies by what it sends."""
        twists = self._twists(name)
        side = self._side(name)
        if side is not None:
            rest = frozenset(key.peer for key in self.mesh.keys.values()) - side
            twists = [withholding(rest, lambda: True), *twists]
        if not twists:
            return transport
        return TwistedTransport(transport, self.mesh.hub, self._loop, twists, side)

    def _twists(self, name: str) -> list[Twist]:
        mesh, twists, rng = self.mesh, list[Twist](), Random(f"{self._schedule.seed} {name}")
        for fault in self._schedule.faults:
            match fault:
                case Withhold() if fault.peer == name:
                    receivers = frozenset(mesh.keys[receiver].peer for receiver in fault.receivers)
                    twists.append(withholding(receivers, self._window(fault.from_s, fault.until_s)))
                case LateVotes() if fault.peer == name:
                    twists.append(voting_late(fault.late_s))
                case Resend() if fault.peer == name:
                    others = [key.peer for other, key in mesh.keys.items() if other != name]
                    twists.append(resending(fault.rate, rng, others))
                case WrongChannel() if fault.peer == name:
                    twists.append(misplacing(fault.rate, rng, mesh.keys[name], mesh.genesis.swarm))
                case _:
                    pass
        return twists

    def _window(self, from_s: float, until_s: float) -> Callable[[], bool]:
        return lambda: from_s <= self._loop.time() < until_s

    def _side(self, name: str) -> frozenset[PeerId] | None:
        sides = [fault.side for fault in self._schedule.faults if isinstance(fault, Twins) and fault.peer == name]
        return frozenset(self.mesh.keys[other].peer for side in sides for other in side) if sides else None

    async def _begin_twins(self) -> None:
        """Begin the other lives of those who run twice."""
        for fault in self._schedule.faults:
            if isinstance(fault, Twins):
                mine = self.mesh.keys[fault.peer].peer
                side = self._side(fault.peer) or frozenset()
                rest = frozenset(key.peer for key in self.mesh.keys.values()) - side - {mine}
                plain = self.mesh.hub.transport(mine)
                twists = [withholding(side, lambda: True), *self._twists(fault.peer)]
                transport = TwistedTransport(plain, self.mesh.hub, self._loop, twists, rest)
                node = self.mesh.node(fault.peer, transport, SimulatedDisk())
                await node.start()
                thinks = ScheduledPeer(fault.peer, LIMITS, None, "the twin's")
                self._twins.append((node, Sitting(node, thinks)))
                if self._signs_all(fault.peer):
                    sign_all(node, self._loop)

    def _make_lie(self, name: str) -> None:
        if self._signs_all(name):
            sign_all(self.mesh.nodes[name], self._loop)

    def _signs_all(self, name: str) -> bool:
        return any(isinstance(fault, SignsAll) and fault.peer == name for fault in self._schedule.faults)

    # -- what became of the laws --------------------------------------------------------------------------------

    def _ended(self, asking: Sequence[asyncio.Task[Decision | None]]) -> list[Decision]:
        """Return the decisions of the questions that have ended."""
        decisions: list[Decision] = []
        for i, task in enumerate(asking):
            if not task.done():
                self._laws.breaks("an end", f"question {i} has not ended at its asker after {self._loop.time():.0f} s")
                task.cancel()
                continue
            decision = task.result()
            if decision is not None:
                decisions.append(decision)
        return decisions

    async def _settled(self) -> None:
        """Wait until all honest members hold the same sets, and have left all questions."""
        until = self._loop.time() + SETTLES_WITHIN_SECONDS
        while (left := [*self._laws.apart(), *self._sitting()]) and self._loop.time() < until:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        self._laws.broken += left

    def _sitting(self) -> list[str]:
        """Return which honest members have not left which questions."""
        sittings = {name: self.mesh.sittings[name] for name in self._laws.honest() if name in self.mesh.sittings}
        return [
            f"an end: {name} still sits at {len(s.under_way)} questions" for name, s in sittings.items() if s.under_way
        ]


async def play(schedule: MeshSchedule) -> Played:
    """Play a schedule, on a virtual loop."""
    return await Stage(schedule).play()
