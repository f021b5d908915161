"""Channels that rest: what is over is in the log only, and nobody notices."""

import asyncio

import pytest

from waggledance.core import MessageId, Note, RunFailed
from waggledance.mesh import LOBBY, Node
from waggledance.testing import SimulatedMesh, on_virtual_time

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
