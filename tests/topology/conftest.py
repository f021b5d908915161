"""Messages to plan from, made without a channel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from waggledance.core import Message, Proposal, local_peer_id, swarm_id
from waggledance.core._message import compose


@pytest.fixture(scope="session")
def say() -> Callable[..., Message[Proposal]]:
    """Make a peer's proposal: ``say("ann", "4", "It is 4.")``."""

    def make(name: str, key: str | None, text: str = "", *, round: int = 0) -> Message[Proposal]:
        message, _ = compose(
            author=local_peer_id(name), body=Proposal(round=round, key=key, text=text), sequence=1, previous=None,
            parents=(), lamport=1, wall_ms=0, swarm=swarm_id("test"), channel="q",
        )  # fmt: skip
        return message

    return make
