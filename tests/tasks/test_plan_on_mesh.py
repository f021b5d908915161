"""A plan on the mesh: members elsewhere work on it, agree on its result, and sign it."""

from __future__ import annotations

import asyncio

from waggledance import Swarm
from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import Decision
from waggledance.mesh import Mesh
from waggledance.tasks import Add, Link, Planned, PlanResult, Task, register_protocols
from waggledance.testing import SimulatedMesh, on_virtual_time
from waggledance.testing._simulated_mesh import ASKER

register_protocols()  # as `waggle join` does: members elsewhere know a protocol by its name


def run(n: int = 4, *, loss: float = 0.0) -> Decision:
    async def main() -> Decision:
        async with SimulatedMesh(n, loss=loss) as mesh:
            decision = await mesh.ask("2+2?", protocol=Planned(patience_s=20), certify=True)
            await mesh.settle(decision.channel)
            return decision

    return on_virtual_time(main())


def test_members_do_a_plan_together_and_certify_its_result() -> None:
    decision = run()
    assert decision.status == "decided"
    assert decision.certificate, decision.notes
    certificate = Certificate.from_json(decision.certificate)
    assert verify_certificate(certificate, certificate.members).answer == decision.key


def test_lost_messages_do_not_change_that() -> None:
    assert run(5, loss=0.2).certificate


def test_a_plan_of_many_tasks_survives_the_end_of_a_member_and_every_copy_folds_alike() -> None:
    async def main() -> tuple[PlanResult, set[str], set[bytes]]:
        async with SimulatedMesh(4, loss=0.1) as mesh:
            asker = Mesh(mesh.nodes[ASKER], certify=True, wait_s=600.0)
            members = [member for member in mesh.genesis.members if member.weight]
            swarm = Swarm(asker.peers(members), network=asker)
            tasks = [Task(goal=f"{i} + {i}?", kind="number") for i in range(12)]
            ops = [*map(Add, tasks), *[Link(task.id, tasks[-1].id) for task in tasks[:-1]]]
            running = asyncio.create_task(swarm.run(ops, patience_s=120.0))
            await asyncio.sleep(2.0)
            await mesh.end("p1")
            result = await running
            await mesh.settle(result.channel, within_s=20.0)
            copies = [node.channels[result.channel].copy.messages() for node in mesh.nodes.values()]
            folded = {PlanResult.of(copy).text for copy in copies}
            return result, folded, set(mesh.digests(result.channel).values())

    result, folded, digests = on_virtual_time(main())
    assert result.complete, str(result)
    assert len(digests) == 1
    assert folded == {result.text}
    certificate = Certificate.from_json(result.certificate)
    assert verify_certificate(certificate, certificate.members).answer == result.text.strip()
