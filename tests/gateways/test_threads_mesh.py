"""Threads on a mesh: three members' replicas, in virtual time; the one that opened it dies, and the others go on."""

from __future__ import annotations

import asyncio

import pytest

from waggledance.consensus import Seal
from waggledance.core import UnknownName
from waggledance.gateways._threads_desk import Desk
from waggledance.gateways._threads_filter import short
from waggledance.gateways._threads_mesh import MeshThreads
from waggledance.network import Partition
from waggledance.testing import SimulatedMesh, on_virtual_time

NAMES = ["p0", "p1", "p2"]


def desks(mesh: SimulatedMesh) -> list[Desk]:
    return [Desk(MeshThreads(mesh.nodes[name])) for name in NAMES]


@pytest.mark.parametrize("seed", range(3))
def test_three_members_share_a_thread_and_the_death_of_its_opener_changes_nothing(seed: int) -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=seed, loss=0.1) as mesh:
            first, second, third = desks(mesh)
            waiting = asyncio.create_task(third.wait(mention=True, within_s=60))
            await asyncio.sleep(1)
            channel = first.open("which oak?", NAMES[1:]).channel
            await first.say(channel, "p2, which oak?", mentions=["p2"])
            heard = await waiting
            assert heard is not None
            assert heard.thread.title == "which oak?"
            late = await second.wait(channel=channel, since=(), within_s=60)
            assert late is not None
            assert late.message == heard.message
            await mesh.crash("p0")
            answer = await third.say(channel, "the one in the north", reply_to=short(heard.message.id))
            got = await second.wait(author="p2", within_s=60)
            assert got is not None
            assert (got.message, got.message.body.refs) == (answer, (heard.message.id,))  # type: ignore[union-attr]
            await second.close(channel, "the oak in the north")
            assert await third.wait(author="p1", within_s=60) is not None
            assert (await third.close(channel)).closed is not None
            await asyncio.sleep(10)
            assert second.thread(channel) == third.thread(channel)
            assert "p3" not in {member.name for member in second.thread(channel).members}
            assert channel not in mesh.nodes["p3"].channels, "who is no member holds none of it"

    on_virtual_time(main())


def test_members_who_sit_at_questions_run_no_protocol_over_talk() -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=1) as mesh:
            first, second, _ = desks(mesh)
            channel = first.open("talk", NAMES).channel
            await first.say(channel, "hello")
            await second.wait(within_s=30)
            await asyncio.sleep(30)
            copy = mesh.nodes["p1"].channels[channel].copy
            assert not copy.said(Seal)
            assert mesh.sittings["p1"].under_way == ()
            assert (await mesh.ask("2+2?")).key is not None, "questions are worked on as before"

    on_virtual_time(main())


def test_what_both_sides_of_a_partition_said_is_one_thread_when_it_heals() -> None:
    async def main() -> None:
        cut = Partition(("p0", "asker"), from_s=5, until_s=40)
        async with SimulatedMesh(3, seed=2, faults=[cut]) as mesh:
            first, second, third = desks(mesh)
            channel = first.open("weather", NAMES).channel
            await mesh.settle("lobby")
            await asyncio.sleep(10)
            await first.say(channel, "rain here")
            await second.say(channel, "sun here")
            heard = await third.wait(since=(), within_s=20)
            assert heard is not None
            assert heard.message.author == second.me
            await asyncio.sleep(60)
            threads = [desk.thread(channel) for desk in (first, second, third)]
            assert threads[0] == threads[1] == threads[2]
            assert len(threads[0].said) == 2
            missed = await third.wait(since=heard.since, within_s=0)
            assert missed is not None
            assert missed.message.author == first.me, "what came later and is no cause of what was shown is new"

    on_virtual_time(main())


def test_a_thread_is_found_again_in_the_members_log_after_a_restart() -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=3) as mesh:
            first, second, _ = desks(mesh)
            channel = first.open("memory", NAMES).channel
            await first.say(channel, "remember this")
            await second.wait(within_s=30)
            await mesh.end("p1")
            await mesh.begin("p1", "old")
            again = Desk(MeshThreads(mesh.nodes["p1"]))
            assert [m.body.text for m in again.thread(channel).said] == ["remember this"]
            with pytest.raises(UnknownName):
                first.open("more", ["nobody"])

    on_virtual_time(main())
