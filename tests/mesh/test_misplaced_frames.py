"""Frames under the name of another channel: what carries them is signed by nobody, and moves nothing."""

import asyncio

import pytest
from msgspec.structs import replace

from waggledance.core import Note, Opening, compose, frame
from waggledance.mesh._wire import EVERYBODY, Push, seal
from waggledance.network import Give
from waggledance.protocols import Vote
from waggledance.testing import SimulatedMesh, on_virtual_time


@pytest.mark.parametrize("name", ["nowhere", "lobby"])
def test_an_opening_under_another_name_does_not_put_an_empty_channel_in_place_of_the_one_held(name: str) -> None:
    async def main() -> tuple[bool, int]:
        async with SimulatedMesh(4) as mesh:
            decision = await mesh.ask("2+2?", protocol=Vote(patience_s=3))
            await mesh.settle(decision.channel)
            node, liar = mesh.nodes["p0"], mesh.nodes["p1"]
            held = node.channels[decision.channel]
            frames = tuple(frame(m) for m in held.copy.said(Opening))
            liar.transport.send(node.me, seal(liar.key, node.swarm, EVERYBODY, Push(name, frames)))
            await asyncio.sleep(1)
            return node.channels[decision.channel] is held and name not in node.channels.keys() - {"lobby"}, len(frames)

    assert on_virtual_time(main()) == (True, 1)


@pytest.mark.parametrize("forged", [False, True])
def test_a_newcomer_to_a_channel_takes_it_up_whatever_stands_before_its_opening(forged: bool) -> None:
    """A first message that names no cause may sort before the opening; a forged opening may stand there, too."""

    async def main() -> tuple[bool, ...]:
        async with SimulatedMesh(4) as mesh:
            await mesh.end("p3")
            decision = await mesh.ask("2+2?", protocol=Vote(patience_s=3))
            asker, newcomer = mesh.nodes["asker"], mesh.nodes["p0"]
            held = asker.channels[decision.channel]
            opening = held.copy.get(held.copy.said(Opening)[0].id)  # signed
            assert opening is not None
            first = compose(newcomer.me, Note(about="early", text="x"), 1, None, (), 1, 0, asker.swarm, held.name)[0]
            if forged:
                body = replace(opening.body, members=opening.body.members[:2])
                first = replace(
                    compose(asker.me, body, 1, None, (), 1, 0, asker.swarm, held.name)[0], signature=bytes(64)
                )
            frames = [frame(m) for m in (newcomer.key.signed(first) if not forged else first, opening)]
            for node in mesh.nodes.values():
                if held.name in node.channels:
                    node.channels.drop(node.channels[held.name])
            newcomer.transport.listen(lambda _: None, lambda _peer, _up: None)  # nobody else brings it
            newcomer._take_frames(held.asker or newcomer.me, Give(held.name, tuple(frames)), mesh.clock.now())
            taken = newcomer.channels.get(held.name)
            return taken is not None, taken is not None and taken.members == held.members

    assert on_virtual_time(main()) == ((False, False) if forged else (True, True))
