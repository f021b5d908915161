"""Peers on machines of their own, made of network namespaces: cuts that heal, gateways, addresses that change.

Needs root and `ip`, and touches nothing but namespaces of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mesh.conftest import Processes

pytestmark = pytest.mark.slow

SWITCH = f"waggle{os.getpid()}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Network:
    """A switch in a namespace of its own, and hosts on it."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        ip("netns", "add", SWITCH)
        self._switch("link", "add", "br0", "type", "bridge")
        self._switch("link", "set", "br0", "up")

    def host(self, number: int) -> str:
        """Add a host with the address 10.9.0.<number>; return its namespace."""
        name, port = f"{SWITCH}h{number}", f"p{number}"
        ip("netns", "add", name)
        self.hosts.append(name)
        self._switch("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        self._switch("link", "set", port, "master", "br0", "up")
        for words in (("link", "set", "lo", "up"), ("addr", "add", f"10.9.0.{number}/24", "dev", "eth0")):
            ip("-n", name, *words)
        ip("-n", name, "link", "set", "eth0", "up")
        return name

    def plug(self, number: int, *, up: bool) -> None:
        """Pull a host's cable, or put it back."""
        self._switch("link", "set", f"p{number}", "up" if up else "down")

    def renumber(self, number: int, new: int) -> None:
        """Give a host another address."""
        ip("-n", f"{SWITCH}h{number}", "addr", "flush", "dev", "eth0")
        ip("-n", f"{SWITCH}h{number}", "addr", "add", f"10.9.0.{new}/24", "dev", "eth0")

    def close(self) -> None:
        for name in (*self.hosts, SWITCH):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    @staticmethod
    def inside(host: str) -> list[str]:
        """Return the words that start a command on a host."""
        return ["ip", "netns", "exec", host]

    @staticmethod
    def _switch(*words: str) -> None:
        ip("-n", SWITCH, *words)


@pytest.fixture
def network() -> Iterator[Network]:
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and ip")
    try:
        made = Network()
    except subprocess.CalledProcessError as fault:
        subprocess.run(["ip", "netns", "del", SWITCH], check=False, capture_output=True)
        pytest.skip(f"no network namespaces here: {fault.stderr}")
    yield made
    made.close()


def endpoints(*numbers: int) -> list[str]:
    return [f"tcp/10.9.0.{number}:7447" for number in numbers]


async def test_after_a_cut_heals_datagrams_flow_again(network: Network, processes: Processes) -> None:
    everybody = endpoints(1, 2, 3)
    a, b, c = [
        await processes(n, before=network.inside(network.host(n)), listen=endpoints(n), connect=everybody)
        for n in (1, 2, 3)
    ]
    await a.until(lambda seen: seen["up"] == [2, 3])
    await b.until(lambda seen: seen["up"] == [1, 3])
    network.plug(3, up=False)
    await a.until(lambda seen: seen["up"] == [2], within_s=30)
    await c.until(lambda seen: seen["up"] == [], within_s=30)
    await a.send(None, count=10)
    await b.until(lambda seen: seen["received"] == {"1": 10})  # the others go on
    assert (await c.report())["received"] == {}
    network.plug(3, up=True)
    await a.until(lambda seen: seen["up"] == [2, 3], within_s=30)
    await c.until(lambda seen: seen["up"] == [1, 2], within_s=30)
    await a.send(None, count=10)
    await c.send(1, count=10)
    await c.until(lambda seen: seen["received"] == {"1": 10})  # what was spread during the cut is not made up for here
    await a.until(lambda seen: seen["received"] == {"3": 10})


async def test_one_seed_is_enough_to_meet_everybody(network: Network, processes: Processes) -> None:
    started = [
        await processes(n, before=network.inside(network.host(n)), listen=["tcp/0.0.0.0:7447"], connect=endpoints(1))
        for n in (1, 2, 3, 4)
    ]
    for peer in started:
        await peer.until(lambda seen: len(seen["up"]) == 3)


async def test_scouting_finds_peers_that_know_no_address(network: Network, processes: Processes) -> None:
    a, b = [
        await processes(n, before=network.inside(network.host(n)), listen=["tcp/0.0.0.0:7447"], scouting=True)
        for n in (1, 2)
    ]
    await a.until(lambda seen: seen["up"] == [2])
    await a.send(2, count=10)
    await b.until(lambda seen: seen["received"] == {"1": 10})


async def test_clients_that_can_only_dial_out_talk_by_way_of_a_hub(network: Network, processes: Processes) -> None:
    # Two private networks at one public host: neither has a way to the other, as behind two gateways.
    hub = network.host(1)
    ip("-n", hub, "addr", "add", "10.9.1.1/24", "dev", "eth0")
    left, right = network.host(2), network.host(3)
    ip("-n", right, "addr", "flush", "dev", "eth0")
    ip("-n", right, "addr", "add", "10.9.1.3/24", "dev", "eth0")
    ip("-n", left, "route", "get", "10.9.0.1")
    with pytest.raises(subprocess.CalledProcessError):
        ip("-n", left, "route", "get", "10.9.1.3")
    await processes(1, before=network.inside(hub), mode="router", listen=["tcp/0.0.0.0:7447"])
    a = await processes(2, before=network.inside(left), mode="client", connect=endpoints(1))
    b = await processes(3, before=network.inside(right), mode="client", connect=["tcp/10.9.1.1:7447"])
    await a.until(lambda seen: seen["up"] == [1, 3])
    await a.send(3, count=100)
    await b.send(2, count=100)
    await b.until(lambda seen: seen["received"] == {"2": 100})
    await a.until(lambda seen: seen["received"] == {"3": 100})


async def test_a_client_whose_address_changes_comes_back(network: Network, processes: Processes) -> None:
    hub = await processes(1, before=network.inside(network.host(1)), mode="router", listen=endpoints(1))
    a = await processes(2, before=network.inside(network.host(2)), mode="client", connect=endpoints(1))
    await hub.until(lambda seen: seen["up"] == [2])
    network.renumber(2, 22)
    await hub.until(lambda seen: any("10.9.0.22" in link for link in seen["links"]), within_s=30)
    await a.until(lambda seen: seen["up"] == [1], within_s=30)
    await a.send(1, count=10)
    await hub.until(lambda seen: seen["received"] == {"2": 10})
