"""One call simulates a run and says what each peer made of it."""

import pytest

from waggledance import FunctionPeer
from waggledance.core import UsageError
from waggledance.network import Crash, Lie, Silent
from waggledance.protocols import Debate
from waggledance.testing import simulate


def test_honest_peers_are_those_that_no_fault_names() -> None:
    run = simulate(Debate(rounds=1, patience_s=30), "2+2?", peers=5, faults=[Silent("p3"), Crash("p0")])
    assert set(run.decisions) == {"p1", "p2", "p3", "p4"}
    assert len(run.honest) == 3
    assert len({decision.key for decision in run.honest}) == 1
    assert run.virtual_s < 61  # two waits of 30 s, and no real one


def test_peers_of_ones_own_take_part_under_their_names() -> None:
    peers = [FunctionPeer(name, lambda question: "blue") for name in ("ada", "bob")]
    run = simulate(Debate(), "What colour?", peers=peers, faults=[Lie("bob", "red")])
    assert set(run.decisions) == {"ada", "bob"}
    assert dict(run.decision.support).keys() == {"blue", "red"}


def test_a_simulation_of_nobody_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one peer"):
        simulate(Debate(), "2+2?", peers=0)


def test_the_same_call_gives_the_same_run() -> None:
    first, again = (simulate(Debate(), "2+2?", loss=0.2) for _ in range(2))
    assert first.transcript == again.transcript
    assert first.decisions == again.decisions
