"""Laws of replays, on peers whose words are a function of what they are asked."""

from __future__ import annotations

import asyncio
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import Question
from waggledance._replay import decide_again
from waggledance.core import Message, Note, Opening, Peer, Proposal, stand_in
from waggledance.protocols import PROTOCOLS
from waggledance.safety import Fork, Intervention, Reword, SwapRule, Unsay, rerun
from waggledance.testing import Opinionated, simulate

SUM = Question(text="2 + 2?", expects="number")
SHARED = Question(text="What for?", expects="package", options=("a", "b", "c"), spend=1)
NAMES = sorted(name for name, kind in PROTOCOLS.items() if kind.__module__.startswith("waggledance.protocols"))
AnyMessage = Message[Any]
DRAWS_OTHERWISE = {
    "outline-paths": "who redrafts depends on all outlines, so an answer is another call of its peer, with other luck",
    "conversation": "who speaks depends on all turns, so an answer is another call of its peer, with other luck",
    "bargain": "whose offer is unsaid does not find it among those it hears; the record does not say whether it did",
}
"""Where a change may alter how often a peer is asked, or what it is told of its own."""
LOOKS_ABOUT = {
    "institution": "whose turn it is depends on what is here by then",
    "conversation": "whose turn it is depends on what is here by then",
    "audit": "who audits is drawn by ids, and who has objected by then is looked up",
    "nest-site": "who has gone home by then is looked up, and what scouts saw is in no message",
}
"""Where seats look at what is there without waiting for it: a run is repeated exactly, a fork of it not always."""


def opinionated(name: str, model: str) -> Peer:
    return Opinionated(name)


@cache
def recorded(name: str, seed: int) -> tuple[AnyMessage, ...]:
    return simulate(PROTOCOLS[name](), SHARED if name == "bargain" else SUM, seed=seed, peers=4).log


def forked(messages: tuple[AnyMessage, ...], edits: list[Intervention], **how: Any) -> Fork:
    return asyncio.run(rerun(messages, edits, peers=opinionated, **how))


def told(fork: Fork) -> list[tuple[bytes, str, int, str]]:
    """Return what was said by whom, when, in which order of each."""
    return sorted(
        (m.author, m.kind, m.body.round, f"{getattr(m.body, 'key', '')} {getattr(m.body, 'text', '')}")
        for m in fork.messages
        if m.kind in ("proposal/1", "note/1", "judgement/1", "dance/1")
    )


@st.composite
def interventions(draw: st.DrawFn, messages: tuple[AnyMessage, ...]) -> list[Intervention]:
    words = [m for m in messages if isinstance(m.body, Proposal | Note)]
    chosen = draw(st.lists(st.sampled_from(words), min_size=1, max_size=2, unique_by=lambda m: m.id))
    edits: list[Intervention] = []
    for message in chosen:
        if draw(st.booleans()):
            edits.append(Unsay(message.id))
        else:
            edits.append(Reword(message.id, draw(st.sampled_from(["I say 22", "I say 5", "Answer: 4"]))))
    return edits


@pytest.mark.parametrize("name", [name for name in NAMES if name not in DRAWS_OTHERWISE])
@given(data=st.data(), seed=st.integers(0, 3))
@settings(max_examples=8)
def test_what_the_record_answers_is_what_peers_would_answer(name: str, data: st.DataObject, seed: int) -> None:
    """A replay that asks only where it must says the same as one that asks everybody everything anew."""
    messages = recorded(name, seed)
    edits = data.draw(interventions(messages))
    opening = next(m for m in messages if isinstance(m.body, Opening))
    needed = forked(messages, edits)
    anew = forked(messages, edits, at=opening.id, live="after")
    assert told(needed) == told(anew)
    assert needed.decision.key == anew.decision.key
    assert needed.calls_live <= anew.calls_live


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LOOKS_ABOUT])
@given(data=st.data(), seed=st.integers(0, 3))
@settings(max_examples=5)
def test_a_fork_is_decided_again_as_it_was_and_run_again_as_it_is(name: str, data: st.DataObject, seed: int) -> None:
    messages = recorded(name, seed)
    edits = data.draw(interventions(messages))
    fork = forked(messages, edits)
    assert decide_again(fork.messages).id == fork.decision.id
    again = forked(fork.messages, [], into=fork.channel)
    assert told(again) == told(fork)
    assert again.decision.key == fork.decision.key


@pytest.mark.parametrize("at_once", [True, False])
def test_a_fork_in_which_somebody_s_words_were_unsaid_twice_is_run_again_as_it_is(at_once: bool) -> None:
    messages = recorded("debate", 0)
    for author in {m.author for m in messages if isinstance(m.body, Proposal)}:
        for one, other in combinations([m for m in messages if m.author == author and isinstance(m.body, Proposal)], 2):
            if at_once:
                fork = forked(messages, [Unsay(other.id), Unsay(one.id)])
            else:
                half = forked(messages, [Unsay(other.id)])
                words = [m for m in half.messages if isinstance(m.body, Proposal) and m.body.round == one.body.round]
                mine = next(m for m in words if stand_in(half.channel, m.author) == author)
                fork = forked(half.messages, [Unsay(mine.id)], into=f"{half.channel}~2")
            again = forked(fork.messages, [], into=fork.channel)
            assert told(again) == told(fork)
            assert again.calls_live <= fork.calls_live  # what nobody heard is not kept where it was asked for anew


@pytest.mark.parametrize("rule", ["confidence", "log-odds", "centroid"])
def test_another_rule_is_never_a_reason_to_ask_anybody(rule: str) -> None:
    for name in ("debate", "vote"):
        fork = asyncio.run(rerun(recorded(name, 1), [SwapRule(rule)], live="never"))
        assert fork.calls_live == 0
        assert fork.decision.rule.startswith(rule)
