"""A world of data agents: 24 peers own ten documents each, and a request wants one to five documents.

A document is a vector, a request the vectors of what it wants, each a noisy copy. A data agent's score is the largest
cosine of any of its documents with any of them, plus the noise of its self-assessment; one that works delivers all its
documents above the middle between a match and chance. The master knows the same scores blurred by how badly peers are
described, and lets four work.

Source: the project's own simulation after Salemi et al. 2025, arXiv:2510.01285.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from waggledance.core import UNIT, Channel, swarm_id
from waggledance.memory._board import Board, Contribution, Index
from waggledance.testing._seats_at import seats_at

AGENTS, DOCUMENTS, DIMENSIONS = 24, 240, 96
MATCH = 0.87
"""The cosine of a wanted document with the request, about."""
THRESHOLD = 0.53
"""In the middle between a match and the best of ten by chance."""
PICKED = 4
BLUR = 0.9
"""The master's error at a description of quality 0, in cosines."""
_SHIFT = 3.0
"""Scores are sent as shares of this range around 0, so that noise does not cut them off."""


@dataclass(frozen=True)
class Found:
    """How well requests were answered, on average."""

    f1: float
    recall: float
    worked: float
    """How many data agents worked on a request."""


class BoardWorld:
    """Data agents and requests.

    Args:
        seed: same seed, same documents and requests.
    """

    def __init__(self, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.documents = _unit(rng.normal(size=(DOCUMENTS, DIMENSIONS)))
        self._seed = seed

    def request(self, number: int) -> tuple[frozenset[int], NDArray[np.float64]]:
        """Return which documents a request wants, and its vectors, one a document."""
        rng = np.random.default_rng([self._seed, number])
        wanted = rng.choice(DOCUMENTS, rng.integers(1, 6), replace=False)
        noise = _unit(rng.normal(size=(len(wanted), DIMENSIONS)))
        return frozenset(wanted.tolist()), MATCH * self.documents[wanted] + (1 - MATCH**2) ** 0.5 * noise

    def scores(self, number: int) -> NDArray[np.float64]:
        """Return each data agent's true score for a request, shape (24,)."""
        _, vectors = self.request(number)
        near = (self.documents @ vectors.T).max(axis=1)
        return np.asarray(near.reshape(AGENTS, -1).max(axis=1))

    def delivered(self, number: int, agents: Sequence[int]) -> frozenset[int]:
        """Return the documents that these agents deliver."""
        _, vectors = self.request(number)
        near = (self.documents @ vectors.T).max(axis=1).reshape(AGENTS, -1)
        own = DOCUMENTS // AGENTS
        return frozenset(a * own + d for a in agents for d in range(own) if near[a, d] > THRESHOLD)

    def master(self, quality: float, requests: int) -> Found:
        """Let a master pick four by descriptions of a quality, 0 to 1."""
        picks: list[list[int]] = []
        for number in range(requests):
            rng = np.random.default_rng([self._seed, number, 1])
            known = self.scores(number) + BLUR * (1 - quality) * rng.normal(0, 1, AGENTS)
            picks.append(np.argsort(-known)[:PICKED].tolist())
        return self.judged(picks)

    def volunteers(self, noise: float, requests: int, *, order: int = 0) -> Found:
        """Let agents decide by themselves, on a real board in virtual time, one request after the other.

        Args:
            noise: of each one's self-assessment, in cosines.
            requests: how many.
            order: shuffles the order in which agents take their seats.
        """
        from waggledance.testing._simulated_mesh import on_virtual_time

        return self.judged(on_virtual_time(self._ask_all(noise, requests, order)))

    def judged(self, picks: Sequence[Sequence[int]]) -> Found:
        """Return how well requests were answered by the agents that worked on each."""
        f1, recall = list[float](), list[float]()
        for number, agents in enumerate(picks):
            wanted, got = self.request(number)[0], self.delivered(number, agents)
            right = len(wanted & got)
            recall.append(right / len(wanted))
            f1.append(2 * right / (len(wanted) + len(got)))
        return Found(float(np.mean(f1)), float(np.mean(recall)), float(np.mean([len(p) for p in picks])))

    async def _ask_all(self, noise: float, requests: int, order: int) -> list[list[int]]:
        channel = Channel(swarm_id("board"), "board")
        names = ["asker", *(f"agent {i}" for i in range(AGENTS))]
        seats = dict(zip(names, seats_at(channel, names), strict=True))
        seated = np.random.default_rng(order).permutation(AGENTS).tolist()
        serving = [
            asyncio.create_task(
                Board(seats[f"agent {i}"]).serve(self._index(i, noise), _ppm(THRESHOLD), 2.0 * requests)
            )
            for i in seated
        ]
        board, picks = Board(seats["asker"]), list[list[int]]()
        for number in range(requests):
            said = await board.ask(f"request {number}", want=AGENTS, within_s=1)
            picks.append([names.index(m.body.text) - 1 for m in said])
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        return picks

    def _index(self, agent: int, noise: float) -> Index:
        def look_up(need: str) -> Contribution:
            number = int(need.split()[-1])
            rng = np.random.default_rng([self._seed, number, 2, agent])
            score = float(self.scores(number)[agent]) + float(rng.normal(0, noise))
            return Contribution(text=f"agent {agent}", score_ppm=_ppm(score))

        return look_up


def _ppm(score: float) -> int:
    return round(min(1.0, max(0.0, score / (2 * _SHIFT) + 0.5)) * UNIT)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
