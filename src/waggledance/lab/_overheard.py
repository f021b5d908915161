"""Listen in on what an agent says to its model, and say again what a model once said."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from blake3 import blake3

from waggledance.core import (
    AnswerKind,
    Budget,
    Call,
    LoopClock,
    Message,
    MessageId,
    Meter,
    Proposal,
    Question,
    local_peer_id,
    swarm_id,
)
from waggledance.models import Completion, Model, Request
from waggledance.peers import Agent

_SAID = Completion(text="Better: First", prompt_tokens=0, completion_tokens=0, finish="stop", seconds=0.0)


class Overheard:
    """A model that asks another one, and remembers the last request and its answer."""

    request: Request
    completion: Completion

    def __init__(self, model: Model) -> None:
        self.model = model

    @property
    def name(self) -> str:
        return self.model.name

    async def complete(self, request: Request) -> Completion:
        """Ask, and remember."""
        self.request = request
        self.completion = await self.model.complete(request)
        return self.completion

    async def aclose(self) -> None:
        """Close the model behind."""
        await self.model.aclose()


class Retold:
    """A model that says one thing that a model has said, whatever it is asked."""

    def __init__(self, name: str, completion: Completion) -> None:
        self.name, self._completion = name, completion

    async def complete(self, request: Request) -> Completion:
        """Say it."""
        return self._completion

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""


async def prompts_of(kinds: Iterable[AnswerKind]) -> str:
    """Return a hash of what an agent says around questions of some kinds when it proposes and when it compares.

    It changes when the prompts do, so that answers to different prompts are not taken for the same.
    """
    digest = blake3(b"waggle/prompts/1\0")
    for kind in sorted(set(kinds)):
        question = Question(text="?", expects=kind, options=("yes", "no") if kind == "choice" else ())
        heard = Overheard(Retold("prompts", _SAID))
        agent = Agent("prompts", heard)
        await agent.propose(a_call(question, 0))
        digest.update(_flat(heard.request))
        two = [as_message(number, "prompts", Proposal(key=number)) for number in ("1", "2")]
        for seed in (0, 1):  # the worked comparison hangs on the seed
            await agent.compare(a_call(question, seed), *two)
            digest.update(_flat(heard.request))
    return digest.hexdigest(length=8)


def a_call(question: Question, seed: int) -> Call:
    """Return the call of a peer that is asked alone, with that seed and no limits."""
    return Call(
        question=question,
        round=0,
        me=local_peer_id("recorder"),
        names={},
        draw_seed=lambda _: seed,
        number=1,
        meter=Meter(Budget(), LoopClock()),
    )


def as_message(key: str, author: str, said: Proposal) -> Message[Proposal]:
    """Return a proposal as a judge reads it, outside any channel; `key` names the text."""
    id = MessageId(blake3(b"waggle/recorded/1\0" + key.encode()).digest())
    return Message(id, local_peer_id(author), said, 1, None, (), 1, 0, swarm_id("recorded"), "recorded")


def _flat(request: Request) -> bytes:
    return msgspec.json.encode([(turn.role, turn.text) for turn in request.turns])
