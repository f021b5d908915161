"""Teams over a running mesh: who volunteers, who is picked, who answers, and how deep teams nest."""

import asyncio
from random import Random

import pytest

from waggledance._swarm import Swarm
from waggledance.core import Decision, Opening, RunFailed, UnknownName, UsageError
from waggledance.mesh import (
    Beacon,
    Capability,
    Finder,
    Formed,
    Need,
    NobodyCame,
    Price,
    Sitting,
    Skill,
    Team,
    TeamMesh,
    Volunteer,
    Volunteering,
    announce,
    form_team,
    nesting,
    team_fault,
)
from waggledance.network import Partition
from waggledance.protocols import Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

TRANSLATE = Need(skills=("translate",))


async def ready(mesh: SimulatedMesh, *able: str) -> None:
    """Let everybody say what it can do, and volunteer for it; the earlier named, the cheaper."""
    for name, sitting in mesh.sittings.items():
        skill = "translate" if name in able else "cook"
        price = Price(micro_usd_1k=able.index(name) if name in able else 0)
        announce(mesh.nodes[name], Capability(ver=1, name=name, skills=(Skill(id=skill, name=skill),), cost=price))
        Volunteering(mesh.nodes[name], sitting)
    await mesh.settle("lobby")


async def form(
    mesh: SimulatedMesh, size: int, *, by: str = "asker", parent: str = "lobby", within_s: int = 5
) -> Formed:
    node = mesh.nodes[by]
    return await form_team(node, Finder(node), TRANSLATE, size, within_s=within_s, parent=parent)


async def ask(mesh: SimulatedMesh, formed: Formed, *, by: str = "asker") -> Decision:
    team = TeamMesh(mesh.nodes[by], formed)
    return await Swarm(team.peers(), network=team, protocol=Vote(patience_s=5)).ask("2+2?")


def names(mesh: SimulatedMesh, formed: Formed) -> list[str]:
    by_id = {mesh.keys[name].peer: name for name in mesh.keys}
    return [by_id[match.peer] for match in formed.chosen.members]


@pytest.mark.parametrize("seed", range(3))
def test_a_question_goes_to_the_best_volunteers_alone_and_anyone_can_check_the_choice(seed: int) -> None:
    able = Random(seed).sample([f"p{i}" for i in range(6)], 3)

    async def main() -> tuple[list[str], list[str], set[str], list[str | None], float]:
        async with SimulatedMesh(6, seed=seed) as mesh:
            await ready(mesh, *able)
            began = mesh.clock.now()
            formed = await form(mesh, 2)
            took_s = mesh.clock.now() - began
            decision = await ask(mesh, formed)
            await mesh.settle("lobby")
            holders = {name for name, node in mesh.nodes.items() if decision.channel in node.channels}
            faults = [team_fault(n.lobby.copy.messages(), n.lobby.copy.said(Team)[0]) for n in mesh.nodes.values()]
            [opening] = mesh.nodes["asker"].channels[decision.channel].copy.said(Opening)
            asked = [member.name for member in opening.body.members]
            return names(mesh, formed), sorted(asked), holders, faults, took_s

    picked, asked, holders, faults, took_s = on_virtual_time(main())
    assert picked == able[:2]
    assert asked == sorted(able[:2])
    assert holders == {*able[:2], "asker"}
    assert faults == [None] * 7
    assert took_s < 1  # all who fit had come; nobody waited out the time


def test_a_peer_without_room_does_not_volunteer_and_the_asker_stops_waiting() -> None:
    async def main() -> tuple[list[str], float]:
        async with SimulatedMesh(3) as mesh:
            await mesh.sittings["p0"].close()
            mesh.sittings["p0"] = Sitting(mesh.nodes["p0"], mesh.peers["p0"], parallel=0)
            await ready(mesh, "p0", "p1")
            began = mesh.clock.now()
            formed = await form(mesh, 2, within_s=4)
            return names(mesh, formed), mesh.clock.now() - began

    picked, took_s = on_virtual_time(main())
    assert picked == ["p1"]
    assert 4 <= took_s < 4.5


def test_where_nobody_can_or_nobody_comes_the_asker_is_told_which() -> None:
    async def main() -> list[str]:
        async with SimulatedMesh(2) as mesh:
            with pytest.raises(NobodyCame) as nobody:
                await form(mesh, 1, within_s=1)
            announce(mesh.nodes["p1"], Capability(ver=1, name="p1", skills=(Skill(id="translate", name="t"),)))
            await mesh.settle("lobby")
            with pytest.raises(NobodyCame) as silent:
                await form(mesh, 1, within_s=1)
            return [str(nobody.value), str(silent.value)]

    nobody, silent = on_virtual_time(main())
    assert "nobody here says of itself" in nobody
    assert "1 member could do this" in silent


def test_who_was_cut_off_does_not_volunteer_for_what_is_settled_by_then() -> None:
    async def main() -> tuple[list[str], int, int]:
        async with SimulatedMesh(4, faults=[Partition(("p1",), 4.0, 30.0)]) as mesh:
            await ready(mesh, "p0", "p1")
            await asyncio.sleep(4.5 - mesh.clock.now())
            formed = await form(mesh, 2)
            await asyncio.sleep(30 - mesh.clock.now())
            await mesh.settle("lobby")
            await asyncio.sleep(5)
            here = mesh.nodes["p1"].lobby.copy
            return names(mesh, formed), len(here.said(Beacon)), len(here.said(Volunteer))

    assert on_virtual_time(main()) == (["p0"], 1, 1)


def test_a_member_of_a_team_forms_a_team_of_its_own_below_and_four_deep_is_the_end() -> None:
    async def main() -> tuple[list[int], list[str], str]:
        async with SimulatedMesh(4) as mesh:
            await ready(mesh, "p0", "p1", "p2", "p3")
            depths: list[int] = []
            statuses: list[str] = []
            parent, by = "lobby", "asker"
            for member in ("p0", "p1", "p0", "p1"):
                formed = await form(mesh, 1, by=by, parent=parent)
                statuses.append((await ask(mesh, formed, by=by)).status)
                depths.append(nesting(formed.channel))
                assert names(mesh, formed) == [member]
                by, parent = member, formed.channel
            with pytest.raises(UsageError) as deep:
                await form(mesh, 1, by=by, parent=parent)
            return depths, statuses, str(deep.value)

    depths, statuses, deep = on_virtual_time(main())
    assert depths == [1, 2, 3, 4]
    assert statuses == ["decided"] * 4
    assert "at most 4 deep" in deep


def test_a_team_has_one_question_and_stands_under_a_channel_that_its_asker_holds() -> None:
    async def main() -> None:
        async with SimulatedMesh(2) as mesh:
            await ready(mesh, "p0")
            formed = await form(mesh, 1)
            with pytest.raises(UnknownName, match="channel"):
                await form(mesh, 1, parent="team/1/elsewhere")
            with pytest.raises(UnknownName, match="member of the team"):
                TeamMesh(mesh.nodes["asker"], formed).gather(mesh.genesis.swarm, "q", ["p1"])
            await ask(mesh, formed)
            with pytest.raises(RunFailed, match="one question"):
                await ask(mesh, formed)

    on_virtual_time(main())
