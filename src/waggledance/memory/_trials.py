"""Trials: what became of records that were used; those that were found wrong leave the bank.

    refuted(r)  ⇔  wrong(r) − right(r) > liars

where each peer has one word, its last, and the authors' own praise counts nothing. With f of 3f + 1 peers lying and
``liars=f`` a record that one liar made and the others praise goes after 2f honest trials, and f denunciations take no
record away.

Source: the card `threats`, row B4 ("claims with verdicts, commit after others' success"); the rule is ours. After
Chen et al. 2024, "AgentPoison", arXiv:2407.12784: an entry that nobody rates is found again by whoever asks alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from waggledance.core import Body, Message, PeerId, UsageError
from waggledance.memory._record import Recorded, RecordId


class Trial(Body, frozen=True, gc=False):
    """Its author used a record, and says what became of it; of an author's own record, that it takes it back.

    Raises:
        UsageError: the id has not 32 bytes.
    """

    kind: ClassVar[str] = "trial/1"
    record: RecordId
    right: bool

    def __post_init__(self) -> None:
        if len(self.record) != 32:
            raise UsageError(f"a trial names a record by an id of 32 bytes, got {len(self.record)}")


def refuted(messages: Iterable[Message[Any]], *, liars: int = 0) -> frozenset[RecordId]:
    """Return the records that more peers found wrong than right, by more than `liars`: blind to order and repeats.

    Args:
        messages: of one channel.
        liars: how many peers may say what is not so, ≥ 0 (f); with 0 one word refutes what nobody found right.

    Raises:
        UsageError: `liars` is negative.
    """
    if liars < 0:
        raise UsageError(f"0 peers or more may lie, got liars={liars}")
    last: dict[tuple[RecordId, PeerId], Message[Trial]] = {}
    authors: set[tuple[RecordId, PeerId]] = set()
    for message in messages:
        if isinstance(message.body, Recorded):
            authors.add((message.body.record.id, message.author))
        elif isinstance(message.body, Trial):
            of = (message.body.record, message.author)
            known = last.get(of)
            if known is None or (known.sequence, known.id) < (message.sequence, message.id):
                last[of] = message
    wrong: dict[RecordId, int] = {}
    for (record, peer), trial in last.items():
        if not trial.body.right or (record, peer) not in authors:
            wrong[record] = wrong.get(record, 0) + (-1 if trial.body.right else 1)
    return frozenset(record for record, net in wrong.items() if net > liars)
