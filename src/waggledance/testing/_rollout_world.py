"""A swarm in virtual time in which something is rolled out: links of one speed, loss, gossip, peers that die.

Each peer has one uplink that sends one thing after another; what is sent takes a delay, or is lost. Messages spread by
gossip: who hears a new one pushes it to three others, and twice a second each peer exchanges with one other what either
lacks. The agents, servers and fetches inside are the real ones; what they keep is in memory. `flood` spreads the same
artefact to everybody by the same gossip, for comparison.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from typing import Any

import msgspec

from waggledance.core import Body, Message, MessageId, PeerId, encode, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.mesh._blob_messages import CHUNK_BYTES, AskBlob, GiveChunk, HaveBlob, NoChunk, WantChunk
from waggledance.mesh._blob_server import BlobServer
from waggledance.mesh._rollout import Rollout, Traits
from waggledance.mesh._rollout_agent import Health, RolloutAgent, Step, always_well
from waggledance.mesh._rollout_fold import RolloutView, rollouts_of
from waggledance.testing._in_memory import MemoryBlobs, MemorySlot

Payload = AskBlob | HaveBlob | WantChunk | GiveChunk | NoChunk
Tamper = Callable[[PeerId, Payload], Payload | None]
"""What a lying peer sends in place of what it should; None for nothing."""

DATAGRAM_BYTES = 180
"""What stands around a payload: sender, signature, lengths, and TCP/IP's own."""
PUSHED_TO = 3
EXCHANGE_S = 0.5
_BATCH_S = 0.05


class Node:
    """One peer: its agent, its server, what it holds, and when it said that it was well."""

    def __init__(self, index: int, traits: Traits, base: bytes | None, seed: int, rate: float, healthy: Health) -> None:
        self.id, self.traits = local_peer_id(f"peer {index} of {seed}"), traits
        self.blobs, self.slot = MemoryBlobs(), MemorySlot(base)
        self.server = BlobServer(self.blobs, bytes_per_s=rate)
        self.agent = RolloutAgent(
            self.id, self.blobs, {"data/table": self.slot}, Random(f"{seed}/{index}"), healthy=healthy
        )
        self.held = dict[MessageId, Message[Any]]()
        self.chunks = set[int]()
        self.alive, self.free_at, self.due = True, 0.0, False
        self.wakes_at: float | None = None
        self.active_at: float | None = None
        self.sequence, self.lamport = 0, 0


class RolloutWorld:
    """Peers, of whom every third has the type ``"a"``, every third ``"b"``, every third ``"c"``.

    Args:
        peers: how many.
        seed: of all luck.
        base: what is in everybody's slot ``"data/table"`` at first.
        loss: chance that anything sent is lost.
        delay_s: how long it is on its way, half to three halves of it.
        bytes_per_s: of each peer's uplink.
        healthy: how each peer is with what it installed, by its number.
        tamper: what lying peers send.
    """

    def __init__(
        self,
        peers: int,
        *,
        seed: int,
        base: bytes | None = None,
        loss: float = 0.1,
        delay_s: float = 0.02,
        bytes_per_s: float = 12.5e6,
        healthy: Callable[[int], Health] = lambda _: always_well,
        tamper: Tamper = lambda _, payload: payload,
    ) -> None:
        self.now, self.luck = 0.0, Random(f"rollout {seed}")
        self._loss, self._delay_s, self._bytes_per_s, self._tamper = loss, delay_s, bytes_per_s, tamper
        kinds = ["a", "b", "c"] * (peers // 3 + 1)
        kinds = kinds[:peers]
        self.luck.shuffle(kinds)
        self.nodes = [
            Node(i, Traits(frozenset({kind})), base, seed, bytes_per_s, healthy(i)) for i, kind in enumerate(kinds)
        ]
        self.by_id = {node.id: node for node in self.nodes}
        self.members = {node.id: node.traits for node in self.nodes}
        self.sent_bytes = Counter[str]()
        """By what it was: ``"content"``, ``"requests"``, ``"messages"``."""
        self.content_to = Counter[PeerId]()
        """Bytes of content that arrived, by peer."""
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._states_to: Sequence[Node] = ()

    @property
    def absent(self) -> frozenset[PeerId]:
        """Who is dead, as a failure detector would tell everybody."""
        return frozenset(node.id for node in self.nodes if not node.alive)

    def announce(self, author: int, rollout: Rollout, artefact: bytes) -> MessageId:
        """Let a peer publish a roll-out to everybody; states go to its targets and its author only."""
        node = self.nodes[author]
        assert node.blobs.put(artefact) == rollout.artefact.h
        wanted = set(rollout.target.types)
        self._states_to = [n for n in self.nodes if n is node or n.traits.types & wanted]
        for n in self.nodes:
            self._at(EXCHANGE_S * self.luck.random(), partial(self._exchange, n))
        return self._publish(node, rollout).id

    def view(self, rollout: MessageId, node: Node) -> RolloutView:
        """Return where a roll-out stands, as one peer sees it."""
        return self._views(node)[rollout]

    def run(self, until: Callable[[], bool], most_s: float = 300.0) -> bool:
        """Let time pass until something holds; say whether it came to hold."""
        while not until():
            if not self._events or self._events[0][0] > most_s:
                return False
            self.now, _, event = heapq.heappop(self._events)
            event()
        return True

    def flood(self, author: int, size_bytes: int, targets: Iterable[PeerId]) -> float:
        """Spread chunks to everybody by gossip; return when all targets have all of them, in seconds."""
        all_chunks = set(range(-(-size_bytes // CHUNK_BYTES)))
        missing = {peer for peer in targets if peer != self.nodes[author].id}

        def give(node: Node, chunk: int, to: Node) -> None:
            self._carry(node, to, "content", CHUNK_BYTES + DATAGRAM_BYTES, lambda: take(to, chunk))

        def take(node: Node, chunk: int) -> None:
            if chunk in node.chunks:
                return
            node.chunks.add(chunk)
            if node.chunks == all_chunks:
                missing.discard(node.id)
            for to in self._others(node, self.nodes, PUSHED_TO):
                give(node, chunk, to)

        def exchange(node: Node) -> None:
            [to] = self._others(node, self.nodes, 1)
            busy = node.free_at > self.now or to.free_at > self.now
            for a, b in ((node, to), (to, node)):
                for chunk in sorted(a.chunks - b.chunks) if not busy else ():
                    give(a, chunk, b)
            self._carry(node, to, "messages", DATAGRAM_BYTES, lambda: None)
            self._at(EXCHANGE_S * self.luck.uniform(0.8, 1.2), lambda: exchange(node))

        for node in self.nodes:
            self._at(EXCHANGE_S * self.luck.random(), partial(exchange, node))
        for chunk in sorted(all_chunks):
            take(self.nodes[author], chunk)
        assert self.run(lambda: not missing)
        return self.now

    def _publish(self, node: Node, body: Body) -> Message[Any]:
        node.sequence += 1
        node.lamport += 1
        previous = MessageId(bytes(32)) if node.sequence > 1 else None
        message, _ = compose(
            node.id, body, node.sequence, previous, (), node.lamport, 0, swarm_id("rollout"), "rollout"
        )
        self._take(node, message)
        return message

    def _take(self, node: Node, message: Message[Any]) -> None:
        if message.id in node.held:
            return
        node.held[message.id] = message
        node.lamport = max(node.lamport, message.lamport)
        self._soon(node)
        for to in self._others(node, self._readers(message), PUSHED_TO):
            self._give(node, to, [message])

    def _readers(self, message: Message[Any]) -> Sequence[Node]:
        return self.nodes if message.kind == Rollout.kind else self._states_to

    def _give(self, node: Node, to: Node, messages: Sequence[Message[Any]]) -> None:
        size = DATAGRAM_BYTES + sum(len(encode(m)) + 68 for m in messages)

        def arrive() -> None:
            for message in messages:
                self._take(to, message)

        self._carry(node, to, "messages", size, arrive)

    def _exchange(self, node: Node) -> None:
        if not node.alive:
            return
        [to] = self._others(node, self.nodes, 1)

        def answer(a: Node, b: Node, then: Callable[[], None]) -> Callable[[], None]:
            def heard() -> None:
                lacks = [m for id, m in a.held.items() if id not in b.held and b in self._readers(m)]
                if lacks:
                    self._give(a, b, lacks)
                then()

            return heard

        back = answer(node, to, lambda: None)
        there = answer(to, node, lambda: self._carry(to, node, "messages", DATAGRAM_BYTES, back))
        self._carry(node, to, "messages", DATAGRAM_BYTES, there)
        self._at(EXCHANGE_S * self.luck.uniform(0.8, 1.2), lambda: self._exchange(node))

    def _views(self, node: Node) -> dict[MessageId, RolloutView]:
        return rollouts_of(node.held.values(), self.members, certified=lambda _: False, absent=self.absent)

    def _soon(self, node: Node) -> None:
        """Fold what came, once for all that comes within a moment."""
        if not node.due:
            node.due = True
            self._at(_BATCH_S, lambda: self._follow(node))

    def _follow(self, node: Node) -> None:
        node.due = False
        if node.alive:
            self._act(node, node.agent.follow(self._views(node), self.now))

    def _wake(self, node: Node, at: float) -> None:
        if node.alive and node.wakes_at == at:
            node.wakes_at = None
            self._act(node, node.agent.tick(self.now))

    def _act(self, node: Node, step: Step) -> None:
        for to, payload in step.sends:
            self._send(node, self.by_id[to], payload)
        for state in step.states:
            if state.state == "active" and node.active_at is None:
                node.active_at = self.now
            self._publish(node, state)
        at = node.agent.next_at
        if at is not None and at != node.wakes_at:
            node.wakes_at = at = max(at, self.now)
            self._at(at - self.now, lambda: self._wake(node, at))

    def _send(self, node: Node, to: Node, payload: Payload) -> None:
        said = self._tamper(node.id, payload)
        if said is not None:
            size = DATAGRAM_BYTES + len(msgspec.msgpack.encode(said))
            what = "content" if isinstance(said, GiveChunk) else "requests"
            self._carry(node, to, what, size, lambda: self._hear(node, to, said))

    def _hear(self, node: Node, to: Node, payload: Payload) -> None:
        if isinstance(payload, GiveChunk):
            self.content_to[to.id] += len(payload.content)
        for other, answer in to.server.on(node.id, payload, self.now):
            self._send(to, self.by_id[other], answer)
        if not isinstance(payload, AskBlob | WantChunk):
            self._act(to, to.agent.on(node.id, payload, self.now))

    def _carry(self, node: Node, to: Node, what: str, size: int, arrive: Callable[[], None]) -> None:
        if not node.alive:
            return
        self.sent_bytes[what] += size
        node.free_at = max(self.now, node.free_at) + size / self._bytes_per_s
        takes = node.free_at - self.now + self._delay_s * self.luck.uniform(0.5, 1.5)
        if self.luck.random() >= self._loss:
            self._at(takes, lambda: arrive() if to.alive else None)

    def _others(self, node: Node, among: Sequence[Node], many: int) -> list[Node]:
        some = [other for other in self.luck.sample(among, min(len(among), many + 1)) if other is not node]
        return some[:many]

    def _at(self, in_s: float, event: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (self.now + in_s, self._number, event))
