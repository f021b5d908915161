"""Beacons, volunteers and teams: how those who can help with a question find together, and split off to work on it.

Somebody publishes a `Beacon` with a need; peers who can help answer with a `Volunteer`; the asker picks a `Team`,
which opens a channel of its own, and may light a beacon in there for a part of the work. Whom to pick is a pure fold
over the channel's messages: of the volunteers whose record meets the need, the first by `rank`, whose ties are broken
by a rendezvous hash. Two readers with one embedding pick one team. Lifetimes are not looked at: who volunteers was
just heard.

A team's channel is named by its parent and the team's message, so that nobody can name it before, or open it twice, and
nests at most four deep.

Source: Chen, You, Li et al. 2024, "Internet of Agents", arXiv:2407.07061 (discovery, nested teams with a falling depth
counter), without its server, whose registry gives a name to whoever comes first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import Body, Message, MessageId, PeerId, UsageError
from waggledance.mesh._directory import Match, Need, Observed, meets, rank
from waggledance.mesh._records import records_of

if TYPE_CHECKING:
    from waggledance.topology import Embed

MAX_TEAM = 64
MAX_NESTING = 4
"""How many teams may stand in one another: each level asks for a beacon, answers and a choice of its own."""
MAX_WITHIN_S = 3_600

_TEAM_CHANNEL = re.compile(r"team/(\d)/[0-9a-f]{32}(?:-[0-9a-f]+)?")
"""What follows the hyphen is its asker's mark; see `draw_mark`."""


class Beacon(Body, frozen=True, gc=False):
    """A call for volunteers: what is needed, by how many, and for how long its author counts who comes.

    Raises:
        UsageError: a team of no peer or more than 64, or a time outside 1 to 3,600 s.
    """

    kind: ClassVar[str] = "beacon/1"
    need: Need
    size: int = 1
    within_s: int = 10
    """Counted on its author's clock from when it was published; a hint to others."""

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_TEAM:
            raise UsageError(f"a team has 1 to {MAX_TEAM} peers, got size={self.size}")
        if not 1 <= self.within_s <= MAX_WITHIN_S:
            raise UsageError(f"volunteers are awaited for 1 to {MAX_WITHIN_S:,} s, got within_s={self.within_s}")


class Volunteer(Body, frozen=True, gc=False):
    """Its author would help with what a beacon asks for."""

    kind: ClassVar[str] = "volunteer/1"
    beacon: MessageId

    def __post_init__(self) -> None:
        _check_id("a volunteer names a beacon", self.beacon)


class Team(Body, frozen=True, gc=False):
    """The peers that a beacon's author picked: the first message of their work, which opens a channel for it.

    Raises:
        UsageError: no member or more than 64, one twice, or an id that has not 32 bytes.
    """

    kind: ClassVar[str] = "team/1"
    beacon: MessageId
    members: tuple[PeerId, ...]

    def __post_init__(self) -> None:
        _check_id("a team names a beacon", self.beacon)
        for member in self.members:
            _check_id("a team names a member", member)
        if not 1 <= len(self.members) <= MAX_TEAM:
            raise UsageError(f"a team has 1 to {MAX_TEAM} peers, got {len(self.members)}")
        if len(set(self.members)) < len(self.members):
            raise UsageError("a team names a peer twice")


class Chosen(msgspec.Struct, frozen=True):
    """Who is picked, in the order of `rank`, and who stands in when one of them falls silent."""

    members: tuple[Match, ...]
    stand_ins: tuple[Match, ...]
    volunteers: tuple[MessageId, ...]
    """The messages that were counted, sorted."""

    def body(self, beacon: MessageId) -> Team:
        """Return the message that announces the choice.

        Raises:
            UsageError: nobody was picked.
        """
        return Team(beacon=beacon, members=tuple(match.peer for match in self.members))


def team_of(
    messages: Iterable[Message[Any]],
    beacon: MessageId,
    *,
    counted: Collection[MessageId] | None = None,
    observed: Mapping[PeerId, Observed] | None = None,
    merit: Mapping[PeerId, int] | None = None,
    embed: Embed | None = None,
) -> Chosen:
    """Return who of the volunteers should do it: a pure fold, blind to order and repetition.

    Args:
        messages: of the channel that holds the beacon, and of the lobby, which holds the records.
        beacon: the beacon's id.
        counted: which volunteers' messages count, so that latecomers change nothing; all when None.
        observed: as in `rank`.
        merit: as in `rank`.
        embed: as in `rank`.

    Returns:
        At most as many members as the beacon asks for; none where no volunteer meets the need. Its author does not pick
        itself, and a peer counts once however often it volunteers.

    Raises:
        UsageError: the beacon is not among the messages.
    """
    by_id = {m.id: m for m in messages}
    asked = _beacon_of(by_id, beacon)
    came = {
        m.id: m.author
        for m in by_id.values()
        if isinstance(m.body, Volunteer) and m.body.beacon == beacon and m.author != asked.author
        if counted is None or m.id in counted
    }
    able = set(came.values())
    records = records_of(by_id.values()).by_author
    matches = rank(
        asked.body.need, (records[p] for p in able if p in records), observed=observed, merit=merit, embed=embed
    )
    size = asked.body.size
    return Chosen(tuple(matches[:size]), tuple(matches[size:]), tuple(sorted(came)))


def team_fault(messages: Iterable[Message[Any]], team: Message[Team]) -> str | None:
    """Return what is wrong with a team that somebody announced; None if nothing is.

    Anyone can check this much without the asker's embedding: that whoever lit the beacon picked, no more than it asked
    for, and only volunteers whose record meets the need.

    Raises:
        UsageError: the beacon is not among the messages.
    """
    by_id = {m.id: m for m in messages}
    asked = _beacon_of(by_id, team.body.beacon)
    if team.author != asked.author:
        return "somebody else lit the beacon"
    if len(team.body.members) > asked.body.size:
        return f"{len(team.body.members)} peers, and the beacon asks for {asked.body.size}"
    came = {m.author for m in by_id.values() if isinstance(m.body, Volunteer) and m.body.beacon == asked.id}
    records = records_of(by_id.values()).by_author
    for member in team.body.members:
        if member not in came:
            return f"{member.hex()[:12]} did not volunteer"
        if member not in records or not meets(records[member], asked.body.need):
            return f"{member.hex()[:12]} does not meet the need"
    return None


def team_channel(parent: str, team: MessageId) -> str:
    """Return the name of the channel that a team message opens under another channel.

    Raises:
        UsageError: the parent stands four teams deep already.

    >>> team_channel("q/1", MessageId(bytes(32)))
    'team/1/8ad920081cf66a1d5b6180dd276335ac'
    """
    depth = depth_under(parent)
    name = blake3(b"waggle/team/1\0%b\0%b" % (parent.encode(), team)).hexdigest(16)
    return f"team/{depth}/{name}"


def depth_under(parent: str) -> int:
    """Return how deep a team under a channel stands.

    Raises:
        UsageError: the parent stands four teams deep already.
    """
    depth = nesting(parent) + 1
    if depth > MAX_NESTING:
        raise UsageError(f"teams nest at most {MAX_NESTING} deep, and {parent!r} is that deep: do this part alone")
    return depth


def nesting(channel: str) -> int:
    """Return how many teams deep a channel stands: 0 for one that no team opened."""
    found = _TEAM_CHANNEL.fullmatch(channel)
    return int(found[1]) if found else 0


def _beacon_of(by_id: Mapping[MessageId, Message[Any]], beacon: MessageId) -> Message[Beacon]:
    found = by_id.get(beacon)
    if found is None or not isinstance(found.body, Beacon):
        raise UsageError(f"there is no beacon {beacon.hex()[:12]} among these messages; sync the channel it stands in")
    return found


def _check_id(what: str, id: bytes) -> None:
    if len(id) != 32:
        raise UsageError(f"{what} by 32 bytes, got {len(id)}")
