"""What a run spent, read from its messages."""

from __future__ import annotations

from typing import Any

import pytest

from waggledance import Agent, FunctionPeer, Swarm
from waggledance.core import Budget, Decision, Message, Peer, encode
from waggledance.lab import Prices, spent
from waggledance.models import Scripted
from waggledance.protocols import AskProtocol, Debate, Vote


async def said(
    protocol: AskProtocol, *peers: Peer, budget: Budget | None = None
) -> tuple[Decision, list[Message[Any]]]:
    swarm = Swarm(peers, protocol=protocol)
    events = [event async for event in swarm.watch("2 + 2?", expects="number", budget=budget)]
    return next(e for e in events if isinstance(e, Decision)), [e for e in events if isinstance(e, Message)]


def talker(name: str, answer: str) -> FunctionPeer:
    return FunctionPeer(name, lambda _: answer)


async def test_calls_and_tokens_are_those_of_the_decision_and_priced_by_who_thinks() -> None:
    peers = [Agent(name, Scripted("Answer: 4")) for name in ("ada", "ben")]
    decision, messages = await said(Debate(rounds=1), *peers)
    models = {"ada": "dear", "ben": "free"}
    found = spent(messages, models, Prices({"dear": (10.0, 10.0), "free": (0.0, 0.0)}))
    cost = decision.cost
    assert (found.calls, found.prompt_tokens, found.completion_tokens) == (
        4,
        cost.prompt_tokens,
        cost.completion_tokens,
    )
    of_ada = sum(m.body.cost.tokens for m in messages if getattr(m.body, "cost", None)
                 and decision.names.get(m.author) == "ada")  # fmt: skip
    assert found.micro_usd == 10 * of_ada > 0
    assert (found.rounds, found.messages) == (2, len(messages))
    assert found.bytes == sum(len(encode(m)) for m in messages)


async def test_unreadable_and_missing_answers_are_counted_apart() -> None:
    def fails(question: str) -> str:
        raise ValueError(question)

    peers = [talker("a", "4"), talker("b", "no idea at all"), FunctionPeer("c", fails)]
    _, messages = await said(Vote(), *peers)
    found = spent(messages, {}, Prices())
    assert (found.unparsable, found.failed) == (1, 1)


async def test_what_a_budget_forbade_was_not_spent() -> None:
    _, messages = await said(Vote(), talker("a", "4"), talker("b", "4"), budget=Budget(calls=1))
    assert spent(messages, {}, Prices()).calls == 1


async def test_the_order_and_repetition_of_messages_change_nothing() -> None:
    _, messages = await said(Vote(), talker("a", "4"), talker("b", "5"))
    assert spent([*messages[::-1], *messages], {}, Prices()) == spent(messages, {}, Prices())


def test_nothing_said_is_nothing_spent() -> None:
    assert spent([], {}, Prices()).calls == 0
    with pytest.raises(AttributeError):
        spent([], {}, Prices()).calls = 3  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
