"""Two histories of one question side by side: what was said otherwise, by whom and when, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from waggledance.core import Cut, Decision, ForkedFrom, Message, Opening, Outcome, Proposal, Roster
from waggledance.safety._recorded_history import Gists, Slot, slots_of

AnyMessage = Message[Any]

OF_THE_ASKER = (Opening, Roster, Cut, Outcome, ForkedFrom)
"""What frames a run, and is no peer's word."""


class Change(msgspec.Struct, frozen=True):
    """One place at which two histories differ."""

    peer: str
    kind: str
    round: int
    was: AnyMessage | None
    """What the original has there; None when nothing was said."""
    now: AnyMessage | None
    """What the fork has there; None when nothing is said."""

    def __str__(self) -> str:
        return (
            f"{self.peer}, {self.kind.partition('/')[0]} of round {self.round}: {_said(self.was)} → {_said(self.now)}"
        )


class Comparison(msgspec.Struct, frozen=True):
    """Two histories of one question, compared."""

    changes: tuple[Change, ...]
    """By round, then in the order of the original; those without one last."""
    before: Decision | None
    """What was decided in the original; None when it did not come to its end."""
    after: Decision

    @property
    def flipped(self) -> bool:
        """Whether another answer came out."""
        return self.before is None or (self.before.status, self.before.key) != (self.after.status, self.after.key)

    def __str__(self) -> str:
        was = "nothing, unfinished" if self.before is None else _answer(self.before)
        lines = [f"decided before: {was}; now: {_answer(self.after)}"]
        return "\n".join([*lines, *(f"  {change}" for change in self.changes)])


def changes_between(
    original: Iterable[AnyMessage], other: Iterable[AnyMessage], names: dict[bytes, str]
) -> tuple[tuple[Change, Slot], ...]:
    """Return where two tellings in one name differ in what peers say, and the places."""
    gists = Gists()
    was, now = (_by_slot(messages, gists) for messages in (original, other))
    found: list[tuple[Change, Slot]] = []
    for slot in sorted({*was, *now}, key=lambda s: (s[2], s[1], s[3], s[0])):
        a, b = was.get(slot), now.get(slot)
        if a is None or b is None or gists.of(a) != gists.of(b):
            found.append((Change(names.get(slot[0], ""), slot[1], slot[2], a, b), slot))
    order = {slot: n for n, slot in enumerate([*was, *now])}
    return tuple(sorted(found, key=lambda f: (f[1][2], f[0].was is None, order[f[1]])))


def _by_slot(messages: Iterable[AnyMessage], gists: Gists) -> dict[Slot, AnyMessage]:
    in_order = sorted(messages, key=lambda m: (m.lamport, m.id))
    for message in in_order:
        gists.of(message)
    slots = slots_of(in_order)
    return {slots[m.id]: m for m in in_order if not isinstance(m.body, OF_THE_ASKER)}


def _said(message: AnyMessage | None) -> str:
    if message is None:
        return "nothing"
    body = message.body
    if isinstance(body, Proposal):
        return body.key if body.key is not None else f"no answer ({body.lapse[:60]})"
    return repr(getattr(body, "text", "") or message.kind)[:80]


def _answer(decision: Decision) -> str:
    return decision.key if decision.key is not None else f"no answer ({decision.status})"
