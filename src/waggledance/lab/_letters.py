"""Letters: peers that can reach only their neighbours write to each of them, round after round, and then all answer.

In a round every peer writes at most one text to each neighbour; all are delivered together before the next round. A
peer whose words cannot be read as letters is asked once more and is silent in that round after that. There is no common
decision to be found: what counts is all answers together, so the decision is only what most say.
Source: "literal message passing" of arXiv:2507.08616 (AgentsNet) §3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import msgspec

from waggledance.consensus import Rule, majority
from waggledance.core import (
    NO_COST,
    Decision,
    Message,
    Note,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    everyone_within,
    well_formed,
)

MAX_LETTER_CHARS = 12_000
"""What is longer loses its end: a letter fits into a message whatever its characters are."""

TRIES = 2


@dataclass(frozen=True)
class Letters:
    """Write letters to neighbours for some rounds, then answer.

    Args:
        neighbours: every peer's neighbours, by name; links go both ways.
        rounds: how often letters are written and delivered, ≥ 0; R in the paper.
        decide: what the run's own decision is made with.
        patience_s: how long each wait lasts for those who are late, in seconds.

    Raises:
        UsageError: a link goes one way, or rounds is negative.
    """

    name: ClassVar[str] = "letters"
    skills: ClassVar[frozenset[str]] = frozenset({"propose", "note"})
    gives: ClassVar[frozenset[str]] = frozenset()

    neighbours: Mapping[str, tuple[str, ...]]
    rounds: int
    decide: Rule = majority
    patience_s: float = 300.0

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise UsageError(f"letters are written in 0 or more rounds, got {self.rounds}")
        for one, near in self.neighbours.items():
            for other in near:
                if one not in self.neighbours.get(other, ()):
                    raise UsageError(f"{one!r} is linked to {other!r} and not the other way round")

    async def __call__(self, seat: Seat, /) -> Decision:
        in_time = everyone_within(self.patience_s)
        numbers = {seat.table.names[peer]: i for i, peer in enumerate(seat.roster)}
        near = sorted(self.neighbours.get(seat.name, ()))
        ids = frozenset(seat.roster[numbers[name]] for name in near)
        inbox: list[Message[Note]] = []
        for round in range(self.rounds):
            # One slot of the channel for each reader and round, so that waiting for all neighbours waits for letters.
            slot = round * len(numbers)
            for letter, to in zip(await _written(seat, near, inbox, slot), near, strict=True):
                await seat.publish(msgspec.structs.replace(letter, round=slot + numbers[to]))
            arrived = await seat.collect(Note, slot + numbers[seat.name], until=in_time, of=ids)
            inbox = [*_from_their_authors(seat, arrived), *inbox]
        await seat.publish(await seat.propose(guide=inbox))
        return self.decide(await seat.collect(Proposal, 0, until=in_time), (), seat.weights)


async def _written(seat: Seat, near: Sequence[str], inbox: Sequence[Message[Note]], round: int) -> list[Note]:
    """Return one letter to each neighbour, empty ones where the peer wrote none; the first carries the cost."""
    cost, lapse, words = NO_COST, "", dict[str, str]()
    for _ in range(TRIES):
        said = await seat.note("letters", inbox, round)
        cost, lapse = cost + said.cost, said.lapse
        if lapse:
            break
        read = letters_in(said.text, near)
        if read is not None:
            words = read
            break
        lapse = "no letters found in what the peer wrote"
    letters = [Note(round=round, about="letter", text=_signed(seat.name, words.get(name, ""))) for name in near]
    if letters:
        letters[0] = msgspec.structs.replace(letters[0], cost=cost, lapse=lapse)
    return letters


def letters_in(text: str, near: Sequence[str]) -> dict[str, str] | None:
    """Read letters: the first JSON object in a text, its keys neighbours' names in any case; None when there is none.

    >>> letters_in('Sure! {"bo": "hello", "Cy": 3, "Dan": "x"}', ["Bo", "Cy"])
    {'Bo': 'hello', 'Cy': '3'}
    """
    by_name = {name.lower(): name for name in near}
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        plain = cast("dict[str, Any]", found)
        return {
            by_name[name.strip().lower()]: (said if isinstance(said, str) else json.dumps(said))
            for name, said in plain.items()
            if name.strip().lower() in by_name
        }
    return None


def sender_and_words(letter: str) -> tuple[str, str]:
    """Return who wrote a letter, and what.

    >>> sender_and_words("Bo: take blue: it is shorter")
    ('Bo', 'take blue: it is shorter')
    """
    sender, _, words = letter.partition(": ")
    return sender, words


def _signed(name: str, words: str) -> str:
    return f"{name}: {well_formed(words)[:MAX_LETTER_CHARS]}" if words.strip() else ""


def _from_their_authors(seat: Seat, arrived: Sequence[Message[Note]]) -> list[Message[Note]]:
    """Return the letters that say truly who wrote them; silence is none."""

    def true(author: PeerId, text: str) -> bool:
        return sender_and_words(text)[0] == seat.table.names[author]

    return [m for m in arrived if m.body.about == "letter" and m.body.text and true(m.author, m.body.text)]
