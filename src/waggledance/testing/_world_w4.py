"""W4, a world of answers in free words: eight things that can be said, each in many wordings, as points in space.

On every question a peer says the true one of eight things with a chance `truth`, else an error: any of the other seven,
or with a chance `popular` the one that is popular on that question. What it says lies, in 64 dimensions, at

    r = base + thing + noise · N(0, 1/64),   brought to length 1

where base is common to all answers to a question and base and things are drawn unit vectors. A peer that hears others
takes over what most of them say with a chance of .5 + help where that is true and of .5 − help where it is not: with
help 0 it cannot tell right from wrong.
Source: the world on which this project's card on SelfOrg (arXiv:2510.00685) was measured; .6 of noise unless given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from waggledance.core import Call, Message, Proposal, Question, UsageError, local_peer_id
from waggledance.protocols import heard_through
from waggledance.testing._judged import message_of
from waggledance.testing._world_w1 import W1, Answers, Case, W1Peer
from waggledance.topology import Topology

THINGS = 8
DIMENSIONS = 64


@dataclass(frozen=True)
class Discussions:
    """What talk did to a world: shares of 1, over all questions."""

    questions: int
    majority: tuple[float, float]
    """How often most peers said the truth, at first and at last; a tie counts as its share."""
    read: float
    """How many texts were read on a question, on average."""


class W4(W1):
    """A world of answers in free words.

    Args:
        peers: how many, >= 1.
        seed: same seed, same questions and draws.
        truth: the chance that a peer says the truth at first, 0 to 1.
        popular: the share of errors that are the popular one of their question, beside its part of the rest; 0 to 1.
        noise: how much wordings of one thing differ, >= 0.
        help: how much better than a coin peers tell right from wrong when they hear others, 0 to .5.
        torn: what a peer does that hears several things equally often: ``"stay"``, as it heard no majority, or
            ``"follow"`` one of them, drawn.
    """

    title = "W4"

    def __init__(
        self,
        peers: int = 5,
        *,
        seed: int = 0,
        truth: float = 0.35,
        popular: float = 0.0,
        noise: float = 0.6,
        help: float = 0.0,
        torn: Literal["stay", "follow"] = "stay",
    ) -> None:
        super().__init__(peers, seed=seed)
        for name, chance, most in (("truth", truth, 1.0), ("popular", popular, 1.0), ("help", help, 0.5)):
            if not 0 <= chance <= most:
                raise UsageError(f"{name} lies between 0 and {most:g}, got {name}={chance}")
        if not 0 <= noise < np.inf:
            raise UsageError(f"noise is a finite number, 0 or more, got noise={noise}")
        self.truth, self.popular, self.noise, self.help, self.torn = truth, popular, noise, help, torn
        self._places: dict[int, NDArray[np.float64]] = {}

    def seats(self) -> tuple[W4Peer, ...]:
        """Return the world's peers, to be seated in a `Swarm`."""
        return tuple(W4Peer(self, i) for i in range(self.peers))

    def case(self, number: int) -> Case:
        """Return a question by its number, from 0, and the thing that is true, as texts name it: ``"thing 3"``."""
        text = f"World {self.title}, seed {self.seed}, question {number}: which option is true?"
        return Case(Question(text=text, expects="free"), f"thing {self.answers(number).truth}")

    def wording(self, number: int, thing: int, peer: int, round: int) -> str:
        """Return how a peer says a thing in a round: a text of its own that `thing_in` and `embed` read."""
        return f"On question {number} peer {peer} says in round {round} that it is thing {thing}"

    def thing_in(self, text: str) -> int:
        """Return which thing a text says.

        Raises:
            UsageError: the text is none of this world's.
        """
        return _read(text)[3]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return where texts of this world lie: shape (texts, 64), rows of length 1. For ``SelfOrg(embed=…)``."""
        rows = np.empty((len(texts), DIMENSIONS))
        for i, text in enumerate(texts):
            number, peer, round, thing = _read(text)
            where = self._space(number)
            said = where[0] + where[1 + thing]
            said += self.noise * self.generator(number, 2, peer, round).normal(0, 1 / np.sqrt(DIMENSIONS), DIMENSIONS)
            rows[i] = said / np.linalg.norm(said)
        return rows

    def proposed(self, number: int) -> list[Message[Proposal]]:
        """Return every peer's first proposal on a question, sorted by id; ids are drawn, not hashes of content."""
        return sorted(self._say(number, i, 0, thing) for i, thing in enumerate(self.answers(number).said.tolist()))

    def right(self, number: int, said: Sequence[Message[Proposal]]) -> float:
        """Return 1 when most proposals say the truth, 0 when not; a tie as the truth's share of it."""
        counts = np.bincount([self.thing_in(m.body.text) for m in said], minlength=THINGS)
        truth = self.answers(number).truth
        return float(counts[truth] == counts.max()) / int((counts == counts.max()).sum())

    def discussions(self, topology: Topology, *, rounds: int, questions: int) -> Discussions:
        """Let peers hear each other on many questions, without channel and loop; talk ends when all say one thing.

        Args:
            topology: who hears whom; its layers speak one after the other.
            rounds: how often peers hear each other at most, >= 0.
            questions: how many, >= 1.
        """
        roster = tuple(local_peer_id(f"peer-{i}") for i in range(self.peers))
        before = after = read = 0.0
        for number in range(questions):
            said = self.proposed(number)
            before += self.right(number, said)
            for round in range(rounds):
                if len({self.thing_in(m.body.text) for m in said}) == 1:
                    break
                plan = topology.plan(round, roster, said, self.seed + number)
                layer = {peer: edge.layer for edge in plan for peer in edge.listeners}
                new: list[Message[Proposal]] = []
                for i in sorted(range(self.peers), key=lambda i: layer.get(roster[i], 0)):
                    heard = heard_through(plan, roster[i], said, new, round=round, seed=self.seed + number)
                    mine = next(m for m in said if m.author == roster[i])
                    new.append(self._say(number, i, round + 1, self.moved(number, i, round + 1, mine, heard)))
                    read += len(heard)
                said = sorted(new)
            after += self.right(number, said)
        return Discussions(questions, (before / questions, after / questions), read / questions)

    def moved(
        self, number: int, peer: int, round: int, mine: Message[Proposal], heard: Sequence[Message[Proposal]]
    ) -> int:
        """Return which thing a peer says after it heard others."""
        own = self.thing_in(mine.body.text)
        if not heard:
            return own
        rng = self.generator(number, 3, peer, round)
        counts = np.bincount([self.thing_in(m.body.text) for m in heard], minlength=THINGS)
        leading = np.flatnonzero(counts == counts.max())
        if len(leading) > 1 and self.torn == "stay":
            return own
        most = int(rng.choice(leading))
        takes = 0.5 + (self.help if most == self.answers(number).truth else -self.help)
        return most if rng.random() < takes else own

    def _say(self, number: int, peer: int, round: int, thing: int) -> Message[Proposal]:
        text = self.wording(number, thing, peer, round)
        return message_of(self, number, peer, 1 + round, Proposal(round=round, key=text.casefold(), text=text))

    def _answers(self, number: int) -> Answers:
        rng = self.generator(number)
        truth, favourite, *others = rng.permutation(THINGS).tolist()
        errors = rng.choice([favourite, *others], size=self.peers)
        errors = np.where(rng.random(self.peers) < self.popular, favourite, errors)
        return Answers(truth, np.where(rng.random(self.peers) < self.truth, truth, errors).astype(np.int64))

    def _space(self, number: int) -> NDArray[np.float64]:
        """Return a question's base and its eight things: shape (9, 64), rows of length 1."""
        if number not in self._places:
            if len(self._places) > 64:
                self._places.clear()
            drawn = self.generator(number, 1).normal(size=(1 + THINGS, DIMENSIONS))
            self._places[number] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return self._places[number]


class W4Peer(W1Peer):
    """A peer of W4: says a thing in words of its own, and takes over what most say whom it hears, or does not."""

    world: W4

    def __init__(self, world: W4, index: int) -> None:
        super().__init__(world, index)
        self.world = world

    async def propose(self, call: Call) -> Proposal:
        number = self.world.number_of(call.question)
        return self._say(number, call.round, int(self.world.answers(number).said[self.index]))

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        number = self.world.number_of(call.question)
        return self._say(number, call.round, self.world.moved(number, self.index, call.round, mine, heard))

    def _say(self, number: int, round: int, thing: int) -> Proposal:
        text = self.world.wording(number, thing, self.index, round)
        return Proposal.of(text.casefold(), text)


def _read(text: str) -> tuple[int, int, int, int]:
    """Return question, peer, round and thing of a text."""
    match = re.fullmatch(r"On question (\d+) peer (\d+) says in round (\d+) that it is thing (\d+)", text)
    if match is None:
        raise UsageError(f"world W4 reads texts of its own only, got {text!r:.80}")
    number, peer, round, thing = map(int, match.groups())
    return number, peer, round, thing
