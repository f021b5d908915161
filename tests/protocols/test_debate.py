import pytest

from waggledance.core import Proposal, UsageError
from waggledance.network import Silent
from waggledance.protocols import Debate
from waggledance.testing import simulate
from waggledance.topology import Ring


def test_only_the_last_round_decides() -> None:
    run = simulate(Debate(rounds=2), "2+2?")
    assert set(run.decision.used) == {m.id for m in run.log if isinstance(m.body, Proposal) and m.body.round == 2}


def test_a_peer_hears_its_neighbours_and_nobody_else() -> None:
    run = simulate(Debate(rounds=1, topology=Ring()), "2+2?", peers=6)
    author = {m.id: m.author for m in run.log}
    for message in run.log:
        if isinstance(message.body, Proposal) and message.body.round == 1:
            heard = {author[ref] for ref in message.body.refs} - {message.author}
            assert len(heard) == 2


def test_honest_peers_decide_alike_while_one_stays_silent() -> None:
    run = simulate(Debate(rounds=2, patience_s=30), "2+2?", faults=[Silent("p3")])
    assert len({decision.id for decision in run.honest}) == 1
    assert run.virtual_s < 91


def test_rounds_below_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="0 or more rounds, got -1"):
        Debate(rounds=-1)
