"""W1, a world of peers that answer alone: four options, common difficulty, and one error that most errors share.

Every question has four options, of which one, drawn at random, is true and another is the question's distractor.

    P(peer i is right on q) = sigmoid(logit(b_i) + d_q),   b_i spread evenly over .35 to .75,   d_q from N(0, 1.2)

and an error is the distractor with .6, else any of the three, the distractor among them. So errors come together, as
those of models do: a majority of many peers gains little over one. Synthetic; nothing here says how good models are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waggledance.core import Call, Message, Proposal, Question, UsageError, Verdict

KEYS = ("A", "B", "C", "D")
"""The canonical answers of every question."""

ABILITY = (0.35, 0.75)
DIFFICULTY_SD = 1.2
DISTRACTOR = 0.6
ERRORS = (DISTRACTOR + (1 - DISTRACTOR) / 3, (1 - DISTRACTOR) / 3, (1 - DISTRACTOR) / 3)
"""How errors share out: on the distractor and on each of the other two."""


@dataclass(frozen=True)
class Case:
    """A question of a world and its true answer, which peers are not told."""

    question: Question
    truth: str


@dataclass(frozen=True)
class Answers:
    """What happened on one question before anybody judged."""

    truth: int
    """Number of the true option, 0 to 3."""
    said: NDArray[np.int64]
    """Shape (peers,): number of the option that each peer answers."""


class W1:
    """A world of peers that answer by themselves.

    Everything follows from the seed and a question's number, so a world can be asked the same question twice.

    Args:
        peers: how many, >= 1.
        seed: same seed, same questions and answers.

    >>> world = W1(peers=5, seed=1)
    >>> [peer.name for peer in world.seats()][:2]
    ['peer-0', 'peer-1']
    """

    title = "W1"

    def __init__(self, peers: int = 15, *, seed: int = 0) -> None:
        if peers < 1:
            raise UsageError(f"a world has at least one peer, got peers={peers}")
        if seed < 0:
            raise UsageError(f"a world's seed is 0 or more, got {seed}")
        self.peers, self.seed = peers, seed
        ability = np.linspace(*ABILITY, peers) if peers > 1 else np.full(1, sum(ABILITY) / 2)
        self._logits = np.log(ability / (1 - ability))
        self.answers = lru_cache(maxsize=64)(self._answers)

    def seats(self) -> tuple[W1Peer, ...]:
        """Return the world's peers, to be seated in a `Swarm`."""
        return tuple(W1Peer(self, i) for i in range(self.peers))

    def case(self, number: int) -> Case:
        """Return a question by its number, from 0, and its true answer."""
        text = f"World {self.title}, seed {self.seed}, question {number}: which option is true?"
        options = tuple(f"option {key} of question {number}" for key in KEYS)
        question = Question(text=text, expects="choice", options=options)
        return Case(question, KEYS[self.answers(number).truth])

    def number_of(self, question: Question) -> int:
        """Return a question's number.

        Raises:
            UsageError: it is no question of this world.
        """
        match = re.fullmatch(
            rf"World {self.title}, seed {self.seed}, question (\d+): which option is true\?", question.text
        )
        if match is None:
            raise UsageError(
                f"world {self.title} of seed {self.seed} knows its own questions only, got {question.text!r}"
            )
        return int(match[1])

    def generator(self, number: int, *purpose: int) -> np.random.Generator:
        """Return the random numbers of a question, for one purpose."""
        return np.random.default_rng([self.seed, number, *purpose])

    def _answers(self, number: int) -> Answers:
        rng = self.generator(number)
        truth, *errors = rng.permutation(len(KEYS)).tolist()
        chance = 1 / (1 + np.exp(-(self._logits + rng.normal(0, DIFFICULTY_SD))))
        right = rng.random(self.peers) < chance
        misled = rng.random(self.peers) < DISTRACTOR
        any_error = np.asarray(errors)[rng.integers(len(errors), size=self.peers)]
        return Answers(truth, np.where(right, truth, np.where(misled, errors[0], any_error)).astype(np.int64))


class W1Peer:
    """A peer of a world that gives its answer, and keeps it whatever it hears."""

    def __init__(self, world: W1, index: int) -> None:
        self.world, self.index = world, index
        self.name = f"peer-{index}"

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise"})

    async def propose(self, call: Call) -> Proposal:
        answer = int(self.world.answers(self.world.number_of(call.question)).said[self.index])
        return Proposal.of(KEYS[answer], f"{self.name} says {KEYS[answer]}")

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return mine.body

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        raise UsageError(f"peers of world {self.world.title} write no notes")

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError(f"peers of world {self.world.title} do not judge; those of W2 do")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise UsageError(f"peers of world {self.world.title} do not judge; those of W2 do")
