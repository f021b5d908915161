"""The simulated network: the same on every run, equal copies in the end, and no wait without an end."""

import asyncio
import os
import subprocess
import sys
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import FunctionPeer, Swarm
from waggledance.consensus import majority
from waggledance.core import (
    Decision,
    Message,
    Proposal,
    RunFailed,
    Seat,
    UsageError,
    everyone,
    frame,
    open_frame,
    signature_holds,
)
from waggledance.network import (
    Constant,
    Crash,
    Deadlock,
    Endless,
    Equivocate,
    Exponential,
    Fault,
    Lie,
    LogNormal,
    Partition,
    Pause,
    Restart,
    Silent,
    Simulated,
    Slow,
)
from waggledance.protocols import Debate
from waggledance.testing import simulate
from waggledance.topology import Ring

DEBATE = Debate(rounds=1, patience_s=20)
NAMES = [f"p{i}" for i in range(5)]


async def wait_for_all(seat: Seat) -> Decision:
    """Wait for everyone, for ever."""
    await seat.publish(await seat.propose())
    return majority(await seat.collect(Proposal, until=everyone), (), seat.weights)


async def never_stop(seat: Seat) -> Decision:
    """Wait again and again."""
    while True:
        await seat.sleep(1000)


def four(n: int = 5) -> list[FunctionPeer]:
    return [FunctionPeer(f"p{i}", lambda question: "4") for i in range(n)]


# -- ends ------------------------------------------------------------------------------------------------------------


def test_a_deadlock_names_who_waits_for_what_and_who_is_down() -> None:
    with pytest.raises(Deadlock) as caught:
        simulate(wait_for_all, "2 + 2?", peers=3, faults=[Crash("p1")])
    said = str(caught.value)
    assert "p0 waits for proposal/1 round 0 until everyone (2 of 3 answered)" in said
    assert "p2 waits" in said
    assert "p1 is down since 0 s" in said
    assert isinstance(caught.value, RunFailed)


def test_a_lossy_network_is_no_deadlock_because_repair_goes_on() -> None:
    assert simulate(wait_for_all, "2 + 2?", peers=6, loss=0.8, seed=3).decision.silent == ()


@pytest.mark.parametrize(
    "faults", [(Silent("p1"),), (Partition(("p1", "p2")),), (Crash("p1"), Silent("p2"))], ids=["silent", "wall", "both"]
)
def test_repair_that_can_do_no_more_stops_and_shows_the_deadlock(faults: tuple[Fault, ...]) -> None:
    with pytest.raises(Deadlock, match="p0 waits"):
        simulate(wait_for_all, "2 + 2?", faults=faults, loss=0.2)


def test_a_network_that_loses_everything_is_a_deadlock() -> None:
    with pytest.raises(Deadlock, match="1 of 5 answered"):
        simulate(wait_for_all, "2 + 2?", loss=1.0)


def test_a_healing_partition_is_no_deadlock_however_late_it_heals() -> None:
    ran = simulate(wait_for_all, "2 + 2?", faults=[Partition(("p1",), until_s=50_000)])
    assert 50_000 < ran.virtual_s < 50_100


def test_a_protocol_without_an_end_is_ended() -> None:
    with pytest.raises(Endless):
        simulate(never_stop, "2 + 2?", limit_s=100_000)


# -- where it runs ---------------------------------------------------------------------------------------------------


async def test_asking_in_real_time_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="ask_sync"):
        await Swarm(four(), network=Simulated()).ask("2 + 2?")


def test_several_questions_run_at_once_in_one_virtual_loop() -> None:
    network = Simulated(seed=1)
    swarm = Swarm(four(), network=network)

    async def main() -> list[Decision]:
        return await asyncio.gather(*(swarm.ask(f"2 + {i}?") for i in range(3)))

    with asyncio.Runner(loop_factory=network.new_event_loop) as runner:
        assert [decision.key for decision in runner.run(main())] == ["4", "4", "4"]


def test_watching_yields_every_message_once() -> None:
    network = Simulated(seed=1, duplicate=0.5)

    async def main() -> list[Message[Any] | Decision]:
        return [event async for event in Swarm(four(), network=network, protocol=DEBATE).watch("2 + 2?")]

    with asyncio.Runner(loop_factory=network.new_event_loop) as runner:
        events = runner.run(main())
    ids = [event.id for event in events if isinstance(event, Message)]
    assert len(ids) == len(set(ids)) == 1 + 10 + 2
    assert isinstance(events[-1], Decision)


def test_a_peer_that_needs_a_thread_gets_told() -> None:
    async def think(question: str) -> str:
        return await asyncio.to_thread(str.upper, question)

    async def bare(seat: Seat) -> Decision:
        await think("x")
        return await DEBATE(seat)

    with pytest.raises(UsageError, match="virtual time"):
        Swarm(four(), network=Simulated(), protocol=bare).ask_sync("2 + 2?")


@pytest.mark.parametrize(
    "options",
    [{"loss": 1.5}, {"reorder": -0.1}, {"sync_every_s": 0}, {"seed": -1}, {"linger_s": -1}, {"limit_s": 0}],
    ids=lambda options: next(iter(options)),
)
def test_options_out_of_range_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        Simulated(**options)  # type: ignore[arg-type]


# -- what is said ----------------------------------------------------------------------------------------------------


def test_every_message_is_signed_and_a_frame_opens_to_it() -> None:
    ran = simulate(DEBATE, "2 + 2?")
    for message in ran.log:
        assert signature_holds(message.author, message.id, message.signature)
        assert open_frame(frame(message)) == message
    assert len({message.id for message in ran.log}) == len(ran.log)


def test_causes_come_before_effects_in_the_log() -> None:
    ran = simulate(DEBATE, "2 + 2?", loss=0.3, faults=[Silent("p1", until_s=3), Equivocate("p2")], delay=LogNormal(0.1))
    seen: set[bytes] = set()
    for message in ran.log:
        assert message.previous is None or message.previous in seen
        assert seen.issuperset(message.parents)
        seen.add(message.id)


def test_along_links_news_goes_from_neighbour_to_neighbour() -> None:
    direct = simulate(wait_for_all, "2 + 2?", peers=8, delay=Constant(0.05))
    ring = simulate(wait_for_all, "2 + 2?", peers=8, delay=Constant(0.05), links=Ring())
    assert direct.virtual_s == pytest.approx(0.05)
    assert ring.virtual_s > 0.5, "only repair carries a message further than to a neighbour"
    assert ring.decision.key == direct.decision.key


# -- determinism -----------------------------------------------------------------------------------------------------

SCRIPT = """
from waggledance.network import Crash, Equivocate, Exponential, Restart, Silent
from waggledance.protocols import Debate
from waggledance.testing import simulate
from waggledance.topology import KRegular
import hashlib
ran = simulate(Debate(rounds=2, patience_s=20), "2 + 2?", peers=8, seed=11, loss=0.2, duplicate=0.1, reorder=0.2,
               bit_flip=0.05, delay=Exponential(0.1), links=KRegular(4),
               faults=[Crash("p1", 0.1), Restart("p1", 2.0, "empty"), Equivocate("p2"), Silent("p3", 0.0, 4.0)])
print(hashlib.sha256(ran.transcript).hexdigest(), ran.virtual_s, sorted(ran.refused.items()), ran.delivered)
"""


def test_the_same_seed_gives_the_same_bytes_whatever_pythons_hashes_are() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(said) == 1
    assert said.pop().strip()


def test_another_seed_gives_another_run() -> None:
    runs = [simulate(DEBATE, "2 + 2?", seed=seed, loss=0.2) for seed in (1, 2)]
    assert runs[0].transcript != runs[1].transcript


# -- laws ------------------------------------------------------------------------------------------------------------


Logs: list[Literal["old", "empty"]] = ["old", "empty"]
Directions: list[Literal["both", "out", "in"]] = ["both", "out", "in"]


@st.composite
def healing_faults(draw: st.DrawFn) -> list[Fault]:
    """Draw up to three troubles, each of which is over after at most 25 s, or harms no repair."""
    faults: list[Fault] = []
    for _ in range(draw(st.integers(0, 3))):
        who, other = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
        start = draw(st.floats(0, 5))
        end = start + draw(st.floats(0, 20))
        match draw(st.integers(0, 6)):
            case 0:
                faults.append(Silent(who, start, end))
            case 1:
                faults.append(Partition((who, other), start, end, draw(st.sampled_from(Directions))))
            case 2:
                faults += [Crash(who, start), Restart(who, end, draw(st.sampled_from(Logs)))]
            case 3:
                faults.append(Pause(who, start, end - start))
            case 4:
                faults.append(Slow(who, draw(st.floats(0, 3)), 2.0))
            case 5:
                faults.append(Lie(who, "5"))
            case _:
                faults.append(Equivocate(who))
    return faults


@settings(max_examples=25)
@given(
    faults=healing_faults(), seed=st.integers(0, 1000), loss=st.floats(0, 0.6), reorder=st.floats(0, 0.5),
    duplicate=st.floats(0, 0.5), bit_flip=st.floats(0, 0.2), mean_s=st.floats(0, 0.5),
)  # fmt: skip
def test_every_question_ends_and_copies_are_equal_after_heal_and_a_seed_repeats(
    faults: list[Fault], seed: int, loss: float, reorder: float, duplicate: float, bit_flip: float, mean_s: float
) -> None:
    def once() -> tuple[bytes, dict[str, bytes], list[frozenset[str]], set[str]]:
        ran = simulate(
            DEBATE, "2 + 2?", seed=seed, faults=faults, loss=loss, reorder=reorder, duplicate=duplicate,
            bit_flip=bit_flip, delay=Exponential(mean_s), linger_s=300,
        )  # fmt: skip
        caught = list(ran.disowned.values())
        equivocators = {fault.peer for fault in faults if isinstance(fault, Equivocate)}
        return ran.transcript, dict(ran.digests), caught, equivocators

    transcript, digests, caught, equivocators = once()
    assert len(set(digests.values())) == 1
    assert all(names <= equivocators for names in caught), "nobody honest is disowned, not even after a restart"
    assert len(set(caught)) == 1
    assert once()[0] == transcript
