"""One answer to a request: an order to a swarm, heard as it goes; asked once more where the answer does not fit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Literal, TypeAlias

import msgspec

from waggledance.core import (
    UNIT,
    Cost,
    Decision,
    Exchange,
    Message,
    RunFailed,
    ToolCall,
    Turn,
    Words,
    calls_of,
)
from waggledance.gateways._event import Cancelled, Decided, Failed
from waggledance.gateways._floor import Floor
from waggledance.gateways._given_words import Flow, said_by, stopped
from waggledance.gateways._host import Host
from waggledance.gateways._openai_asked import Asked
from waggledance.gateways._order import Order
from waggledance.gateways._running import Running
from waggledance.protocols import Vote

Finish = Literal["stop", "length", "tool_calls"]
_OTHER_WORDS = "the words were given out as they came; the swarm wrote them down a little differently"


class Thought(msgspec.Struct, frozen=True):
    """What a peer says on the way to the answer."""

    text: str


class Piece(msgspec.Struct, frozen=True):
    """The next words of the answer itself, while it is being given."""

    text: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, whole."""

    text: str
    """Its words; pieces that were given before it are its beginning."""
    calls: tuple[ToolCall, ...]
    """The tools of the caller that it asks for instead."""
    finish: Finish
    cost: Cost
    """Of all that was asked for it."""
    decision: Decision
    id: str
    """Of the order."""
    notes: tuple[str, ...]

    def waggle(self) -> dict[str, Any]:
        """Return what a swarm says of its decision, as plain data: the field ``waggle`` of an answer."""
        decision = self.decision
        name = decision.name
        return {
            "status": decision.status,
            "answer": decision.key,
            "confidence": decision.confidence,
            "support": {k: {"score": v / UNIT, "share": decision.share(k)} for k, v in decision.support.items()},
            "dissent": [{"peer": name(d.peer), "answer": d.key, "reason": d.reason} for d in decision.dissent],
            "silent": [name(peer) for peer in decision.silent],
            "rule": decision.rule,
            "cost": msgspec.to_builtins(self.cost),
            "seconds": round(decision.seconds, 3),
            "notes": [*decision.notes, *self.notes],
            "channel": decision.channel,
            "decision": decision.id.hex(),
            "certificate": msgspec.json.decode(decision.certificate) if decision.certificate else None,
            "order": self.id,
        }


Happening: TypeAlias = Thought | Piece | Answer


class DoesNotFit(RunFailed):
    """The swarm's answer does not fit what was asked for, and neither did the second one."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault

    def __str__(self) -> str:
        return (
            f"the swarm answered twice, and neither answer fits: {self.fault}. Ask with a simpler schema, or seat "
            "larger models"
        )


class Answering:
    """One choice of a request, under way.

    Args:
        host: where the swarm is.
        asked: the request.
        order: the order for this choice.
    """

    def __init__(self, host: Host, asked: Asked, order: Order) -> None:
        self._host, self._asked, self._order = host, asked, order
        self._running: Running | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Stop what is at work for it: nobody waits for the answer any more."""
        self._cancelled = True
        if self._running is not None:
            self._running.cancel()

    async def begin(self) -> None:
        """Begin at once, so that what cannot be asked is known before anything is told.

        Raises:
            WaggleError: why nobody is asked.
        """
        await self._start(self._order).opened()

    async def answer(self) -> Answer:
        """Wait for the answer, hearing nothing on the way.

        Raises:
            WaggleError: why there is none; `DoesNotFit` where two answers do not fit.
        """
        order = msgspec.structs.replace(self._order, closely=False)
        running = self._start(order)
        answer, fault = answer_of(self._asked, await running.decision(), running)
        if fault:
            running = self._start(_once_more(order, answer, fault))
            answer, fault = answer_of(self._asked, await running.decision(), running, answer)
        if fault:
            raise DoesNotFit(fault)
        return answer

    async def happenings(self) -> AsyncGenerator[Happening]:
        """Yield what peers say, the answer's words, as they come where they can be known, and the answer at the end.

        The pieces, joined, are the answer's text.

        Raises:
            WaggleError: why there is none, as in `answer`.
        """
        order, first = self._order, None
        while True:
            running = self._running if first is None and self._running is not None else self._start(order)
            flow, ended = Flow(self._asked.stop), None
            async with aclosing(self._heard(running, flow)) as happening:
                async for event in happening:
                    if isinstance(event, Decision):
                        ended = event
                    else:
                        yield event
            if ended is None:
                raise Cancelled(running.id)
            answer, fault = answer_of(self._asked, ended, running, first)
            if not fault:
                if answer.text.startswith(flow.given):
                    if rest := answer.text[len(flow.given) :]:
                        yield Piece(rest)
                else:
                    answer = msgspec.structs.replace(answer, text=flow.given, notes=(*answer.notes, _OTHER_WORDS))
                yield answer
                return
            if first is not None:
                raise DoesNotFit(fault)
            first, order = answer, _once_more(order, answer, fault)

    def _start(self, order: Order) -> Running:
        if self._cancelled:
            raise Cancelled(order.id)
        self._running = self._host.start(order)
        return self._running

    async def _heard(self, running: Running, flow: Flow) -> AsyncGenerator[Thought | Piece | Decision]:
        floor = Floor()
        one_voice = self._is_one_voice(running.order)
        async with aclosing(running.events()) as events:
            async for event in events:
                if isinstance(event, Words) and one_voice:
                    if piece := flow.hear(event.text):
                        yield Piece(piece)
                elif isinstance(event, (Words, Exchange, Message)):
                    if not one_voice and (said := floor.hear(event)):
                        yield Thought(said)
                elif isinstance(event, Decided):
                    if said := floor.rest():
                        yield Thought(said)
                    yield event.decision
                elif isinstance(event, Failed):
                    raise event.error.with_traceback(None)

    def _is_one_voice(self, order: Order) -> bool:
        """Say whether what the peer says is the answer: there is one peer, it speaks once, and anything fits."""
        hosted = self._host.swarms[order.swarm]
        if hosted.now is not None or len(hosted.swarm.peers) != 1 or not self._asked.fit.anything or order.protocol:
            return False
        protocol = hosted.tuned(order).protocol_for(order.question)
        return isinstance(protocol, Vote) and protocol.samples == 1


def answer_of(asked: Asked, decision: Decision, running: Running, first: Answer | None = None) -> tuple[Answer, str]:
    """Return a decision as an answer, and what is wrong with it; nothing is wrong where it fits.

    Args:
        asked: the request.
        decision: what was decided.
        running: the order that it was decided for.
        first: the answer to the same request that did not fit.
    """
    id = running.id
    calls = tuple(
        msgspec.structs.replace(call, id=f"call_{id[-16:]}_{i}") for i, call in enumerate(calls_of(decision.key))
    )
    text, cut = ("", False) if calls else said_by(decision, running.messages())
    fault = ""
    if decision.key is not None:
        text, fault = asked.fit.taken(text, calls)
    elif not asked.fit.anything:
        fault = "the peers came to no decision"
    words = stopped(text, asked.stop)
    finish: Finish = "tool_calls" if calls else "length" if cut and words == text else "stop"
    cost = decision.cost if first is None else first.cost + decision.cost
    notes = asked.notes if first is None else (*asked.notes, "asked twice: the first answer did not fit")
    return Answer(text=words, calls=calls, finish=finish, cost=cost, decision=decision, id=id, notes=notes), fault


def _once_more(order: Order, answer: Answer, fault: str) -> Order:
    """Return the order that asks again, with what was wrong."""
    question = order.question
    said = answer.text or (answer.decision.key or "")
    before = (*question.conversation, Turn("user", question.text), Turn("assistant", said))
    again = f"{question.text}\n\nYour last answer does not fit: {fault}. Answer again."
    seed = None if order.seed is None else (order.seed + 1) % 2**63
    return msgspec.structs.replace(
        order, question=msgspec.structs.replace(question, text=again, before=before), seed=seed, id=""
    )
