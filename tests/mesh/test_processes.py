"""Members in processes of their own, over zenoh on this machine: asked, killed, frozen, started anew, and misused."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loading import load
from waggledance.consensus import Certificate, Seal, verify_certificate
from waggledance.core import Opening, Proposal
from waggledance.mesh import LOBBY, membership_of

if TYPE_CHECKING:
    from mesh._members import MemberProcess, Members

FOUR = ("p0", "p1", "p2", "p3")
EIGHT = (*FOUR, "p4", "p5", "p6", "p7")
ASKER = "asker"
TWO_YEARS_MS = 2 * 365 * 24 * 3_600_000


DRIVER = load(Path(__file__).with_name("_members.py"))


@pytest.fixture
def members(tmp_path: Path) -> Iterator[Members]:
    """Members of a test of its own. All are ended."""
    made: Members = DRIVER.Members(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    """Four members who think for a moment, and an asker."""
    made: Members = DRIVER.Members(tmp_path_factory.mktemp("four"))
    made.found(*FOUR, ASKER)
    try:
        made.start_all(*FOUR, ASKER, think_s=0.3)
        yield made
    finally:
        made.close()


@pytest.fixture
def four(started: Members) -> Members:
    """Four members and an asker, who run and see each other."""
    for key in {*FOUR, ASKER} - started.running.keys():
        started.start(key, think_s=0.3)
    started.met()
    return started


def certified(decision: dict[str, Any]) -> Certificate:
    assert decision["status"] == "decided", decision
    assert decision["certificate"], decision
    certificate = Certificate.from_json(decision["certificate"])
    assert verify_certificate(certificate, certificate.members).answer == decision["key"]
    return certificate


def answered(report: dict[str, Any]) -> int:
    return report["ended"].get("answered", 0)


@pytest.mark.slow
def test_eight_processes_meet_by_invites_and_certify_what_they_decide_and_end_cleanly(members: Members) -> None:
    genesis = members.found(*FOUR, ASKER)
    members.start_all(*FOUR, ASKER)
    members.met()
    guests: dict[str, MemberProcess] = {}
    for host, guest in zip(FOUR, EIGHT[4:], strict=True):
        invite = members.running[host].ask("invite", weight=1_000_000)["invite"]
        guests[guest] = members.launch(guest, swarm=invite)
    members.running |= {guest: process.begun() for guest, process in guests.items()}
    members.met()

    decision = members.running[ASKER].ask("ask", question="2+2?", certify=True)
    certificate = certified(decision)
    assert len(certificate.members) == 8
    members.equal()

    with members.log("p7") as log:
        lobby = log.read(LOBBY)
    voters = [member for member in membership_of(genesis, lobby).members.values() if member.weight]
    assert verify_certificate(certificate, voters).answer == decision["key"]
    for i, process in enumerate(members.running.values()):
        process.send(signal.SIGTERM if i % 2 else signal.SIGINT)
    assert [process.process.wait(20) for process in members.running.values()] == [0] * 9


def test_a_member_killed_during_a_question_is_missed_by_nobody_and_recovers_its_past(four: Members) -> None:
    asked = four.running[ASKER].tell("ask", question="2+3?", certify=True, patience_s=3)
    four.kill("p1")
    decision = four.running[ASKER].answer(asked)
    assert len(certified(decision).acks) >= 3
    four.start("p1", think_s=0.3)
    four.met()
    four.equal()
    reports = four.reports()
    assert all(report["forked"] == report["alarms"] == [] for report in reports.values())
    assert decision["channel"] in reports["p1"]["digests"]


def test_a_frozen_member_is_suspected_and_does_not_hold_up_a_question_and_comes_back(four: Members) -> None:
    four.running["p2"].send(signal.SIGSTOP)
    frozen = four.running.pop("p2")
    try:
        asked = four.running[ASKER].tell("ask", question="3+3?", certify=True, patience_s=3)
        four.until(lambda reports: all(r["states"]["p2"] != "alive" for r in reports.values()))
        decision = four.running[ASKER].answer(asked)
        assert certified(decision).members
        assert decision["silent"] == ["p2"]
    finally:
        frozen.send(signal.SIGCONT)
        four.running["p2"] = frozen
    four.met()
    four.equal()
    assert four.reports()["p2"]["forked"] == []


def test_members_end_a_question_whose_asker_was_killed_and_answer_the_next(four: Members) -> None:
    before = four.reports()
    four.running[ASKER].tell("ask", question="4+4?")
    four.until(lambda reports: all(len(reports[key]["digests"]) > len(before[key]["digests"]) for key in FOUR))
    four.kill(ASKER)
    four.until(lambda reports: all(reports[key]["ended"]["answered"] > answered(before[key]) for key in FOUR))
    four.start(ASKER)
    four.met()
    assert certified(four.running[ASKER].ask("ask", question="5+5?", certify=True)).members
    four.equal()
    with four.log("p3") as log:
        unfinished = [summary for summary in log.channels() if summary.question == "4+4?"]
        assert [summary.status for summary in unfinished] == ["unfinished"]
        said = log.read(unfinished[0].channel)
    assert {type(message.body) for message in said} >= {Opening, Proposal, Seal}


@pytest.mark.slow
def test_a_member_that_was_away_comes_to_the_same_sets(four: Members) -> None:
    assert four.running.pop("p0").leave() == 0
    for question in ("6+6?", "7+7?"):
        four.running[ASKER].ask("ask", question=question, patience_s=2)
    channels = set(four.reports()["p3"]["digests"])
    four.start("p0")
    four.met()
    four.equal()
    assert set(four.reports()["p0"]["digests"]) == channels


def test_a_latecomer_gets_the_whole_lobby(four: Members) -> None:
    invite = four.running["p2"].ask("invite")["invite"]
    four.start("late", swarm=invite)
    try:
        four.met()
        four.until(lambda reports: len({report["digests"][LOBBY] for report in reports.values()}) == 1)
        assert four.reports()["p0"]["weights"]["late"] == 0
    finally:
        four.running.pop("late").leave()


@pytest.mark.slow
def test_a_wrong_clock_harms_nobody(four: Members) -> None:
    four.running.pop("p3").leave()
    four.start("p3", clock_ahead_ms=-TWO_YEARS_MS)
    four.met()
    decision = four.running[ASKER].ask("ask", question="8+8?", certify=True)
    assert certified(decision).members
    assert decision["silent"] == []
    four.equal()
    with four.log("p0") as log:
        said = log.read(decision["channel"])
    wrong, right = ([m.wall_ms for m in said if (m.author == four.key("p3").peer) is mine] for mine in (True, False))
    assert max(wrong) < min(right) - TWO_YEARS_MS // 2
    four.running.pop("p3").leave()


def test_datagrams_of_another_version_or_kind_are_counted_and_harm_nobody(four: Members) -> None:
    import msgspec

    me = four.key("p0").peer
    kinds = {
        "version": [2, me, msgspec.msgpack.encode(["hello", bytes(32), []]), bytes(64)],
        "malformed": [1, me, msgspec.msgpack.encode(["telepathy", 1]), bytes(64)],
        "signature": [1, me, msgspec.msgpack.encode(["hello", bytes(32), []]), bytes(64)],
    }
    for datagram in kinds.values():
        four.running["p0"].ask("spread", datagram=msgspec.msgpack.encode(datagram).hex())
    four.until(lambda reports: all(
        reports[key]["refused"].get(reason, 0) >= 1 for key in ("p1", "p2", "p3") for reason in kinds
    ))  # fmt: skip
    assert four.running[ASKER].ask("ask", question="9+9?")["status"] == "decided"


def test_a_taken_port_a_damaged_key_and_a_key_in_use_are_refused_at_once(four: Members) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp/127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DRIVER.Ended, match=f"CannotListen: .*{endpoint}"):
            four.launch("p9", swarm="bees", listen=[endpoint], home=str(four.folder / "p0")).begun()
    with pytest.raises(DRIVER.Ended, match=r"KeyInUse: .*speaks with this key already"):
        four.launch("p0").begun()
    damaged = four.folder / "damaged"
    shutil.copytree(four.folder / "p0", damaged)
    key = damaged / "ids" / "p0.key"
    key.write_text(key.read_text().replace("public", "puplic"))
    with pytest.raises(DRIVER.Ended, match=r"KeyRefused: .*damaged"):
        four.launch("p0", home=str(damaged)).begun()


def test_an_invite_that_is_expired_or_garbled_is_refused_before_anybody_is_dialled(four: Members) -> None:
    invite = four.running["p0"].ask("invite", ago_ms=8 * 24 * 3_600_000)["invite"]
    with pytest.raises(DRIVER.Ended, match=r"InviteRefused: .*was good until"):
        four.launch("guest", swarm=invite).begun()
    with pytest.raises(DRIVER.Ended, match=r"InviteRefused: .*cut off or mistyped"):
        four.launch("guest", swarm=invite[:-7]).begun()


@pytest.mark.slow
def test_an_invite_that_was_used_and_a_way_that_leads_nowhere_end_with_a_sentence(four: Members) -> None:
    invite = four.running["p1"].ask("invite")["invite"]
    four.start("first", swarm=invite).leave()
    del four.running["first"]
    again = four.launch("second", swarm=invite)
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = f"tcp/127.0.0.1:{free.getsockname()[1]}"
    lost = four.running["p1"].ask("invite", endpoints=[nowhere])["invite"]
    astray = four.launch("third", swarm=lost, connect=[])
    with pytest.raises(DRIVER.Ended, match=r"NotLetIn: .* the invite was used"):
        again.begun()
    with pytest.raises(DRIVER.Ended, match=r"NotLetIn: .*nobody of it answered within 15 s"):
        astray.begun()
    assert all("first" in r["members"] and "second" not in r["members"] for r in four.reports().values())


@pytest.mark.slow
def test_a_key_in_two_homes_is_found_out_and_both_processes_tell(members: Members) -> None:
    members.found("p0", "p1", ASKER)
    members.start_all("p0", "p1")
    members.met()
    shutil.copytree(members.folder / "p1", members.folder / "copy", ignore=shutil.ignore_patterns("*.lock", "log*"))
    members.start("copy", key="p1")
    for key in ("p1", "copy"):
        members.running[key].ask("note", text=f"I am {key}")
    told = members.until(lambda reports: all(reports[key]["alarms"] for key in ("p1", "copy")))
    assert all("another process writes as" in told[key]["alarms"][0] for key in ("p1", "copy"))


@pytest.mark.slow
def test_a_full_disk_is_an_alarm_and_not_the_end(members: Members) -> None:
    members.found("p0", "p1", ASKER)
    members.start("p0", file_limit=4096)
    members.start_all("p1", ASKER)
    members.met()
    decision = members.running[ASKER].ask("ask", question="2+2?")
    assert (decision["status"], decision["silent"]) == ("decided", [])
    told = members.until(lambda reports: reports["p0"]["alarms"])
    assert "log.sqlite" in told["p0"]["alarms"][0]
    members.equal()
