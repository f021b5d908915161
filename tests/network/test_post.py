"""The post delivers what was sent, in the order of its links, unless it is told to spoil that."""

import asyncio

import pytest

from waggledance.core import swarm_id
from waggledance.network import Exponential, Fault, Give, Silent, VirtualLoop
from waggledance.network._post import Payload, Post
from waggledance.network._replica import Replica, simulated_key
from waggledance.network._weather import Weather

A, B, C = (Replica(i, name, simulated_key(0, swarm_id("post"), "peer", name)) for i, name in enumerate("abc"))


def delivered(*faults: Fault, count: int = 100, seed: int = 1, **rates: float) -> list[tuple[str, Payload]]:
    """Return what arrives when a sends `count` frames to b and c, and b one batch to c for each."""
    arrived: list[tuple[str, Payload]] = []
    chances = {"loss": 0.0, "duplicate": 0.0, "reorder": 0.0, "bit_flip": 0.0, **rates}
    for replica in (A, B, C):
        replica.last.clear()
        replica.legs.clear()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        post = Post(
            loop, seed=seed, weather=Weather(faults, "abc"), delay=Exponential(0.1),
            deliver=lambda receiver, sender, payload: arrived.append((sender.name + receiver.name, payload)), **chances,
        )  # fmt: skip
        for i in range(count):
            post.push(A, (B, C), b"frame %03d" % i, i, 0)
            post.send(B, C, Give("c", (b"given %03d" % i,)))
            await asyncio.sleep(0.01)
        await asyncio.sleep(100)
        post.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    return arrived


def on(link: str, arrived: list[tuple[str, Payload]]) -> list[Payload]:
    return [payload for name, payload in arrived if name == link]


def test_everything_arrives_once_and_each_link_keeps_its_order() -> None:
    arrived = delivered()
    assert on("ab", arrived) == on("ac", arrived) == [b"frame %03d" % i for i in range(100)]
    assert on("bc", arrived) == [Give("c", (b"given %03d" % i,)) for i in range(100)]


def test_reordering_breaks_the_order_and_loses_nothing() -> None:
    arrived = on("ab", delivered(reorder=0.3))
    assert arrived != sorted(arrived, key=str)
    assert len(set(map(str, arrived))) == len(arrived) == 100


@pytest.mark.parametrize("loss", [0.1, 0.5, 1.0])
def test_each_leg_is_lost_as_often_as_was_said(loss: float) -> None:
    arrived = delivered(loss=loss, count=1000)
    for link in ("ab", "ac", "bc"):
        assert len(on(link, arrived)) / 1000 == pytest.approx(1 - loss, abs=0.05)
    assert loss == 1.0 or on("ab", arrived) != on("ac", arrived)


def test_duplicates_are_second_copies() -> None:
    arrived = on("ab", delivered(duplicate=0.5, count=1000))
    assert len(set(map(str, arrived))) == 1000
    assert len(arrived) == pytest.approx(1500, abs=60)


def test_a_flipped_bit_is_one_bit() -> None:
    arrived = on("ab", delivered(bit_flip=1.0))
    for i, payload in enumerate(arrived):
        assert isinstance(payload, bytes)
        differing = int.from_bytes(payload) ^ int.from_bytes(b"frame %03d" % i)
        assert differing.bit_count() == 1


def test_a_fault_of_one_peer_changes_nothing_on_other_links() -> None:
    calm, silent = delivered(loss=0.3), delivered(Silent("b"), loss=0.3)
    assert on("ab", silent) == on("ab", calm)
    assert on("ac", silent) == on("ac", calm)
    assert on("bc", silent) == []
