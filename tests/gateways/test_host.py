"""A host runs orders to their end, lets any number listen from the beginning, and stops in good order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from waggledance import FunctionPeer, Log, Question, Swarm
from waggledance.core import Budget, Message, Proposal, UnknownName, UsageError, opening_of, outcome_of
from waggledance.gateways import (
    Cancelled,
    Decided,
    Draining,
    Event,
    Failed,
    Host,
    Hosted,
    Order,
    Running,
    Started,
    TooBusy,
)
from waggledance.testing import on_virtual_time


async def slow_four(question: str) -> str:
    await asyncio.sleep(30)
    return "4"


def four(question: str) -> str:
    return "4"


def swarm(answer: Callable[[str], str | Awaitable[str]] = four, log: Log | None = None) -> Swarm:
    return Swarm([FunctionPeer(f"p{i}", answer) for i in range(3)], log=log)


def order(*, id: str = "", protocol: str = "") -> Order:
    return Order(swarm="default", question=Question(text="2 + 2?", expects="number"), id=id, protocol=protocol)


async def all_of(events: AsyncIterator[Event]) -> list[Event]:
    return [event async for event in events]


async def test_an_order_is_decided_and_every_listener_hears_all_of_it_from_the_beginning() -> None:
    host = Host({"default": Hosted(swarm())})
    running = host.start(order())
    early = asyncio.create_task(all_of(running.events()))
    assert (await running.decision()).key == "4"
    late = await all_of(running.events())
    assert await early == late
    assert isinstance(late[0], Started)
    assert late[0].channel == running.channel != ""
    assert isinstance(late[-1], Decided)
    assert sum(isinstance(e, Message) and isinstance(e.body, Proposal) for e in late) >= 3
    assert running.state == "done"
    assert await all_of(running.events(after=len(late))) == []


async def test_an_order_can_be_found_while_it_runs_and_a_bounded_number_afterwards() -> None:
    host = Host({"default": Hosted(swarm())}, kept=2)
    first = host.start(order(id="one"))
    assert host.find("one") is first
    assert host.running() == (first,)
    await first.decision()
    for id in ("two", "three"):
        await host.start(order(id=id)).decision()
    await asyncio.sleep(0)
    assert [host.find(id) is not None for id in ("one", "two", "three")] == [False, True, True]
    assert host.running() == ()


def test_a_cancelled_order_ends_as_such_and_its_log_ends_with_an_outcome(tmp_path: Path) -> None:
    async def main() -> None:
        with Log(tmp_path / "l.wlog") as log:
            host = Host({"default": Hosted(swarm(slow_four, log))}, log)
            running = host.start(order())
            async with aclosing(running.events()) as events:
                async for event in events:
                    if isinstance(event, Message):
                        break
            running.cancel()
            with pytest.raises(Cancelled):
                await running.decision()
            assert running.state == "cancelled"
            said = log.read(running.channel)
            assert opening_of(said) is not None
            assert outcome_of(said) is not None

    on_virtual_time(main())


async def test_an_order_cancelled_before_it_began_ends_as_such() -> None:
    running = Host({"default": Hosted(swarm())}).start(order())
    running.cancel()
    with pytest.raises(Cancelled):
        await running.decision()
    assert [type(event) for event in await all_of(running.events())] == [Failed]


async def test_what_cannot_be_asked_fails_the_order_with_the_reason() -> None:
    host = Host({"default": Hosted(swarm())})
    running = host.start(order(protocol="peer-ranking"))
    with pytest.raises(UsageError):
        await running.decision()
    assert running.state == "failed"


async def test_unknown_names_are_refused_at_once_with_the_nearest() -> None:
    host = Host({"default": Hosted(swarm())})
    with pytest.raises(UnknownName, match="default"):
        host.start(Order(swarm="defualt", question=Question(text="?")))
    with pytest.raises(UnknownName, match="debate"):
        host.start(order(protocol="debat"))


@pytest.mark.parametrize(
    "name",
    ["vote(samples=101)", "vote(samples=99999999999999999999)", "debate(rounds=1_000)", "debate(patience_s=9e9)"],
)
async def test_a_caller_may_not_ask_for_a_protocol_without_measure(name: str) -> None:
    host = Host({"default": Hosted(swarm())})
    with pytest.raises(UsageError, match="100 at most"):
        host.start(order(protocol=name))
    await host.start(order(protocol="vote(samples=2)")).decision()


async def test_two_orders_of_one_id_are_refused() -> None:
    host = Host({"default": Hosted(swarm())})
    host.start(order(id="one"))
    with pytest.raises(UsageError, match="already"):
        host.start(order(id="one"))
    await host.drain(10)


async def test_a_host_takes_so_many_orders_at_once() -> None:
    host = Host({"default": Hosted(swarm())}, at_once=1)
    first = host.start(order())
    with pytest.raises(TooBusy):
        host.start(order())
    await first.decision()
    await asyncio.sleep(0)
    assert (await host.start(order()).decision()).key == "4"


def test_a_draining_host_lets_orders_end_and_cancels_those_that_take_too_long() -> None:
    async def main() -> tuple[Running, Running]:
        host = Host({"default": Hosted(swarm(slow_four)), "fast": Hosted(swarm())})
        slow = host.start(order())
        fast = host.start(Order(swarm="fast", question=Question(text="2 + 2?", expects="number")))
        await host.drain(within_s=5)
        with pytest.raises(Draining):
            host.start(order())
        return slow, fast

    slow, fast = on_virtual_time(main())
    assert (slow.state, fast.state) == ("cancelled", "done")


def test_names_stand_for_swarms_and_for_protocols() -> None:
    host = Host({"experts": Hosted(swarm())})
    assert host.resolve("experts") == ("experts", "")
    assert host.resolve("debate(rounds=1)") == ("experts", "debate(rounds=1)")
    with pytest.raises(UnknownName, match="'debate'"):
        host.resolve("debat")


def test_a_host_without_swarms_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one swarm"):
        Host({})
    with pytest.raises(UsageError, match="1 order or more"):
        Host({"default": Hosted(swarm())}, at_once=0)


async def test_a_listener_hears_of_every_order_that_ended() -> None:
    host = Host({"default": Hosted(swarm())})
    ended: list[str] = []
    host.subscribe(lambda running: ended.append(running.state))
    await host.start(order()).decision()
    await asyncio.sleep(0)
    assert ended == ["done"]


async def test_an_order_may_spend_less_than_the_swarm_allows_and_never_more() -> None:
    host = Host({"default": Hosted(swarm(), budget=Budget(calls=2))})
    for wanted, calls in ((None, 2), (Budget(calls=1), 1), (Budget(calls=99), 2), (Budget(seconds=5), 2)):
        asked = msgspec.structs.replace(order(protocol="vote"), budget=wanted)
        assert (await host.start(asked).decision()).cost.calls == calls
