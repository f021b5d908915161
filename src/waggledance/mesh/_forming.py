"""An asker's side of teams: it lights a beacon, waits for who comes, picks, and opens the question with those alone.

All of it is said in the lobby, so everybody can check who was picked by whom (`team_fault`); the question's channel is
the team's own. A member of a team that needs help with a part of it forms a team in turn, with the team's channel as
parent: its channel stands one deeper, and four deep is the end.

Source: Chen, You, Li et al. 2024, "Internet of Agents", arXiv:2407.07061; see `team_of` for what is picked by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from waggledance.core import UNIT, Member, Message, PeerId, RunFailed, SwarmId, UnknownName
from waggledance.mesh._channels import LOBBY
from waggledance.mesh._directory import Need
from waggledance.mesh._finding import Finder
from waggledance.mesh._mesh import WAIT_SECONDS, Mesh, MeshGathering
from waggledance.mesh._node import Node
from waggledance.mesh._volunteers import Beacon, Chosen, Team, Volunteer, depth_under, team_channel, team_of

WITHIN_SECONDS = 5
"""How long volunteers are waited for, unless all whose record fits have come before."""


class NobodyCame(RunFailed):
    """No volunteer meets a need; carries how many members have a record that does, and how long was waited."""

    def __init__(self, able: int, waited_s: int) -> None:
        super().__init__(able, waited_s)
        self.able, self.waited_s = able, waited_s

    def __str__(self) -> str:
        if not self.able:
            return "nobody here says of itself that it can do this: ask for other skills, or for a higher price"
        return (
            f"{self.able} member{'s' if self.able > 1 else ''} could do this by what they say of themselves, and none "
            f"volunteered within {self.waited_s} s: they have no room, or do not take part in teams"
        )


class Formed(msgspec.Struct, frozen=True):
    """A team, announced, that waits for its question."""

    team: Message[Team]
    chosen: Chosen
    """Who was picked, why, and who could stand in."""
    channel: str
    """Where the question will be."""


async def form_team(
    node: Node, finder: Finder, need: Need, size: int, *, within_s: int = WITHIN_SECONDS, parent: str = LOBBY
) -> Formed:
    """Light a beacon, wait for volunteers, and announce who was picked of them.

    Args:
        node: the asker's.
        finder: its directory: what it saw of members, and how texts are compared.
        need: what members must be able to do.
        size: how many are picked at most, 1 to 64.
        within_s: how long to wait, 1 to 3,600 s; less when everybody who is here and fits has come.
        parent: the channel that the work belongs to: the lobby, or the asker's own team's.

    Raises:
        NobodyCame: nobody who fits volunteered in time.
        UnknownName: the node does not hold the parent channel.
        UsageError: the size or the time is out of range, or the parent stands four teams deep already.
    """
    if parent not in node.channels:
        raise UnknownName("channel", parent, node.channels)
    depth_under(parent)
    await finder.meet()
    lobby, clock = node.lobby.copy, node.clock
    beacon = lobby.publish(node.me, Beacon(need=need, size=size, within_s=within_s), [], clock.wall_ms())
    grown = asyncio.Event()
    unsubscribe = lobby.subscribe(lambda _message, _raw: grown.set())
    until = clock.now() + within_s
    try:
        while True:
            came = {m.author for m in lobby.said(Volunteer) if m.body.beacon == beacon.id}
            able = {match.peer for match in finder.find(need)}
            left_s = until - clock.now()
            if left_s <= 0 or (able and able <= came):
                break
            grown.clear()
            await _until(grown, left_s)
    finally:
        unsubscribe()
    chosen = team_of(
        lobby.messages(), beacon.id, observed=finder.observed(), merit=finder.merit(), embed=finder.embed
    )  # fmt: skip
    if not chosen.members:
        raise NobodyCame(len(able), within_s)
    counted: list[Message[Any]] = [beacon, *(m for id in chosen.volunteers if (m := lobby.get(id)) is not None)]
    team = lobby.publish(node.me, chosen.body(beacon.id), counted, clock.wall_ms())
    return Formed(team, chosen, f"{team_channel(parent, team.id)}-{node.draw_mark()}")


class TeamMesh(Mesh):
    """A team as a network: one question, asked of its members, who weigh alike.

    What a team decides is not the swarm's decision, whoever is in it, and is never certified.

    Args:
        node: the asker's node.
        formed: the team.
        wait_s: how long members may take in all, seconds.
    """

    def __init__(self, node: Node, formed: Formed, *, wait_s: float = WAIT_SECONDS) -> None:
        super().__init__(node, wait_s=wait_s)
        self._formed = formed

    def answering(self) -> tuple[Member, ...]:
        """Return the team, sorted by id."""
        members = self.node.members
        team: list[PeerId] = sorted(peer for peer in self._formed.team.body.members if peer in members)
        return tuple(Member(peer, members[peer].name, UNIT) for peer in team)

    def gather(self, swarm: SwarmId, channel: str, names: Sequence[str]) -> MeshGathering:
        """Open the team's channel for its question.

        Raises:
            UnknownName: a name is not in the team.
            RunFailed: the team has a question already.
        """
        by_name = {member.name: member for member in self.answering()}
        for name in names:
            if name not in by_name:
                raise UnknownName("member of the team", name, by_name)
        if self._formed.channel in self.node.channels:
            raise RunFailed("a team has one question, and this one has it already: form another with form_team()")
        return MeshGathering(self, self._formed.channel, [by_name[name] for name in names])


async def _until(grown: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await grown.wait()
    except TimeoutError:
        return
