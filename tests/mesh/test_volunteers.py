"""Who is picked of those who volunteer, and where their team works."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Body, Channel, Message, MessageId, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.core._message import MAX_CHANNEL_CHARS
from waggledance.mesh._capability import Capability, Price, Skill
from waggledance.mesh._directory import Need
from waggledance.mesh._volunteers import (
    MAX_NESTING,
    MAX_TEAM,
    Beacon,
    Team,
    Volunteer,
    nesting,
    team_channel,
    team_fault,
    team_of,
)
from waggledance.topology import hashed_ngrams

ASKER = local_peer_id("asker")
PEERS = [local_peer_id(f"peer {n}") for n in range(5)]
SUM = Skill(id="sum", name="sum")


class Room:
    """A lobby that a test publishes in."""

    def __init__(self, need: Need | None = None, size: int = 2) -> None:
        self.desk = Channel(swarm_id("bees"), "lobby")
        self.said: list[Message[Any]] = []
        for n, peer in enumerate(PEERS):
            self.say(peer, Capability(ver=1, name=f"peer {n}", skills=(SUM,) if n else (), cost=Price(micro_usd_1k=n)))
        self.beacon = self.say(ASKER, Beacon(need=need or Need(skills=("sum",)), size=size)).id

    def say(self, author: PeerId, body: Body) -> Message[Any]:
        message: Message[Any] = self.desk.publish(author, body, [], 0)
        self.said.append(message)
        return message

    def volunteer(self, *who: int) -> list[MessageId]:
        return [self.say(PEERS[n], Volunteer(beacon=self.beacon)).id for n in who]

    def names(self, **options: Any) -> tuple[list[int], list[int]]:
        chosen = team_of(self.said, self.beacon, embed=hashed_ngrams, **options)
        return [PEERS.index(m.peer) for m in chosen.members], [PEERS.index(m.peer) for m in chosen.stand_ins]


def test_the_best_of_those_who_volunteer_and_can_are_picked_and_the_others_stand_in() -> None:
    room = Room()
    room.volunteer(4, 3, 0, 2)
    assert room.names() == ([2, 3], [4])  # the cheapest; 0 lacks the skill, 1 did not volunteer


def test_who_volunteers_twice_or_for_another_beacon_is_counted_once_or_not() -> None:
    room = Room()
    room.volunteer(3, 3)
    other = room.say(ASKER, Beacon(need=Need(), size=1)).id
    room.say(PEERS[1], Volunteer(beacon=other))
    assert room.names() == ([3], [])


def test_latecomers_change_nothing_where_the_asker_said_whom_it_counted() -> None:
    room = Room()
    counted = room.volunteer(4)
    room.volunteer(1)
    assert room.names(counted=counted) == ([4], [])
    assert room.names() == ([1, 4], [])


def test_the_asker_does_not_pick_itself_and_a_peer_without_a_record_is_not_picked() -> None:
    room = Room(Need())
    room.say(ASKER, Capability(ver=1, name="asker"))
    room.say(ASKER, Volunteer(beacon=room.beacon))
    room.say(local_peer_id("nobody"), Volunteer(beacon=room.beacon))
    assert room.names() == ([], [])


def test_of_nobody_no_team_can_be_announced() -> None:
    room = Room()
    with pytest.raises(UsageError):
        team_of(room.said, room.beacon, embed=hashed_ngrams).body(room.beacon)


def test_a_beacon_that_is_not_here_is_named_in_the_error() -> None:
    with pytest.raises(UsageError, match="sync"):
        team_of([], MessageId(bytes(32)))


@settings(max_examples=30)
@given(who=st.lists(st.integers(0, 4), max_size=8), size=st.integers(1, 4), rng=st.randoms(use_true_random=False))
def test_all_who_hold_the_same_messages_pick_the_same_team(who: list[int], size: int, rng: Random) -> None:
    room = Room(size=size)
    room.volunteer(*who)
    one = team_of(room.said, room.beacon, embed=hashed_ngrams)
    shuffled = rng.sample(room.said, len(room.said)) + room.said[:2]
    assert team_of(shuffled, room.beacon, embed=hashed_ngrams) == one
    assert len(one.members) <= size
    if one.members:
        announced = room.say(ASKER, one.body(room.beacon))
        assert team_fault(room.said, announced) is None


def test_equals_are_drawn_anew_for_every_need() -> None:
    picked: list[int] = []
    for n in range(200):
        room = Room(Need(text=f"task {n}", skills=("sum",)), size=1)
        for peer in PEERS[1:]:
            room.say(peer, Capability(ver=2, name="same", skills=(SUM,)))
        room.volunteer(1, 2, 3, 4)
        picked += room.names()[0]
    assert all(picked.count(n) > 25 for n in (1, 2, 3, 4)), picked


# -- what anyone can check of an announced team --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("author", "members", "fault"),
    [
        (PEERS[2], (2, 3), "somebody else"),
        (ASKER, (2, 3, 4), "asks for 2"),
        (ASKER, (2, 1), "did not volunteer"),
        (ASKER, (2, 0), "does not meet the need"),
    ],
)
def test_a_team_that_was_not_picked_by_the_rules_is_seen(author: PeerId, members: tuple[int, ...], fault: str) -> None:
    room = Room()
    room.volunteer(0, 2, 3, 4)
    team = room.say(author, Team(beacon=room.beacon, members=tuple(PEERS[n] for n in members)))
    assert fault in (team_fault(room.said, team) or "")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Beacon(need=Need(), size=0),
        lambda: Beacon(need=Need(), size=MAX_TEAM + 1),
        lambda: Beacon(need=Need(), within_s=0),
        lambda: Beacon(need=Need(), within_s=3_601),
        lambda: Volunteer(beacon=MessageId(b"x")),
        lambda: Team(beacon=MessageId(b"x"), members=(ASKER,)),
        lambda: Team(beacon=MessageId(bytes(32)), members=()),
        lambda: Team(beacon=MessageId(bytes(32)), members=(ASKER, ASKER)),
        lambda: Team(beacon=MessageId(bytes(32)), members=(PeerId(b"x"),)),
    ],
)
def test_what_is_outside_its_limits_is_not_born(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


# -- channels in channels ------------------------------------------------------------------------------------------


def test_teams_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    channel, names = "q" * MAX_CHANNEL_CHARS, set[str]()
    for depth in range(1, MAX_NESTING + 1):
        channel = team_channel(channel, MessageId(bytes(32)))
        assert nesting(channel) == depth
        assert len(channel) <= MAX_CHANNEL_CHARS
        names.add(channel)
    assert len(names) == MAX_NESTING
    with pytest.raises(UsageError, match="alone"):
        team_channel(channel, MessageId(bytes(32)))


def test_another_parent_or_another_team_is_another_channel() -> None:
    one, other = MessageId(bytes(32)), MessageId(b"1" * 32)
    assert len({team_channel(p, t) for p in ("a", "b") for t in (one, other)}) == 4


@pytest.mark.parametrize("channel", ["lobby", "team/1/short", "team/x/" + "0" * 32, "team/1/" + "0" * 32 + "/more"])
def test_a_channel_that_no_team_opened_stands_at_the_top(channel: str) -> None:
    assert nesting(channel) == 0
