"""Channels that rest: what is over is in the log only, and nobody notices."""

import asyncio
from typing import Any

import pytest

from waggledance.core import Door, Message, MessageId, Note, PeerId, RunFailed
from waggledance.mesh import LOBBY, Node
from waggledance.mesh._channels import Channels
from waggledance.mesh._held import Held
from waggledance.mesh._mesh_copy import MeshCopy
from waggledance.mesh._rests import mark
from waggledance.testing import SimulatedMesh, on_virtual_time
from waggledance.testing._simulated_disk import SimulatedDisk

QUIET_SECONDS = 60.0


def resting(node: Node) -> set[str]:
    return {name for name, held in node.channels.items() if held.rests}


def ids(node: Node, channel: str) -> set[MessageId]:
    return {message.id for message in node.channels[channel].copy.messages()}


def test_what_is_over_and_quiet_rests_and_is_told_of_as_before() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channel = (await mesh.ask("2+2?", certify=True)).channel
            await mesh.settle(channel)
            node = mesh.nodes["p1"]
            held = node.channels[channel]
            before = (held.digest(), held.mark(), held.size, held.asker, held.is_over, held.forked)
            said = ids(node, channel)
            refused = node.refusals()
            await asyncio.sleep(QUIET_SECONDS)
            assert all(resting(each) == {channel} for each in mesh.nodes.values())
            assert (held.digest(), held.mark(), held.size, held.asker, held.is_over, held.forked) == before
            assert node.refusals() == refused
            assert held.rests  # telling all that woke nobody
            assert ids(node, channel) == said
            assert not held.rests
            await asyncio.sleep(QUIET_SECONDS)
            assert held.rests

    on_virtual_time(main())


def test_a_question_that_is_under_way_and_the_lobby_do_not_rest() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            first = (await mesh.ask("2+2?")).channel
            asking = asyncio.create_task(mesh.ask("3+3?", certify=True))
            await asyncio.sleep(0.05)
            await mesh.end("asker")
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.sleep(QUIET_SECONDS)
            node = mesh.nodes["p1"]
            under_way = node.channels.keys() - {LOBBY, first}
            assert len(under_way) == 1
            assert resting(node) == {first}
            await asyncio.sleep(1_300)  # the asker never comes back: members leave, and then it rests
            assert resting(node) == {first} | under_way

    on_virtual_time(main())


def test_who_lost_everything_is_given_what_rests_and_who_asks_again_is_answered() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channel = (await mesh.ask("2+2?", certify=True)).channel
            await mesh.settle(channel)
            said = ids(mesh.nodes["p1"], channel)
            await mesh.end("p1")
            await asyncio.sleep(QUIET_SECONDS)
            assert channel in resting(mesh.nodes["p2"])
            await mesh.begin("p1", "empty")
            await asyncio.sleep(10)
            assert ids(mesh.nodes["p1"], channel) == said
            again = await mesh.ask("3+3?", certify=True)
            assert again.certificate
            assert again.silent == ()

    on_virtual_time(main())


def test_a_peer_that_begins_again_keeps_what_is_over_in_the_log_only() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channel = (await mesh.ask("2+2?")).channel
            await mesh.settle(channel)
            digest = mesh.nodes["p1"].channels[channel].digest()
            await asyncio.sleep(QUIET_SECONDS)  # all is on the disk by then
            await mesh.end("p1")
            await mesh.begin("p1", "old")
            held = mesh.nodes["p1"].channels[channel]
            assert held.rests
            assert held.digest() == digest
            assert mesh.nodes["p2"].channels[channel].digest() == digest

    on_virtual_time(main())


def test_a_full_disk_lets_nothing_rest_because_memory_is_all_there_is() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            mesh.disks["p1"].full = True
            await mesh.ask("2+2?")
            await asyncio.sleep(QUIET_SECONDS)
            assert resting(mesh.nodes["p1"]) == set()
            assert len(resting(mesh.nodes["p2"])) == 1

    on_virtual_time(main())


def test_a_copy_that_somebody_kept_over_a_rest_cannot_be_written_to() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channel = (await mesh.ask("2+2?")).channel
            node = mesh.nodes["p1"]
            kept = node.channels[channel].copy
            await asyncio.sleep(QUIET_SECONDS)
            with pytest.raises(RunFailed, match="rests: take it from the node again"):
                kept.publish(node.me, Note(about="greeting", text="late"), [], 0)
            late = node.channels[channel].copy.publish(node.me, Note(about="greeting", text="late"), [], 0)
            await asyncio.sleep(5)
            assert late.id in mesh.nodes["p2"].channels[channel].copy

    on_virtual_time(main())


def test_a_start_reads_nothing_of_what_rested_and_gives_everything_back_to_who_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []
    plainly = SimulatedDisk.read

    def noted(disk: SimulatedDisk, channel: str) -> tuple[Message[Any], ...]:
        read.append(channel)
        return plainly(disk, channel)

    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channels = [(await mesh.ask("2+2?", certify=True)).channel for _ in range(5)]
            await mesh.settle(channels[-1])
            await asyncio.sleep(QUIET_SECONDS)
            said = {name: ids(mesh.nodes["p2"], name) for name in channels}
            before = mesh.nodes["p1"].channels.counted()
            await mesh.end("p1")
            monkeypatch.setattr(SimulatedDisk, "read", noted)
            await mesh.begin("p1", "old")
            node = mesh.nodes["p1"]
            assert [name for name in read if name != LOBBY] == []
            assert resting(node) == set(channels)
            assert node.channels.counted() == before
            assert {name: ids(node, name) for name in channels} == said
            assert resting(node) == set()
            await asyncio.sleep(5)
            assert all(len(set(mesh.digests(name).values())) == 1 for name in channels)

    on_virtual_time(main())


def test_what_was_said_after_a_rest_is_read_at_the_next_start() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channel = (await mesh.ask("2+2?")).channel
            await asyncio.sleep(QUIET_SECONDS)
            node = mesh.nodes["p1"]
            late = node.channels[channel].copy.publish(node.me, Note(about="greeting", text="late"), [], 0)
            await asyncio.sleep(1)
            await mesh.end("p1")
            await mesh.begin("p1", "old")
            assert late.id in ids(mesh.nodes["p1"], channel)

    on_virtual_time(main())


def test_a_channel_at_rest_is_the_same_for_all_who_look_and_is_woken_once() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channel = (await mesh.ask("2+2?")).channel
            await mesh.settle(channel)
            await asyncio.sleep(QUIET_SECONDS)
            channels = mesh.nodes["p1"].channels
            one, other = channels[channel], channels[channel]
            assert one is other
            assert one.rests
            copy = one.copy
            assert channels[channel] is one
            assert channels[channel].copy is copy
            assert not other.rests

    on_virtual_time(main())


def test_what_two_nodes_share_is_summed_up_as_if_all_were_gone_through() -> None:
    def gone_through(node: Node, peer: PeerId) -> bytes:
        root = 0
        for name, held in node.channels.items():
            if peer in held.members:
                root ^= mark(name, held.digest())
        return root.to_bytes(32)

    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            channels = [(await mesh.ask("2+2?")).channel for _ in range(3)]
            await asyncio.sleep(QUIET_SECONDS)
            channels.append((await mesh.ask("2+2?")).channel)
            await mesh.settle(channels[-1])
            node = mesh.nodes["p1"]
            ids(node, channels[1])  # which wakes it
            assert resting(node) == {channels[0], channels[2]}
            for name in ("p0", "asker"):
                assert node.channels.root(mesh.keys[name].peer) == gone_through(node, mesh.keys[name].peer)
            assert node.channels.root(PeerId(bytes(32))) == bytes(32)

    on_virtual_time(main())


def test_more_channels_than_an_outline_names_are_repaired_and_those_that_agree_are_left_at_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("waggledance.mesh._repair.OUTLINE_ENTRIES", 3)
    woken: list[tuple[PeerId, str]] = []
    plainly = Channels._woken

    def noted(channels: Channels, held: Held) -> tuple[MeshCopy, Door]:
        woken.append((channels._key.peer, held.name))
        return plainly(channels, held)

    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            names = [(await mesh.ask("2+2?")).channel for _ in range(10)]
            await mesh.settle(names[-1])
            await asyncio.sleep(QUIET_SECONDS)
            said = {name: ids(mesh.nodes["p1"], name) for name in names}
            await asyncio.sleep(QUIET_SECONDS)
            monkeypatch.setattr(Channels, "_woken", noted)
            node = mesh.nodes["p1"]
            odd = min(names)  # named by an outline after all others
            held = node.channels[odd]
            late = held.copy.publish(node.me, Note(about="greeting", text="late"), [], 0)
            await asyncio.sleep(QUIET_SECONDS)
            assert all(late.id in ids(each, odd) for each in mesh.nodes.values())
            assert {name for _, name in woken} == {odd}
            await mesh.end("p1")
            await mesh.begin("p1", "empty")
            await asyncio.sleep(QUIET_SECONDS)
            assert {name: ids(mesh.nodes["p1"], name) - {late.id} for name in names} == said

    on_virtual_time(main())
