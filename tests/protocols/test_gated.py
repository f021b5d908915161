"""An open question to eight peers with different records: few answer, and the right one is among them."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from waggledance import Swarm
from waggledance.core import Proposal, UsageError
from waggledance.peers import FunctionPeer
from waggledance.protocols import Debate
from waggledance.protocols._gate import Heard, Silent, Speak
from waggledance.protocols._gated import MOST, ByRecords, Gated
from waggledance.testing._record_questions import ASKED, RECORDS
from waggledance.topology import hashed_ngrams


async def speakers(question: str) -> list[str]:
    asked = [Heard("asker", question)]
    return [name for name in RECORDS if isinstance(await ByRecords(name, RECORDS).decide(asked), Speak)]


@pytest.mark.skipif(find_spec("wordllama") is None, reason="by wording alone records tell too little; needs discovery")
async def test_of_eight_at_most_three_answer_and_the_right_one_is_among_them_nine_times_in_ten() -> None:
    right = asked = 0
    for best, questions in ASKED.items():
        for question in questions:
            who = await speakers(question)
            assert 1 <= len(who) <= MOST
            right += best in who
            asked += 1
    assert asked == 80
    assert right / asked >= 0.9


async def test_whoever_is_called_by_name_answers_beside_those_who_know() -> None:
    question = "How long do I roast a chicken, eva?"
    assert "eva" in await speakers(question)


@pytest.mark.parametrize("question", ["xyzzy", "?", "äöü"])
async def test_no_question_stays_without_anybody(question: str) -> None:
    assert 1 <= len(await speakers(question)) <= MOST


async def test_equal_records_let_the_question_choose_and_not_a_name() -> None:
    alike = dict.fromkeys("abcdefgh", ("Cooks.",))
    first: set[str] = set()
    for i in range(30):
        asked = [Heard("asker", f"Question {i}?")]
        gates = {name: ByRecords(name, alike, most=1, embed=hashed_ngrams) for name in alike}
        first |= {name for name, gate in gates.items() if isinstance(await gate.decide(asked), Speak)}
    assert len(first) >= 6


@pytest.mark.parametrize(("me", "records", "most"), [("zoe", {"ada": ("x",)}, 3), ("zoe", {}, 3), ("a", {"a": ()}, 0)])
def test_a_peer_without_a_record_and_a_room_without_speakers_are_refused(
    me: str, records: dict[str, tuple[str, ...]], most: int
) -> None:
    with pytest.raises(UsageError):
        ByRecords(me, records, most=most)


async def test_an_empty_record_is_near_to_nothing_and_no_question_is_silence() -> None:
    gate = ByRecords("b", {"a": ("Cooks soups.",), "b": ()}, most=1)
    assert gate.likeness("soup?")["b"] == 0
    assert await gate.decide([]) == Silent("nothing was asked")


async def test_a_swarm_asks_only_those_who_have_something_to_say() -> None:
    asked: list[str] = []

    def answering(name: str) -> FunctionPeer:
        def answer(question: str) -> str:
            asked.append(name)
            return f"says {name}"

        return FunctionPeer(name, answer)

    peers = [Gated(answering(name), ByRecords(name, RECORDS)) for name in RECORDS]
    swarm = Swarm(peers, protocol=Debate(rounds=1))
    question = "How do I thicken a gravy, ben?"
    seen = [m async for m in swarm.watch(question) if not hasattr(m, "status")]
    proposals = [m for m in seen if isinstance(getattr(m, "body", None), Proposal)]
    silent = [m for m in proposals if m.body.key is None]  # type: ignore[union-attr]  # pyright: ignore
    assert set(asked) == set(await speakers(question))
    assert len(silent) == 2 * (8 - len(set(asked)))
