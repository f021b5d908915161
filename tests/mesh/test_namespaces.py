"""A swarm on machines of their own, made of network namespaces: cuts, loss, gateways, new addresses.

Needs root and `ip`, and touches nothing but namespaces of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from waggledance.mesh import LOBBY

if TYPE_CHECKING:
    from mesh._members import Members

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

NAMES = ("p0", "p1", "p2", "p3")
ASKER = "asker"
CUT_SECONDS = 20.0
HOST_OF = {name: number for number, name in enumerate((*NAMES, ASKER), 1)}


def load(file: Path) -> Any:
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DRIVER = load(Path(__file__).with_name("_members.py"))
NETWORK = load(Path(__file__).with_name("test_zenoh_netns.py"))


@pytest.fixture
def network() -> Iterator[Any]:
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and ip")
    try:
        made = NETWORK.Network()
    except subprocess.CalledProcessError as fault:
        subprocess.run(["ip", "netns", "del", NETWORK.SWITCH], check=False, capture_output=True)
        pytest.skip(f"no network namespaces here: {fault.stderr}")
    yield made
    made.close()


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    made: Members = DRIVER.Members(tmp_path)
    yield made
    made.close()


def start(members: Members, network: Any, name: str, **settings: Any) -> None:
    """Start a member on a host of its own, which listens on its one address and knows everybody's."""
    host = network.host(HOST_OF[name])
    everybody = NETWORK.endpoints(*HOST_OF.values())
    mine = NETWORK.endpoints(HOST_OF[name])
    members.start(name, before=network.inside(host), **{"listen": mine, "connect": everybody, **settings})


def second_switch(network: Any) -> None:
    """Put the hosts of p2 and p3 on a switch of their own, with one cable to the first one."""
    for words in (
        ("link", "add", "br1", "type", "bridge"),
        ("link", "set", "br1", "up"),
        ("link", "add", "cable", "type", "veth", "peer", "name", "elbac"),
        ("link", "set", "cable", "master", "br0", "up"),
        ("link", "set", "elbac", "master", "br1", "up"),
        *(("link", "set", f"p{HOST_OF[name]}", "master", "br1") for name in ("p2", "p3")),
    ):
        NETWORK.ip("-n", NETWORK.SWITCH, *words)


def test_halves_of_a_cut_certify_nothing_apart_and_are_equal_soon_after_it_heals(
    members: Members, network: Any, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    members.found(*HOST_OF)
    for name in HOST_OF:
        start(members, network, name)
    members.met()
    second_switch(network)
    members.met()
    NETWORK.ip("-n", NETWORK.SWITCH, "link", "set", "cable", "down")
    cut_s = time.monotonic()
    apart = {name: members.running.pop(name) for name in ("p2", "p3")}
    asked = members.running[ASKER].tell("ask", question="2+2?", certify=True, patience_s=3, wait_s=15)
    for process in (*apart.values(), members.running["p0"]):
        process.ask("note", text=f"{process.key} is cut off")
    members.until(lambda reports: all(r["states"][name] != "alive" for r in reports.values() for name in apart), 60)
    assert members.running[ASKER].answer(asked)["certificate"] == ""  # two of four are no quorum
    time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - cut_s)))  # links have to be given up on both sides
    digests = {name: report["digests"][LOBBY] for name, report in members.reports().items()}
    digests |= {name: process.report()["digests"][LOBBY] for name, process in apart.items()}
    assert digests["p0"] == digests["p1"] != digests["p2"] == digests["p3"]
    NETWORK.ip("-n", NETWORK.SWITCH, "link", "set", "cable", "up")
    members.running |= apart
    took_s = members.equal(60)
    record_property("equal_after_s", round(took_s, 2))
    with capsys.disabled():
        sys.stdout.write(f" equal {took_s:.1f} s after a cut of {CUT_SECONDS:g} s healed ")
    members.met(60)
    assert members.running[ASKER].ask("ask", question="3+3?", certify=True)["certificate"]


def test_a_tenth_of_all_packets_lost_costs_no_answer_and_no_life(members: Members, network: Any) -> None:
    members.found(*HOST_OF)
    for name in HOST_OF:
        start(members, network, name)
        netem = ("tc", "-n", f"{NETWORK.SWITCH}h{HOST_OF[name]}", "qdisc", "add", "dev", "eth0", "root", "netem")
        made = subprocess.run([*netem, "loss", "10%"], check=False, capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"tc has no netem here: {made.stderr.strip()}")
    members.met(60)
    for i in range(5):
        decision = members.running[ASKER].ask("ask", question=f"{i}+2?", certify=True)
        assert decision["certificate"]
        assert decision["silent"] == []
        assert all(state != "dead" for r in members.reports().values() for state in r["states"].values())
    members.equal(60)


def test_members_that_can_only_dial_out_take_part_by_way_of_a_hub(members: Members, network: Any) -> None:
    # Two private networks at one public host: neither has a way to the other, as behind two gateways.
    members.found("p0", "p1", "p2", ASKER)
    start(members, network, "p0", mode="router", listen=["tcp/0.0.0.0:7447"], connect=[])
    hub, left, right = (f"{NETWORK.SWITCH}h1", network.host(2), network.host(3))
    NETWORK.ip("-n", hub, "addr", "add", "10.9.1.1/24", "dev", "eth0")
    NETWORK.ip("-n", right, "addr", "flush", "dev", "eth0")
    NETWORK.ip("-n", right, "addr", "add", "10.9.1.3/24", "dev", "eth0")
    with pytest.raises(subprocess.CalledProcessError):
        NETWORK.ip("-n", left, "route", "get", "10.9.1.3")
    members.start("p1", before=network.inside(left), mode="client", connect=NETWORK.endpoints(1))
    members.start("p2", before=network.inside(right), mode="client", connect=["tcp/10.9.1.1:7447"])
    members.start(ASKER, before=network.inside(left), mode="client", connect=NETWORK.endpoints(1))
    members.met()
    decision = members.running[ASKER].ask("ask", question="2+2?", certify=True)
    assert decision["certificate"]
    assert decision["silent"] == []
    members.equal()


def test_a_member_that_comes_back_with_a_new_address_is_a_member_still(members: Members, network: Any) -> None:
    members.found(*HOST_OF)
    for name in HOST_OF:
        start(members, network, name)
    members.met()
    assert members.running[ASKER].ask("ask", question="2+2?", certify=True)["certificate"]
    moved = members.running.pop("p3")
    moved.leave()
    network.renumber(HOST_OF["p3"], 44)
    assert members.running[ASKER].ask("ask", question="3+3?", patience_s=3)["status"] == "decided"
    host = f"{NETWORK.SWITCH}h{HOST_OF['p3']}"
    members.start("p3", before=network.inside(host), listen=NETWORK.endpoints(44), connect=NETWORK.endpoints(1, 2))
    members.met()
    members.equal()
    decision = members.running[ASKER].ask("ask", question="4+4?", certify=True)
    assert decision["certificate"]
    assert decision["silent"] == []
