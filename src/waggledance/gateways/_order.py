"""An order: what someone outside asks of a swarm, whatever protocol they speak."""

from __future__ import annotations

import secrets

import msgspec

from waggledance.core import Budget, Question, UsageError

MAX_ID_CHARS = 256


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One question from outside, on its way to a swarm: the same from every door."""

    swarm: str
    """The name under which the host serves the swarm."""
    question: Question
    caller: str = "local"
    """Who asks, as the host knows them: the name of their key, never the key."""
    id: str = ""
    """By what the order is found again; the host makes one when empty."""
    context: str = ""
    """The conversation that the order belongs to, in the words of the caller's protocol; empty where it has none."""
    budget: Budget | None = None
    """What it may cost at most, within the swarm's own limit."""
    seed: int | None = None
    """Same seed, same draws; the swarm's own when None."""
    temperature: float | None = None
    """Of peers' answers, 0 to 10; each peer's own when None. Peers that are no agents have none."""
    max_tokens: int | None = None
    """The most tokens of one answer, ≥ 1; each peer's own limit when None."""
    protocol: str = ""
    """A protocol by name, such as ``"debate(rounds=2)"``; the swarm's own when empty."""
    closely: bool = True
    """Whether the words that peers are saying and what they ask of models and tools are among its events."""
    original: bytes = b""
    """The caller's message as it came, so that nothing is lost in translation; empty where it is not kept."""

    def __post_init__(self) -> None:
        if len(self.id) > MAX_ID_CHARS:
            raise UsageError(f"an order's id has {len(self.id):,} characters, the limit is {MAX_ID_CHARS}")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise UsageError(f"an order's seed lies between 0 and 2**63 - 1, got {self.seed}")


def new_id() -> str:
    """Return an id that nobody can guess, 32 hexadecimal digits: who knows it may ask other servers for the order."""
    return secrets.token_hex(16)
