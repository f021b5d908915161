"""A swarm on machines of their own, made of network namespaces: cuts, loss, gateways, new addresses.

Needs root and `ip`, and touches nothing but namespaces of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from loading import load
from waggledance.core import Note
from waggledance.mesh import LOBBY

if TYPE_CHECKING:
    from mesh._members import Members

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

NAMES = ("p0", "p1", "p2", "p3")
ASKER = "asker"
CUT_SECONDS = 20.0
HOST_OF = {name: number for number, name in enumerate((*NAMES, ASKER), 1)}


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


class BadNetwork:
    """Hosts on a switch that loses and delays frames; see `_bad_switch.py`.

    Args:
        names: who lives on a host; the first at 10.9.0.1.
        settings: how bad it is.
    """

    def __init__(self, names: Sequence[str], **settings: int) -> None:
        self.switch = f"{NETWORK.SWITCH}bad"
        self.hosts = {name: f"{self.switch}h{number}" for number, name in enumerate(names, 1)}
        for namespace in (self.switch, *self.hosts.values()):
            NETWORK.ip("netns", "add", namespace)
        told = json.dumps({"hosts": list(self.hosts.values()), **settings})
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.switch, sys.executable, str(Path(__file__).with_name("_bad_switch.py")), told],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            _, why = self.process.communicate()
            raise OSError(why.strip().splitlines()[-1])
        for number, host in enumerate(self.hosts.values(), 1):
            NETWORK.ip("-n", host, "link", "set", "lo", "up")
            NETWORK.ip("-n", host, "addr", "add", f"10.9.0.{number}/24", "dev", "eth0")
            NETWORK.ip("-n", host, "link", "set", "eth0", "up")

    def start_all(self, members: Members) -> None:
        """Start everybody at once, each on its host; each listens on its one address and knows everybody's."""
        everybody = NETWORK.endpoints(*range(1, len(self.hosts) + 1))
        launched = {
            name: members.launch(name, before=NETWORK.Network.inside(host), listen=[mine], connect=everybody)
            for (name, host), mine in zip(self.hosts.items(), everybody, strict=True)
        }
        members.running |= {name: process.begun(60) for name, process in launched.items()}

    def sent_again(self) -> int:
        """Return how many segments the hosts' TCP has sent again."""
        return sum(self._tcp(host)["RetransSegs"] for host in self.hosts.values())

    @staticmethod
    def _tcp(host: str) -> dict[str, int]:
        shown = subprocess.run([*NETWORK.Network.inside(host), "cat", "/proc/net/snmp"], check=True,
                               capture_output=True, text=True)  # fmt: skip
        names, numbers = (line.split()[1:] for line in shown.stdout.splitlines() if line.startswith("Tcp:"))
        return dict(zip(names, map(int, numbers), strict=True))

    def close(self) -> dict[str, int]:
        """Pull all cables; return what the switch did."""
        said, _ = self.process.communicate()
        for namespace in (*self.hosts.values(), self.switch):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True)
        did: dict[str, int] = json.loads(said or "{}")
        return did


@contextmanager
def bad_network(names: Sequence[str], **settings: int) -> Generator[BadNetwork]:
    needed = (os.name == "posix" and os.geteuid() == 0, shutil.which("ip"), Path("/dev/net/tun").exists())
    if not all(needed):
        pytest.skip("a switch of one's own needs root, ip and /dev/net/tun")
    try:
        made = BadNetwork(names, **settings)
    except (OSError, subprocess.CalledProcessError) as fault:
        pytest.skip(f"no TAP devices in network namespaces here: {getattr(fault, 'stderr', '') or fault}")
    try:
        yield made
    finally:
        if made.process.returncode is None:
            made.close()


EIGHT = (*(f"p{i}" for i in range(8)), ASKER)
WATCH_SECONDS = 60.0
QUESTIONS_MIN = 20
ANSWER_SECONDS = 60.0
BAD = {
    "a tenth lost": {"loss_ppm": 100_000, "delayed_ppm": 0, "late_ms": 0, "seed": 7},
    "three tenths late, out of order": {"loss_ppm": 0, "delayed_ppm": 300_000, "late_ms": 60, "seed": 7},
}


@pytest.mark.parametrize("how", BAD)
def test_on_a_bad_network_eight_members_answer_and_certify_and_nobody_is_taken_for_dead(
    how: str, members: Members, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    members.found(*EIGHT)
    with bad_network(EIGHT, **BAD[how]) as network:
        network.start_all(members)
        members.met(60)
        seen, took_s = watched(members, texts := set[str]())
        equal_s = members.equal(60)
        again = network.sent_again()
        did = network.close()
    for name in EIGHT:
        with members.log(name) as log:
            said = {m.body.text for m in log.read(LOBBY) if isinstance(m.body, Note)}
        assert said >= texts, f"{name} lacks what was accepted"
    told = {
        "certified": len(took_s), "median_s": round(median(took_s), 2), "worst_s": round(max(took_s), 2),
        "equal_s": round(equal_s, 2), "tcp_sent_again": again, **did, "states_seen": dict(seen),
    }  # fmt: skip
    for key, value in told.items():
        record_property(key, value)
    with capsys.disabled():
        sys.stdout.write(f" {how}: {told} ")
    assert did.get("lost", 0) + did.get("late", 0) > 0
    assert again > 0
    assert seen["dead"] == 0


def watched(members: Members, texts: set[str]) -> tuple[Counter[str], list[float]]:
    """Ask one question after the other, each to be certified, and let somebody say something during each.

    Returns:
        How often each state was seen of a member by another, and how long each question took, seconds.
    """
    seen: Counter[str] = Counter()
    took_s: list[float] = []
    until = time.monotonic() + WATCH_SECONDS
    while len(took_s) < QUESTIONS_MIN or time.monotonic() < until:
        i = len(took_s)
        asked = members.running[ASKER].tell("ask", question=f"{i}+2?", certify=True)
        texts.add(f"said during question {i}")
        members.running[EIGHT[i % 8]].ask("note", text=f"said during question {i}")
        limit_s = time.monotonic() + ANSWER_SECONDS
        while (decision := members.running[ASKER].poll(asked)) is None:
            assert time.monotonic() < limit_s, f"question {i} did not end in {ANSWER_SECONDS:g} s"
            seen.update(state for report in members.reports().values() for state in report["states"].values())
            time.sleep(0.1)
        assert decision["certificate"]
        assert decision["silent"] == []
        took_s.append(decision["seconds"])
    return seen, took_s


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
