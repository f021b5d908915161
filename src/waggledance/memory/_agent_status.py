"""What an agent says of itself while it works, in a fixed form: what it is at, has, needs, and sees.

Of each author the newest word counts, so what a team knows of itself is a view: nobody asks, nobody keeps a list.

Source: Yang et al. 2025, DAMCS, arXiv:2502.05453, structured communication: sender, goal, inventory, needs, places of
resources. Its role and its offers are left out: they follow from the others' needs and what an agent has.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from waggledance.core import Body, Message, PeerId, UsageError, well_formed

MAX_ITEMS = 64
MAX_WORDS_CHARS = 120


class AgentStatus(Body, frozen=True, gc=False):
    """What its author is at.

    Raises:
        UsageError: more than 64 things in a row, an amount below 0, or words that are empty, longer than 120
            characters, not on one line or not in form NFC.
    """

    kind: ClassVar[str] = "agent-status/1"
    goal: str
    """What it is after at the moment."""
    has: tuple[tuple[str, int], ...] = ()
    """What it holds, and how many of each."""
    needs: tuple[str, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    """What it sees, and where."""

    def __post_init__(self) -> None:
        if max(len(self.has), len(self.needs), len(self.places)) > MAX_ITEMS:
            raise UsageError(f"a status names at most {MAX_ITEMS} things of each sort; say what matters now")
        if any(amount < 0 for _, amount in self.has):
            raise UsageError(f"a status has amounts of 0 or more, got {self.has!r:.120}")
        places = (word for place in self.places for word in place)
        for words in (self.goal, *self.needs, *(what for what, _ in self.has), *places):
            fits = words.strip() and len(words) <= MAX_WORDS_CHARS and len(words.splitlines()) == 1
            if not fits or words != well_formed(words):
                raise UsageError(f"a status is made of lines of 1 to {MAX_WORDS_CHARS} characters, got {words!r:.80}")


def statuses(messages: Iterable[Message[Any]]) -> dict[PeerId, Message[AgentStatus]]:
    """Return the newest status of each author, by author: a pure function of the set.

    The highest clock counts, then the highest id; statuses of a fold may be folded again with newer ones.
    """
    newest: dict[PeerId, Message[AgentStatus]] = {}
    for said in messages:
        if isinstance(said.body, AgentStatus):
            before = newest.get(said.author)
            if before is None or (before.lamport, before.id) < (said.lamport, said.id):
                newest[said.author] = said
    return {author: newest[author] for author in sorted(newest)}
