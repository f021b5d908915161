"""Who reads an order that another asked: only the true one, only with what is known of it, and without a trace."""

import asyncio
from random import Random

import msgspec
import pytest

from waggledance import Swarm
from waggledance.core import Member, Opening, PeerId, Question
from waggledance.mesh import Mesh, OrderUnknown, Reading
from waggledance.mesh._channel_names import draw_mark
from waggledance.mesh._order_marks import AskOrder, mark_in, order_mark, sought_by
from waggledance.network import give
from waggledance.protocols import Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

A, B = PeerId(bytes([1]) * 32), PeerId(bytes([2]) * 32)


def test_the_mark_of_an_order_stands_in_the_name_and_differs_by_id_caller_and_asker() -> None:
    marks = {order_mark(*of) for of in (("1", "ann", A), ("2", "ann", A), ("1", "bob", A), ("1", "ann", B))}
    assert len(marks) == 4
    for mark in marks:
        name = f"q1-abcdef-{mark}-{draw_mark(A, Random(1))}"
        assert mark_in(name) == mark
        assert mark.encode() not in sought_by(mark)
    assert mark_in(f"q1-abcdef-{draw_mark(A, Random(1))}") == ""
    assert mark_in("lobby") == ""


async def ask(mesh: SimulatedMesh, who: str, id: str) -> str:
    """Ask for an order of ann's as a member; return the channel."""
    asking = Mesh(mesh.nodes[who], order=(id, "ann"))
    swarm = Swarm(asking.peers(), network=asking, protocol=Vote(patience_s=5))
    return (await swarm.ask("2 + 2?")).channel


def test_a_member_that_was_asked_for_an_order_cannot_pass_a_channel_of_its_own_off_as_it() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=3) as mesh:
            reader, evil, asker = mesh.nodes["p3"], mesh.nodes["p0"], mesh.keys["asker"].peer
            async with Reading(reader, "id", "ann", wait_s=5) as reading:
                copied = order_mark("id", "ann", asker)  # as it stands in the name of the true one, which it may hold
                for mark in (copied, order_mark("?", "ann", evil.me)):
                    name = f"q1-abcdef-{mark}-{draw_mark(evil.me, Random(1))}"
                    opening = Opening(question=Question(text="?"), members=(Member(evil.me, "p0"),), protocol="vote")
                    held = evil.open(name, [evil.me])
                    held.copy.publish(evil.me, opening, [], 0)
                    await asyncio.sleep(1)
                    assert not any(reading.take(batch) for batch in give(name, held.copy.vouched(held.copy.messages())))
                unsigned = [msgspec.structs.replace(m, author=asker) for m in held.copy.messages()]
                name = f"q1-abcdef-{copied}-{draw_mark(asker, Random(1))}"
                for batch in give(name, [msgspec.structs.replace(m, channel=name) for m in unsigned]):
                    reading.take(batch)
                with pytest.raises(OrderUnknown):
                    await reading.found()

    on_virtual_time(main())


def test_what_is_given_twice_or_of_another_channel_changes_nothing_and_a_decision_is_that_of_the_asker() -> None:
    async def main() -> None:
        async with SimulatedMesh(4, seed=3, loss=0.2, duplicate=0.2) as mesh:
            channel = await ask(mesh, "asker", "id")
            other = await ask(mesh, "asker", "other")
            reader = mesh.nodes["p3"]
            async with Reading(reader, "id", "ann", wait_s=5) as reading:
                copy = await reading.found()
                assert copy.name == channel
                wrong = mesh.nodes["asker"].channels[other].copy
                size = len(copy)
                assert not reading.take(give(other, wrong.vouched(wrong.messages()))[0])
                decision = await reading.decision()
                assert decision.id == (await reading.decision()).id
                assert len(copy) >= size
                assert copy.digest() == mesh.nodes["asker"].channels[channel].copy.digest()
            assert not reader.readings

    on_virtual_time(main())


def test_a_wish_for_an_order_brings_what_is_lacking_once_and_nothing_when_all_is_there() -> None:
    async def main() -> None:
        async with SimulatedMesh(3, seed=3) as mesh:
            channel = await ask(mesh, "asker", "id")
            node = mesh.nodes["p0"]
            mark = sought_by(order_mark("id", "ann", mesh.keys["asker"].peer))
            repair = node._repair  # pyright: ignore[reportPrivateUsage]
            held = node.channels[channel]
            asked = AskOrder((bytes(16), mark))
            assert len(list(repair.on(B, asked, 0.0))) == 1
            assert list(repair.on(B, AskOrder((mark,), held.have()), 0.0)) == []
            assert list(repair.on(B, AskOrder((bytes(16),)), 0.0)) == []

    on_virtual_time(main())
