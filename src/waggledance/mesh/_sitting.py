"""A peer that sits at the questions which others open: it runs their protocol, and says what it held at the end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from blake3 import blake3
from msgspec import UNSET

from waggledance.core import (
    THREAD,
    Budget,
    KeepsExchanges,
    Message,
    MessageId,
    Meter,
    Opening,
    Outcome,
    Peer,
    PeerId,
    Proposal,
    Question,
    QuestionPart,
    RunFailed,
    Seat,
    WaggleError,
    Witness,
    after,
    count,
    whole_question,
)
from waggledance.mesh._agreement import Agreement
from waggledance.mesh._held import Held
from waggledance.mesh._node import Node
from waggledance.mesh._quota import AskersMeter, Quota, Quotas
from waggledance.mesh._sealed_set import table_of
from waggledance.mesh._settling import asks_the_swarm
from waggledance.mesh._telling import Speech
from waggledance.models import asked_for
from waggledance.protocols import as_opened, check_fit, check_question, folds

logger = logging.getLogger(__name__)

PARALLEL = 8
PARTS_COME = count(1) | after(30.0)
"""How long a part of a long question is waited for."""
LINGER_SECONDS = 600.0
"""A question whose asker writes no outcome is left that long after this member has said what it held."""


class Sitting:
    """Lets a peer take part in every question that is opened for it.

    A question that was under way when the process ended is taken up again: what the peer had said stands.

    Args:
        node: the peer's node.
        peer: who thinks.
        budget: what one question may cost here at most; the swarm's own limits hold besides.
        parallel: so many questions at once; further ones wait.
        quotas: what each asker but this peer itself may cost in an hour; the default quota, not kept, when None.
    """

    def __init__(
        self,
        node: Node,
        peer: Peer,
        *,
        budget: Budget | None = None,
        parallel: int = PARALLEL,
        quotas: Quotas | None = None,
    ) -> None:
        self._node = node
        self._quotas = quotas or Quotas(Quota(), node.clock.wall_ms)
        self.peer = peer
        """Who thinks; another from the next question on when it is set."""
        self._budget = node.genesis.limits.capped(budget or Budget())
        self._slots = asyncio.Semaphore(parallel)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self.ended: Counter[str] = Counter()
        """Questions by how they ended here: ``"answered"``, ``"failed"``; who abstained all along has failed.

        What an asker's quota had no room for is no failure; it counts among the node's refusals.
        """
        self.on_question: Callable[[Message[Opening]], None] | None = None
        """Called when this peer begins to work on a question."""
        node.on_opening, node.on_gone = self._on_opening, self._on_gone
        for held in [held for held in node.channels.values() if not held.is_over]:
            for opening in held.copy.said(Opening)[:1]:
                self._on_opening(held, opening)

    @property
    def has_room(self) -> bool:
        """Whether a question that comes now is worked on at once."""
        return not self._slots.locked()

    @property
    def under_way(self) -> tuple[str, ...]:
        """The channels of the questions that this peer takes part in at this moment."""
        return tuple(self._under_way)

    async def over(self) -> None:
        """Return when the questions that are under way now are over."""
        if self._under_way:
            await asyncio.wait(tuple(self._under_way.values()))

    async def close(self) -> None:
        """Leave all questions, and keep what askers have cost."""
        self._node.on_opening = self._node.on_gone = None
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._quotas.keep()

    def _on_opening(self, held: Held, opening: Message[Opening]) -> None:
        if held.name in self._under_way or not any(m.id == self._node.me for m in opening.body.members):
            return
        if opening.body.protocol == THREAD:  # talk: nothing is asked, and whoever has something to say says it
            return
        if _is_over(held, opening):
            return
        held.copy.leave_out(self._node.gone & {member.id for member in opening.body.members})
        task = self._under_way[held.name] = asyncio.get_running_loop().create_task(self._take_part(held, opening))
        task.add_done_callback(lambda _: self._under_way.pop(held.name, None))

    def _on_gone(self, gone: frozenset[PeerId]) -> None:
        """Let nobody here wait for answers of who is gone; who is only suspected may be thinking hard."""
        for name in self._under_way:
            held = self._node.channels[name]
            for opening in held.copy.said(Opening)[:1]:
                held.copy.leave_out(gone & {member.id for member in opening.body.members})

    async def _take_part(self, held: Held, opening: Message[Opening]) -> None:
        """Answer, then follow the question until its asker has written down what came out."""
        if _is_over(held, opening):  # the outcome came before this task began
            return
        over = asyncio.get_running_loop().create_future()

        def look(message: Message[Any], _raw: bytes) -> None:
            if message.author == opening.author and isinstance(message.body, Outcome) and not over.done():
                over.set_result(None)

        unsubscribe = held.copy.subscribe(look)
        node = self._node
        certify = asks_the_swarm(node, opening.body)
        agreement = Agreement(node.key, opening, held.copy, node.clock, node.reader.holds, certify=certify)
        answering = asyncio.get_running_loop().create_task(self._answer(held, opening, agreement))
        try:
            await asyncio.wait((answering, over), return_when=asyncio.FIRST_COMPLETED)
            if not over.done():
                await asyncio.wait((over,), timeout=LINGER_SECONDS)
        finally:
            unsubscribe()
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
            agreement.close()

    async def _answer(self, held: Held, opening: Message[Opening], agreement: Agreement) -> None:
        """Run the protocol, then say what is held, whatever came of it: nobody waits for a peer that has given up."""
        node = self._node
        if not agreement.has_sealed:
            async with self._slots:
                speech = node.telling.speech(held, node.me)
                peer = self.peer
                if self.on_question is not None:
                    self.on_question(opening)
                try:
                    protocol = as_opened(opening.body)
                    check_fit(protocol, [peer] * len(opening.body.members))
                    question = await self._question(held, opening)
                    check_question(protocol, question)
                    if not folds(opening.body):  # one that folds goes on from what is there by itself
                        held.copy.recall(node.me)
                    seat = Seat(
                        me=node.me,
                        peer=peer,
                        table=table_of(opening.body, question=question),
                        channel=held.copy,
                        clock=node.clock,
                        meter=self._meter(opening),
                        opening=opening,
                        witness=self._witness(speech),
                        hidden=self._hidden(held),
                    )
                    with asked_for(opening.author.hex()):
                        seat.remember(await protocol(seat))
                    self._ended(held, seat.meter)
                except WaggleError as why:
                    self.ended["failed"] += 1
                    logger.warning("channel %s: %s", held.name, why)
                finally:
                    speech.close()
        agreement.finished()

    def _hidden(self, held: Held) -> Random:
        """Return luck for a question that whoever has not this peer's key cannot foresee, and that outlives a kill."""
        what = blake3(b"waggle/hidden/1\0" + held.name.encode()).digest()
        return Random(int.from_bytes(self._node.key.sign(MessageId(what))))

    def _meter(self, opening: Message[Opening]) -> Meter:
        """Return what counts a question here: what this peer asks itself costs nobody's hour."""
        node = self._node
        if opening.author == node.me:
            return Meter(self._budget, node.clock)
        return self._quotas.meter(opening.author, self._budget, node.clock)

    def _ended(self, held: Held, meter: Meter) -> None:
        """Count how a question has ended."""
        if isinstance(meter, AskersMeter) and meter.over_quota:
            self._node.refused["quota"] += 1
            if not self._has_answered(held):
                return
        self.ended["answered" if self._has_answered(held) else "failed"] += 1

    async def _question(self, held: Held, opening: Message[Opening]) -> Question:
        """Return what is asked, whole: where it is longer than one message, wait for its parts.

        Raises:
            RunFailed: they do not come, or are not those that the opening names.
        """
        whole, parts = opening.body.question.whole, list[Message[QuestionPart]]()
        for place in range(0 if whole is UNSET else whole.parts):
            parts += await held.copy.collect(
                QuestionPart, place, until=PARTS_COME, expected=1, of=frozenset((opening.author,))
            )
        question = whole_question(opening, parts)
        if question is None:
            raise RunFailed(f"channel {held.name!r}: only {len(parts)} parts of the question came")
        return question

    def _witness(self, speech: Speech) -> Witness:
        """Return who is told what goes on here: its own log, if that can keep it; the asker of words, if it listens."""
        log = self._node.log
        exchange = log.append_exchange if isinstance(log, KeepsExchanges) else None
        return Witness(exchange=exchange, words=speech.hear, wanted=lambda: speech.wanted)

    def _has_answered(self, held: Held) -> bool:
        """Say whether this peer has given an answer, or was asked for none."""
        said = [m.body for m in held.copy.messages() if m.author == self._node.me and isinstance(m.body, Proposal)]
        return not said or any(proposal.key is not None for proposal in said)


def _is_over(held: Held, opening: Message[Opening]) -> bool:
    """Say whether the asker has written down what came out."""
    return any(message.author == opening.author for message in held.copy.said(Outcome))
