"""Calls and messages as a seat would make them."""

from collections.abc import Callable, Sequence

import pytest
from blake3 import blake3

from waggledance.core import (
    Budget,
    Call,
    Message,
    MessageId,
    Meter,
    Note,
    Proposal,
    Question,
    local_peer_id,
    swarm_id,
)

MakeCall = Callable[..., Call]
Say = Callable[..., Message[Proposal]]


def a_note(text: str, about: str = "outline") -> Message[Note]:
    id = MessageId(blake3(f"{about}/{text}".encode()).digest())
    return Message(id, local_peer_id(text[:40]), Note(about=about, text=text), 1, None, (), 1, 0, swarm_id("s"), "q1")


class StoppedClock:
    def now(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        return 0


@pytest.fixture
def make_call() -> MakeCall:
    def make(question: Question, budget: Budget | None = None, seed: int = 7, guide: Sequence[str] = ()) -> Call:
        meter = Meter(budget or Budget(), StoppedClock())
        me = local_peer_id("me")
        return Call(
            question=question, round=0, me=me, names={}, draw_seed=lambda _: seed, number=1, meter=meter,
            guide=tuple(a_note(text) for text in guide),
        )  # fmt: skip

    return make


@pytest.fixture
def say() -> Say:
    def message(text: str, key: str | None = None, confidence_ppm: int | None = None) -> Message[Proposal]:
        body = Proposal(key=key, text=text, confidence_ppm=confidence_ppm)
        id = MessageId(blake3(f"{key}/{text}".encode()).digest())
        return Message(id, local_peer_id(text[:40]), body, 1, None, (), 1, 0, swarm_id("s"), "q1")

    return message
