"""A member's side of questions: it leaves them when they are over, however late it learns of it."""

from waggledance.network import Pause
from waggledance.protocols import Vote
from waggledance.testing import SimulatedMesh, on_virtual_time


def test_who_hears_opening_and_outcome_at_one_moment_does_not_stay_behind() -> None:
    async def main() -> dict[str, tuple[str, ...]]:
        async with SimulatedMesh(4, faults=[Pause("p3", 0.05, 8.0)]) as mesh:
            decision = await mesh.ask("2+2?", certify=True, protocol=Vote(patience_s=3))
            await mesh.settle(decision.channel)
            return {name: sitting.under_way for name, sitting in mesh.sittings.items()}

    assert on_virtual_time(main()) == {"p0": (), "p1": (), "p2": (), "p3": ()}
