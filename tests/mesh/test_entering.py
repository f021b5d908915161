"""Coming in: who may bring a newcomer in, and what somebody is told who is not let in."""

from __future__ import annotations

import asyncio

import pytest

from waggledance.core import UNIT, Key, LoopClock, Member, PeerId
from waggledance.mesh import Genesis, Node, NotLetIn, SimulatedHub, enter, new_invite
from waggledance.network import Uniform, VirtualLoop
from waggledance.testing import on_virtual_time

NAMES = ("founder", "other", "first", "second", "third")


@pytest.mark.parametrize("seed", range(8))
def test_an_invite_that_was_used_brings_nobody_in_by_way_of_a_newcomer_who_does_not_know(seed: int) -> None:
    keys = {name: Key(bytes([seed]) + name.encode().ljust(31, b"\0")) for name in NAMES}
    genesis = Genesis(name="bees", members=tuple(Member(keys[n].peer, n, UNIT) for n in NAMES[:2]))

    async def main() -> tuple[set[PeerId], str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        hub = SimulatedHub(loop, list(keys.values()), NAMES, seed=seed, delay=Uniform(0.01, 0.2))
        transports = {name: hub.transport(key.peer) for name, key in keys.items()}
        one, other = (new_invite(keys["founder"], genesis, endpoints=(), now_ms=LoopClock().wall_ms()) for _ in "12")
        founder, another = [await enter(keys[name], genesis, transports[name]) for name in NAMES[:2]]
        first = await enter(keys["first"], genesis, transports["first"], invite=one, name="first")
        await asyncio.sleep(2)
        await first.close()
        third, second = await asyncio.gather(
            enter(keys["third"], genesis, transports["third"], invite=other, name="third"),
            enter(keys["second"], genesis, transports["second"], invite=one, name="second"),
            return_exceptions=True,
        )
        assert isinstance(third, Node)
        await asyncio.sleep(5)
        members = set(third.members)
        assert members == set(founder.members)
        for node in (founder, another, third):
            await node.close()
        return members, str(second) if isinstance(second, NotLetIn) else repr(second)

    members, told = on_virtual_time(main())
    assert members == {keys[name].peer for name in NAMES if name != "second"}
    assert "nobody let this peer in within 15 s: no member is in reach, or the invite was used" in told
