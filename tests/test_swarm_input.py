"""The likeliest slips of somebody in a notebook are refused in words that say what to write instead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waggledance import Agent, FunctionPeer, Log, Swarm
from waggledance.core import UnknownName, UsageError
from waggledance.protocols import Debate, Vote

PEERS = [FunctionPeer(name, lambda question: "4") for name in ("ada", "ben", "cyd")]


def swarm(**parts: Any) -> Swarm:
    """A swarm of three, or of what no type checker would let pass."""
    return Swarm(parts.pop("peers", PEERS), **parts)


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (lambda: swarm(peers=str.upper), "a swarm is given a list of peers"),
        (lambda: swarm(peers="ada"), "a swarm is given a list of peers"),
        (lambda: swarm(peers=[str.upper]), r"is no peer: .* FunctionPeer\(name, function\)"),
        (lambda: swarm(network="tcp/host:7447"), r"is no network: .*Swarm\.connect"),
        (lambda: swarm(log="log.db"), r"open it first: Log\('log\.db'\)"),
        (lambda: swarm(log=Path("log.db")), "open it first: Log"),
        (lambda: swarm(log=3), "is no log: give a Log"),
        (lambda: swarm(weights=[1, 2, 3]), "weights go by the names of peers"),
        (lambda: swarm(seed="x"), "a seed is a whole number, got 'x'"),
        (lambda: swarm(seed=1.5), r"a seed is a whole number, got 1\.5"),
        (lambda: swarm().ask_sync("?", **_slip(seed=1.5)), "a seed is a whole number"),
        (lambda: swarm().ask_sync("?", **_slip(budget=100)), r"as in Budget\(calls=20\), got 100"),
        (lambda: swarm().ask_sync(*_slips(None)), "a question is a text or a Question, got None"),
        (lambda: swarm().ask_sync("?", expects="choice", options="abc"), "got the one text 'abc'"),
        (lambda: swarm(protocol="debate").ask_sync("?"), r"is no protocol: .*by_name\('debate'\)"),
        (lambda: swarm(protocol=Debate).ask_sync("?"), r"Debate is a class, .*: Debate\(\)"),
        (lambda: swarm(protocol=Vote(**_slip(decide="majority"))).ask_sync("?"), r"is no rule: .*rule_by_name"),
        (lambda: Agent("ada", *_slips("embedded")), r"'embedded' is no model: .*model\('embedded'\)"),
        (lambda: Log(Path("log.db"), *_slips("w")), r"\"a\"\) or to read \(\"r\"\), got mode 'w'"),
    ],
)
def test_a_slip_is_refused_and_told_what_to_write_instead(slip: Callable[[], object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        slip()


def test_an_unknown_kind_of_answer_is_told_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no kind of answer 'numbr'; did you mean 'number'\?"):
        swarm().ask_sync("?", **_slip(expects="numbr"))


async def test_within_a_running_loop_one_is_told_to_await() -> None:
    with pytest.raises(UsageError, match=r"as in a notebook .*: write `await swarm\.ask\(…\)`"):
        swarm().ask_sync("2 + 2?")
    assert (await swarm().ask("2 + 2?", expects="number")).key == "4"


def _slip(**named: Any) -> dict[str, Any]:
    return named


def _slips(*given: Any) -> tuple[Any, ...]:
    return given
