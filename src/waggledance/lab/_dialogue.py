"""Dialogue: two peers speak in turn, and what one proposes and the other accepts in the next turn is agreed.

The decision is what was agreed, read strictly from the words: a line ``Move: right, down`` proposes moves, the word
``Agree`` in the very next turn accepts them. No judge is needed, so nothing is measured but the two who talk.
Source: Davidson et al. 2025, "The Collaboration Gap", arXiv:2511.02687, with its judge replaced by these two words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from waggledance.consensus import Rule, majority
from waggledance.core import Decision, Message, Note, Proposal, Seat, UsageError, everyone_within

Move = str
MOVES: tuple[Move, ...] = ("up", "down", "left", "right")

_PROPOSED = re.compile(r"^\W*moves?\W*:(.*)$", re.IGNORECASE | re.MULTILINE)
_AGREED = re.compile(r"\bagreed?\b", re.IGNORECASE)
_REFUSED = re.compile(r"\b(?:not|don't|cannot|can't|do not|dis)\s*agree", re.IGNORECASE)
_WORD = re.compile(r"\b(?:up|down|left|right)\b", re.IGNORECASE)

SILENCES = 2
"""So many turns without a word end a dialogue."""


@dataclass(frozen=True)
class Dialogue:
    """Speak in turn until it is over or the turns are used up; the first peer opens.

    Args:
        turns: how many turns there are at most, ≥ 1; 50 in the project's card.
        over: says whether what was agreed so far ends the dialogue.
        decide: what the decision is made with; both give what was agreed, so any rule does.
        patience_s: how long each wait lasts, in seconds.
    """

    name: ClassVar[str] = "dialogue"
    skills: ClassVar[frozenset[str]] = frozenset({"note"})
    gives: ClassVar[frozenset[str]] = frozenset()
    peers_min: ClassVar[int] = 2

    turns: int = 50
    over: Callable[[Sequence[Move]], bool] = lambda moves: False
    decide: Rule = majority
    patience_s: float = 300.0

    def __post_init__(self) -> None:
        if self.turns < 1:
            raise UsageError(f"a dialogue has at least one turn, got {self.turns}")

    async def __call__(self, seat: Seat, /) -> Decision:
        if len(seat.roster) != 2:
            raise UsageError(f"a dialogue is between 2 peers, got {len(seat.roster)}")
        in_time = everyone_within(self.patience_s)
        said: list[Message[Note]] = []
        silent = 0
        for turn in range(self.turns):
            speaker = seat.roster[turn % 2]
            if seat.me == speaker:
                await seat.publish(await seat.note("turn", said, turn))
            new = await seat.collect(Note, turn, until=in_time, of=frozenset({speaker}))
            said += new[:1]
            silent = 0 if any(m.body.text.strip() for m in new) else silent + 1
            if silent == SILENCES or self.over(agreed([m.body.text for m in said])):
                break
        moves = ", ".join(agreed([m.body.text for m in said]))
        await seat.publish(Proposal(key=moves or "none", text=f"agreed: {moves or 'nothing'}"))
        return self.decide(await seat.collect(Proposal, 0, until=in_time), (), seat.weights)


def agreed(turns: Sequence[str]) -> list[Move]:
    r"""Return the moves that one peer proposed and the other accepted in the next turn, in order.

    >>> agreed(["Move: right, down", "Agree.\nMove: up", "No, a wall.\nMove: left", "I agree."])
    ['right', 'down', 'left']
    """
    moves: list[Move] = []
    for before, now in pairwise(turns):
        if accepts(now):
            moves += proposed(before)
    return moves


def proposed(turn: str) -> list[Move]:
    """Return the moves that a turn proposes: those of its last ``Move:`` line."""
    lines = _PROPOSED.findall(turn)
    return [word.lower() for word in _WORD.findall(lines[-1])] if lines else []


def accepts(turn: str) -> bool:
    """Say whether a turn accepts what was proposed right before it.

    >>> accepts("I agree."), accepts("I do not agree."), accepts("Disagree!")
    (True, False, False)
    """
    return bool(_AGREED.search(turn)) and not _REFUSED.search(turn)
