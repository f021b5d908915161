"""A mesh in virtual time: real nodes, real keys and doors, on simulated links; each run a function of its seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any, Literal, TypeVar

from blake3 import blake3

from waggledance._swarm import Swarm
from waggledance.core import UNIT, Budget, Decision, Key, Member, Peer, Question, UsageError
from waggledance.mesh import Genesis, Limits, Mesh, Node, Reader, SimulatedHub, Sitting, Transport
from waggledance.network import Delay, Fault, Uniform, VirtualLoop
from waggledance.protocols import AskProtocol, Debate
from waggledance.testing._opinionated import Opinionated
from waggledance.testing._simulated_disk import LogLeft, SimulatedDisk
from waggledance.testing._simulated_key import SimulatedKey, SimulatedReader

T = TypeVar("T")

EPOCH_MS = 1_735_689_600_000
"""Virtual time 0 on the wall: 2025-01-01 00:00 UTC."""
ASKER = "asker"
MOST_READ = 50_000
"""So many frames are kept opened."""
GENEROUS = Limits(messages_s=100_000, bytes_s=1 << 30, open_channels=1_000)


class SimulatedClock:
    """One machine's clocks: seconds that may run fast, and a wall clock that anyone may set wrong.

    A fast one jumps ahead at every whole second. Were it faster all the time, a timer set by it could come a rounding
    error early for ever, because here no time goes by while anything is computed.

    Args:
        loop: the virtual loop.
        fast_ppm: by how much its seconds run fast, in parts per million, 0 or more.
    """

    def __init__(self, loop: VirtualLoop, fast_ppm: int = 0) -> None:
        if fast_ppm < 0:
            raise UsageError(f"a clock runs fast by 0 ppm or more, got {fast_ppm}: let the others run fast instead")
        self._loop, self._ahead_s = loop, fast_ppm / 1_000_000
        self.wrong_ms = 0
        """By how much the wall clock is ahead."""

    def now(self) -> float:
        now = self._loop.time()
        return now + self._ahead_s * int(now) if self._ahead_s else now

    def wall_ms(self) -> int:
        return EPOCH_MS + self.wrong_ms + int(self._loop.time() * 1000)


class SimulatedMesh:
    """Members of one swarm, and an asker without a vote. Use it within a coroutine on a `VirtualLoop`.

    Args:
        peers: who sits; a number stands for so many `Opinionated` ones, called p0, p1, ….
        seed: of keys, luck and links.
        quorum: what members may do wrong.
        limits: of the swarm; generous ones when not given.
        delay: how long a datagram takes; 10 to 30 ms when not given.
        loss: chance that it is lost; see `SimulatedHub` for this and what follows.
        duplicate: chance that it arrives twice.
        reorder: chance that later ones overtake it.
        bit_flip: chance that one bit of it arrives flipped.
        faults: what goes wrong on the links, and when.
        signatures: ``"real"`` ones, or ``"simulated"`` ones that cost next to nothing; see `SimulatedKey`.
        wire: makes a member's transport from the simulated one, so that a liar can be given a twisted one.
    """

    def __init__(
        self,
        peers: int | Sequence[Peer] = 4,
        *,
        seed: int = 0,
        quorum: Literal["byzantine", "crash"] = "byzantine",
        limits: Limits = GENEROUS,
        delay: Delay | None = None,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        bit_flip: float = 0.0,
        faults: Sequence[Fault] = (),
        signatures: Literal["real", "simulated"] = "real",
        wire: Callable[[str, Transport], Transport] = lambda _name, transport: transport,
    ) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop), "a simulated mesh lives in virtual time"
        if isinstance(peers, int):
            peers = [Opinionated(f"p{i}") for i in range(peers)]
        self.peers = {peer.name: peer for peer in peers}
        names = (*self.peers, ASKER)
        self.seed, self.clock = seed, SimulatedClock(loop)
        self.clocks = {name: SimulatedClock(loop) for name in names}
        """Every machine's own; give a member another one before it begins."""
        self.disks: dict[str, SimulatedDisk] = {}
        secrets = {name: blake3(b"waggle/simulated-mesh/1\0%d\0%s" % (seed, name.encode())).digest() for name in names}
        simulated = {name: SimulatedKey(secret) for name, secret in secrets.items()}
        self.keys: Mapping[str, Key] = (
            simulated if signatures == "simulated" else {name: Key(secret) for name, secret in secrets.items()}
        )
        self.reader = Reader(MOST_READ) if signatures == "real" else SimulatedReader(simulated.values(), MOST_READ)
        """Opens frames and checks signatures for all nodes."""
        self.genesis = Genesis(
            name="simulated",
            members=tuple(Member(self.keys[name].peer, name, 0 if name == ASKER else UNIT) for name in names),
            quorum=quorum,
            limits=limits,
        )
        self.hub = SimulatedHub(
            loop, [self.keys[name] for name in names], names, seed=seed, delay=delay or Uniform(0.01, 0.03), loss=loss,
            duplicate=duplicate, reorder=reorder, bit_flip=bit_flip, faults=faults,
        )  # fmt: skip
        self.nodes: dict[str, Node] = {}
        self.sittings: dict[str, Sitting] = {}
        self._wire = wire
        self._lives: dict[str, int] = {}

    async def __aenter__(self) -> SimulatedMesh:
        await asyncio.gather(*(self.begin(name) for name in self.keys))
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.nodes):
            await self.end(name)
        self.hub.close()

    async def begin(self, name: str, log: LogLeft = "empty", *, key: Key | None = None) -> None:
        """Start a member's process, with what is left of its log; with another key, if it has changed it."""
        disk = self.disks[name] = self.disks.get(name, SimulatedDisk()).after_a_crash(log)
        node = self.nodes[name] = self.node(name, self._wire(name, self.hub.transport(self.keys[name].peer)), disk, key)
        await node.start()
        if name in self.peers:
            self.sittings[name] = Sitting(node, self.peers[name])

    def node(self, name: str, transport: Transport, disk: SimulatedDisk, key: Key | None = None) -> Node:
        """Make the node of a member's next life, not started."""
        life = self._lives[name] = self._lives.get(name, -1) + 1
        key = key or self.keys[name]
        rng = Random(int.from_bytes(blake3(b"%d\0%d\0%s" % (self.seed, life, key.peer)).digest(8)))
        return Node(
            key, self.genesis, transport, log=disk, clock=self.clocks[name], rng=rng, incarnation=life,
            reader=self.reader,
        )  # fmt: skip

    async def end(self, name: str) -> None:
        """End a member's process in good order."""
        await self._close(name)
        self.hub.down(self.keys[name].peer)

    async def crash(self, name: str) -> None:
        """End a member's process in the middle of whatever it does: nothing more is sent or kept."""
        self.disks[name] = self.disks[name].after_a_crash("old")
        self.hub.down(self.keys[name].peer)
        await self._close(name)

    async def _close(self, name: str) -> None:
        sitting = self.sittings.pop(name, None)
        if sitting is not None:
            await sitting.close()
        await self.nodes.pop(name).close()

    async def ask(
        self,
        question: str | Question,
        *,
        protocol: AskProtocol | None = None,
        certify: bool = False,
        budget: Budget | None = None,
        wait_s: float = 600.0,
    ) -> Decision:
        """Let the asker ask all members."""
        mesh = Mesh(self.nodes[ASKER], certify=certify, wait_s=wait_s)
        members = [member for member in self.genesis.members if member.weight]
        swarm = Swarm(mesh.peers(members), network=mesh, protocol=protocol or Debate(rounds=1), seed=self.seed)
        return await swarm.ask(question, budget=budget)

    def digests(self, channel: str) -> Mapping[str, bytes]:
        """Return the digest of each node's copy of a channel; a node that does not hold it is left out."""
        return {n: node.channels[channel].copy.digest() for n, node in self.nodes.items() if channel in node.channels}

    async def settle(self, channel: str, within_s: float = 60.0) -> float:
        """Wait until all nodes that are up hold the same set; return how long that took, seconds."""
        began = self.clock.now()
        while self.clock.now() < began + within_s:
            digests = self.digests(channel)
            if len(digests) == len(self.nodes) and len(set(digests.values())) == 1:
                break
            await asyncio.sleep(0.1)
        return self.clock.now() - began


def on_virtual_time(coroutine: Coroutine[Any, Any, T], limit_s: float = 86_400.0) -> T:
    """Run a coroutine on a virtual loop of its own and return what it returns."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(limit_s)) as runner:
        return runner.run(coroutine)
