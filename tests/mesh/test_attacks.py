"""Attacks on real nodes in virtual time: each is refused, that is counted, and work goes on.

Ids are those of the project's threat catalogue; what is open is listed in docs/in-depth/security.md.
"""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest
from blake3 import blake3

import waggledance
from waggledance.consensus import (
    Ack,
    Certificate,
    CertificateInvalid,
    Prep,
    Seal,
    Verified,
    messages_of_cut,
    outcome_of_decision,
    verify_certificate,
)
from waggledance.core import (
    UNIT,
    Channel,
    Clock,
    Decision,
    ForkProof,
    Key,
    Member,
    Message,
    Note,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    SwarmId,
    UsageError,
    encode,
    frame,
    signature_holds,
)
from waggledance.core._message import encode_canonical, message_id
from waggledance.mesh import (
    LOBBY,
    Admit,
    Artefact,
    Capability,
    Genesis,
    Join,
    Limits,
    Membership,
    Node,
    Revoke,
    Rollout,
    Warrant,
    announce,
    membership_of,
    new_invite,
    status_of,
    warranted,
)
from waggledance.mesh._channel_names import draw_mark
from waggledance.mesh._held import EMPTY, Held
from waggledance.mesh._present import endpoints_of
from waggledance.mesh._sealed_set import decide_over
from waggledance.mesh._swim_messages import Ping, death, leave_note, suspicion
from waggledance.mesh._wire import Ask, AskGenesis, Hello, Outline, Payload, Push, seal
from waggledance.mesh._zenoh_endpoints import dialable
from waggledance.models import principal
from waggledance.network import Give, Have
from waggledance.peers import FunctionPeer
from waggledance.protocols import Vote
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


class Skewed:
    """A clock whose wall time is off."""

    def __init__(self, right: Clock, off_ms: int) -> None:
        self.now, self._right, self._off_ms = right.now, right, off_ms

    def wall_ms(self) -> int:
        return self._right.wall_ms() + self._off_ms


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
        await mesh.crash("p1")
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


def test_attack_c4_a_member_who_floods_the_lobby_with_votes_does_not_make_it_be_gone_through_for_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A look at who belongs costs in proportion to the lobby; looks get rarer as it grows, and the last one counts."""
    looks: list[int] = []

    def counted(genesis: Genesis, messages: Sequence[AnyMessage]) -> Membership:
        looks.append(len(messages))
        return membership_of(genesis, messages)

    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int]:
        p1, desk, node = mesh.keys["p1"], Channel(mesh.genesis.swarm, LOBBY), mesh.nodes["p0"]
        monkeypatch.setattr("waggledance.mesh._belonging.membership_of", counted)
        for n in range(2_000):
            wire.push("p0", p1.signed(desk.publish(p1.peer, Admit(who=EVE.peer, weight=n), [], n)))
            await asyncio.sleep(0.002)
        await asyncio.sleep(1)
        return len(node.lobby.copy), looks[-1]

    kept, last = attacked(attack, limits=Limits(messages_s=500))
    assert kept == last == 2_000
    assert len(looks) < 200 + 150


def test_attack_c4_frames_without_a_signature_fill_no_memory_and_are_gone_in_half_a_minute() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int, int]:
        node = mesh.nodes["p0"]
        for n in range(4_000):
            fake = msgspec.structs.replace(notes(EVE, mesh, 1, size=60_000)[0], author=mesh.keys["p1"].peer)
            number = {"sequence": n + 2, "previous": n.to_bytes(32), "author": list(mesh.nodes.values())[n % 5].me}
            wire.push("p0", unsigned(msgspec.structs.replace(fake, **number)))
        waiting, refused = node.lobby.door.unvouched.size_bytes, node.refusals()["parked-too-many"]
        await asyncio.sleep(32)
        return waiting, refused, node.lobby.door.unvouched.size_bytes

    waiting, refused, later = attacked(attack)
    assert waiting < 33 * 1024 * 1024
    assert refused > 3_000
    assert later == 0


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


def test_attack_c4_pushes_wake_no_channel_that_rests_and_late_words_still_come() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[bool, int, float]:
        channel, node, p1 = (await mesh.ask("2+2?")).channel, mesh.nodes["p0"], mesh.nodes["p1"]
        recorded = [datagram for _, to, datagram in wire.seen if to == node.me and b"push" in datagram]
        recorded = [datagram for datagram in recorded if channel.encode() in datagram]
        assert recorded
        await asyncio.sleep(60)
        held, before = node.channels[channel], node.refusals()["rests"]
        for datagram in recorded:
            wire.put("p0", datagram)
        wire.push("p0", *notes(EVE, mesh, 3, channel=channel))
        still, refused = held.rests, node.refusals()["rests"] - before
        p1.channels[channel].copy.publish(p1.me, Note(about="late", text="after all"), [], 0)
        took_s = await mesh.settle(channel)
        return still, refused - len(recorded), took_s

    still, refused, took_s = attacked(attack)
    assert (still, refused) == (True, 1)
    assert took_s < 10


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
    safely = {"_yaml_lines.py": {"yaml"}}  # a person's own file, by the loader that makes plain values only
    root = Path(waggledance.__file__).parent
    imported: dict[str, set[str]] = {}
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported[file.name] = imported.get(file.name, set()) | {name.split(".")[0] for name in names}
    assert len(imported) > 100
    assert {name: found for name, names in imported.items() if (found := names & runs)} == safely
    assert "yaml.SafeLoader(" in (root / "tasks" / "_yaml_lines.py").read_text()


# -- questions: taken names, false openings, false ends, friendly members -------------------------------------------


def test_attack_d9_nobody_takes_the_name_of_a_channel_that_another_will_open() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Node, Decision, str]:
        asker, members = mesh.nodes["asker"], list(mesh.genesis.members)
        luck = asker._rng.getstate()
        name = f"q1-{blake3(b'2+2?' + bytes(1) + b'0').hexdigest(length=3)}-{asker.draw_mark()}"
        asker._rng.setstate(luck)  # the attacker is so lucky as to guess it
        for victim in mesh.peers:
            wire.push(victim, opening(mesh.keys["p1"], mesh, name, members))
        return mesh.nodes["p0"], await mesh.ask("2+2?"), name

    node, decision, name = attacked(attack)
    assert decision.channel == name, "the attack was not on the right name"
    assert decision.silent == ()
    assert node.refusals()["opening"] == 1


def test_a_channel_without_the_nodes_own_mark_is_not_opened() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> None:
        for name in ("q1", "", f"q1-{mesh.nodes['p1'].draw_mark()}"):
            with pytest.raises(UsageError, match="a mark of its own"):
                mesh.nodes["p0"].open(name, [])

    attacked(attack)


def test_attack_d9_a_channel_is_opened_once_and_by_its_asker() -> None:
    """A member that opens the question anew in the asker's channel is heard there no more, and the rest certify."""

    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Node, Decision]:
        def reopen(held: Held, opened: Message[Opening]) -> None:
            other = Opening(question=Question(text="3+3?"), members=opened.body.members, protocol="vote")
            if opened.author != mesh.keys["p1"].peer:
                held.copy.publish(mesh.keys["p1"].peer, other, [], 0)

        mesh.nodes["p1"].on_opening = reopen
        decision = await mesh.ask("2+2?", certify=True, protocol=Vote(patience_s=3))
        return mesh.nodes["p0"], decision

    node, decision = attacked(attack)
    assert decision.certificate
    assert [decision.name(peer) for peer in decision.silent] == ["p1"]
    assert node.refusals()["stranger"] >= 1


def test_attack_d9_an_opening_that_names_others_than_members_is_not_held() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        asker = mesh.keys["asker"]
        name = f"q1-{draw_mark(asker.peer, Random(1))}"
        wire.push("p0", opening(asker, mesh, name, [*mesh.genesis.members, Member(EVE.peer, "eve")]))
        await asyncio.sleep(1)
        return mesh.nodes["p0"]

    node = attacked(attack)
    assert set(node.channels) == {LOBBY}
    assert node.refusals()["opening"] == 1


def test_attack_d7_an_outcome_by_somebody_who_did_not_ask_ends_nothing() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Decision, int]:
        def end(held: Held, _: Message[Opening]) -> None:
            said = Outcome(status="decided", key="22", rule="majority", decision=bytes(32))
            held.copy.publish(mesh.keys["p1"].peer, said, [], 0)

        mesh.nodes["p1"].on_opening = end
        decision = await mesh.ask("2+2?", certify=True, protocol=Vote(patience_s=3))
        return decision, mesh.sittings["p0"].ended["answered"]

    decision, answered = attacked(attack)
    assert decision.certificate
    assert (Certificate.from_json(decision.certificate).answer, answered) == (decision.key, 1)


def test_attack_d7_what_comes_after_the_cut_was_sealed_does_not_count() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Decision, Verified, int]:
        decision = await mesh.ask("2+2?", certify=True)
        late = mesh.nodes["p1"].channels[decision.channel]
        late.copy.publish(mesh.keys["p1"].peer, Proposal.of("666", "late"), [], 0)
        await mesh.settle(decision.channel)
        held = mesh.nodes["asker"].channels[decision.channel]
        asked = held.copy.said(Opening)[0]
        certificate = Certificate.from_json(decision.certificate)
        messages = messages_of_cut(certificate.decided.cut, held.copy.get)
        assert messages is not None
        again = outcome_of_decision(await decide_over(asked, [asked, *messages], mesh.clock))
        proposals = len(held.copy.said(Proposal))
        return decision, verify_certificate(certificate, certificate.members, decide=lambda _: again), proposals

    decision, verified, proposals = attacked(attack)
    assert proposals == 5
    assert verified.recomputed
    assert verified.answer == decision.key != "666"


@pytest.mark.parametrize("chosen", [["p0", "p1"], ["p0", "p1", "p2", "p3"]])
def test_an_asker_who_picks_the_members_or_their_weights_gets_no_certificate(chosen: list[str]) -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int]:
        asker = mesh.nodes["asker"]
        friends = [Member(mesh.keys[name].peer, name, UNIT if name == "p2" else 2 * UNIT) for name in chosen]
        held = asker.open(f"q1-{asker.draw_mark()}", [member.id for member in friends])
        body = Opening(question=Question(text="2+2?"), members=tuple(friends), protocol="vote", rule="majority",
                       certify="byzantine")  # fmt: skip
        held.copy.publish(asker.me, body, [], 0)
        await asyncio.sleep(30)
        return len(held.copy.said(Prep)) + len(held.copy.said(Ack)), len(held.copy.said(Seal))

    assert attacked(attack) == (0, len(chosen))


def padded(how: str, c: Certificate) -> Certificate:
    """Forge a certificate that has a quorum's acks."""
    *most, last = c.acks
    other = msgspec.structs.replace(c.decided, outcome=b"22")
    fields: dict[str, dict[str, Any]] = {
        "too few": {"acks": tuple(most)},
        "foreign": {"acks": tuple(sorted((*most, (EVE.peer, bytes(64)))))},
        "twice": {"acks": (*most, most[0])},
        "swapped": {"acks": (*most, (last[0], most[0][1]))},
        "another epoch": {"epoch": c.epoch + 1},
        "another outcome": {"decided": other},
        "fewer members": {"members": c.members[:-1]},
    }
    return msgspec.structs.replace(c, **fields[how])


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("too few", "quorum"),
        ("foreign", "stranger"),
        ("twice", "malformed"),
        ("swapped", "signature"),
        ("another epoch", "signature"),
        ("another outcome", "signature"),
        ("fewer members", "members"),
    ],
)
def test_a_certificate_with_padded_doubled_or_foreign_acks_proves_nothing(how: str, reason: str) -> None:
    decision = attacked(lambda mesh, wire: mesh.ask("2+2?", certify=True))
    made = Certificate.from_json(decision.certificate)
    needed = msgspec.structs.replace(made, acks=made.acks[:3])
    verify_certificate(needed, made.members)
    with pytest.raises(CertificateInvalid) as refused:
        verify_certificate(padded(how, needed), made.members)
    assert refused.value.reason == reason


# -- D2 to D8: lies, silence, cuts ------------------------------------------------------------------------------------


def test_attack_d2_who_says_two_things_is_known_to_all_within_two_log_n_rounds() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[float, list[bool]]:
        liar = mesh.keys["p1"]
        other = liar.signed(Channel(mesh.genesis.swarm, LOBBY).publish(liar.peer, Note(about="b", text=""), [], 0))
        await mesh.end("p1")
        began = mesh.clock.now()
        for n, name in enumerate(mesh.nodes):
            wire.push(name, notes(liar, mesh, 1)[0] if n % 2 else other)
        while not all(liar.peer in node.lobby.copy.forked for node in mesh.nodes.values()):
            await asyncio.sleep(0.1)
            assert mesh.clock.now() < began + 60
        proofs = [node.lobby.door.forks[liar.peer].holds() for node in mesh.nodes.values()]
        return mesh.clock.now() - began, proofs

    took_s, proofs = attacked(attack, n=8)
    assert all(proofs)
    assert took_s <= 2 * 3 * 0.6 + 0.1  # rounds of half a second, give or take a fifth


def test_attack_d2_nobody_is_made_to_look_like_one_who_said_two_things() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[frozenset[PeerId], ForkProof]:
        node, p1 = mesh.nodes["p0"], mesh.nodes["p1"]
        said = p1.lobby.copy.publish(p1.me, Note(about="greeting", text="one"), [], 0)
        await mesh.settle(LOBBY)
        fake = msgspec.structs.replace(notes(EVE, mesh, 1)[0], author=p1.me)
        wire.push("p0", forged(fake))
        wire.push("p0", unsigned(fake))
        real = node.lobby.copy.get(said.id)
        assert real is not None
        return node.lobby.copy.forked, ForkProof(p1.me, 1, (frame(real),), (frame(forged(fake)),))

    forked, proof = attacked(attack)
    assert forked == frozenset()
    assert not proof.holds()


def test_attack_d3_two_hundred_invented_peers_of_one_member_get_no_vote_and_little_room() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        liar = mesh.keys["p1"]
        for n in range(200):
            sybil = Key(n.to_bytes(32))
            held = new_invite(liar, mesh.genesis, endpoints=(), now_ms=mesh.clock.wall_ms(), weight=UNIT)
            desk = Channel(mesh.genesis.swarm, LOBBY)
            join = desk.publish(sybil.peer, Join.of(held, sybil.peer, f"sybil-{n}"), [], 0)
            wire.push("p0", sybil.signed(join), sender=sybil)
        return mesh.nodes["p0"]

    node = attacked(attack, limits=Limits(guests=3, granted_weight=UNIT))
    assert len(node.members) == 5 + 1  # the first is granted all that there is to grant
    assert sum(member.weight for member in node.members.values()) == 5 * UNIT
    assert node.refusals()["stranger"] == 199


def test_attack_c4_two_hundred_who_wait_for_room_leave_little_behind() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        for n in range(200):
            sybil = Key(n.to_bytes(32))
            held = new_invite(mesh.keys["p1"], mesh.genesis, endpoints=(), now_ms=mesh.clock.wall_ms())
            join = Channel(mesh.genesis.swarm, LOBBY).publish(sybil.peer, Join.of(held, sybil.peer, f"s-{n}"), [], 0)
            wire.push("p0", sybil.signed(join), sender=sybil)
        await mesh.settle(LOBBY)
        return mesh.nodes["p2"] if len(mesh.nodes["p0"].membership.asked) == 3 else mesh.nodes["p0"]

    node = attacked(attack, limits=Limits(members=5, guests=3))  # 5 there are
    assert len(node.lobby.copy.said(Join)) == 4 * 3
    assert len(node.membership.asked) == 3
    assert len(node.members) == 5
    assert status_of(node, name="p2", listening=(), links=0, ended={}).refused["join"] == 9


def test_attack_c4_a_member_that_was_revoked_leaves_nothing_more_in_the_lobby() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, int, Node]:
        key = mesh.keys["p3"]
        for name in ("p0", "p1", "p2"):
            node = mesh.nodes[name]
            node.lobby.copy.publish(node.me, Revoke(who=key.peer, reason="stolen"), [], mesh.clock.wall_ms())
        await mesh.settle(LOBBY)
        victim = mesh.nodes["p0"]
        before = len(victim.lobby.copy)
        for note in notes(key, mesh, 50):
            wire.push("p0", note, sender=mesh.keys["p1"])  # a push's sender is anybody's claim
        await asyncio.sleep(5)
        return before, len(victim.lobby.copy), victim

    before, after, victim = attacked(attack)
    assert len(victim.members) == 4
    assert after == before
    assert victim.refusals()["stranger"] == 50


def test_attack_d3_an_expired_invite_is_expired_whoever_seems_to_bring_it() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        founder = mesh.keys["p1"]
        long_ago = mesh.clock.wall_ms() - 30 * 86_400_000
        held = new_invite(founder, mesh.genesis, endpoints=(), now_ms=long_ago, days=1)
        join = Channel(mesh.genesis.swarm, LOBBY).publish(EVE.peer, Join.of(held, EVE.peer, "eve"), [], 0)
        for sender in (EVE, founder, mesh.keys["p2"]):
            wire.push("p0", EVE.signed(join), sender=sender)
        wire.put("p0", wire.sealed(EVE, "p0", Give(LOBBY, (frame(EVE.signed(join)),))))
        return mesh.nodes["p0"]

    node = attacked(attack)
    assert EVE.peer not in node.members
    assert node.refusals() == {"stranger": 4}


def test_attack_d3_an_invite_read_in_the_lobby_brings_nobody_else_in() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        guest, founder = Key(b"g" * 32), mesh.keys["p1"]
        held = new_invite(founder, mesh.genesis, endpoints=(), now_ms=mesh.clock.wall_ms())
        body = Join.of(held, guest.peer, "guest")
        wire.push("p0", EVE.signed(Channel(mesh.genesis.swarm, LOBBY).publish(EVE.peer, body, [], 0)), sender=EVE)
        wire.push("p0", guest.signed(Channel(mesh.genesis.swarm, LOBBY).publish(guest.peer, body, [], 0)), sender=guest)
        own = Join.of(held, EVE.peer, "eve")
        wire.push("p0", EVE.signed(Channel(mesh.genesis.swarm, LOBBY).publish(EVE.peer, own, [], 0)), sender=EVE)
        return mesh.nodes["p0"]

    node = attacked(attack)
    assert Key(b"g" * 32).peer in node.members
    assert EVE.peer not in node.members
    assert node.refusals()["stranger"] == 2


def test_attack_d3_a_new_key_is_a_stranger_until_it_is_invited() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        wire.push("p0", *notes(Key(b"n" * 32), mesh, 1), sender=mesh.keys["p1"])
        mixed = msgspec.structs.replace(notes(mesh.keys["p1"], mesh, 1)[0], signature=bytes(64))
        wire.push("p0", mixed, sender=mesh.keys["p1"])
        return mesh.nodes["p0"]

    node = attacked(attack)
    assert node.refusals() == {"stranger": 1, "signature": 1}
    assert len(node.lobby.copy) == 0


@pytest.mark.parametrize("honest", [0, 1])
def test_attack_d4_one_honest_partner_shows_a_newcomer_what_all_others_hide(honest: int) -> None:
    """Liars keep everything back and answer probes; who is no partner of the newcomer cannot reach it at all."""

    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[int, bool]:
        for name in ("p3", "p4", "p5"):
            mesh.nodes[name].lobby.copy.publish(mesh.keys[name].peer, Note(about="news", text=name), [], 0)
        await mesh.settle(LOBBY)
        await mesh.end("p0")
        new, partners = mesh.keys["p0"].peer, {mesh.keys[name].peer for name in ("p1", "p2", "p3")[: 2 + honest]}
        liars = {mesh.keys["p1"].peer, mesh.keys["p2"].peer}

        def stops(sender: PeerId, to: PeerId, datagram: bytes) -> bool:
            if new not in (sender, to):
                return False
            apart = sender not in partners and to not in partners
            return apart or (sender in liars and any(word in datagram for word in (b"push", b"give", b"answer")))

        wire.stops = stops
        await mesh.begin("p0")
        await asyncio.sleep(20)
        node = mesh.nodes["p0"]
        assert set(node.members) == {member.id for member in mesh.genesis.members}
        return len(node.lobby.copy), node.lobby.copy.digest() == mesh.nodes["p5"].lobby.copy.digest()

    assert attacked(attack, n=6) == ((3, True) if honest else (0, False))


def test_attack_d5_what_one_member_withholds_from_another_comes_another_way() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> bool:
        p1, victim = mesh.nodes["p1"], mesh.keys["p0"].peer
        wire.stops = lambda sender, to, datagram: (sender, to) == (p1.me, victim)
        p1.lobby.copy.publish(p1.me, Note(about="news", text="not for p0"), [], 0)
        took_s = await mesh.settle(LOBBY)
        return took_s < 5 and len(mesh.nodes["p0"].lobby.copy) == 1

    assert attacked(attack)


def test_attack_d6_a_clock_two_years_off_decides_nothing() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Decision, set[int]]:
        for name, years in (("p1", -2), ("p2", 2)):
            mesh.nodes[name].clock = Skewed(mesh.clock, years * 365 * 86_400_000)
        decision = await mesh.ask("2+2?", certify=True)
        await mesh.settle(decision.channel)
        held = mesh.nodes["p0"].channels[decision.channel]
        return decision, {round((m.wall_ms - mesh.clock.wall_ms()) / 86_400_000 / 365) for m in held.copy.messages()}

    decision, years = attacked(attack)
    assert years == {-2, 0, 2}, "nobody's clock was off"
    assert (bool(decision.certificate), decision.silent) == (True, ())


def test_attack_d8_false_news_of_deaths_removes_nobody_and_is_refuted() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[Node, Decision, str]:
        liar, victim, node = mesh.keys["p1"], mesh.nodes["p2"], mesh.nodes["p0"]
        swarm = mesh.genesis.swarm
        for _ in range(20):
            at = victim.swim.incarnation
            own = victim.swim._own.claim
            claim = b"" if own is None else own.signature
            dead = death(liar, swarm, victim.me, at, claim)
            accused = suspicion(EVE, swarm, victim.me, at, claim)
            named = (
                msgspec.structs.replace(accused, accuser=node.me),
                msgspec.structs.replace(leave_note(EVE, swarm, at), peer=victim.me),
            )
            for name in ("p0", "p3"):
                wire.put(name, wire.sealed(liar, name, Ping(1, (dead, *named))))
            await asyncio.sleep(1)
        decision = await mesh.ask("2+2?", certify=True)
        await asyncio.sleep(5)
        return node, decision, node.swim.states()[victim.me].status

    node, decision, status = attacked(attack)
    assert status == "alive"
    assert len(node.members) == 5
    assert node.swim.refused["signature"] >= 20
    assert (bool(decision.certificate), decision.silent) == (True, ())


def test_attack_d12_where_a_member_says_it_is_keeps_nobody_from_starting() -> None:
    """What cannot be dialled would otherwise be an error at the next start of everybody who remembered it."""

    async def attack(mesh: SimulatedMesh, wire: Wire) -> tuple[str, ...]:
        liar = mesh.nodes["p1"]
        nonsense = ("nonsense", "unixpipe/tmp/x", "tcp/192.0.2.1:7447#iface=lo", "tcp/192.0.2.1:0")
        announce(liar, Capability(ver=1, name="p1", where=nonsense))
        announce(mesh.nodes["p2"], Capability(ver=1, name="p2", where=("tls/bees.example:1", "tcp/192.0.2.2:7447")))
        announce(mesh.nodes["p3"], Capability(ver=1, name="p3", where=tuple(f"tcp/192.0.2.3:{n}" for n in range(1, 9))))
        await mesh.settle(LOBBY)
        return endpoints_of(mesh.nodes["p0"])

    known = attacked(attack)
    assert len(known) == 4 + 2 + 4
    assert set(dialable(known, encrypted=False)) == {"tcp/192.0.2.2:7447", *(f"tcp/192.0.2.3:{n}" for n in range(1, 5))}
    assert dialable(known, encrypted=True) == ("tls/bees.example:1",)


def test_attack_d14_a_key_for_which_signatures_can_be_forged_is_refused_everywhere() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        identity = PeerId(bytes([1]) + bytes(31))
        said = msgspec.structs.replace(notes(EVE, mesh, 1)[0], author=identity, signature=bytes([1]) + bytes(63))
        wire.push("p0", said)
        payload = msgspec.msgpack.encode(Ping(1, ()))
        wire.put("p0", msgspec.msgpack.encode([1, identity, payload, bytes([1]) + bytes(63)]))
        assert not signature_holds(identity, said.id, said.signature)
        return mesh.nodes["p0"]

    assert attacked(attack).refusals() == {"stranger": 2}


@pytest.mark.parametrize(
    "name", ["p1\u200b", "p\u00ad1", "\u202ep1", "p1 ", "", "p1#ab12", "p\u03011\ud800", "x" * 65, "p1\n", "e\u0301"]
)
def test_attack_a5_names_that_deceive_the_eye_are_refused_at_the_door(name: str) -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> Node:
        held = new_invite(mesh.keys["p1"], mesh.genesis, endpoints=(), now_ms=mesh.clock.wall_ms())
        fair = Channel(mesh.genesis.swarm, LOBBY).publish(EVE.peer, Join.of(held, EVE.peer, "fair"), [], 0)
        plain = msgspec.msgpack.decode(encode(fair))
        body = msgspec.msgpack.decode(plain["bo"])
        body["name"] = name.encode(errors="replace").decode() if "\ud800" not in name else "\ufffe" + name[:2]
        plain["bo"] = encode_canonical(body)
        raw = encode_canonical(plain)
        signed = (raw, EVE.sign(message_id(raw)))
        wire.put("p0", wire.sealed(EVE, "p0", Push(LOBBY, (msgspec.msgpack.encode(signed),))))
        return mesh.nodes["p0"]

    node = attacked(attack)
    assert EVE.peer not in node.members
    assert node.refusals().total() == 1


def test_attack_a5_a_name_like_a_members_is_shown_with_a_piece_of_its_key() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> str:
        held = new_invite(mesh.keys["p1"], mesh.genesis, endpoints=(), now_ms=mesh.clock.wall_ms())
        join = Channel(mesh.genesis.swarm, LOBBY).publish(EVE.peer, Join.of(held, EVE.peer, "\uff301"), [], 0)
        wire.push("p0", EVE.signed(join), sender=EVE)
        return mesh.nodes["p0"].members[EVE.peer].name

    assert attacked(attack) == f"\uff301#{EVE.peer.hex()[:4]}"


def test_attack_b2_a_real_certificate_of_something_else_lets_nothing_be_rolled_out() -> None:
    async def attack(mesh: SimulatedMesh, wire: Wire) -> list[str]:
        liar = mesh.nodes["p1"]
        certificate = Certificate.from_json((await mesh.ask("2+2?", certify=True)).certificate)
        raw = msgspec.msgpack.encode(certificate, order="deterministic")
        warrant = Warrant(certificate=raw, support=(("yes", 4 * UNIT),), winner=None, used=())
        shown = liar.lobby.copy.publish(liar.me, warrant, [], 0)
        said: list[Message[Rollout]] = []
        for version, named in enumerate((None, bytes(32), certificate.decided.digest()), start=1):
            artefact = Artefact(h=bytes(32), n=1, ty="text/plain")
            body = Rollout(slot="skill/tool", version=version, artefact=artefact, base=None, result=bytes(32),
                           certificate=named)  # fmt: skip
            said.append(liar.lobby.copy.publish(liar.me, body, [shown], 0))
        await mesh.settle(LOBBY)
        here = {message.id: message for message in mesh.nodes["p0"].lobby.copy.messages()}
        return [warranted(mesh.genesis, here, here[message.id]) for message in said]

    none, unknown, other = attacked(attack)
    assert "not here" in none
    assert "not here" in unknown
    assert "asked something else" in other


def test_attack_c2_a_member_asks_its_model_for_the_asker_and_for_nobody_else() -> None:
    seen: set[str] = set()

    def answer(question: str) -> str:
        seen.add(principal())
        return "4"

    async def main() -> str:
        async with SimulatedMesh([FunctionPeer(f"p{i}", answer) for i in range(4)]) as mesh:
            await mesh.ask("2+2?")
            return mesh.keys["asker"].peer.hex()

    assert {on_virtual_time(main())} == seen
