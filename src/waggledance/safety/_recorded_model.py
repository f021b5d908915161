"""A model that is asked only what it was not asked before: peers' own record of prompts and replies answers the rest.

What is in no message, such as how a scout graded what it looked at, is in the exchanges of the peer that thought it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from copy import copy

import msgspec

from waggledance.core import Exchange, Peer, PeerId
from waggledance.models import Completion, Model, Request, Streaming, as_sent, sees
from waggledance.peers import Agent

Memory = Mapping[tuple[str, str], str]
"""What one peer's models answered: by the model's name and the request as JSON, the completion as JSON."""


class Thinking:
    """One call of a peer in a replay: whether a model was asked in it, and whether one may be."""

    def __init__(self, may_ask: bool) -> None:
        self.may_ask, self.asked = may_ask, False


THINKING: ContextVar[Thinking | None] = ContextVar("THINKING", default=None)


class NotRemembered(Exception):
    """A model would have to be asked, and may not be."""


def memories_of(exchanges: Iterable[Exchange]) -> dict[PeerId, dict[tuple[str, str], str]]:
    """Return what each peer's models answered; of two answers to one request the first."""
    memories: dict[PeerId, dict[tuple[str, str], str]] = {}
    for exchange in exchanges:
        if exchange.kind == "model" and exchange.answered and not exchange.failure:
            memories.setdefault(exchange.author, {}).setdefault((exchange.of, exchange.asked), exchange.answered)
    return memories


def remembering(peer: Peer, memory: Memory) -> Peer:
    """Return a peer whose model remembers what it was asked; the same peer where there is nothing to remember."""
    if not (isinstance(peer, Agent) and memory):
        return peer
    other = copy(peer)
    other.model = RecordedModel(peer.model, memory)
    return other


class RecordedModel:
    """A model with its record of what it was asked.

    Args:
        model: is asked for what is not in the record, if that may be.
        memory: the record.
    """

    def __init__(self, model: Model, memory: Memory) -> None:
        self._model, self._memory = model, memory
        self.name, self.sees = model.name, sees(model)

    async def as_sent(self, request: Request) -> Request:
        """Return a request as it leaves, or left."""
        return await as_sent(self._model, request)

    async def complete(self, request: Request) -> Completion:
        """Give back what was answered to the same request, or ask."""
        return await self._recorded(request) or await self._model.complete(request)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Do the same, and tell the words."""
        known = await self._recorded(request)
        if known is None and isinstance(self._model, Streaming):
            return await self._model.stream(request, hear)
        completion = known or await self._model.complete(request)
        hear(completion.text)
        return completion

    async def aclose(self) -> None:
        """Let go of the model."""
        await self._model.aclose()

    async def _recorded(self, request: Request) -> Completion | None:
        """Return what was answered to a request; None when the model may be asked.

        Raises:
            NotRemembered: it is not in the record, and the model may not be asked.
        """
        answered = self._memory.get((self.name, msgspec.json.encode(await self.as_sent(request)).decode()))
        if answered is not None:
            return msgspec.json.decode(answered, type=Completion)
        thinking = THINKING.get()
        if thinking is not None:
            if not thinking.may_ask:
                raise NotRemembered
            thinking.asked = True
        return None
