"""W2, the peers of W1 as judges: who recognises truth more often than it produces it.

On every question a judge either recognises the truth, and then finds it better than any error, or does not, and then
finds every error better than the truth. It recognises it with `if_right` when it gave the true answer itself, with
`if_wrong` when not. Among errors it prefers its own; others stand in an order drawn for the judge. Its verdicts do not
change when it is asked again. A grade is the place in that order, so grades and comparisons never clash.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, Call, Message, Proposal, UsageError, Verdict
from waggledance.testing._world_w1 import KEYS, W1, W1Peer

GRADES = (900_000, 600_000, 300_000, 100_000)
"""What a judge gives the best, second, third and worst of four options, in parts per million."""


class W2(W1):
    """A world of peers that answer as in W1 and judge.

    Args:
        peers: how many, >= 1.
        seed: same seed, same questions, answers and verdicts; answers are those of `W1` with this seed.
        if_right: chance that a judge whose own answer is true recognises the truth.
        if_wrong: chance that one whose own answer is false does.
    """

    title = "W2"

    def __init__(self, peers: int = 15, *, seed: int = 0, if_right: float = 0.9, if_wrong: float = 0.5) -> None:
        super().__init__(peers, seed=seed)
        if not (0 <= if_right <= 1 and 0 <= if_wrong <= 1):
            raise UsageError(f"chances lie between 0 and 1, got if_right={if_right}, if_wrong={if_wrong}")
        self.if_right, self.if_wrong = if_right, if_wrong
        self.grades = lru_cache(maxsize=64)(self._grades)

    def seats(self) -> tuple[W2Peer, ...]:
        """Return the world's peers, to be seated in a `Swarm`."""
        return tuple(W2Peer(self, i) for i in range(self.peers))

    def _grades(self, number: int) -> NDArray[np.int64]:
        """Return every judge's grade of every option: shape (peers, 4), parts per million."""
        answers = self.answers(number)
        rng = self.generator(number, 1)
        right = answers.said == answers.truth
        recognises = rng.random(self.peers) < np.where(right, self.if_right, self.if_wrong)
        liking = rng.random((self.peers, len(KEYS)))
        judges = np.arange(self.peers)
        liking[judges, answers.said] = 2.0
        liking[judges, answers.truth] = np.where(recognises, 3.0, -1.0)
        place = np.argsort(np.argsort(-liking, axis=1), axis=1)
        return np.asarray(GRADES, dtype=np.int64)[place]


class W2Peer(W1Peer):
    """A peer of W2: answers, compares and grades."""

    world: W2

    def __init__(self, world: W2, index: int) -> None:
        super().__init__(world, index)
        self.world = world

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "compare", "critique"})

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        one, other = self._grade(call, a), self._grade(call, b)
        scores = (UNIT // 2, UNIT // 2) if one == other else (UNIT, 0) if one > other else (0, UNIT)
        return Verdict(subjects=(a.id, b.id), scores=scores)

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        return Verdict(subjects=(proposal.id,), scores=(self._grade(call, proposal),))

    def _grade(self, call: Call, proposal: Message[Proposal]) -> int:
        """Return the peer's grade of a proposal; 0 for an answer that is no option."""
        if proposal.body.key not in KEYS:
            return 0
        return int(self.world.grades(self.world.number_of(call.question))[self.index, KEYS.index(proposal.body.key)])
