from collections import Counter

import pytest

from waggledance.consensus import majority
from waggledance.core import Proposal, UsageError
from waggledance.protocols import Debate, Vote
from waggledance.testing import Opinionated, simulate


def test_every_peer_answers_as_often_as_asked_and_all_answers_count() -> None:
    run = simulate(Vote(samples=4), "2+2?", peers=3, seed=5)
    said = [m for m in run.log if isinstance(m.body, Proposal)]
    assert Counter(m.author for m in said) == Counter({m.author: 4 for m in said})
    assert set(run.decision.used) == {m.id for m in said}
    assert run.decision.cost.calls == 12
    assert run.decision.key == majority(said, (), {}).key


def test_one_peer_alone_is_self_consistency() -> None:
    keys = Counter[str | None]()
    run = simulate(Vote(samples=25), "2+2?", peers=[Opinionated("ada")], seed=2)
    keys.update(m.body.key for m in run.log if isinstance(m.body, Proposal))
    assert len(keys) > 1
    assert run.decision.key == keys.most_common(1)[0][0]


def test_nobody_hears_anybody() -> None:
    run = simulate(Vote(samples=2), "2+2?", seed=5)
    assert all(not m.body.refs for m in run.log if isinstance(m.body, Proposal))


def test_a_vote_of_one_answer_is_a_debate_of_no_rounds() -> None:
    vote, debate = (simulate(protocol, "2+2?", seed=9).decision for protocol in (Vote(), Debate(rounds=0)))
    assert (vote.key, vote.support) == (debate.key, debate.support)


def test_a_vote_without_answers_is_refused() -> None:
    with pytest.raises(UsageError, match="samples=0"):
        Vote(samples=0)
