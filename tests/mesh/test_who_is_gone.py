"""Nobody waits for the dead: not the members, not the asker; and no quorum is smaller for it."""

import asyncio

import pytest

from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import Decision
from waggledance.network import Pause
from waggledance.protocols import AskProtocol, Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time


def asked(
    n: int, dead: int, *, known: bool, protocol: AskProtocol, certify: bool = True, frozen_s: float = 0
) -> tuple[float, Decision, SimulatedMesh]:
    """Return after how many seconds a mesh of which some are dead has decided, what, and the mesh."""
    faults = [Pause(f"p{n - 1}", 60.0, frozen_s)] if frozen_s else []

    async def main() -> tuple[float, Decision, SimulatedMesh]:
        async with SimulatedMesh(n, seed=1, faults=faults) as mesh:
            for i in range(dead):
                await mesh.crash(f"p{i}")
            await asyncio.sleep(60 if known else 0)
            began = mesh.clock.now()
            decision = await mesh.ask("2+2?", certify=certify, protocol=protocol)
            return mesh.clock.now() - began, decision, mesh

    return on_virtual_time(main())


@pytest.mark.parametrize("protocol", [Vote(patience_s=30), Debate(rounds=2)])
def test_a_quorum_that_lives_certifies_without_waiting_for_voters_who_are_known_to_be_dead(
    protocol: AskProtocol,
) -> None:
    took_s, decision, mesh = asked(7, 2, known=True, protocol=protocol)
    assert took_s < 2
    proven = verify_certificate(Certificate.from_json(decision.certificate), mesh.genesis.members)
    assert len(proven.signers) == 5
    assert sorted(decision.name(peer) for peer in decision.silent) == ["p0", "p1"]


def test_a_vote_of_30_seconds_and_a_debate_of_90_end_as_soon_as_the_deaths_are_known() -> None:
    for protocol in (Vote(patience_s=30), Debate(rounds=2)):
        took_s, decision, _ = asked(7, 2, known=False, protocol=protocol)
        assert decision.certificate
        assert took_s < 20


def test_where_no_quorum_lives_nobody_waits_for_a_certificate_and_none_is_made() -> None:
    took_s, decision, _ = asked(7, 3, known=True, protocol=Vote(patience_s=30))
    assert took_s < 4
    assert decision.certificate == ""
    assert any("no certificate" in note for note in decision.notes)


def test_who_is_only_frozen_for_a_moment_is_waited_for() -> None:
    took_s, decision, _ = asked(4, 0, known=True, protocol=Vote(patience_s=30), frozen_s=4)
    assert took_s > 3
    assert decision.silent == ()
    assert len(decision.used) == 4


def test_without_a_certificate_members_do_not_wait_for_the_dead_either() -> None:
    took_s, decision, _ = asked(4, 1, known=False, protocol=Debate(rounds=2), certify=False)
    assert took_s < 20
    assert decision.status == "decided"


async def _state_of(name: str, *, crashes: bool) -> str:
    async with SimulatedMesh(4, seed=3) as mesh:
        await asyncio.sleep(20)
        peer = mesh.keys[name].peer
        await (mesh.crash(name) if crashes else mesh.nodes[name].close())
        await asyncio.sleep(1)
        return mesh.nodes["p0"].swim.states()[peer].status


def test_who_ends_in_good_order_has_left_and_is_not_taken_for_dead() -> None:
    assert on_virtual_time(_state_of("p2", crashes=False)) == "left"
    assert on_virtual_time(_state_of("asker", crashes=False)) == "left"
    assert on_virtual_time(_state_of("p2", crashes=True)) != "left"
