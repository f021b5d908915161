"""The board: who needs something writes it down, and who can help decides so by itself.

The request is the mesh's `Beacon`, so that one message calls for answers here and for a team there. Every peer that
serves compares it with its own index, and publishes an `Answer` if it is sure enough; no answer is an answer. Nobody
assigns, so nobody has to know who knows what. That wins as long as peers know themselves better than a master knows
them.

The first look is by the embedding, at under 0.1 ms a request; a threshold belongs to its embedding.

Source: Salemi et al. 2025, "LLM-Based Multi-Agent Blackboard System for Information Discovery in Data Science",
arXiv:2510.01285; there the answers stand on a second board that only the asker reads, here in the channel.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waggledance.core import UNIT, Message, Seat, UsageError, after, count, well_formed
from waggledance.memory._answer import MAX_ANSWER_CHARS, MAX_ANSWER_RECORDS, Answer, answers_to
from waggledance.memory._kept import Where
from waggledance.memory._record import PRIVATE, TEAM, RecordId
from waggledance.memory._store import RecordStore
from waggledance.mesh import Beacon, Need


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer could say to a need."""

    text: str
    score_ppm: int
    """How well it fits, by the index's own measure, 0 to 1,000,000."""
    records: tuple[RecordId, ...] = ()


Index = Callable[[str], Contribution | None]
"""Looks up a need's words; None where there is nothing at all."""


class Board:
    """One peer's place at the board: it asks, or it serves.

    Args:
        seat: its seat in the board's channel. `serve` reads the seat's news, so nothing else should.
    """

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    async def ask(self, need: str | Need, want: int = 3, within_s: int = 10) -> tuple[Message[Answer], ...]:
        """Say what is needed; return the answers that count when so many have come or the time is over.

        Args:
            need: in words, or a whole `Need`.
            want: how many answers, 1 to 64.
            within_s: how long to wait, 1 to 3,600 s; the budget's time may end it before.

        Raises:
            UsageError: the need is empty, or a number is out of range.
        """
        need = Need(text=well_formed(need)) if isinstance(need, str) else need
        if not need.text.strip():
            raise UsageError("a request says in words what is needed, got none")
        asked = await self._seat.publish(Beacon(need=need, size=want, within_s=within_s))
        round = _round_of(asked)
        said = await self._seat.collect(Answer, round, until=count(want) | after(within_s))
        return answers_to(said, asked.id, want)

    async def serve(self, index: Index, threshold_ppm: int, for_s: float) -> int:
        """Answer the requests of others that the index has something for; return how many were answered.

        Args:
            index: what this peer knows; see `record_index`.
            threshold_ppm: from which score on it answers, 0 to 1,000,000.
            for_s: how long, on the seat's clock; requests that are there already count.

        Raises:
            UsageError: the threshold is out of range, or the time is not positive.
        """
        if not 0 <= threshold_ppm <= UNIT or not for_s > 0:
            raise UsageError(f"a board is served above 0 to {UNIT} ppm for some seconds, got {threshold_ppm}, {for_s}")
        seat, answered, end_s = self._seat, 0, self._seat.clock.now() + for_s
        with seat.listen() as news:
            while (left := min(end_s - seat.clock.now(), seat.meter.seconds_left())) > 0:
                for message in await news.next(left):
                    if isinstance(message.body, Beacon) and message.author != seat.me:
                        found = index(message.body.need.text)
                        if found is not None and found.score_ppm >= threshold_ppm:
                            await seat.publish(_answer(message, found))
                            answered += 1
        return answered


def record_index(store: RecordStore, channel: str, k: int = 3) -> Index:
    """Return an index over what a store may show to a channel: records for the team and for that channel.

    The score is the nearness of the best one; private records are not looked at.

    Raises:
        UsageError: the channel has the name of the private scope.
    """
    if channel == PRIVATE:
        raise UsageError("no channel is called 'private': that is the scope of what nobody else may see")
    where = Where(scopes=(TEAM, channel))

    def look_up(need: str) -> Contribution | None:
        if not need.strip():
            return None
        found = store.search(need, k, where)
        if not found:
            return None
        best = max(one.likeness_ppm or 0 for one in found)
        text = "\n".join(f"{one.kept.record.key}: {one.kept.record.text}".strip(": ") for one in found)
        ids = tuple(one.kept.id for one in found)
        return Contribution(text=text, score_ppm=min(max(0, best), UNIT), records=ids)

    return look_up


def _round_of(asked: Message[Beacon]) -> int:
    """Return a round that only answers to this request are in."""
    return int.from_bytes(asked.id[:4]) & 0x7FFF_FFFF


def _answer(asked: Message[Beacon], found: Contribution) -> Answer:
    return Answer(
        round=_round_of(asked),
        request=asked.id,
        text=well_formed(found.text)[:MAX_ANSWER_CHARS],
        records=found.records[:MAX_ANSWER_RECORDS],
        confidence_ppm=min(max(0, found.score_ppm), UNIT),
    )
