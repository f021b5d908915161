"""What members say to certify a decision: what they held, what they claim follows, and two signatures.

    seal/1   "my protocol has ended, and I held this"; again with more in a later epoch
    claim/1  "from these seals follows the decision D"
    prep/1   "so I found; I sign no other D in this epoch"       ack/1   "a quorum did; D stands for me"

`Body.round` is the epoch. The signature in a prep or an ack is over its own words, not over the message around it:

    Ed25519(blake3("waggle/prep/1\\0" ‖ q ‖ epoch as 8 bytes, big-endian ‖ D))        and so for "waggle/ack/1\\0"

so that a certificate can be checked without the channel. Source: the project's network specification, §5.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

from blake3 import blake3

from waggledance.consensus._cut_of_seals import Heads
from waggledance.consensus._decided import check_heads
from waggledance.core import Body, MessageId, PeerId, UsageError

MAX_EPOCH = 2**32 - 1
"""Time per epoch doubles, so nobody who is honest gets beyond some forty."""

Signatures = tuple[tuple[PeerId, bytes], ...]
"""Who signed, and the 64 bytes; sorted by peer, each once."""


class Seal(Body, frozen=True, gc=False):
    """What its author held when its protocol had ended, or later, at the start of an epoch."""

    kind: ClassVar[str] = "seal/1"
    heads: Heads
    """The newest message of each author that the decision should look at."""

    def __post_init__(self) -> None:
        _check_epoch(self.round)
        check_heads(self.heads)


class Claim(Body, frozen=True, gc=False):
    """A decision that its author says follows from the cut of these seals; anyone recomputes it.

    Raises:
        UsageError: a hash or a signature has a wrong length, ids are not sorted, or an epoch is out of range.
    """

    kind: ClassVar[str] = "claim/1"
    seals: tuple[MessageId, ...]
    """Ids of seal messages, sorted."""
    digest: bytes
    """D, 32 bytes."""
    unlock: Signatures = ()
    """A quorum of preps for D of an earlier epoch: shown to members who are locked to another decision."""
    unlock_epoch: int = 0

    def __post_init__(self) -> None:
        _check_epoch(self.round)
        _check_epoch(self.unlock_epoch)
        if any(a >= b for a, b in pairwise(self.seals)) or any(len(id) != 32 for id in self.seals):
            raise UsageError("a claim names its seals by ids of 32 bytes, sorted, each once")
        if len(self.digest) != 32:
            raise UsageError(f"a decision's digest has 32 bytes, got {len(self.digest)}")
        check_signatures(self.unlock)


class _Vote(Body, frozen=True, gc=False):
    question: MessageId
    """Id of the message that opened the question."""
    digest: bytes
    """D, 32 bytes."""
    signature: bytes
    """64 bytes over `prep_statement` or `ack_statement`."""

    def __post_init__(self) -> None:
        _check_epoch(self.round)
        if len(self.question) != 32 or len(self.digest) != 32 or len(self.signature) != 64:
            raise UsageError("a prep or ack has a question and a digest of 32 bytes, and a signature of 64")


class Prep(_Vote, frozen=True, gc=False):
    """Its author recomputed D itself, and signs no other in this epoch."""

    kind: ClassVar[str] = "prep/1"


class Ack(_Vote, frozen=True, gc=False):
    """Its author recomputed D itself, saw a quorum of preps for it in this epoch, and is locked to it."""

    kind: ClassVar[str] = "ack/1"


def prep_statement(question: MessageId, epoch: int, digest: bytes) -> MessageId:
    """Return the 32 bytes that a prep signs."""
    return MessageId(blake3(b"waggle/prep/1\0" + question + epoch.to_bytes(8) + digest).digest())


def ack_statement(question: MessageId, epoch: int, digest: bytes) -> MessageId:
    """Return the 32 bytes that an ack signs."""
    return MessageId(blake3(b"waggle/ack/1\0" + question + epoch.to_bytes(8) + digest).digest())


def check_signatures(signatures: Signatures) -> None:
    """Raise UsageError unless signatures are of 64 bytes, by keys of 32 bytes, sorted by key, one a key."""
    if any(a[0] >= b[0] for a, b in pairwise(signatures)):
        raise UsageError("signatures are sorted by who signed, and each signs once")
    if any(len(author) != 32 or len(signature) != 64 for author, signature in signatures):
        raise UsageError("a signature is of 64 bytes, by a key of 32")


def _check_epoch(epoch: int) -> None:
    if not 0 <= epoch <= MAX_EPOCH:
        raise UsageError(f"an epoch is a number from 0 to {MAX_EPOCH}, got {epoch}")
