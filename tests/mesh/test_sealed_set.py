"""Deciding again over a complete set: every protocol, unchanged, is the pure function that its decision is."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from waggledance import Swarm
from waggledance.core import LoopClock, Message, Opening, Proposal, Question, RunFailed
from waggledance.mesh._sealed_set import SealedSet, decide_over
from waggledance.protocols import PROTOCOLS, by_name
from waggledance.testing import Kept, Opinionated

AnyMessage = Message[Any]
PACKAGE = Question(text="What to buy?", expects="package", options=("tea", "mate", "cocoa"), costs=(2, 1, 2), spend=3)
TEXTS = [
    *(name for name in PROTOCOLS if name not in ("plan", "team")),
    "vote(samples=3, stop=settled)",
    "debate(stop=agreed)",
    "confidence-debate(drafts=2)",
]


def question_for(text: str) -> Question:
    return PACKAGE if text == "bargain" else Question(text="2+2?", expects="number")


async def run(text: str) -> tuple[Message[Opening], Sequence[AnyMessage], Any]:
    kept = Kept()
    swarm = Swarm([Opinionated(f"p{i}") for i in range(7)], protocol=by_name(text), log=kept, seed=3)
    decision = await swarm.ask(question_for(text))
    opening = cast("Message[Opening]", kept.messages[0])
    return opening, [m for m in kept.messages if m.author != opening.author], decision


@pytest.mark.parametrize("text", TEXTS)
async def test_the_set_that_was_said_decides_as_the_run_did(text: str) -> None:
    opening, said, decision = await run(text)
    again = await decide_over(opening, [opening, *reversed(said)], LoopClock())
    assert (again.status, again.key, again.support) == (decision.status, decision.key, decision.support)
    assert again.id == decision.id


async def test_a_set_in_which_nobody_spoke_decides_nothing() -> None:
    opening, _, _ = await run("vote")
    with pytest.raises(RunFailed, match="nobody who sits there"):
        await decide_over(opening, [opening], LoopClock())


async def test_who_publishes_again_gets_back_what_it_had_said_and_adds_nothing() -> None:
    opening, said, _ = await run("vote(samples=3)")
    me = said[0].author
    mine = [m for m in said if m.author == me and isinstance(m.body, Proposal) and m.body.round == 1]
    sealed = SealedSet([opening, *said], me)
    before = len(sealed)
    assert sealed.publish(me, Proposal(round=1, key="other"), [], 0) == mine[0]
    assert sealed.publish(me, Proposal(round=9, key="new"), [], 0).body.key == "new"
    assert len(sealed) == before
