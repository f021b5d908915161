"""A node's directory over a running mesh: who is found, who is not, and what the asker's own feedback changes."""

import asyncio
from random import Random

import pytest

from waggledance.core import PeerId, RunFailed, UsageError
from waggledance.mesh import Capability, Finder, Need, Node, Price, Skill, announce, praise
from waggledance.network import Constant
from waggledance.peers import FunctionPeer
from waggledance.protocols import Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

LENS = Need(skills=("translate",))


def record(name: str, *skills: str, price: int = 0, lease_s: int = 600) -> Capability:
    return Capability(
        ver=1, name=name, skills=tuple(Skill(id=s, name=s) for s in skills), cost=Price(micro_usd_1k=price),
        lease_s=lease_s,
    )  # fmt: skip


async def announced(mesh: SimulatedMesh, **skills: Capability) -> Finder:
    for name, capability in skills.items():
        announce(mesh.nodes[name], capability)
    await mesh.settle("lobby")
    return Finder(mesh.nodes["asker"])


def names(mesh: SimulatedMesh, finder: Finder, need: Need = LENS) -> list[str]:
    by_id = {mesh.keys[name].peer: name for name in mesh.keys}
    return [by_id[match.peer] for match in finder.find(need)]


@pytest.mark.parametrize("seed", range(3))
def test_who_has_the_skill_is_found_the_cheapest_first(seed: int) -> None:
    order = Random(seed).sample(["p0", "p1", "p2", "p3"], 4)

    async def main() -> list[str]:
        async with SimulatedMesh(4, seed=seed) as mesh:
            records = {name: record(name, "translate", price=i) for i, name in enumerate(order[:3])}
            finder = await announced(mesh, **records, **{order[3]: record(order[3], "cook")})
            return names(mesh, finder)

    assert on_virtual_time(main()) == order[:3]


def test_who_is_dead_is_not_found_and_who_comes_back_is() -> None:
    async def main() -> list[list[str]]:
        async with SimulatedMesh(4) as mesh:
            finder = await announced(mesh, p1=record("p1", "translate"), p2=record("p2", "translate", price=5))
            found = [names(mesh, finder)]
            await mesh.end("p1")
            await asyncio.sleep(60)
            found.append(names(mesh, finder))
            await mesh.begin("p1")
            await asyncio.sleep(20)
            return [*found, names(mesh, finder)]

    assert on_virtual_time(main()) == [["p1", "p2"], ["p2"], ["p1", "p2"]]


def test_a_lease_runs_from_when_its_author_was_last_heard() -> None:
    async def main() -> list[list[str]]:
        async with SimulatedMesh(4) as mesh:
            finder = await announced(mesh, p1=record("p1", "translate", lease_s=4))
            await asyncio.sleep(30)  # it is heard all the time
            before = names(mesh, finder)
            await mesh.end("p1")
            await asyncio.sleep(8)
            status = mesh.nodes["asker"].swim.states()[mesh.keys["p1"].peer].status
            return [before, names(mesh, finder), [status]]

    before, after, [status] = on_virtual_time(main())
    assert (before, after) == (["p1"], [])
    assert status != "dead"  # the lease alone has ended it


def test_what_the_asker_saw_counts_after_enough_tasks_and_what_it_did_not_see_does_not() -> None:
    async def main() -> tuple[list[int], list[int], list[int]]:
        async with SimulatedMesh(3, seed=2) as mesh:
            finder = await announced(mesh, **{f"p{i}": record(f"p{i}", "translate") for i in range(3)})
            said: list[int] = []
            for i in range(5):
                decision = await mesh.ask(f"{i}+2?", protocol=Vote(patience_s=5))
                said.append(len(praise(mesh.nodes["asker"], decision.channel)))
                assert praise(mesh.nodes["asker"], decision.channel) == ()  # once a task
            await mesh.settle("lobby")
            others = Finder(mesh.nodes["p0"])
            return said, [m.tasks for m in finder.find(LENS)], [m.tasks for m in others.find(LENS)]

    said, tasks, elsewhere = on_virtual_time(main())
    assert said == [3] * 5
    assert tasks == [5, 5, 5]
    assert elsewhere == [0, 0]  # p0 knows the tasks, and asked none of them


@pytest.mark.parametrize("seed", range(2))
def test_whose_last_answer_is_another_than_the_decided_one_did_nothing_of_what_was_asked(seed: int) -> None:
    odd = f"p{Random(seed).randrange(4)}"
    peers = [FunctionPeer(f"p{i}", lambda _, i=i: "5" if f"p{i}" == odd else "4") for i in range(4)]

    async def main() -> dict[str, int]:
        async with SimulatedMesh(peers) as mesh:
            decision = await mesh.ask("2+2?", protocol=Vote(patience_s=5))
            said = praise(mesh.nodes["asker"], decision.channel)
            by_id = {mesh.keys[name].peer: name for name in mesh.keys}
            return {by_id[m.body.about]: m.body.outcome_ppm for m in said}

    assert on_virtual_time(main()) == {f"p{i}": 0 if f"p{i}" == odd else 1_000_000 for i in range(4)}


def test_merit_comes_from_feedback_and_is_the_readers_own() -> None:
    async def main() -> tuple[dict[PeerId, int], dict[PeerId, int]]:
        async with SimulatedMesh(3) as mesh:
            finder = await announced(mesh, p0=record("p0", "translate"))
            decision = await mesh.ask("2+2?", protocol=Vote(patience_s=5))
            before = dict(finder.merit())
            praise(mesh.nodes["asker"], decision.channel)
            return before, dict(finder.merit())

    before, after = on_virtual_time(main())
    assert before == {}
    assert after
    assert sum(after.values()) <= 1_000_000


def test_feedback_on_others_questions_and_on_channels_that_are_not_here_is_refused() -> None:
    async def main() -> None:
        async with SimulatedMesh(3) as mesh:
            decision = await mesh.ask("2+2?", protocol=Vote(patience_s=5))
            await mesh.settle(decision.channel)
            with pytest.raises(UsageError, match="its asker's to give"):
                praise(mesh.nodes["p0"], decision.channel)
            with pytest.raises(RunFailed, match="not held here"):
                praise(mesh.nodes["p0"], "elsewhere")

    on_virtual_time(main())


def test_who_has_just_started_meets_the_others_first_and_does_not_wait_for_the_dead() -> None:
    async def main() -> tuple[list[str], list[str], float, float]:
        async with SimulatedMesh(4, delay=Constant(0.4)) as mesh:
            await announced(mesh, **{f"p{i}": record(f"p{i}", "translate", price=i) for i in range(4)})
            await mesh.end("asker")
            asker = mesh.keys["asker"]
            node = Node(asker, mesh.genesis, mesh.hub.transport(asker.peer), clock=mesh.clock, rng=Random(2))
            start = asyncio.ensure_future(node.start())
            await asyncio.sleep(0.5)
            finder = Finder(node)
            early, began = names(mesh, finder), mesh.clock.now()
            await finder.meet()
            met, took_s = names(mesh, finder), mesh.clock.now() - began
            await start
            await mesh.end("p0")
            await asyncio.sleep(60)
            began = mesh.clock.now()
            await finder.meet()
            again_s = mesh.clock.now() - began
            await node.close()
            return early, met, took_s, again_s

    early, met, took_s, again_s = on_virtual_time(main())
    assert early == []
    assert met == ["p0", "p1", "p2", "p3"]
    assert took_s < 1
    assert again_s == 0


def test_nobody_is_found_in_a_lobby_without_records() -> None:
    async def main() -> list[str]:
        async with SimulatedMesh(2) as mesh:
            return names(mesh, await announced(mesh))

    assert on_virtual_time(main()) == []
