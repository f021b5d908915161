"""News: each listener is told everything once, whoever else listens, and waits no longer than it may."""

import asyncio
from math import inf
from typing import Any

from waggledance.core import Channel, Message, News, Note, PeerId, local_peer_id, swarm_id

ANNA, BEN = local_peer_id("anna"), local_peer_id("ben")


def say(channel: Channel, text: str, by: PeerId = ANNA) -> None:
    channel.publish(by, Note(about="word", text=text), list(channel.messages()), 0)


def told(messages: tuple[object, ...]) -> list[str]:
    return [m.body.text for m in messages]  # type: ignore[attr-defined]


def follow(channel: Channel, seconds_left: float = inf) -> News:
    return News(channel, [], lambda: seconds_left)


async def test_two_listeners_are_each_told_everything_once() -> None:
    channel = Channel(swarm_id("s"), "c")
    say(channel, "before")
    one, two = follow(channel), follow(channel)
    say(channel, "after", BEN)
    assert told(await one.next()) == ["before", "after"]
    say(channel, "later")
    assert told(await one.next()) == ["later"]
    assert told(await two.next()) == ["before", "after", "later"]
    assert await two.next(0.0) == ()


async def test_who_waits_is_woken_by_what_is_said_by_a_call_and_by_the_end_of_the_budget() -> None:
    channel = Channel(swarm_id("s"), "c")
    news = follow(channel)
    waiting = asyncio.create_task(news.next())
    await asyncio.sleep(0)
    say(channel, "wake up")
    assert told(await waiting) == ["wake up"]
    waiting = asyncio.create_task(news.next())
    await asyncio.sleep(0)
    news.wake()
    assert await waiting == ()
    assert await follow(Channel(swarm_id("s"), "d"), seconds_left=0.0).next() == ()


async def test_a_forger_is_not_told_of_and_who_stops_hears_no_more() -> None:
    channel = Channel(swarm_id("s"), "c")
    heard: list[Message[Any]] = []
    with News(channel, heard, lambda: inf) as news:
        say(channel, "mine")
        say(channel, "forged", BEN)
        channel.disown(BEN)
        assert told(await news.next()) == ["mine"]
        assert len(heard) == 1
    say(channel, "too late")
    assert await news.next(0.0) == ()
