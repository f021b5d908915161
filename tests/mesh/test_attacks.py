"""Attacks on real nodes in virtual time: each is refused, that is counted, and work goes on.

Ids are those of the project's threat catalogue; what is open is listed in docs/in-depth/security.md.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest

import waggledance
from waggledance.core import (
    Channel,
    Decision,
    Key,
    Member,
    Message,
    Note,
    Opening,
    PeerId,
    Question,
    SwarmId,
    frame,
)
from waggledance.mesh import LOBBY, Limits, Node, status_of
from waggledance.mesh._channel_names import draw_mark
from waggledance.mesh._held import EMPTY
from waggledance.mesh._swim_messages import Ping
from waggledance.mesh._wire import Ask, AskGenesis, Hello, Outline, Payload, Push, seal
from waggledance.network import Give, Have
from waggledance.testing import SimulatedMesh, on_virtual_time

T = TypeVar("T")
AnyMessage = Message[Any]
EVE = Key(b"e" * 32)
"""Nobody's member."""


class Wire:
    """The links of a simulated mesh in the hands of an attacker: it sees, stops and adds what it likes."""

    def __init__(self, mesh: SimulatedMesh) -> None:
        self.mesh = mesh
        self.seen: list[tuple[PeerId, PeerId, bytes]] = []
        self.stops: Callable[[PeerId, PeerId, bytes], bool] = lambda sender, to, datagram: False
        self._carry = mesh.hub.carry
        mesh.hub.carry = self._see

    def _see(self, sender: PeerId, to: PeerId, datagram: bytes) -> None:
        self.seen.append((sender, to, datagram))
        if not self.stops(sender, to, datagram):
            self._carry(sender, to, datagram)

    def put(self, to: str, datagram: bytes) -> None:
        """Let a datagram arrive, from wherever."""
        for transport in self.mesh.hub._transports[self.mesh.keys[to].peer]:
            transport.take(datagram)

    def sealed(self, key: Key, to: str, payload: Payload) -> bytes:
        return seal(key, self.mesh.genesis.swarm, self.mesh.keys[to].peer, payload)

    def push(self, to: str, *messages: AnyMessage, sender: Key = EVE, channel: str = "") -> None:
        """Let frames arrive under a channel's name and anybody's key."""
        self.put(to, self.sealed(sender, to, Push(channel or messages[0].channel, tuple(map(frame, messages)))))

    def bytes_to(self, peer: PeerId) -> int:
        return sum(len(datagram) for _, to, datagram in self.seen if to == peer)


def attacked(
    attack: Callable[[SimulatedMesh, Wire], Coroutine[Any, Any, T]], n: int = 4, *, limits: Limits | None = None,
    **options: Any,
) -> T:  # fmt: skip
    """Run an attack on a simulated mesh with the limits that swarms have unless they say otherwise."""

    async def main() -> T:
        async with SimulatedMesh(n, limits=limits or Limits(), **options) as mesh:
            return await attack(mesh, Wire(mesh))

    return on_virtual_time(main())


def notes(key: Key, mesh: SimulatedMesh, n: int, *, channel: str = LOBBY, size: int = 10) -> list[AnyMessage]:
    """Return a chain of notes by somebody, each signed."""
    desk = Channel(mesh.genesis.swarm, channel)
    return [key.signed(desk.publish(key.peer, Note(about="noise", text="x" * size), [], i)) for i in range(n)]


def opening(asker: Key, mesh: SimulatedMesh, channel: str, members: list[Member], **fields: Any) -> Message[Opening]:
    body = Opening(question=Question(text="2+2?"), members=tuple(members), protocol="vote", **fields)
    return asker.signed(Channel(mesh.genesis.swarm, channel).publish(asker.peer, body, [], 0))


def unsigned(message: AnyMessage) -> AnyMessage:
    return msgspec.structs.replace(message, signature=b"")


def forged(message: AnyMessage) -> AnyMessage:
    return msgspec.structs.replace(message, signature=b"\x01" * 64)


def flipped(datagram: bytes, bit: int) -> bytes:
    altered = bytearray(datagram)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


# -- D1: forged, altered, replayed ------------------------------------------------------------------------------


def test_attack_d1_bytes_that_are_no_text_or_nested_without_end_are_refused_and_the_rest_is_taken() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        node, p1 = mesh.nodes["p0"], mesh.keys["p1"]
        encode = msgspec.msgpack.encode
        no_text = encode(["push", msgspec.Raw(b"\xa2\xff\xfe"), []])
        endless = b"\x93\xa4push\xa2q1\x90"[:1] + b"\xa4push\xa2q1" + b"\x91" * 100_000
        in_a_tail = b"\x94\xa4push\xa2q1\x90" + b"\x91" * 100_000 + b"\x90"
        around = b"\x95\x01\xc4\x20" + p1.peer + b"\xc4\x00\xc4\x00" + b"\x91" * 100_000 + b"\x90"
        for payload in (no_text, endless, in_a_tail):
            wire.put("p0", encode([1, p1.peer, payload, b""]))
        wire.put("p0", around)
        wire.put("p0", b"")
        return node

    assert attacked(attack).refusals()["malformed"] == 5


def test_attack_d1_an_altered_datagram_changes_nothing_that_is_kept() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[set[Any], int, int]:
        node, p1 = mesh.nodes["p0"], mesh.keys["p1"]
        said = notes(p1, mesh, 1)
        rng = Random(1)
        pushed = wire.sealed(p1, "p0", Push(LOBBY, (frame(said[0]),)))
        asked = wire.sealed(p1, "p0", Ask(Have(LOBBY, EMPTY, ())))
        for bit in rng.sample(range(8 * len(pushed)), 400):
            wire.put("p0", flipped(pushed, bit))
        refused, replies = node.refusals().total(), len(wire.seen)
        bits = rng.sample(range(8 * len(asked)), 200)
        for bit in bits:
            wire.put("p0", flipped(asked, bit))
        assert len(wire.seen) == replies, "an altered request was answered"
        return {m.id for m in node.lobby.copy.messages()} - {said[0].id}, node.refusals().total() - refused, len(bits)

    kept, refused, altered = attacked(attack)
    assert kept == set()
    assert refused == altered


def test_attack_d1_what_was_recorded_counts_once_and_nowhere_else() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Node, int]:
        node, p1 = mesh.nodes["p0"], mesh.keys["p1"]
        [said] = notes(p1, mesh, 1)
        for _ in range(100):
            wire.push("p0", said)
        wire.put("p0", wire.sealed(p1, "p2", Ask(Have(LOBBY, EMPTY, ()))))  # to another peer
        elsewhere = SwarmId(b"s" * 16)
        wire.put("p0", seal(p1, elsewhere, node.me, Ask(Have(LOBBY, EMPTY, ()))))  # of another swarm
        stray = p1.signed(Channel(elsewhere, LOBBY).publish(p1.peer, Note(about="noise", text=""), [], 0))
        wire.push("p0", stray)
        wire.push("p0", *notes(p1, mesh, 1, channel="q1"), channel=LOBBY)  # of another channel
        return node, len(node.lobby.copy)

    node, kept = attacked(attack)
    assert kept == 1
    assert node.lobby.door.known == 99
    assert node.refusals() == {"signature": 2, "swarm": 1, "channel": 1}


def test_attack_d1_a_stranger_is_refused_and_that_is_visible() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Node, int]:
        node = mesh.nodes["p0"]
        before = len(wire.seen)
        for payload in (Ping(1, ()), Ask(Have(LOBBY, EMPTY, ())), Give(LOBBY, tuple(map(frame, notes(EVE, mesh, 1))))):
            wire.put("p0", wire.sealed(EVE, "p0", payload))
        wire.push("p0", *notes(EVE, mesh, 5))
        return node, len(wire.seen) - before

    node, answers = attacked(attack)
    assert (answers, len(node.lobby.copy)) == (0, 0)
    status = status_of(node, name="p0", listening=(), links=0, ended={})
    assert status.refused == {"stranger": 8}


def test_attack_d1_recorded_datagrams_do_not_make_a_dead_peer_look_alive() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[str, float, float]:
        await mesh.end("p0")
        await mesh.begin("p0")  # it asks everybody, and everybody answers
        await asyncio.sleep(30)
        gone, node = mesh.keys["p1"].peer, mesh.nodes["p0"]
        recorded = [datagram for sender, to, datagram in wire.seen if sender == gone and to == node.me]
        await mesh.end("p1")
        died = mesh.clock.now()
        for _ in range(120):
            await asyncio.sleep(0.5)
            for datagram in recorded:
                wire.put("p0", datagram)
        return node.swim.states()[gone].status, node.last_heard()[gone] - died, len(recorded)

    status, heard_after, recorded = attacked(attack)
    assert recorded > 20
    assert status == "dead"
    assert heard_after < 20


def test_attack_d1_recorded_answers_do_not_cut_a_recovery_short() -> None:
    """Whoever lost its log waits until somebody says now what it had said; else it would contradict itself."""

    async def attack(mesh: SimulatedMesh, wire: Wire) -> set[PeerId]:
        await mesh.end("p1")
        await mesh.begin("p1")
        p1 = mesh.nodes["p1"]
        recorded = [datagram for _, to, datagram in wire.seen if to == p1.me]
        p1.lobby.copy.publish(p1.me, Note(about="greeting", text="one"), [], 0)
        await mesh.settle(LOBBY)
        await mesh.end("p1")
        until = mesh.clock.now() + 0.4
        wire.stops = lambda sender, to, datagram: to == p1.me and mesh.clock.now() < until  # held back meanwhile
        starting = asyncio.create_task(mesh.begin("p1"))
        while not starting.done():
            await asyncio.sleep(0.001)
            if mesh.keys["p1"].peer in mesh.hub._transports:
                for datagram in recorded:
                    wire.put("p1", datagram)
        p1 = mesh.nodes["p1"]
        p1.lobby.copy.publish(p1.me, Note(about="greeting", text="two"), [], 0)
        await mesh.settle(LOBBY)
        return {peer for node in mesh.nodes.values() for peer in node.lobby.copy.forked}

    assert attacked(attack) == set()


def test_a_recovery_waits_for_its_own_past_where_much_is_lost() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> set[PeerId]:
        p1 = mesh.nodes["p1"]
        p1.lobby.copy.publish(p1.me, Note(about="greeting", text="one"), [], 0)
        await mesh.settle(LOBBY)
        await mesh.end("p1")
        until = mesh.clock.now() + 0.4
        wire.stops = lambda sender, to, datagram: to == p1.me and b"give" in datagram and mesh.clock.now() < until
        await mesh.begin("p1")
        p1 = mesh.nodes["p1"]
        p1.lobby.copy.publish(p1.me, Note(about="greeting", text="two"), [], 0)
        await mesh.settle(LOBBY)
        return {peer for node in mesh.nodes.values() for peer in node.lobby.copy.forked}

    assert attacked(attack) == set()


# -- C4, C5: using others up ------------------------------------------------------------------------------------


def test_attack_c4_what_is_too_large_is_refused_by_its_size() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        node, p1 = mesh.nodes["p0"], mesh.keys["p1"]
        wire.put("p0", bytes(1_200_001))
        wire.put("p0", wire.sealed(p1, "p0", Push(LOBBY, (bytes(96 * 1024 + 1),))))
        return node

    assert attacked(attack).refusals() == {"oversize": 2}


@pytest.mark.parametrize("way", [Push, Give])
def test_attack_c4_a_member_who_floods_the_lobby_gets_in_what_the_genesis_allows(way: type[Push | Give]) -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int, int]:
        node, p1, p2 = mesh.nodes["p0"], mesh.keys["p1"], mesh.nodes["p2"]
        await asyncio.sleep(5)
        for said in notes(p1, mesh, 600):
            wire.put("p0", wire.sealed(p1, "p0", way(LOBBY, (frame(said),))))
        flooded, refused = len(node.lobby.copy), node.refusals()["rate"]
        p2.lobby.copy.publish(p2.me, Note(about="greeting", text="and now me"), [], 0)
        await asyncio.sleep(0.1)
        return flooded, refused, len(node.lobby.copy.said(Note)) - flooded

    allowed = 40 if way is Push else 400
    assert attacked(attack, limits=Limits(messages_s=10)) == (allowed, 600 - allowed, 1)


def test_attack_c4_nobody_uses_up_what_another_may_send() -> None:
    """A forged name on unsigned, badly signed, or well-signed but foreign frames costs the one who is named nothing."""

    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, Node]:
        node, p1 = mesh.nodes["p0"], mesh.nodes["p1"]
        fakes = notes(EVE, mesh, 400, size=500)
        for fake in fakes:
            named = msgspec.structs.replace(fake, author=p1.me, sequence=1, previous=None, parents=(), lamport=1)
            wire.push("p0", forged(named), sender=p1.key)
            wire.push("p0", unsigned(named), sender=p1.key)
        p1.lobby.copy.publish(p1.me, Note(about="greeting", text="it is me"), [], 0)
        await asyncio.sleep(0.1)
        return len(node.lobby.copy), node

    kept, node = attacked(attack, limits=Limits(messages_s=10))
    assert kept == 1
    assert node.refusals()["signature"] == 400
    assert node.refusals()["rate"] == 0


def test_attack_c4_a_recorded_request_or_a_members_flood_of_them_does_not_use_up_the_uplink() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int, Node]:
        node, p1, p2 = mesh.nodes["p0"], mesh.keys["p1"], mesh.nodes["p2"]
        for _ in range(60):
            p2.lobby.copy.publish(p2.me, Note(about="long", text="x" * 60_000), [], 0)
        await mesh.settle(LOBBY)
        before, asked = wire.bytes_to(p1.peer), 0
        requests: list[Payload] = [Ask(Have(LOBBY, EMPTY, ())), Hello(bytes(32), (Have(LOBBY, bytes(32), ()),) * 64)]
        requests.append(Outline(tuple((f"q{n}", bytes(32)) for n in range(4_000))))
        for request in requests * 100:
            datagram = wire.sealed(p1, "p0", request)
            asked += len(datagram)
            wire.put("p0", datagram)
        return wire.bytes_to(p1.peer) - before, asked, node

    limit = 2 * 1024 * 1024
    sent, _, node = attacked(attack, limits=Limits(bytes_s=limit, messages_s=500))
    assert sent < 4 * 2 * limit + 2_000 * 500 + 1024 * 1024  # a burst of four seconds, and as many small replies
    assert node.refusals()["rate"] > 250


def test_attack_c4_strangers_who_ask_for_the_genesis_get_it_a_few_times() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int, Node]:
        node = mesh.nodes["p0"]
        node.transport.send = lambda to, datagram: said.append(datagram)
        said: list[bytes] = []
        for n in range(5_000):
            wire.put("p0", wire.sealed(Key(n.to_bytes(32)), "p0", AskGenesis()))
        return len(said), len(node.genesis.canonical()), node

    told, _, node = attacked(attack)
    assert 1 <= told <= 200
    assert node.refusals()["rate"] == 5_000 - told


def test_attack_c4_openings_that_their_asker_did_not_sign_are_not_held() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Node, Decision]:
        node, asker = mesh.nodes["p0"], mesh.keys["asker"]
        members = list(mesh.genesis.members)
        for n in range(300):
            name = f"q{n}-{draw_mark(asker.peer, Random(n))}"
            fake = opening(asker, mesh, name, members)
            wire.push("p0", forged(fake) if n % 2 else unsigned(fake), *notes(mesh.keys["p1"], mesh, 1, channel=name))
        assert set(node.channels) == {LOBBY}
        return node, await mesh.ask("2+2?")

    node, decision = attacked(attack)
    assert node.refusals()["opening"] == 300
    assert decision.silent == ()


def test_attack_c5_a_stranger_makes_nobody_think_and_a_member_so_many_at_once() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, Node, int]:
        node = mesh.nodes["p0"]
        asked: list[Message[Opening]] = []
        mesh.sittings["p0"].on_question = asked.append
        members = list(mesh.genesis.members)
        for n in range(50):
            wire.push("p0", opening(EVE, mesh, f"e{n}-{draw_mark(EVE.peer, Random(n))}", members))
        await asyncio.sleep(1)
        by_strangers = len(asked)
        for n in range(50):
            wire.push("p0", opening(mesh.keys["asker"], mesh, f"q{n}-{draw_mark(mesh.keys['asker'].peer, Random(n))}",
                                    members))  # fmt: skip
        await asyncio.sleep(5)
        return by_strangers, node, len(asked)

    by_strangers, node, by_member = attacked(attack, limits=Limits(open_channels=5))
    assert (by_strangers, by_member) == (0, 5)
    assert node.refusals()["opening"] == 50
    assert node.refusals()["channels"] == 45


def test_a_question_that_is_over_makes_room_for_the_next() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> list[int]:
        return [len((await mesh.ask(f"{n}+2?")).silent) for n in range(6)]

    assert attacked(attack, limits=Limits(open_channels=2)) == [0] * 6


def test_attack_c6_nothing_that_runs_what_it_reads_is_imported() -> None:
    runs = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "jsonpickle"}
    root = Path(waggledance.__file__).parent
    imported: dict[str, set[str]] = {}
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported[file.name] = imported.get(file.name, set()) | {name.split(".")[0] for name in names}
    assert len(imported) > 100
    assert {name: found for name, names in imported.items() if (found := names & runs)} == {}
