"""Frames under the name of another channel: what carries them is signed by nobody, and moves nothing."""

import asyncio

import pytest

from waggledance.core import Opening, frame
from waggledance.mesh._wire import EVERYBODY, Push, seal
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
