"""What a channel's messages make of a thread: blind to order, closed by more than half, nothing lost."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import Channel, Member, Message, Note, Opening, PeerId, Question, Say, UsageError, local_peer_id
from waggledance.gateways._threads_fold import (
    MAX_MEMBERS,
    Close,
    Thread,
    opening_for,
    thread_of,
)
from waggledance.gateways._threads_place import SWARM

PEOPLE = [Member(local_peer_id(name), name) for name in ("ann", "bob", "cee", "dan")]
ANN, BOB, CEE, DAN = (member.id for member in PEOPLE)
STRANGER = local_peer_id("eve")


def channel_of(*words: tuple[PeerId, Any], members: list[Member] = PEOPLE) -> Channel:
    """Return a thread in which each word builds on all before it."""
    channel = Channel(SWARM, "thread-1")
    channel.publish(ANN, opening_for("a plan", members), [], 0)
    for at, (author, body) in enumerate(words, 1):
        channel.publish(author, body, list(channel.messages()), at)
    return channel


def folded(channel: Channel) -> Thread:
    thread = thread_of(channel.messages(), channel.forked)
    assert thread is not None
    return thread


def asked(channel: Channel, summary: str) -> Message[Close]:
    return next(m for m in channel.said(Close) if m.body.summary == summary)


def test_a_thread_names_its_title_its_members_its_turns_and_its_heads() -> None:
    channel = channel_of((BOB, Say(text="one")), (CEE, Say(text="two", to=(ANN,))))
    thread = folded(channel)
    assert thread.title == "a plan"
    assert {member.name for member in thread.members} == {"ann", "bob", "cee", "dan"}
    assert [m.body.text for m in thread.said] == ["one", "two"]
    assert thread.heads == (channel.messages()[-1].id,)
    assert thread.closed is None


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), rng=st.randoms(use_true_random=False))
def test_arrival_order_changes_nothing(seed: int, rng: Random) -> None:
    draw = Random(seed)
    channel = channel_of((ANN, Close(summary="done")))
    for _ in range(draw.randrange(12)):
        author = draw.choice([ANN, BOB, CEE, DAN, STRANGER])
        requests = [m.id for m in channel.said(Close) if m.body.agrees is None]
        body = draw.choice(
            [Say(text=f"t{draw.random()}"), Close(summary=f"s{draw.random()}"), Close(agrees=draw.choice(requests))]
        )
        channel.publish(author, body, draw.sample(channel.messages(), draw.randrange(3)), draw.randrange(100))
    messages = list(channel.messages())
    before = thread_of(messages)
    rng.shuffle(messages)
    assert thread_of(messages) == before


@pytest.mark.parametrize(("agreeing", "closed"), [((), False), ((CEE,), False), ((CEE, DAN), True)])
def test_a_thread_of_four_is_closed_when_three_stand_behind_one_summary(
    agreeing: tuple[PeerId, ...], closed: bool
) -> None:
    channel = channel_of((BOB, Say(text="hello")), (BOB, Close(summary="we agree")))
    for peer in agreeing:
        channel.publish(peer, Close(agrees=asked(channel, "we agree").id), list(channel.messages()), 9)
    thread = folded(channel)
    assert (thread.closed is not None) is closed
    assert len(thread.closing[0].behind) == 1 + len(agreeing)
    assert [m.body.text for m in thread.said] == ["hello"], "the record stays"


def test_only_a_members_latest_word_on_closing_counts() -> None:
    channel = channel_of((BOB, Close(summary="mine")), (CEE, Close(summary="other")))
    mine, other = asked(channel, "mine"), asked(channel, "other")
    for peer, word in ((ANN, mine), (DAN, mine), (ANN, other)):
        channel.publish(peer, Close(agrees=word.id), list(channel.messages()), 9)
    thread = folded(channel)
    assert {c.asked.body.summary: len(c.behind) for c in thread.closing} == {"mine": 2, "other": 2}
    assert thread.closed is None
    channel.publish(BOB, Close(agrees=other.id), list(channel.messages()), 9)
    after = folded(channel).closed
    assert after is not None
    assert after.body.summary == "other"


def test_whoever_is_no_member_says_and_closes_nothing() -> None:
    channel = channel_of((STRANGER, Say(text="let me in")), (STRANGER, Close(summary="over")))
    thread = folded(channel)
    assert (thread.said, thread.closing) == ((), ())


def test_who_contradicts_itself_counts_no_more() -> None:
    channel = channel_of((BOB, Say(text="yes")), (BOB, Close(summary="over")))
    channel.disown(BOB)
    thread = folded(channel)
    assert (thread.said, thread.closing) == ((), ())


def test_agreeing_with_what_nobody_asked_is_no_request() -> None:
    channel = channel_of((BOB, Say(text="hello")))
    channel.publish(CEE, Close(agrees=channel.said(Say)[0].id), [], 9)
    assert folded(channel).closing == ()


def test_a_member_alone_closes_its_thread_alone() -> None:
    channel = channel_of((ANN, Close(summary="note to self")), members=PEOPLE[:1])
    assert folded(channel).closed is not None


def test_a_channel_with_another_protocol_or_none_is_no_thread() -> None:
    channel = Channel(SWARM, "q1")
    assert thread_of(channel.messages()) is None
    channel.publish(ANN, Opening(question=Question(text="?"), members=tuple(PEOPLE), protocol="vote"), [], 0)
    channel.publish(ANN, Note(about="outline", text="x"), [], 0)
    assert thread_of(channel.messages()) is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Close(), "give a summary, or agree"),
        (lambda: Close(summary=" "), "give a summary, or agree"),
        (lambda: Close(summary="x", agrees=channel_of().messages()[0].id), "give a summary, or agree"),
        (lambda: Close(summary="x" * 4_001), "at most 4,000 characters"),
        (lambda: Close(summary="cafe\u0301"), "NFC"),
        (lambda: opening_for(" ", PEOPLE), "needs a title"),
        (lambda: opening_for("x" * 201, PEOPLE), "at most 200 characters"),
        (lambda: opening_for("x", []), "1 to 64 members"),
        (lambda: opening_for("x", [Member(local_peer_id(f"p{i}"), f"p{i}") for i in range(MAX_MEMBERS + 1)]), "got 65"),
    ],
)
def test_what_cannot_be_is_said_to_be_so(make: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make()
