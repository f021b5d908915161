"""A question that is longer than one message: its opening says what the whole is, and the parts come right behind it.

    whole   blake3 of the question's MessagePack bytes, and in how many parts they come
    part    60,000 of the bytes, the last one fewer; its `round` is its place, from 0

The opening has the beginning of the text and all by which answers are compared and counted, so whoever only computes
what was decided needs no part. Whoever thinks waits for all of them, and believes the hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core._bodies import Opening, Question, Whole
from waggledance.core._errors import RunFailed, UsageError
from waggledance.core._message import Body, Message

ONE_MESSAGE_BYTES = 56_000
"""A question of up to so many stands in its opening: with its members that then fits into a message's 64 KiB."""
PART_BYTES = 60_000
MAX_QUESTION_BYTES = 1_000_000
"""Of one question with the conversation before it: more than the context of most models."""
BEGINNING_CHARS = 1_000


class QuestionPart(Body, frozen=True, gc=False):
    """A part of a question that is longer than one message; by who opened the channel, else it counts for nothing."""

    kind: ClassVar[str] = "question-part/1"
    part: bytes


class QuestionTooLong(UsageError):
    """A question is longer than may be asked."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes

    def __str__(self) -> str:
        return (
            f"the question has {self.size_bytes:,} bytes with the conversation before it, the limit is "
            f"{MAX_QUESTION_BYTES:,}: shorten it"
        )


def parted(question: Question) -> tuple[Question, tuple[QuestionPart, ...]]:
    """Return a question as its opening has it, and the parts that go behind that; none where it fits.

    Raises:
        QuestionTooLong: it has more than 1,000,000 bytes.
        UsageError: what cannot be left for later, its options and tools, is too long for one message.
    """
    raw = _encode(question)
    if len(raw) <= ONE_MESSAGE_BYTES:
        return question, ()
    if len(raw) > MAX_QUESTION_BYTES:
        raise QuestionTooLong(len(raw))
    parts = [raw[start : start + PART_BYTES] for start in range(0, len(raw), PART_BYTES)]
    beginning = question.text.strip()[:BEGINNING_CHARS]
    whole = Whole(hash=blake3(raw).digest(), parts=len(parts))
    short = msgspec.structs.replace(question, text=beginning, before=msgspec.UNSET, whole=whole)
    if (size := len(_encode(short))) > ONE_MESSAGE_BYTES:
        raise UsageError(
            f"the question's options and tools have {size:,} bytes, the limit is {ONE_MESSAGE_BYTES:,}: offer fewer"
        )
    return short, tuple(QuestionPart(round=i, part=part) for i, part in enumerate(parts))


def whole_question(opening: Message[Opening], said: Iterable[Message[Any]]) -> Question | None:
    """Return what an opening asks, whole; None while parts are missing.

    Args:
        opening: the message that asks.
        said: messages of its channel, in any order.

    Raises:
        RunFailed: the parts are not those that the opening speaks of, or make no such question.
    """
    short = opening.body.question
    if short.whole is msgspec.UNSET:
        return short
    parts = {m.body.round: m.body.part for m in said if isinstance(m.body, QuestionPart) and m.author == opening.author}
    if not parts.keys() >= set(range(short.whole.parts)):
        return None
    raw = b"".join(parts[i] for i in range(short.whole.parts))
    if blake3(raw).digest() != short.whole.hash:
        raise RunFailed(f"channel {opening.channel!r}: the parts of the question are not those that its opening names")
    try:
        question = _decode(raw)
        made = parted(question)[0]
    except (msgspec.DecodeError, UsageError) as why:
        raise RunFailed(f"channel {opening.channel!r}: the parts make no question: {why}") from why
    if made != short:
        raise RunFailed(f"channel {opening.channel!r}: the question is not the one that its opening begins")
    return question


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Question).decode
