"""Peers on loopback: what is sent arrives, and what a peer does to another stays bounded."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from waggledance.core import PeerId, UnknownName, UsageError, swarm_id
from waggledance.mesh import CannotListen, Transport, ZenohTransport

if TYPE_CHECKING:
    from mesh.conftest import Peers, Processes

ME, YOU, SWARM = PeerId(bytes([1]) * 32), PeerId(bytes([2]) * 32), swarm_id("test")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


async def until(fulfilled: Callable[[], bool], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not fulfilled():
            await asyncio.sleep(0.01)


async def test_ten_thousand_small_datagrams_and_twenty_large_ones_arrive_in_order(
    processes: Processes,
) -> None:
    a = await processes(1)
    b = await processes(2, connect=a.listening)
    await a.until(lambda seen: seen["up"] == [2])
    await b.until(lambda seen: seen["up"] == [1])
    await a.send(2, count=10_000, size=200)
    await a.send(2, count=20, size=1 << 20)
    report = await b.until(lambda seen: seen["received"].get("1", 0) >= 10_020)
    assert report["received"] == {"1": 10_020}
    assert (report["disordered"], report["altered"], report["dropped"]) == (0, 0, {})
    assert (await a.report())["dropped"] == {}


async def test_what_is_spread_reaches_everybody_else_and_never_oneself(peers: Peers) -> None:
    a = await peers(1)
    b = await peers(2, connect=a.listening)
    c = await peers(3, connect=a.listening + b.listening)
    for peer, others in ((a, [2, 3]), (b, [1, 3]), (c, [1, 2])):
        await peer.until(lambda seen, others=others: seen["up"] == others)
    await a.send(None, count=100)
    await b.send(None, count=100)
    await c.until(lambda seen: seen["received"] == {"1": 100, "2": 100})
    assert (await a.report())["received"] == {"2": 100}
    assert (await b.report())["received"] == {"1": 100}


async def test_peers_that_know_one_seed_hear_of_each_other(peers: Peers) -> None:
    seed = await peers(1)
    others = [await peers(name, connect=seed.listening) for name in (2, 3, 4)]
    for peer in others:
        await peer.until(lambda seen: len(seen["up"]) == 3)
    await others[0].send(3, count=100)
    await others[0].send(None, count=100)
    await others[1].until(lambda seen: seen["received"] == {"2": 200})
    await others[2].until(lambda seen: seen["received"] == {"2": 100})


async def test_what_is_sent_to_one_is_heard_by_nobody_else_and_another_swarm_hears_nothing(peers: Peers) -> None:
    a = await peers(1)
    b, c = await peers(2, connect=a.listening), await peers(3, connect=a.listening)
    stranger = await peers(4, connect=a.listening, swarm="another")
    await a.until(lambda seen: seen["up"] == [2, 3])
    await stranger.until(lambda seen: seen["reached"])
    await a.send(2, count=50)
    await a.send(None, count=50)
    await b.until(lambda seen: seen["received"] == {"1": 100})
    await c.until(lambda seen: seen["received"] == {"1": 50})
    report = await stranger.report()
    assert (report["received"], report["up"]) == ({}, [])


async def test_a_killed_process_is_seen_to_go_down(processes: Processes) -> None:
    a = await processes(1)
    b = await processes(2, connect=a.listening)
    await a.until(lambda seen: seen["up"] == [2])
    b.signal(signal.SIGKILL)
    report = await a.until(lambda seen: seen["up"] == [], within_s=2)
    assert report["sightings"] == [[2, True], [2, False]]


@pytest.mark.parametrize(("count", "size"), [(64, 1 << 20), (16_000, 4_000)])  # twice what the queue holds
async def test_a_frozen_receiver_holds_up_no_event_loop_and_what_it_misses_is_counted(
    processes: Processes, count: int, size: int
) -> None:
    a = await processes(1)
    frozen, awake = await processes(2, connect=a.listening), await processes(3, connect=a.listening)
    await a.until(lambda seen: seen["up"] == [2, 3])
    await a.send(2)  # from here on the event loop sends small ones itself
    await frozen.until(lambda seen: seen["received"] == {"1": 1})
    frozen.signal(signal.SIGSTOP)
    await a.send(2, count=count, size=size, patient=False)
    report = await a.until(lambda seen: sum(seen["dropped"].values()) > count // 2)  # the rest filled the link
    assert report["held_up_s"] < 1
    assert report["dropped"]["unreachable"] > 0
    assert report["dropped"].get("failed", 0) <= 1  # one was held up; then the link was closed, and no other tried
    await a.send(3, count=100)
    await a.send(None, count=100)
    await awake.until(lambda seen: seen["received"] == {"1": 200})
    frozen.signal(signal.SIGCONT)  # and then it is reached again by itself
    async with asyncio.timeout(20):  # what is sent while its new link is being made may still be lost
        while (await frozen.report())["last"]["1"] < 1 + count + 200:
            await a.send(2)
    assert (await frozen.report())["altered"] == 0  # where its link was closed, halves of datagrams stand in the stream


async def test_a_full_queue_is_waited_for_and_then_nothing_is_dropped(peers: Peers) -> None:
    a = await peers(1)
    b = await peers(2, connect=a.listening)
    await a.until(lambda seen: seen["up"] == [2])
    sent = await a.send(2, count=100, size=1 << 20)  # three times what the queue holds
    assert sent["waited_s"] > 0
    report = await b.until(lambda seen: seen["received"].get("1", 0) >= 100)
    assert (report["disordered"], report["altered"], (await a.report())["dropped"]) == (0, 0, {})


async def test_clients_that_cannot_be_dialled_talk_by_way_of_a_hub(processes: Processes) -> None:
    hub = await processes(1, mode="router")
    a, b = [await processes(name, mode="client", connect=hub.listening) for name in (2, 3)]
    await a.until(lambda seen: seen["up"] == [1, 3])
    await b.until(lambda seen: seen["up"] == [1, 2])
    await a.send(3, count=1_000)
    await hub.send(3, count=1_000)
    await b.send(None, count=10)
    report = await b.until(lambda seen: seen["received"] == {"1": 1_000, "2": 1_000})
    assert (report["disordered"], report["listening"]) == (0, [])
    await hub.until(lambda seen: seen["received"] == {"3": 10})
    await a.until(lambda seen: seen["received"] == {"3": 10})


@pytest.mark.slow
async def test_clients_move_to_another_hub_when_theirs_is_killed(processes: Processes) -> None:
    first = await processes(1, mode="router")
    second = await processes(2, mode="router", connect=first.listening)
    hubs = first.listening + second.listening
    a, b = [await processes(name, mode="client", connect=hubs) for name in (3, 4)]
    await a.until(lambda seen: 4 in seen["up"])
    await first.kill()
    await a.until(lambda seen: seen["up"] == [2, 4] and seen["links"] == second.listening)
    await b.until(lambda seen: seen["up"] == [2, 3])
    await a.send(4, count=100)
    await b.until(lambda seen: seen["received"] == {"3": 100})


@pytest.mark.parametrize(("mode", "hub"), [("peer", "peer"), ("client", "router")])
async def test_a_bootstrap_that_comes_up_later_is_found(peers: Peers, mode: str, hub: str) -> None:
    endpoint = f"tcp/127.0.0.1:{free_port()}"
    early = await peers(1, mode=mode, connect=[endpoint])
    assert not (await early.report())["reached"]
    late = await peers(2, mode=hub, listen=[endpoint])
    await early.until(lambda seen: seen["reached"] and seen["up"] == [2])
    await early.send(2, count=10)
    await late.until(lambda seen: seen["received"] == {"1": 10})


@pytest.mark.slow
async def test_peers_dial_a_host_that_takes_no_connection_and_still_find_the_next(peers: Peers) -> None:
    with socket.socket() as deaf:  # its one place for callers is taken, so dials get no answer at all
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        with socket.create_connection(deaf.getsockname()):
            hub = await peers(1, mode="router")
            endpoints = [f"tcp/127.0.0.1:{deaf.getsockname()[1]}", *hub.listening]
            client = await peers(2, mode="client", connect=endpoints)
            peer = await peers(3, mode="peer", connect=endpoints)
            await client.until(lambda seen: 1 in seen["up"])
            await peer.until(lambda seen: 1 in seen["up"])


@pytest.mark.slow
async def test_a_process_that_never_closes_its_transport_ends_all_the_same(processes: Processes) -> None:
    hub = await processes(1, mode="router")
    for name, mode in ((2, "peer"), (3, "client")):
        forgetful = await processes(name, mode=mode, connect=hub.listening, closes=False)
        await forgetful.until(lambda seen: 1 in seen["up"])
        assert await forgetful.leave() == 0


def left_since(before: set[threading.Thread]) -> set[str]:
    """Return the names of our threads that were not there before; the engine's own, of other sessions, come and go."""
    return {thread.name for thread in set(threading.enumerate()) - before if "pyo3" not in thread.name}


async def test_closing_sends_what_is_queued_and_leaves_no_thread(peers: Peers) -> None:
    b = await peers(2)
    before = set(threading.enumerate())
    transport: Transport = await ZenohTransport.open(ME, SWARM, connect=b.listening)
    up = list[PeerId]()
    transport.listen(lambda datagrams: None, lambda peer, is_up: up.append(peer))
    await until(lambda: up == [YOU])
    for number in range(5_000):
        transport.send(YOU, bytes([1]) + number.to_bytes(8, "big"))
    await transport.close()
    await transport.close()
    await until(lambda: not left_since(before))
    await b.until(lambda seen: seen["received"] == {"1": 5_000})
    transport.send(YOU, b"late")
    assert transport.dropped == {"closed": 1}
    await transport.room()


@pytest.mark.parametrize("mode", ["peer", "client"])
async def test_a_task_cancelled_while_opening_or_closing_leaves_no_thread(mode: Any) -> None:
    before = set(threading.enumerate())
    nowhere = [f"tcp/127.0.0.1:{free_port()}"]
    opening = asyncio.create_task(ZenohTransport.open(ME, SWARM, mode=mode, connect=nowhere))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    transport = await ZenohTransport.open(ME, SWARM, mode=mode, connect=nowhere)
    transport.send(YOU, b"nobody is there")
    closing = asyncio.create_task(transport.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await until(lambda: not left_since(before))


async def test_datagrams_for_nobody_are_counted(peers: Peers) -> None:
    hub = await peers(2, mode="router")
    for transport in (
        await ZenohTransport.open(ME, SWARM),
        await ZenohTransport.open(ME, SWARM, mode="client", connect=hub.listening),
    ):
        try:
            nobody, sent = PeerId(bytes([9]) * 32), 0
            while not transport.dropped:
                transport.send(nobody, b"is there anybody")
                sent += 1
                await asyncio.sleep(0.02)
            assert set(transport.dropped) == {"unreachable"}
            assert transport.dropped["unreachable"] <= sent
        finally:
            await transport.close()


async def test_a_port_in_use_is_named_and_any_free_port_is_said() -> None:
    first = await ZenohTransport.open(ME, SWARM)
    try:
        (endpoint,) = first.listening
        assert endpoint.startswith("tcp/127.0.0.1:")
        assert not endpoint.endswith(":0")
        for taken in (endpoint, endpoint.replace("127.0.0.1", "0.0.0.0")):
            with pytest.raises(CannotListen, match="already in use") as fault:
                await ZenohTransport.open(YOU, SWARM, listen=[taken])
            assert fault.value.endpoint == taken
        with pytest.raises(CannotListen, match="address"):
            await ZenohTransport.open(YOU, SWARM, listen=["tcp/203.0.113.7:0"])
    finally:
        await first.close()


@pytest.mark.parametrize(
    "wrong",
    ["", "7447", "localhost:7447", "tcp/localhost", "tcp/:7447", "tcp/a b:1", "tcp/host:65536", "udp/host:1", "TCP/h:1",
     "tcp/h:-1", "tcp/h:１", "tcp/::1:7447", "tcp/h:1#iface=lo", "tcp/h:1\n", "tcp/[::1:7447", "unixsock/tmp/x"],
)  # fmt: skip
async def test_a_malformed_endpoint_is_refused_before_anything_opens(wrong: str) -> None:
    with pytest.raises(UsageError, match="is no endpoint"):
        await ZenohTransport.open(ME, SWARM, listen=[wrong])
    with pytest.raises(UsageError, match="is no endpoint"):
        await ZenohTransport.open(ME, SWARM, connect=[wrong])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"connect": "tcp/127.0.0.1:7447"}, "a list"),
        ({"connect": ["tcp/127.0.0.1:0"]}, "cannot be dialled"),
        ({"connect": ["tls/127.0.0.1:7447"]}, "needs certificates"),
        ({"listen": ["quic/127.0.0.1:7447"]}, "needs certificates"),
        ({"listen": ()}, "meets nobody"),
        ({"mode": "client"}, "meets nobody"),
        ({"mode": "client", "connect": ["tcp/127.0.0.1:1"], "listen": ["tcp/127.0.0.1:0"]}, "takes no connections"),
    ],
)
async def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        await ZenohTransport.open(ME, SWARM, **settings)
    with pytest.raises(UnknownName, match="Known: client, peer, router"):
        await ZenohTransport.open(ME, SWARM, mode=cast("Any", "hub"))


def test_importing_the_room_loads_no_network_engine() -> None:
    code = "import sys, waggledance.mesh; sys.exit('zenoh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_peer_that_is_told_to_dial_itself_is_none_the_worse(peers: Peers) -> None:
    mine = f"tcp/127.0.0.1:{free_port()}"
    a = await peers(1, listen=[mine], connect=[mine])
    b = await peers(2, connect=[mine])
    await b.until(lambda seen: seen["up"] == [1])
    await b.send(1, count=10)
    report = await a.until(lambda seen: seen["received"] == {"2": 10})
    assert report["up"] == [2]
