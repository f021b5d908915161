"""Whole swarms in virtual time: the right peers, wave by wave, through losses, lies and deaths, or all back."""

from collections.abc import Callable
from random import Random

import pytest
from blake3 import blake3

from waggledance.core import MessageId, PeerId
from waggledance.mesh import Artefact, BlobPayload, GiveChunk, Rollout, Target
from waggledance.mesh._blob_messages import CHUNK_BYTES
from waggledance.mesh._rollout_agent import Health
from waggledance.testing._in_memory import MemoryBlobs
from waggledance.testing._rollout_world import Node, RolloutWorld

OLD = b"what was in use before"
NEW = Random(0).randbytes(4 * CHUNK_BYTES)


def announce(world: RolloutWorld, author: int) -> MessageId:
    rollout = Rollout(
        slot="data/table", version=1, base=blake3(OLD).digest(), result=blake3(NEW).digest(),
        artefact=Artefact(h=MemoryBlobs().put(NEW), n=len(NEW), ty="text/plain"), target=Target(types=("a",)),
    )  # fmt: skip
    return world.announce(author, rollout, NEW)


def targets(world: RolloutWorld) -> list[Node]:
    return [node for node in world.nodes if "a" in node.traits.types]


def all_have(world: RolloutWorld, content: bytes) -> Callable[[], bool]:
    return lambda: all(node.slot.content == content for node in targets(world) if node.alive)


@pytest.mark.parametrize("seed", range(3))
def test_a_targeted_rollout_costs_its_share_and_brings_no_content_to_others(seed: int) -> None:
    world = RolloutWorld(25, seed=seed, base=OLD)
    id = announce(world, seed)
    assert world.run(all_have(world, NEW))
    others = [node for node in world.nodes if node not in targets(world)]
    assert sum(world.content_to[node.id] for node in others) == 0
    assert all(node.slot.content == OLD for node in others)
    share = len(targets(world)) / 25
    assert world.sent_bytes.total() <= (share + 0.1) * 25 * len(NEW)
    assert world.run(lambda: all(world.view(id, node).status == "complete" for node in targets(world)))


def test_nobody_installs_before_the_wave_ahead_is_well() -> None:
    world = RolloutWorld(60, seed=1, base=OLD)
    id = announce(world, 0)
    assert world.run(all_have(world, NEW))
    order = world.view(id, targets(world)[0]).order
    times = [world.by_id[peer].active_at for peer in order]
    known = [time for time in times if time is not None]
    assert len(known) == 20
    for before, after in ((1, 2), (2, 10), (10, 20)):
        assert sorted(known[:before])[-(-before * 9 // 10) - 1] < min(known[before:after])


@pytest.mark.parametrize("seed", range(2))
def test_the_others_complete_what_a_killed_origin_began(seed: int) -> None:
    world = RolloutWorld(45, seed=seed, base=OLD, bytes_per_s=2e6)
    origin = next(i for i, node in enumerate(world.nodes) if "a" not in node.traits.types)
    id = announce(world, origin)
    has_begun = targets(world)
    assert world.run(lambda: any(node.active_at is not None for node in has_begun))
    assert not all_have(world, NEW)()
    world.nodes[origin].alive = False
    assert world.run(all_have(world, NEW))
    assert world.view(id, has_begun[0]).status in ("running", "complete")


def test_the_others_complete_what_a_killed_origin_was_the_only_one_to_give_in_part() -> None:
    world = RolloutWorld(30, seed=2, base=OLD, bytes_per_s=2e6)
    origin = next(i for i, node in enumerate(world.nodes) if "a" not in node.traits.types)
    announce(world, origin)
    held = targets(world)
    chunks = {NEW[i : i + CHUNK_BYTES] for i in range(0, len(NEW), CHUNK_BYTES)}

    def spread() -> bool:
        return chunks <= {content for node in held for content in node.blobs.contents()}

    assert world.run(spread)
    assert not any(node.slot.content == NEW for node in held)
    world.nodes[origin].alive = False
    assert world.run(all_have(world, NEW))


@pytest.mark.parametrize("seed", range(2))
def test_chunks_corrupted_on_the_way_are_refused_and_fetched_elsewhere(seed: int) -> None:
    luck = Random(seed)
    liars = set[PeerId]()

    def tamper(sender: PeerId, payload: BlobPayload) -> BlobPayload:
        if sender in liars and isinstance(payload, GiveChunk):
            return GiveChunk(payload.chunk, luck.randbytes(len(payload.content)))
        return payload

    world = RolloutWorld(25, seed=seed, base=OLD, tamper=tamper)
    liars |= {node.id for node in luck.sample(targets(world), 2)}
    announce(world, 0)
    assert world.run(all_have(world, NEW))


@pytest.mark.parametrize("seed", range(2))
def test_attack_b2_a_poisoned_rollout_stops_in_its_second_wave_and_all_end_on_the_base(seed: int) -> None:
    sick = set[int]()

    def healthy(index: int) -> Health:
        return lambda rollout: "it answers nonsense" if index in sick else ""

    world = RolloutWorld(60, seed=seed, base=OLD, healthy=healthy)
    id = announce(world, seed)
    view = world.view(id, world.nodes[seed])
    numbers = {node.id: i for i, node in enumerate(world.nodes)}
    sick.add(numbers[view.order[1]])
    held = targets(world)
    assert world.run(lambda: any(node.slot.content == NEW for node in held))
    assert world.run(lambda: all(world.view(id, node).status == "halted" for node in held if id in node.held))
    assert world.run(all_have(world, OLD))
    assert world.run(lambda: not any(node.blobs.held_bytes for node in held))
    assert sum(node.active_at is not None for node in world.nodes) <= 2
    assert all(node.slot.content == OLD for node in world.nodes)


def test_a_dead_canary_does_not_hold_it_up() -> None:
    world = RolloutWorld(25, seed=4, base=OLD)
    author = next(i for i, node in enumerate(world.nodes) if "a" not in node.traits.types)
    id = announce(world, author)
    canary = world.view(id, world.nodes[author]).order[0]
    world.by_id[canary].alive = False
    assert world.run(all_have(world, NEW))


def test_one_seed_gives_one_course() -> None:
    def course(seed: int) -> tuple[float, int]:
        world = RolloutWorld(12, seed=seed, base=OLD)
        announce(world, 0)
        assert world.run(all_have(world, NEW))
        return world.now, world.sent_bytes.total()

    assert course(5) == course(5) != course(6)


def test_flooding_reaches_everybody_and_costs_many_copies() -> None:
    world = RolloutWorld(12, seed=0)
    assert world.flood(0, len(NEW), [node.id for node in world.nodes]) > 0
    assert world.sent_bytes["content"] > 11 * len(NEW)
