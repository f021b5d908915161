"""Members of a mesh that have practised a kind of question: two are asked, all certify what came of it."""

from __future__ import annotations

import pytest

from waggledance import FunctionPeer, Question, Swarm
from waggledance.consensus import Certificate, verify_certificate
from waggledance.memory import SkillBook
from waggledance.mesh import Mesh
from waggledance.protocols import Tried, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

ASKED = Question(text="How much is 2 + 2?", expects="number")


@pytest.mark.parametrize("astray", [False, True])
def test_members_certify_what_two_agreed_on_or_the_whole_swarm_said_where_they_did_not(astray: bool) -> None:
    shown: list[str] = []

    def answer(question: str) -> str:
        if "Worked example" in question:
            shown.append(question)
            return "5" if astray else "4"
        return "4"

    async def main() -> None:
        async with SimulatedMesh([FunctionPeer(f"p{i}", answer) for i in range(4)], seed=9) as mesh:
            book = SkillBook()
            members = Mesh(mesh.nodes["asker"], certify=True)
            swarm = Swarm(
                members.peers(members.answering()), network=members, protocol=Vote(patience_s=30), skills=book
            )
            for _ in range(3):
                assert (await swarm.ask(ASKED)).rule == "majority"
            decision = await swarm.ask(ASKED)
            assert (decision.key, decision.rule) == ("4", "two-first(majority)")
            assert len(shown) == 1
            said = mesh.nodes["p0"].channels[decision.channel].copy.messages()
            assert sum(isinstance(message.body, Tried) for message in said) == 2
            assert len(decision.silent) == (0 if astray else 2)
            certificate = Certificate.from_json(decision.certificate)
            assert verify_certificate(certificate, certificate.members).answer == "4"
            assert book.skills()[0][1].wrong == int(astray)

    on_virtual_time(main())
