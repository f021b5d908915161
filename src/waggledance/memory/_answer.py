"""Answers to a request on the board, and which of them count: a pure function of the messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from blake3 import blake3

from waggledance.core import NO_COST, UNIT, Body, Cost, Message, MessageId, PeerId, UsageError, well_formed
from waggledance.memory._record import RecordId

MAX_ANSWER_CHARS = 4_000
MAX_ANSWER_RECORDS = 32


class Answer(Body, frozen=True, gc=False):
    """What its author can contribute to a request, with the records that it rests on, which can be checked.

    Raises:
        UsageError: an id has not 32 bytes, the text is too long or not in form NFC, or the confidence out of range.
    """

    kind: ClassVar[str] = "answer/1"
    request: MessageId
    """The request's message: a `Beacon`."""
    text: str
    """At most 4,000 characters."""
    records: tuple[RecordId, ...] = ()
    """At most 32."""
    confidence_ppm: int = UNIT
    """How well its author thinks that it fits, 0 to 1,000,000."""
    cost: Cost = NO_COST

    def __post_init__(self) -> None:
        if len(self.request) != 32 or any(len(id) != 32 for id in self.records):
            raise UsageError("an answer names a request and records by ids of 32 bytes")
        if len(self.text) > MAX_ANSWER_CHARS or len(self.records) > MAX_ANSWER_RECORDS:
            raise UsageError(
                f"an answer has at most {MAX_ANSWER_CHARS:,} characters and {MAX_ANSWER_RECORDS} records, "
                f"got {len(self.text):,} and {len(self.records)}"
            )
        if not self.text.isascii() and self.text != well_formed(self.text):
            raise UsageError("an answer's text must be well-formed Unicode in form NFC; use well_formed(...)")
        if not 0 <= self.confidence_ppm <= UNIT:
            raise UsageError(f"a confidence lies between 0 and {UNIT} parts per million, got {self.confidence_ppm}")


def answers_to(messages: Iterable[Message[Any]], request: MessageId, want: int) -> tuple[Message[Answer], ...]:
    """Return the answers that count: of each peer its first, the surest first, equals by a hash of request and peer.

    Scores come before the draw: who drew well is not preferred to who knows more.

    Args:
        messages: any messages, in any order.
        request: the request's id.
        want: how many, ≥ 1.

    Raises:
        UsageError: `want` is less than one.
    """
    if want < 1:
        raise UsageError(f"a request wants at least one answer, got want={want}")
    first: dict[PeerId, Message[Answer]] = {}
    for message in messages:
        if isinstance(message.body, Answer) and message.body.request == request:
            before = first.get(message.author)
            if before is None or message.sequence < before.sequence:
                first[message.author] = message
    order = sorted(first.values(), key=lambda m: (-m.body.confidence_ppm, blake3(request + m.author).digest()))
    return tuple(order[:want])
