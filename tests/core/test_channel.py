"""A channel: what is published is found, what is waited for comes, once, and in time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import (
    Channel,
    Condition,
    Judgement,
    Message,
    PeerId,
    Proposal,
    UsageError,
    after,
    count,
    encode,
    everyone,
    local_peer_id,
    swarm_id,
)
from waggledance.core._message import MAX_PARENTS

T = TypeVar("T")
SWARM = swarm_id("bees")
ADA, BEA, CAL = WHO = tuple(local_peer_id(name) for name in ("ada", "bea", "cal"))


class NoWait(selectors.DefaultSelector):
    """Lets the loop's time jump to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits and no timer is set: a deadlock")
        self.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock never makes anybody wait."""

    def __init__(self) -> None:
        self.no_wait = NoWait()
        super().__init__(self.no_wait)

    def time(self) -> float:
        return self.no_wait.now


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def now() -> float:
    return asyncio.get_running_loop().time()


def say(channel: Channel, who: PeerId, key: str = "4", round: int = 0, *built_on: Message[Any]) -> Message[Proposal]:
    return channel.publish(who, Proposal(key=key, round=round), list(built_on), 0)


def wait(
    channel: Channel, until: Condition, round: int = 0, expected: int = 3, of: frozenset[PeerId] | None = None
) -> Coroutine[Any, Any, tuple[Message[Proposal], ...]]:
    return channel.collect(Proposal, round, until=until, expected=expected, of=of, who="ada")


# -- the set ----------------------------------------------------------------------------------------------------


def test_an_author_s_messages_are_numbered_and_linked() -> None:
    channel = Channel(SWARM, "q1")
    first, second = say(channel, ADA), say(channel, ADA)
    assert (first.sequence, first.previous, first.lamport) == (1, None, 1)
    assert (second.sequence, second.previous, second.lamport) == (2, first.id, 2)
    assert channel.head(ADA) == second
    assert channel.heads() == {ADA: second}


def test_a_message_builds_on_others_and_its_clock_passes_theirs() -> None:
    channel = Channel(SWARM, "q1")
    a = say(channel, ADA)
    b = say(channel, BEA, "5", 0, a, a)
    mine = say(channel, ADA, "6", 1, a, b)
    assert (b.parents, b.lamport) == ((a.id,), 2)
    assert (mine.parents, mine.previous, mine.lamport) == ((b.id,), a.id, 3)


def test_of_more_than_64_parents_the_latest_are_kept() -> None:
    channel = Channel(SWARM, "q1")
    many = [say(channel, local_peer_id(str(n))) for n in range(MAX_PARENTS)]
    late = [say(channel, BEA, str(n)) for n in range(6)]
    message = say(channel, ADA, "4", 1, *many, *late)
    assert len(message.parents) == MAX_PARENTS
    assert {m.id for m in late} <= set(message.parents)
    assert list(message.parents) == sorted(message.parents)
    assert message.lamport == late[-1].lamport + 1


@pytest.mark.parametrize("name", ["", "c" * 129])
def test_a_channel_s_name_has_1_to_128_characters(name: str) -> None:
    with pytest.raises(UsageError, match="1 to 128 characters"):
        Channel(SWARM, name)


def test_everything_is_listed_with_causes_before_effects() -> None:
    channel = Channel(SWARM, "q1")
    heard: list[Message[Any]] = []
    for round in range(3):
        heard = [say(channel, who, "4", round, *heard) for who in WHO]
    listed = [m.id for m in channel.messages()]
    for message in channel.messages():
        assert all(listed.index(cause) < listed.index(message.id) for cause in message.parents)


@given(order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_neither_list_nor_digest_nor_what_was_said(order: Random) -> None:
    source = Channel(SWARM, "q1")
    messages = [say(source, who, str(n), n % 2) for n in range(3) for who in WHO]
    copy = Channel(SWARM, "q1")
    for message in [*order.sample(messages, k=len(messages)), *messages]:
        copy.add(message, encode(message))
    assert len(copy) == len(messages)
    assert copy.messages() == source.messages()
    assert copy.digest() == source.digest()
    assert copy.heads() == source.heads()
    assert [copy.said(Proposal, n) for n in (0, 1)] == [source.said(Proposal, n) for n in (0, 1)]


def test_a_digest_changes_with_every_message_and_differs_from_an_empty_one() -> None:
    channel = Channel(SWARM, "q1")
    digests = [channel.digest()]
    for n in range(5):
        say(channel, ADA, str(n))
        digests += [channel.digest(), channel.digest()]
    assert len(set(digests)) == 6
    assert all(len(digest) == 32 for digest in digests)


def test_what_was_said_comes_sorted_by_id_and_by_kind_and_round() -> None:
    channel = Channel(SWARM, "q1")
    said = [say(channel, who) for who in WHO]
    say(channel, ADA, "5", 1)
    channel.publish(ADA, Judgement(verdicts=()), [], 0)
    assert channel.said(Proposal, 0) == tuple(sorted(said))
    assert [m.body.key for m in channel.said(Proposal, 1)] == ["5"]
    assert len(channel.said(Judgement, 0)) == 1
    assert channel.said(Judgement, 7) == ()


def test_a_listener_hears_every_message_once_with_its_bytes_until_it_stops() -> None:
    channel = Channel(SWARM, "q1")
    heard: list[bytes] = []
    stop = channel.subscribe(lambda message, raw: heard.append(raw))
    first = say(channel, ADA)
    channel.add(first, encode(first))
    stop()
    say(channel, ADA)
    assert heard == [encode(first)]


# -- waiting ----------------------------------------------------------------------------------------------------


def test_who_waits_for_everyone_gets_everything_when_the_last_has_spoken() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        waiter = asyncio.ensure_future(wait(channel, everyone))
        for who in WHO:
            await asyncio.sleep(1)
            assert not waiter.done()
            say(channel, who)
        assert await waiter == channel.said(Proposal, 0)
        assert now() == 3

    in_virtual_time(main())


def test_two_messages_by_one_author_count_as_one_answer() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        say(channel, ADA)
        say(channel, ADA, "5")
        assert len(await wait(channel, count(2) | after(7))) == 2
        assert now() == 7

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("until", "speaks_at", "ends_at", "heard"),
    [
        (everyone | after(30), (1, 2, 3), 3, 3),
        (everyone | after(30), (1, 2, 99), 30, 2),
        (after(0), (1, 2, 3), 0, 0),
        (after(2.5), (1, 2, 3), 2.5, 2),
        (count(1), (1, 2, 3), 1, 1),
        (count(0), (1, 2, 3), 0, 0),
        (count(2) & after(10), (1, 2, 3), 10, 3),
        (count(3) & after(2), (1, 2, 9), 9, 3),
        ((count(2) & after(5)) | (count(1) & after(20)), (1, 99, 99), 20, 1),
        ((count(2) & after(5)) | (count(1) & after(20)), (1, 2, 99), 5, 2),
        (everyone | (count(2) & after(5)) | after(8), (1, 6, 99), 6, 2),
    ],
    ids=str,
)
def test_a_wait_ends_exactly_when_its_condition_holds(
    until: Condition, speaks_at: tuple[float, ...], ends_at: float, heard: int
) -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        for who, at in zip(WHO, speaks_at, strict=True):
            asyncio.get_running_loop().call_at(at, say, channel, who, "4", 0)
        assert len(await wait(channel, until)) == heard
        assert now() == ends_at
        channel.close()

    in_virtual_time(main())


def test_each_waiter_is_woken_once_however_many_messages_come() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        turns = 0

        async def counted() -> None:
            nonlocal turns
            waiting = wait(channel, everyone | after(50), expected=40)
            step = waiting.__await__()
            while True:
                try:
                    future = step.send(None)
                except StopIteration:
                    return
                turns += 1
                assert future is not None
                future._asyncio_future_blocking = False
                await future

        task = asyncio.ensure_future(counted())
        for n in range(40):
            await asyncio.sleep(0.01)
            say(channel, local_peer_id(str(n)))
        await task
        assert turns == 1

    in_virtual_time(main())


def test_many_waiters_with_many_deadlines_share_one_timer() -> None:
    async def main() -> list[float]:
        channel = Channel(SWARM, "q1")

        async def waits(seconds: float) -> float:
            await wait(channel, everyone | after(seconds))
            return now()

        tasks = [asyncio.ensure_future(waits(n)) for n in (9, 1, 5, 5, 3)]
        await asyncio.sleep(0)
        loop: Any = asyncio.get_running_loop()
        assert sum(not timer.cancelled() for timer in loop._scheduled) == 1
        return list(await asyncio.gather(*tasks))

    assert in_virtual_time(main()) == [9, 1, 5, 5, 3]


def test_a_cancelled_waiter_leaves_nothing_behind_and_disturbs_nobody() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        gone, stays = (asyncio.ensure_future(wait(channel, everyone | after(30))) for _ in range(2))
        await asyncio.sleep(1)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert sum(len(slot.waiters) for slot in channel._slots.values()) == 1
        for who in WHO:
            say(channel, who)
        assert len(await stays) == 3
        assert now() == 1
        assert channel.waiting() == []
        assert all(not slot.waiters for slot in channel._slots.values())
        channel.close()
        await asyncio.sleep(0)
        loop: Any = asyncio.get_running_loop()
        assert all(timer.cancelled() for timer in loop._scheduled)

    in_virtual_time(main())


def test_a_waiter_cancelled_in_the_turn_it_is_woken_in_is_cancelled() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        waiter = asyncio.ensure_future(wait(channel, count(1)))
        await asyncio.sleep(0)
        say(channel, ADA)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert channel.waiting() == []

    in_virtual_time(main())


def test_who_waits_for_some_gets_what_those_said() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        waiter = asyncio.ensure_future(wait(channel, everyone, expected=2, of=frozenset({ADA, CAL})))
        for who in (ADA, BEA):
            say(channel, who)
            await asyncio.sleep(1)
        assert not waiter.done()
        say(channel, CAL)
        assert {m.author for m in await waiter} == {ADA, CAL}

    in_virtual_time(main())


def test_an_author_who_equivocated_counts_no_more_for_those_who_wait() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        say(channel, ADA)
        say(channel, BEA)
        channel.disown(ADA)
        say(channel, ADA)
        waiter = asyncio.ensure_future(wait(channel, count(2) | after(9)))
        await asyncio.sleep(1)
        assert [m.author for m in await waiter] == [BEA]
        assert now() == 9
        assert channel.forked == {ADA}
        assert len(channel) == 3

    in_virtual_time(main())


def test_a_list_of_who_waits_says_for_what_and_how_far_it_is() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        waiter = asyncio.ensure_future(wait(channel, everyone | after(30), round=2))
        await asyncio.sleep(0)
        say(channel, BEA, "4", 2)
        assert channel.waiting() == ["ada waits for proposal/1 round 2 until everyone | after(30) (1 of 3 answered)"]
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        channel.close()

    in_virtual_time(main())


def test_what_is_returned_is_also_noted_as_heard() -> None:
    async def main() -> None:
        channel = Channel(SWARM, "q1")
        heard: list[Message[Any]] = []
        said = [say(channel, who) for who in WHO]
        await channel.collect(Proposal, 0, until=everyone, expected=3, heard=heard)
        assert heard == sorted(said)

    in_virtual_time(main())


@given(
    n=st.integers(1, 6), gone=st.sets(st.integers(0, 5)), speak=st.permutations(range(6)), at=st.integers(0, 6),
    back=st.booleans(),
)  # fmt: skip
@settings(max_examples=100)
def test_everyone_means_all_who_are_left_and_whoever_is_gone_counts_when_it_comes(
    n: int, gone: set[int], speak: list[int], at: int, back: bool
) -> None:
    ids = [local_peer_id(f"p{i}") for i in range(n)]
    out = frozenset(ids[i] for i in gone if i < n)

    async def main() -> None:
        channel = Channel(SWARM, "q1")
        waiting = asyncio.ensure_future(channel.collect(Proposal, 0, until=everyone, expected=n))
        some = asyncio.ensure_future(channel.collect(Proposal, 0, until=count(2), expected=n))
        await asyncio.sleep(0)
        left_out = frozenset[PeerId]()
        spoken: set[PeerId] = set()
        ended = False
        for step, i in enumerate([i for i in speak if i < n]):
            if step == at:
                left_out = out
                channel.leave_out(out)
            if step == at + 1 and back:
                left_out = frozenset[PeerId]()
                channel.leave_out(left_out)
            ended = ended or spoken | left_out >= set(ids)
            await asyncio.sleep(0)
            assert (waiting.done(), some.done()) == (ended, len(spoken) >= 2)
            channel.publish(ids[i], Proposal(key="4"), [], 0)
            spoken.add(ids[i])
            ended = ended or spoken | left_out >= set(ids)
        await asyncio.sleep(0)
        assert waiting.done()
        some.cancel()

    asyncio.run(main())


async def test_who_is_left_out_before_anybody_waits_is_not_waited_for() -> None:
    a, b = local_peer_id("a"), local_peer_id("b")
    channel = Channel(SWARM, "q1")
    channel.leave_out(frozenset((b,)))
    channel.publish(a, Proposal(key="4"), [], 0)
    assert len(await channel.collect(Proposal, 0, until=everyone, expected=2)) == 1
    assert len(await channel.collect(Proposal, 0, until=everyone, expected=1, of=frozenset((a,)))) == 1
    assert await channel.collect(Proposal, 1, until=everyone, expected=1, of=frozenset((b,))) == ()
