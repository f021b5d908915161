"""A peer that remembers: before it answers it looks up what it knows, and afterwards keeps what was decided.

What it finds goes into its prompt as a note, fenced like everybody's words. The note is made for this one call: it is
in no channel, and neither are the records behind it. What a model then says may of course repeat them, so what was
decided for one principal (`models.asked_for`) is found for no other; what its owner has put into a memory is found for
all: give a peer that sits with strangers a memory that holds nothing they should not hear.

Source: retrieval of own successes, AgentNet, Yang et al. 2025, arXiv:2504.00587.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from blake3 import blake3

from waggledance.core import (
    Call,
    Decision,
    Message,
    Note,
    Peer,
    Proposal,
    Question,
    RunFailed,
    UsageError,
    compose,
    swarm_id,
    well_formed,
)
from waggledance.memory._exemplars import alike_from
from waggledance.memory._kept import ANY, Found, Where
from waggledance.memory._memory import Memory
from waggledance.memory._record import PRIVATE, Record
from waggledance.memory._told import told
from waggledance.models import principal
from waggledance.peers import WrapperPeer

logger = logging.getLogger(__name__)

DECISION = "decision"
"""The sort of record that it keeps, followed by a mark of the principal where there is one."""
MOST_LOOKED_AT = 4_096
"""Of records, for one question: so many decisions of others may fit better than what is looked for."""
ABOUT = "memory"
"""What its notes are about."""


class Remembering(WrapperPeer):
    """A peer with a memory; any peer may be given one.

    Args:
        peer: who thinks.
        memory: what it remembers; several peers on one machine may share one.
        k: how many records it looks up at most, ≥ 1.
        where: which records count.
        least_ppm: how near a record must be to the question, 0 to 1,000,000; when None, nearer than 99 of 100 pairs of
            unlike sentences by the default embedding.
        scope: of the records that it keeps.

    Raises:
        UsageError: `k` is not positive, or `least_ppm` out of range.
    """

    def __init__(
        self,
        peer: Peer,
        memory: Memory,
        *,
        k: int = 3,
        where: Where = ANY,
        least_ppm: int | None = None,
        scope: str = PRIVATE,
    ) -> None:
        if k < 1 or (least_ppm is not None and not 0 <= least_ppm <= 1_000_000):
            raise UsageError(f"a memory is asked for one record or more above 0 to 1,000,000 ppm, got {k}, {least_ppm}")
        super().__init__(peer)
        self.memory = memory
        self._k, self._where, self._least_ppm, self._scope = k, where, least_ppm, scope

    def __repr__(self) -> str:
        return f"Remembering({self.peer!r})"

    async def propose(self, call: Call) -> Proposal:
        """Answer the question, with what is remembered of it as one more note."""
        words = self.recalled(call)
        if words:
            call.guide = (*call.guide, _own_note(call, words))
        return await self.peer.propose(call)

    def recalled(self, call: Call) -> str:
        """Return what is remembered of a call's question, as its prompt will show it; empty where nothing is near."""
        if self._least_ppm is None:
            from waggledance.topology import by_meaning

            self._least_ppm = alike_from(by_meaning(), margin_ppm=0)
        near = [one.kept for one in self._found(call.question.text) if (one.likeness_ppm or 0) >= self._least_ppm]
        return told(near, call.names)

    def _found(self, text: str) -> Sequence[Found]:
        """Return what fits best; others' decisions neither count nor take anything's place."""
        own, looked_at = decision_sort(), self._k
        while True:
            found = self.memory.search(text, looked_at, self._where)
            mine = [one for one in found if _may_be_told(one, own)]
            if len(mine) >= self._k or len(found) < looked_at or looked_at >= MOST_LOOKED_AT:
                return mine[: self._k]
            looked_at *= 4

    def remember(self, question: Question, decision: Decision) -> None:
        """Keep what was decided about a question; nothing where nothing was. A memory that fails costs no decision."""
        if decision.status != "decided" or decision.key is None:
            return
        text = f"decided: {decision.key}\n{decision.text}" if decision.text else f"decided: {decision.key}"
        sources = () if decision.winner is None else (decision.winner,)
        try:
            self.memory.put(Record.of(decision_sort(), question.text, text, scope=self._scope, sources=sources))
        except RunFailed as why:
            logger.warning("%s does not remember this question: %s", self.name, why)


def decision_sort() -> str:
    """Return the sort of records of what is decided for the principal who asks."""
    who = principal()
    return f"{DECISION}-{blake3(who.encode('utf-8', 'surrogatepass')).hexdigest(10)}" if who else DECISION


def _may_be_told(found: Found, own: str) -> bool:
    """Say whether a record is no decision, or of one's own."""
    sort = found.kept.record.sort
    return sort == own or not (sort == DECISION or sort.startswith(f"{DECISION}-"))


def _own_note(call: Call, words: str) -> Message[Note]:
    """Return a note as a message of nobody's channel, for this call's prompt alone."""
    note = Note(about=ABOUT, text=well_formed(words))
    return compose(call.me, note, 1, None, (), 1, 0, swarm_id("memory"), ABOUT)[0]
