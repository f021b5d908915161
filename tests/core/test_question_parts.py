"""A question that is longer than one message is the same one at the other end, or none."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import FunctionPeer, Swarm
from waggledance.core import (
    MAX_QUESTION_BYTES,
    Log,
    Message,
    Opening,
    PeerId,
    Question,
    QuestionPart,
    QuestionTooLong,
    RunFailed,
    Tool,
    Turn,
    UsageError,
    Whole,
    compose,
    local_peer_id,
    opening_of,
    parted,
    swarm_id,
    whole_question,
)
from waggledance.core._question_parts import ONE_MESSAGE_BYTES

ASKER, OTHER = local_peer_id("asker"), local_peer_id("other")


def said(question: Question, author: PeerId = ASKER) -> tuple[Message[Opening], list[Message[Any]]]:
    short, parts = parted(question)
    bodies = [Opening(question=short, members=(), protocol="vote"), *parts]
    messages = [compose(author, body, i + 1, None, (), 1, 0, swarm_id("s"), "q1")[0] for i, body in enumerate(bodies)]
    return messages[0], messages[1:]  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


def long(size: int, text: str = "And now?") -> Question:
    return Question(text=text, expects="free", before=(Turn("user", "x" * size),))


@given(size=st.integers(0, 900_000), text=st.sampled_from(["And now?", "é" * 40_000, " \n q"]), seed=st.integers(0, 9))
@settings(max_examples=25)
def test_the_parts_in_whatever_order_and_with_others_words_among_them_make_the_question(
    size: int, text: str, seed: int
) -> None:
    question = long(size, text)
    opening, parts = said(question)
    _, others = said(long(size, "another"), OTHER)
    mixed = [*parts, *others]
    Random(seed).shuffle(mixed)
    assert whole_question(opening, mixed) == question
    assert len(msgspec.msgpack.encode(opening.body.question)) <= ONE_MESSAGE_BYTES
    if parts:
        assert whole_question(opening, [*parts[:-1], *others]) is None


def test_what_fits_into_one_message_has_no_parts() -> None:
    question = long(50_000)
    assert parted(question) == (question, ())
    assert parted(long(57_000))[1] != ()


def test_parts_that_are_not_those_named_or_make_another_question_are_refused() -> None:
    opening, parts = said(long(100_000))
    body = parts[0].body
    changed = msgspec.structs.replace(body, part=b"X" + body.part[1:])
    with pytest.raises(RunFailed, match="are not those"):
        whole_question(opening, [msgspec.structs.replace(parts[0], body=changed), *parts[1:]])
    asks = opening.body
    other = msgspec.structs.replace(asks.question, text="Something else?")
    with pytest.raises(RunFailed, match="is not the one"):
        whole_question(msgspec.structs.replace(opening, body=msgspec.structs.replace(asks, question=other)), parts)
    from blake3 import blake3

    junk = msgspec.structs.replace(asks.question, whole=Whole(hash=blake3(b"junk").digest(), parts=1))
    piece = msgspec.structs.replace(parts[0], body=QuestionPart(round=0, part=b"junk"))
    with pytest.raises(RunFailed, match="make no question"):
        whole_question(msgspec.structs.replace(opening, body=msgspec.structs.replace(asks, question=junk)), [piece])


def test_what_is_too_long_for_all_parts_together_is_refused_with_its_size() -> None:
    with pytest.raises(QuestionTooLong, match="the limit is 1,000,000"):
        parted(long(MAX_QUESTION_BYTES))
    offers = tuple(Tool(f"t{i}", "x" * 2_000, "{}") for i in range(30))
    with pytest.raises(UsageError, match="offer fewer"):
        parted(Question(text="x", expects="free", offers=offers))


@pytest.mark.parametrize("whole", [(b"", 1), (bytes(32), 0), (bytes(32), 33)])
def test_a_whole_has_a_hash_and_parts(whole: tuple[bytes, int]) -> None:
    with pytest.raises(UsageError, match="1 to 32 parts"):
        Whole(hash=whole[0], parts=whole[1])


async def test_peers_of_one_process_see_all_of_it_and_the_log_has_it_whole(tmp_path: Any) -> None:
    heard: list[int] = []

    def answer(question: str) -> str:
        heard.append(len(question))
        return "4"

    with Log(tmp_path / "log") as log:
        swarm = Swarm([FunctionPeer(f"p{i}", answer) for i in range(3)], log=log)
        question = Question(text="?" + "y" * 200_000, expects="free")
        decision = await swarm.ask(question)
        log.flush_now()
        messages = log.read(decision.channel)
    assert decision.key == "4"
    assert max(heard) == 200_001
    opening = opening_of(messages)
    assert opening is not None
    assert whole_question(opening, messages) == question
