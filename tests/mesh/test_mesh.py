"""The mesh in virtual time: members answer, come to one set, certify it; whatever happens on the way."""

import asyncio
from random import Random
from typing import Any

import pytest

from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import Decision, Note, PeerId, UsageError
from waggledance.mesh import Mesh, Node, Transport
from waggledance.network import Partition, Silent
from waggledance.protocols import PROTOCOLS, Debate, Vote, by_name
from waggledance.testing import SimulatedMesh, on_virtual_time


def run(n: int = 4, *, seed: int = 0, question: str = "2+2?", **options: Any) -> tuple[Decision, dict[str, bytes]]:
    ask = {key: options.pop(key) for key in ("protocol", "certify", "wait_s") if key in options}

    async def main() -> tuple[Decision, dict[str, bytes]]:
        async with SimulatedMesh(n, seed=seed, **options) as mesh:
            decision = await mesh.ask(question, **ask)
            await mesh.settle(decision.channel)
            return decision, dict(mesh.digests(decision.channel))

    return on_virtual_time(main())


def test_members_elsewhere_decide_as_members_here_would() -> None:
    decision, digests = run(5)
    assert (decision.status, decision.silent, decision.notes) == ("decided", (), ())
    assert len(decision.used) == 5
    assert len(set(digests.values())) == 1


def test_a_certificate_holds_for_whoever_knows_the_members_keys() -> None:
    decision, _ = run(7, certify=True)
    certificate = Certificate.from_json(decision.certificate)
    assert verify_certificate(certificate, certificate.members).answer == decision.key
    assert len(certificate.acks) >= 5


def test_the_same_seed_gives_the_same_certificate_to_the_byte() -> None:
    first, again, other = (run(4, seed=seed, certify=True, loss=0.2)[0].certificate for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name not in ("bargain", "plan", "team")])
def test_every_protocol_runs_unchanged_on_the_mesh_and_is_certified(name: str) -> None:
    decision, _ = run(5, protocol=by_name(name), certify=True, loss=0.05)
    assert decision.certificate, decision.notes
    assert Certificate.from_json(decision.certificate).answer == decision.key


def test_who_says_nothing_is_named_and_does_not_stop_the_others() -> None:
    decision, _ = run(7, certify=True, protocol=Vote(patience_s=5), faults=[Silent("p3")])
    assert decision.certificate
    assert [decision.name(peer) for peer in decision.silent] == ["p3"]
    assert decision.notes == ("p3 said nothing in time",)


def test_without_a_quorum_there_is_no_certificate_but_an_end_and_the_partial_result() -> None:
    gone = [Silent("p0"), Silent("p1"), Silent("p2")]
    decision, _ = run(7, certify=True, protocol=Vote(patience_s=5), faults=gone)
    assert decision.certificate == ""
    assert decision.key is not None
    assert any("no certificate" in note for note in decision.notes)
    assert decision.seconds < 60


def test_halves_of_a_partition_certify_nothing_apart_and_one_thing_together() -> None:
    cut = Partition(("p0", "p1", "p2"), 0.11, 12.0)
    decision, digests = run(7, certify=True, protocol=Vote(patience_s=3), faults=[cut])
    assert decision.certificate
    assert decision.seconds > 9
    assert len(set(digests.values())) == 1


def test_a_member_that_lost_its_log_recovers_its_own_past_and_does_not_contradict_itself() -> None:
    async def main() -> tuple[set[PeerId], Decision]:
        async with SimulatedMesh(4) as mesh:
            first = await mesh.ask("2+2?")
            await mesh.settle(first.channel)
            await mesh.end("p1")
            await mesh.begin("p1")
            again = await mesh.ask("3+3?", certify=True)
            await mesh.settle(first.channel)
            forked = {peer for node in mesh.nodes.values() for h in node.channels.values() for peer in h.copy.forked}
            return forked, again

    forked, again = on_virtual_time(main())
    assert forked == set()
    assert (again.silent, bool(again.certificate)) == ((), True)


def test_two_processes_with_one_key_are_found_out_and_both_are_told() -> None:
    async def main() -> list[list[str]]:
        async with SimulatedMesh(4) as mesh:
            one = mesh.nodes["p1"]
            other = Node(one.key, mesh.genesis, mesh.hub.transport(one.me), clock=mesh.clock, rng=Random(1))
            await other.start()
            for node, text in ((one, "one"), (other, "other")):
                node.lobby.copy.publish(one.me, Note(about="greeting", text=text), [], 0)
            await asyncio.sleep(10)
            told = [node.alarms for node in (one, other)]
            await other.close()
            return told

    for alarms in on_virtual_time(main()):
        assert any("another process writes as" in alarm for alarm in alarms)


def test_a_member_that_is_only_suspected_is_waited_for() -> None:
    async def main() -> tuple[str, Decision]:
        async with SimulatedMesh(1, faults=[Silent("p0", 2.0, 8.0)]) as mesh:
            await asyncio.sleep(4)
            suspected = mesh.nodes["asker"].swim.states()[mesh.keys["p0"].peer].status
            return suspected, await mesh.ask("2+2?", protocol=Vote(patience_s=60))

    suspected, decision = on_virtual_time(main())
    assert suspected == "suspect"
    assert (decision.status, decision.silent) == ("decided", ())


def test_a_custom_protocol_is_refused_before_anything_is_sent() -> None:
    async def mine(seat: Any) -> Decision:
        raise NotImplementedError

    with pytest.raises(UsageError, match="known to this program only"):
        run(4, protocol=mine)


def test_a_wait_that_is_none_is_refused() -> None:
    async def main() -> None:
        async with SimulatedMesh(1) as mesh:
            Mesh(mesh.nodes["asker"], wait_s=0)

    with pytest.raises(UsageError, match="seconds > 0"):
        on_virtual_time(main())


def test_debates_of_many_rounds_end_on_a_lossy_network() -> None:
    decision, _ = run(6, protocol=Debate(rounds=4), certify=True, loss=0.3, duplicate=0.2, reorder=0.2, seed=5)
    assert decision.certificate


def test_two_processes_with_one_key_that_take_turns_are_found_out_too() -> None:
    async def main() -> list[list[str]]:
        async with SimulatedMesh(4) as mesh:
            one = mesh.nodes["p1"]
            other = Node(one.key, mesh.genesis, mesh.hub.transport(one.me), clock=mesh.clock, rng=Random(1))
            await other.start()
            for node, text in ((one, "one"), (other, "other"), (one, "and one")):
                node.lobby.copy.publish(one.me, Note(about="greeting", text=text), [], 0)
                await asyncio.sleep(3)
            told = [node.alarms for node in (one, other)]
            assert one.lobby.copy.forked == frozenset()  # each went on where the other ended
            await other.close()
            return told

    for alarms in on_virtual_time(main()):
        assert any("goes on where this one ended" in alarm for alarm in alarms)


class Full:
    """A transport that is congested up to a moment."""

    def __init__(self, inner: Transport, until_s: float) -> None:
        self._inner, self._until_s = inner, until_s
        self.me, self.dropped = inner.me, inner.dropped
        self.listen, self.send, self.spread, self.close = inner.listen, inner.send, inner.spread, inner.close

    @property
    def congested(self) -> bool:
        return asyncio.get_running_loop().time() < self._until_s

    async def room(self) -> None:
        await asyncio.sleep(self._until_s - asyncio.get_running_loop().time())


def test_a_publisher_waits_while_too_much_is_on_its_way_out() -> None:
    async def main() -> Decision:
        async with SimulatedMesh(4, wire=lambda name, way: Full(way, 5.0) if name == "p2" else way) as mesh:
            return await mesh.ask("2+2?", protocol=Vote())

    decision = on_virtual_time(main())
    assert decision.silent == ()
    assert 4 < decision.seconds < 6
