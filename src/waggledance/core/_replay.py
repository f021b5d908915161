"""What a channel's messages say about the question itself: enough to decide it again from the log alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from waggledance.core._bodies import Cut, Member, Opening, Outcome, Roster
from waggledance.core._ids import MessageId
from waggledance.core._message import Message


def opening_of(messages: Sequence[Message[Any]]) -> Message[Opening] | None:
    """Return the message that opened the question; None when it is not here.

    Of several (a member may publish one to confuse), the one that most messages build on, then the smallest id.
    """
    openings = [m for m in messages if isinstance(m.body, Opening)]
    if len(openings) <= 1:
        return openings[0] if openings else None
    built_on = Counter(id for m in messages for id in m.parents)
    return min(openings, key=lambda m: (-built_on[m.id], m.id))


def members_of(messages: Sequence[Message[Any]]) -> tuple[Member, ...]:
    """Return who sat in the channel, in the order of the opening and its rosters; nobody without an opening."""
    opening = opening_of(messages)
    if opening is None:
        return ()
    rosters = [m for m in _by(opening, messages) if isinstance(m.body, Roster)]
    return (*opening.body.members, *(member for roster in rosters for member in roster.body.members))


def outcome_of(messages: Sequence[Message[Any]]) -> Message[Outcome] | None:
    """Return what the asker wrote down as decided; the last, if it did so twice; None when it did not."""
    opening = opening_of(messages)
    if opening is None:
        return None
    outcomes = [m for m in _by(opening, messages) if isinstance(m.body, Outcome)]
    return outcomes[-1] if outcomes else None


def cut_of(messages: Sequence[Message[Any]]) -> tuple[MessageId, ...]:
    """Return the ids that the outcome rests on, sorted: those of the asker's cuts right before it."""
    outcome = outcome_of(messages)
    if outcome is None:
        return ()
    by_id = {m.id: m for m in messages}
    ids: set[MessageId] = set()
    at = by_id.get(outcome.previous) if outcome.previous is not None else None
    while at is not None and isinstance(at.body, Cut):
        ids.update(at.body.ids)
        at = by_id.get(at.previous) if at.previous is not None else None
    return tuple(sorted(ids))


def _by(opening: Message[Opening], messages: Iterable[Message[Any]]) -> list[Message[Any]]:
    """Return the messages of the opening's author, by number."""
    return sorted((m for m in messages if m.author == opening.author), key=lambda m: (m.sequence, m.id))
