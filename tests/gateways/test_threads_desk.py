"""An agent's desk: who is woken by what, what is shown, what a wait comes to, and what cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from waggledance.core import Log, UnknownName, UsageError, past_of
from waggledance.gateways._threads_desk import Desk, Heard
from waggledance.gateways._threads_filter import by_id
from waggledance.gateways._threads_place import LocalThreads
from waggledance.testing import on_virtual_time

NAMES = ("ann", "bob", "cee")


def desks(*names: str, log: Log | None = None) -> list[Desk]:
    threads = LocalThreads(names or NAMES, log=log)
    return [Desk(threads.at(name)) for name in names or NAMES]


def run(main: Callable[[Desk, Desk, Desk, str], Awaitable[None]]) -> None:
    """Run with three desks that share a thread which ann opened."""

    async def all_of_it() -> None:
        ann, bob, cee = desks()
        await main(ann, bob, cee, ann.open("plan the flight", ["bob", "cee"]).channel)

    on_virtual_time(all_of_it())


def text(heard: Heard | None) -> str:
    assert heard is not None
    return getattr(heard.message.body, "text", "") or getattr(heard.message.body, "summary", "")


def test_a_wait_comes_to_the_same_message_whether_it_began_before_or_after_the_send() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        early = asyncio.create_task(bob.wait(channel=channel, since=(), within_s=50))
        await asyncio.sleep(10)
        await ann.say(channel, "north")
        await ann.say(channel, "or south")
        late = await cee.wait(channel=channel, since=(), within_s=50)
        before = await early
        assert before is not None
        assert late is not None
        assert (before.message.id, before.since) == (late.message.id, late.since)
        again = [await desk.wait(channel=channel, since=before.since, within_s=0) for desk in (bob, cee)]
        assert [text(heard) for heard in again] == ["or south", "or south"]

    run(main)


def test_a_mention_wakes_exactly_whom_it_addresses() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        waits = [asyncio.create_task(desk.wait(mention=True, within_s=20)) for desk in (bob, cee)]
        await asyncio.sleep(1)
        await ann.say(channel, "anybody?")
        await ann.say(channel, "cee, look", mentions=["cee"])
        heard = await asyncio.gather(*waits)
        assert heard[0] is None
        assert text(heard[1]) == "cee, look"

    run(main)


def test_a_wait_for_one_author_passes_over_the_others_and_never_returns_ones_own_words() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        await bob.say(channel, "mine")
        await cee.say(channel, "theirs")
        assert text(await bob.wait(within_s=0)) == "theirs"
        await ann.say(channel, "hers")
        assert text(await bob.wait(author="ann", within_s=0)) == "hers"
        assert await bob.wait(within_s=5) is None

    run(main)


def test_what_is_said_builds_on_what_was_shown_and_on_nothing_else() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        seen = await ann.say(channel, "seen")
        unseen = await cee.say(channel, "unseen")
        await bob.wait(author="ann", within_s=0)
        mine = await bob.say(channel, "I have read ann")
        copy = bob._place.channels()[channel]
        past = past_of(mine.id, by_id(copy))
        assert seen.id in past
        assert unseen.id not in past
        assert mine.parents == (seen.id,)

    run(main)


def test_a_wait_in_any_thread_is_woken_by_a_thread_that_comes_later() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        waiting = asyncio.create_task(cee.wait(within_s=50))
        await asyncio.sleep(3)
        other = bob.open("another matter", ["cee"]).channel
        await asyncio.sleep(3)
        await bob.say(other, "here")
        heard = await waiting
        assert heard is not None
        assert heard.thread.channel == other
        with pytest.raises(UnknownName):
            ann.thread(other)

    run(main)


def test_a_thread_is_closed_by_two_of_three_and_takes_no_more_words() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        assert (await bob.close(channel, "we fly north")).closed is None
        assert text(await cee.wait(within_s=0)) == "we fly north"
        assert (await cee.close(channel)).closed is not None
        for again in (ann.say(channel, "wait!"), ann.close(channel, "no")):
            with pytest.raises(UsageError, match="closed"):
                await again

    run(main)


def test_who_listens_is_told_of_its_own_threads_until_it_stops() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        told: list[int] = []
        stop = bob.listen(lambda: told.append(1))
        await ann.say(channel, "one")
        assert len(told) == 1
        other = ann.open("not for bob", ["cee"]).channel
        await cee.say(other, "hush")
        assert len(told) == 1
        mine = cee.open("for bob", ["bob"]).channel
        await cee.say(mine, "two")
        assert len(told) == 3
        stop()
        await ann.say(channel, "three")
        assert len(told) == 3

    run(main)


def test_one_agent_alone_cannot_close_what_three_share() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        await bob.close(channel, "my summary replaces yours")
        await bob.close(channel)
        assert ann.thread(channel).closed is None
        await ann.say(channel, "we go on")

    run(main)


def test_a_full_thread_says_so() -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        copy = ann._place.channels()[channel]
        said = await ann.say(channel, "first")
        for _ in range(999):
            copy.publish(ann.me, said.body, [], 0)
        with pytest.raises(UsageError, match="1,000 turns"):
            await bob.say(channel, "one more")

    run(main)


REFUSED: list[tuple[Callable[[Desk, str], Awaitable[object]], type[Exception], str]] = [
    (lambda d, c: d.say("thread-9", "x"), UnknownName, "no thread 'thread-9'"),
    (lambda d, c: d.say(c, " "), UsageError, "nothing is said"),
    (lambda d, c: d.say(c, "x" * 16_001), UsageError, "16,000"),
    (lambda d, c: d.say(c, "x", mentions=["ann"]), UsageError, "does not mention its author"),
    (lambda d, c: d.say(c, "x", mentions=["eve"]), UnknownName, "no member of the thread 'eve'"),
    (lambda d, c: d.say(c, "x", reply_to="00"), UnknownName, "no message '00'"),
    (lambda d, c: d.close(c), UsageError, "nobody has asked to close"),
    (lambda d, c: d.wait(within_s=-1), UsageError, "0 to 60 s"),
    (lambda d, c: d.wait(within_s=float("nan")), UsageError, "0 to 60 s"),
    (lambda d, c: d.wait(within_s=61), UsageError, "0 to 60 s"),
    (lambda d, c: d.wait(since=["zz"], within_s=0), UnknownName, "no message 'zz'"),
    (lambda d, c: d.wait(since=["00"] * 257, within_s=0), UsageError, "at most 256"),
    (lambda d, c: d.wait(author="eve", within_s=0), UnknownName, "no member 'eve'"),
    (lambda d, c: d.wait(channel="thread-9"), UnknownName, "no thread 'thread-9'"),
]


@pytest.mark.parametrize(("act", "error", "says"), REFUSED)
def test_what_cannot_be_is_refused_with_a_reason(
    act: Callable[[Desk, str], Awaitable[object]], error: type[Exception], says: str
) -> None:
    async def main(ann: Desk, bob: Desk, cee: Desk, channel: str) -> None:
        with pytest.raises(error, match=says):
            await act(ann, channel)

    run(main)


def test_a_thread_cannot_be_opened_with_somebody_who_is_not_here() -> None:
    [ann, *_] = desks()
    with pytest.raises(UnknownName, match="'bop'; did you mean 'bob'"):
        ann.open("plan", ["bop"])


@pytest.mark.parametrize("names", [[], ["ann", "ann"]])
def test_places_need_agents_with_a_name_each(names: list[str]) -> None:
    with pytest.raises(UsageError, match="a name each"):
        LocalThreads(names)
    with pytest.raises(UsageError, match="nobody here is called"):
        LocalThreads(["ann"]).at("bob")


async def test_talk_goes_on_from_the_log_after_a_restart(tmp_path: Path) -> None:
    with Log(tmp_path / "log.sqlite") as log:
        ann, bob, _ = desks(log=log)
        channel = ann.open("plan", ["bob"]).channel
        await ann.say(channel, "to be continued")
    with Log(tmp_path / "log.sqlite") as log:
        ann, bob, _ = desks(log=log)
        heard = await bob.wait(within_s=0)
        assert text(heard) == "to be continued"
        await bob.say(channel, "it is")
        assert text(await ann.wait(within_s=0)) == "it is"
        assert ann.open("plan", ["bob"]).channel != channel
