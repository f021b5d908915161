"""What a certificate certifies: one outcome, from one exact set of messages, by one rule, of one set of members.

    decision/1 = {cut: [[author, sequence, id]], members, outcome: bytes, params: {name: text}, q, rule}
    D          = blake3("waggle/dec/1\\0" ‖ canonical MessagePack of decision/1)
    members    = blake3("waggle/members/1\\0" ‖ canonical MessagePack of sorted [[key, weight]], weights above 0)

`params` says how the question was worked on, as text, and always the quorum and the number of phases: so nobody can
pass off signatures that were given under one quorum rule as a certificate under another. All numbers are integers;
float noise between machines cannot split D. Source: the project's network specification, §5. There the cut is a map by
author; canonical MessagePack has string keys only, so it is a sorted list here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from unicodedata import is_normalized

import msgspec
from blake3 import blake3

from waggledance.consensus._cut_of_seals import Heads
from waggledance.consensus._quorum import voters
from waggledance.core import Decision, Member, MessageId, UsageError

MAX_OUTCOME_BYTES = 64 * 1024
"""Our own limit: an outcome is a key and a hash, not a document."""

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, as it is signed.

    Raises:
        UsageError: a hash, a head or a text is not in its form, or the outcome is larger than `MAX_OUTCOME_BYTES`.
    """

    question: MessageId
    """Id of the message that opened the question, which names swarm, channel, text and protocol."""
    rule: str
    params: Mapping[str, str]
    cut: Heads
    members: bytes
    """32 bytes; see `members_hash`."""
    outcome: bytes
    """At most 64 KiB; see `outcome_of_decision`."""

    def __post_init__(self) -> None:
        check_heads(self.cut)
        if len(self.question) != 32 or len(self.members) != 32:
            raise UsageError("a decision names its question and its members by 32 bytes each")
        if len(self.outcome) > MAX_OUTCOME_BYTES:
            raise UsageError(f"an outcome of {len(self.outcome):,} bytes; the limit is {MAX_OUTCOME_BYTES:,}")
        for text in (self.rule, *self.params, *self.params.values()):
            if not text.isascii() and not is_normalized("NFC", text):
                raise UsageError(f"the text {text!r:.80} is not in Unicode form NFC; use well_formed(...)")

    def digest(self) -> bytes:
        """Return D: 32 bytes, equal exactly for equal decisions."""
        return blake3(b"waggle/dec/1\0" + _encode(
            {"cut": self.cut, "members": self.members, "outcome": self.outcome, "params": dict(self.params),
             "q": self.question, "rule": self.rule})).digest()  # fmt: skip


def members_hash(members: Iterable[Member]) -> bytes:
    """Return 32 bytes that name who has a vote and with which weight; names and members of weight 0 do not matter.

    Raises:
        UsageError: nobody has a vote, a weight is negative, or a member stands twice.
    """
    return blake3(b"waggle/members/1\0" + _encode(list(voters(members).items()))).digest()


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    answer: str | None
    decision: bytes
    status: str


_decode_answer = msgspec.msgpack.Decoder(_Answer).decode


def outcome_of_decision(decision: Decision) -> bytes:
    """Return a decision as outcome bytes: its answer, its status, and its id, which covers support and messages used.

    canonical MessagePack of {answer, decision: id, status}
    """
    return _encode(_Answer(decision.key, decision.id, decision.status))


def answer_in(outcome: bytes) -> str | None:
    """Return the answer in outcome bytes; None when there is none, or when they were made in another way."""
    try:
        read = _decode_answer(outcome)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return read.answer if _encode(read) == outcome else None


def check_heads(heads: Heads) -> None:
    """Raise UsageError unless heads are sorted by author, one an author, with ids of 32 bytes and numbers from 1."""
    if any(a[0] >= b[0] for a, b in pairwise(heads)):
        raise UsageError("heads are sorted by author, and an author stands there once")
    if any(len(author) != 32 or len(id) != 32 or not 1 <= sequence < 2**63 for author, sequence, id in heads):
        raise UsageError("a head is an author's key of 32 bytes, a number from 1, and an id of 32 bytes")
