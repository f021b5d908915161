"""The workspace: what everybody has in mind now, within a limit of tokens; the rest stays within reach.

Winning thoughts are appended as records. When they have outgrown the limit, any peer writes a `summary` record whose
links name what it stands for, and the view shows the summary in the place of those. The view is a fold over records:
two peers that hold the same ones see the same, and every original is reached from the summaries by their links.

Which thought wins is for the consensus room: the highest mean score, ties by hash. There is no hub and no arbiter.

Source: "Theater of Mind" for LLMs, Global Workspace Agents, 2026, arXiv:2604.08206, whose short-term memory spills at
θ = 3,000 tokens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from waggledance.core import UsageError
from waggledance.memory._record import MAX_LINKS, Record, RecordId

LIMIT_TOKENS = 3_000
"""θ in the paper."""
SUMMARY = "summary"
STANDS_FOR = "stands-for"

Summarise = Callable[[Sequence[Record]], Awaitable[str]]
"""Turns records into a shorter text."""


class Workspace(msgspec.Struct, frozen=True):
    """The fold: what is in mind, and what stands behind it."""

    ordered: tuple[Record, ...]
    """Thoughts and summaries, in the order in which they were said."""

    @classmethod
    def of(cls, said: Iterable[tuple[int, Record]]) -> Workspace:
        """Return the workspace of records, each with its logical time; equal times go by id.

        Args:
            said: in any order; the same record twice is one, at its earliest time.
        """
        first: dict[RecordId, tuple[int, Record]] = {}
        for at, record in said:
            id = record.id
            if id not in first or at < first[id][0]:
                first[id] = (at, record)
        return cls(tuple(first[id][1] for id in sorted(first, key=lambda id: (first[id][0], id))))

    @property
    def view(self) -> tuple[Record, ...]:
        """What is in mind: all that no summary stands for, oldest first."""
        known = {record.id: record for record in self.ordered}
        covered = {target for record in self.ordered if record.sort == SUMMARY for target in _stands_for(record)}
        return tuple(record for id, record in known.items() if id not in covered)

    @property
    def tokens(self) -> int:
        """How many tokens the view has."""
        return sum(record.tokens for record in self.view)

    def behind(self, id: RecordId) -> frozenset[RecordId]:
        """Return all that a record stands for, through any number of summaries; itself alone for a thought."""
        known: Mapping[RecordId, Record] = {record.id: record for record in self.ordered}
        found, left = set[RecordId](), [id]
        while left:
            one = left.pop()
            if one not in found:
                found.add(one)
                left += _stands_for(known[one]) if one in known else []
        return frozenset(found)

    def outgrown(self, limit: int = LIMIT_TOKENS) -> tuple[Record, ...]:
        """Return what a summary should now stand for: the oldest of the view, until half of the limit is free again.

        Nothing while the view keeps to the limit. At most 64 records; what is left is for the next summary.

        Raises:
            UsageError: the limit is not positive.
        """
        if limit < 1:
            raise UsageError(f"a workspace holds at least one token, got limit={limit}")
        tokens, chosen = self.tokens, list[Record]()
        if tokens <= limit:
            return ()
        for record in self.view:
            if tokens <= limit // 2 or len(chosen) == MAX_LINKS:
                break
            chosen.append(record)
            tokens -= record.tokens
        return tuple(chosen)


async def summarised(records: Sequence[Record], summarise: Summarise, *, scope: str, max_tokens: int) -> Record:
    """Return a summary that stands for records, to be put and said like any other.

    Args:
        records: at least one; see `Workspace.outgrown`.
        summarise: writes the text; cut where it is longer than allowed.
        scope: of the summary: as wide as that of the records, or narrower.
        max_tokens: of its text, ≥ 1. Keep it well below the workspace's limit, or the view never shrinks.

    Raises:
        UsageError: there is nothing to summarise, no room, or a record is for others than the summary would be.
    """
    if not records or max_tokens < 1:
        raise UsageError(f"a summary of at least one token stands for something, got {len(records)} and {max_tokens}")
    scopes = {record.scope for record in records}
    if scopes != {scope}:
        raise UsageError(f"a summary for {scope!r} would tell what is for {', '.join(sorted(scopes - {scope}))}")
    text = (await summarise(records))[: 4 * max_tokens]
    links = [(STANDS_FOR, record.id) for record in records]
    return Record.of(SUMMARY, f"{len(records)} thoughts up to: {records[-1].key}", text, links=links, scope=scope)


def _stands_for(record: Record) -> list[RecordId]:
    return [target for relation, target in record.links if relation == STANDS_FOR]
