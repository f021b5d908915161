"""Messages to decide on, made without a channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import pytest

from waggledance.core import Body, Judgement, Message, MessageId, Proposal, Verdict, local_peer_id, swarm_id
from waggledance.core._message import compose

B = TypeVar("B", bound=Body)


def write(name: str, body: B, channel: str, sequence: int) -> Message[B]:
    message, _ = compose(
        author=local_peer_id(name), body=body, sequence=sequence,
        previous=None if sequence == 1 else MessageId(bytes(32)),
        parents=(), lamport=sequence, wall_ms=0, swarm=swarm_id("test"), channel=channel,
    )  # fmt: skip
    return message


@pytest.fixture(scope="session")
def say() -> Callable[..., Message[Proposal]]:
    """Make a peer's proposal: ``say("ann", "4", confidence_ppm=900_000, sequence=1)``."""

    def make(name: str, key: str | None, *, confidence_ppm: int | None = None, sequence: int = 1) -> Message[Proposal]:
        return write(name, Proposal(key=key, text=f"{name}: {key}", confidence_ppm=confidence_ppm), "q", sequence)

    return make


@pytest.fixture(scope="session")
def judge() -> Callable[..., Message[Judgement]]:
    """Make a peer's judgement, each verdict best first: ``judge("ann", [a, b], [c, a, b])``."""

    def make(name: str, *best_first: Sequence[Message[Proposal]], sequence: int = 2) -> Message[Judgement]:
        verdicts = tuple(
            Verdict(tuple(m.id for m in order), tuple(1_000_000 - 1_000 * place for place in range(len(order))))
            for order in best_first
        )
        return write(name, Judgement(verdicts=verdicts), "q", sequence)

    return make


@pytest.fixture(scope="session")
def grade() -> Callable[..., Message[Judgement]]:
    """Make a peer's grades in parts per million: ``grade("ann", {a: 900_000, b: 100_000})``."""

    def make(name: str, grades: Mapping[Message[Proposal], int], *, sequence: int = 2) -> Message[Judgement]:
        verdicts = tuple(Verdict((m.id,), (score,)) for m, score in grades.items())
        return write(name, Judgement(verdicts=verdicts), "q", sequence)

    return make
