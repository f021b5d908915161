"""A member's side of questions: it leaves them when they are over, however late it learns of it."""

from collections import Counter
from pathlib import Path

from waggledance import Swarm
from waggledance.consensus import Ack, Certificate, Prep, verify_certificate
from waggledance.core import Log
from waggledance.mesh import Mesh
from waggledance.models import Scripted
from waggledance.network import Pause
from waggledance.peers import Agent
from waggledance.protocols import Vote
from waggledance.testing import SimulatedMesh, on_virtual_time


def test_who_hears_opening_and_outcome_at_one_moment_does_not_stay_behind() -> None:
    async def main() -> dict[str, tuple[str, ...]]:
        async with SimulatedMesh(4, faults=[Pause("p3", 0.05, 8.0)]) as mesh:
            decision = await mesh.ask("2+2?", certify=True, protocol=Vote(patience_s=3))
            await mesh.settle(decision.channel)
            return {name: sitting.under_way for name, sitting in mesh.sittings.items()}

    assert on_virtual_time(main()) == {"p0": (), "p1": (), "p2": (), "p3": ()}


def test_a_member_that_asks_answers_too_and_signs_once() -> None:
    async def main() -> None:
        async with SimulatedMesh(4) as mesh:
            asking = Mesh(mesh.nodes["p1"], certify=True)
            swarm = Swarm(asking.peers(), network=asking, protocol=Vote(patience_s=30))
            decision = await swarm.ask("2+2?")
            assert decision.silent == ()
            assert decision.seconds < 10
            certificate = Certificate.from_json(decision.certificate)
            assert verify_certificate(certificate, certificate.members).answer == decision.key
            said = mesh.nodes["p1"].channels[decision.channel].copy.messages()
            signed = Counter(
                (type(m.body), m.body.round)
                for m in said
                if m.author == asking.node.me and isinstance(m.body, Prep | Ack)
            )
            assert signed == {(Prep, 0): 1, (Ack, 0): 1}

    on_virtual_time(main())


def test_a_member_keeps_its_own_prompts_in_its_own_log_and_sends_them_to_nobody(tmp_path: Path) -> None:
    async def main() -> list[list[str]]:
        with Log(tmp_path / "p1.db") as mine:
            async with SimulatedMesh([Agent(f"p{i}", Scripted("Answer: 4")) for i in range(4)]) as mesh:
                mesh.nodes["p1"].log = mine
                decision = await mesh.ask("2+2?", protocol=Vote(patience_s=30))
                await mesh.settle(decision.channel)
                kept = [exchange.of for exchange in mine.exchanges(decision.channel)]
                said = [m.kind for m in mesh.nodes["p2"].channels[decision.channel].copy.messages()]
        return [kept, said]

    kept, said = on_virtual_time(main())
    assert kept == ["scripted"]
    assert "proposal/1" in said
    assert not any("exchange" in kind for kind in said)
