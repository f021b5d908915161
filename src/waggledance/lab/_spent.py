"""What one run spent, read from its messages: calls, tokens, messages, bytes, rounds, seconds, answers that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from waggledance.core import Cost, Judgement, Message, PeerId, Proposal, encode, members_of
from waggledance.lab._prices import Prices

UNRECORDED = "is not in the bank"
"""How a bank's peer says that it was asked for what nobody recorded."""


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What one run spent. How often a model's own client tried again is not in the messages, so it is not here."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    micro_usd: int = 0
    """Tokens at their prices, in millionths of a dollar."""
    messages: int = 0
    """All of the channel's, opening and outcome too."""
    bytes: int = 0
    """Of their canonical forms."""
    rounds: int = 0
    """How often answers or judgements were exchanged."""
    seconds: float = 0.0
    """From the opening to the last message, on the writers' clocks."""
    failed: int = 0
    """Answers and judgements that are missing: a model's error, a spent budget, nothing recorded."""
    unrecorded: int = 0
    """Of those, the ones that a bank was asked for and does not hold."""
    unparsable: int = 0
    """Answers in whose words none was found."""

    def __add__(self, other: Spent) -> Spent:
        names = self.__struct_fields__
        return Spent(**{name: getattr(self, name) + getattr(other, name) for name in names})


def spent(messages: Iterable[Message[Any]], models: Mapping[str, str], prices: Prices) -> Spent:
    """Return what a run spent.

    Args:
        messages: every message of one channel.
        models: what each peer thinks with, by the peer's name.
        prices: what tokens cost.
    """
    whole = sorted(set(messages), key=lambda m: (m.lamport, m.id))
    if not whole:
        return Spent()
    names = {member.id: member.name for member in members_of(whole)}
    bodies = [m.body for m in whole]
    costs = [(m.author, cost) for m in whole if (cost := getattr(m.body, "cost", None)) is not None]
    total = sum((cost for _, cost in costs), Cost())
    said = [body for body in bodies if isinstance(body, (Proposal, Judgement))]
    answers = [body for body in said if isinstance(body, Proposal) and body.key is None]
    walls = [m.wall_ms for m in whole]
    return Spent(
        calls=total.calls,
        prompt_tokens=total.prompt_tokens,
        completion_tokens=total.completion_tokens,
        micro_usd=sum(_priced(author, cost, names, models, prices) for author, cost in costs),
        messages=len(whole),
        bytes=sum(len(encode(m)) for m in whole),
        rounds=1 + max((body.round for body in said), default=-1),
        seconds=(max(walls) - min(walls)) / 1000,
        failed=sum(1 for body in said if body.lapse and not (isinstance(body, Proposal) and body.text)),
        unrecorded=sum(1 for body in said if UNRECORDED in body.lapse),
        unparsable=sum(1 for body in answers if body.text),
    )


def _priced(author: PeerId, cost: Cost, names: Mapping[PeerId, str], models: Mapping[str, str], prices: Prices) -> int:
    name = names.get(author, "")
    return prices.of(models.get(name, name), cost.prompt_tokens, cost.completion_tokens)
