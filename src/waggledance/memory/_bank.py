"""The shared bank: a view of the log that several teams read, so that none does a step that another has done.

Nobody owns the bank. A record is a message, fetching one is a message (`Use`), and what is shown is
`select(candidates, uses, policy, capacity)`: pure, so all who hold the same messages see the same bank. A rule that
admits one by one as they arrive would not do: two orders of arrival keep only four fifths the same.

Entries are claims with authors. Sharing a wrong step spreads it to all: who used one and saw that it was wrong says so
(`Trial`), and it is shown no more. What nobody can check stays, so keep one team without the bank as control.
Source: Fioresi et al. 2026, "Learning to Share", arXiv:2602.05965, whose bank is M = {(s_i, o_i)}, keys seen by all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, Body, Message, PeerId, UsageError
from waggledance.memory._admission import Candidate, Policy, hand_rule
from waggledance.memory._record import TEAM, Recorded, RecordId
from waggledance.memory._trials import refuted

if TYPE_CHECKING:
    from waggledance.topology import Embed

CAPACITY = 32
"""Entries shown, unless said otherwise: with keys of one line, some 1,000 tokens."""


class Use(Body, frozen=True, gc=False):
    """Its author fetched a record's value.

    Raises:
        UsageError: the id has not 32 bytes.
    """

    kind: ClassVar[str] = "use/1"
    record: RecordId

    def __post_init__(self) -> None:
        if len(self.record) != 32:
            raise UsageError(f"a use names a record by an id of 32 bytes, got {len(self.record)}")


def select(
    candidates: Iterable[Candidate],
    uses: Mapping[RecordId, int],
    policy: Policy = hand_rule,
    capacity: int = CAPACITY,
) -> tuple[RecordId, ...]:
    """Return which records the bank shows, best first; blind to the order of the candidates.

    Of several with one key, the one that scores best is shown, and counts as produced by all of them. Ties go by a
    hash of key and id.

    Args:
        candidates: what there is; the same one twice is one.
        uses: by how many peers each was used.
        policy: scores them; above 0 is admitted.
        capacity: the most entries, ≥ 0.

    Raises:
        UsageError: the capacity is negative.
    """
    if capacity < 0:
        raise UsageError(f"a bank shows 0 or more entries, got capacity={capacity}")
    by_key: dict[str, dict[RecordId, Candidate]] = {}
    for candidate in candidates:
        same = by_key.setdefault(" ".join(candidate.key.casefold().split()), {})
        if candidate.id not in same or same[candidate.id] != candidate:
            same[candidate.id] = _merged(candidate, same.get(candidate.id))
    scored: list[tuple[int, bytes, RecordId]] = []
    for key, same in by_key.items():
        produced = sum(candidate.produced for candidate in same.values())
        marks = [
            (
                -policy(
                    c if c.produced == produced else msgspec.structs.replace(c, produced=produced), uses.get(c.id, 0)
                ),
                _mark(key, c.id),
                c.id,
            )
            for c in same.values()
        ]
        scored.append(min(marks))
    return tuple(id for score, _, id in sorted(scored)[:capacity] if score < 0)


def uses_of(messages: Iterable[Message[Any]]) -> dict[RecordId, int]:
    """Return by how many peers each record was used, its authors not counted: a fold, blind to order and repeats."""
    users: set[tuple[RecordId, PeerId]] = set()
    authors: set[tuple[RecordId, PeerId]] = set()
    for message in messages:
        if isinstance(message.body, Use):
            users.add((message.body.record, message.author))
        elif isinstance(message.body, Recorded):
            authors.add((message.body.record.id, message.author))
    return dict(Counter(record for record, _ in users - authors))


def candidates_of(
    messages: Iterable[Message[Any]], question: str, embed: Embed | None = None, *, liars: int = 0
) -> tuple[Candidate, ...]:
    """Return the records that messages carry as candidates for a question, sorted by id; none that was `refuted`.

    Args:
        messages: of one channel; a record that is for another is left out.
        question: what relevance is relative to.
        embed: how words become vectors; `topology.by_meaning()` when None.
        liars: how many peers may say of a record what is not so, ≥ 0.

    Raises:
        UsageError: `liars` is negative.
    """
    from waggledance.topology import SIMILARITY_STEPS, by_meaning, similarities_to

    messages = tuple(messages)
    said: dict[RecordId, Recorded] = {}
    authors: dict[RecordId, set[PeerId]] = {}
    for message in messages:
        if isinstance(message.body, Recorded) and message.body.record.scope in (TEAM, message.channel):
            id = message.body.record.id
            said[id] = message.body
            authors.setdefault(id, set()).add(message.author)
    ids = sorted(said.keys() - refuted(messages, liars=liars))
    near = similarities_to(question, [said[id].record.key for id in ids], embed or by_meaning())
    return tuple(
        Candidate(
            id=id,
            key=said[id].record.key,
            relevance_ppm=steps * UNIT // SIMILARITY_STEPS,
            sort=said[id].record.sort,
            tokens=said[id].record.tokens,
            produced=len(authors[id]),
        )
        for id, steps in zip(ids, near, strict=True)
    )


def _merged(one: Candidate, other: Candidate | None) -> Candidate:
    """Return one of two descriptions of a record, the same whichever came first."""
    return one if other is None else min(one, other, key=msgspec.json.encode)


def _mark(key: str, id: RecordId) -> bytes:
    return blake3(b"waggle/bank/1\0" + key.encode() + id).digest(8)
