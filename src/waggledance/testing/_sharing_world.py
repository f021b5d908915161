"""A world of teams that work on one question at a time and may share steps: when is a bank worth its context?

Each team has 20 steps of one second. Some are private; the others are drawn from 60 sub-problems by Zipf's law with
exponent 1.1, the same for all teams. Where the bank shows a sub-problem, its result is fetched in 0.15 s instead.
Every key in the bank makes every later step of every team longer. How relevant a step's key looks is 1 for a
sub-problem and 0 for a private one, with noise of .35.

A step is known to others when it ends. Every step's key is a candidate, also of one that was fetched; a policy's bank
shows each sub-problem once, a bank without any shows all.

Source: the project's own simulation after Fioresi et al. 2026, "Learning to Share", arXiv:2602.05965. What the first
one left open (what of repeated keys) is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from blake3 import blake3

from waggledance.core import UNIT
from waggledance.memory._admission import Candidate, Credit, Policy, UsageLogit
from waggledance.memory._record import RecordId

STEPS, PROBLEMS, ZIPF = 20, 60, 1.1
FETCH_S = 0.15
NOISE = 0.35


@dataclass(frozen=True)
class Spent:
    """What one question took, relative to working without a bank."""

    total: float
    """All teams' time."""
    slowest: float
    """The time of the team that was last."""
    credits: tuple[Credit, ...]
    """What came of each candidate that was shown."""


@dataclass(frozen=True)
class SharingWorld:
    """Teams, and what a key costs them.

    Args:
        teams: how many work on a question.
        key_cost: by how much each key in the bank lengthens a step, as a share of it.
        private: the share of steps that nobody else has.
    """

    teams: int = 4
    key_cost: float = 0.004
    private: float = 0.4

    def run(self, policy: Policy | None, seed: int, *, explore: UsageLogit | None = None) -> Spent:
        """Let the teams work on one question.

        Args:
            policy: what the bank shows; everything, repeated keys too, when None.
            seed: of the question: same seed, same steps.
            explore: a policy in training, which admits by chance.
        """
        return _Question(self, policy, seed, explore).run()

    def oracle(self, seed: int) -> Spent:
        """Let them work with a bank that knows the future: it shows what will be needed again."""
        question = _Question(self, None, seed, None)
        question.oracle = True
        return question.run()

    def trained(self, runs: int = 300, rate: float = 0.05) -> UsageLogit:
        """Return a logit that learnt from questions of this world, numbered from a million on."""
        logit = UsageLogit((0, 0, 0, 0, 0, 0))
        for number in range(runs):
            logit = logit.learn(self.run(None, 1_000_000 + number, explore=logit).credits, rate)
        return logit

    def mean(self, run: Callable[[int], Spent], runs: int) -> tuple[float, float]:
        """Return the mean total and slowest time of questions 0 to `runs`."""
        spent = [run(seed) for seed in range(runs)]
        return float(np.mean([s.total for s in spent])), float(np.mean([s.slowest for s in spent]))


class _Question:
    """One question while it is worked on."""

    def __init__(self, world: SharingWorld, policy: Policy | None, seed: int, explore: UsageLogit | None) -> None:
        rng = np.random.default_rng(seed)
        chances = 1 / np.arange(1, PROBLEMS + 1) ** ZIPF
        drawn = rng.choice(PROBLEMS, (world.teams, STEPS), p=chances / chances.sum())
        private = rng.random((world.teams, STEPS)) < world.private
        looks = (~private + rng.normal(0, NOISE, private.shape)) * UNIT
        self.problems: list[list[int]] = np.where(private, -1, drawn).tolist()
        self.looks: list[list[int]] = np.rint(looks).astype(np.int64).tolist()
        self.chance: list[list[float]] = rng.random(private.shape).tolist()
        self.world, self.policy, self.explore, self.seed, self.oracle = world, policy, explore, seed, False
        self.shown: dict[int, int] = {}
        self.keys = 0
        self.step = [0] * world.teams
        self.admitted: list[tuple[Candidate, int, int]] = []
        self.fetched: dict[int, int] = {}

    def run(self) -> Spent:
        """Return what it took; steps that end together end in an order drawn by hash."""
        ended = [0.0] * self.world.teams
        due: list[tuple[float, bytes, int]] = []
        for team in range(self.world.teams):
            heappush(due, (0.0, b"", team))
        while due:
            now, _, team = heappop(due)
            done = self.step[team] - 1
            if done >= 0:
                self._offer(team, done)
            if self.step[team] == STEPS:
                ended[team] = now
                continue
            took = self._begin(team)
            heappush(due, (now + took, blake3(b"%d %d %d" % (self.seed, team, done)).digest(4), team))
        steps = self.world.teams * STEPS
        return Spent(sum(ended) / steps, max(ended) / STEPS, tuple(self._credits()))

    def _begin(self, team: int) -> float:
        """Return how long the next step of a team takes."""
        problem = self.problems[team][self.step[team]]
        self.step[team] += 1
        if problem in self.shown:
            self.fetched[problem] = self.fetched.get(problem, 0) + 1
        return (FETCH_S if problem in self.shown else 1.0) * (1 + self.world.key_cost * self.keys)

    def _offer(self, team: int, step: int) -> None:
        """Make a step that has ended a candidate, and show it if it is admitted."""
        problem = self.problems[team][step]
        repeated = problem in self.shown
        if self.policy is None and self.explore is None and not self.oracle:
            self.keys += 1
            if problem >= 0:
                self.shown[problem] = step
            return
        if repeated or not self._admits(team, step):
            return
        self.keys += 1
        if problem >= 0:
            self.shown[problem] = step

    def _admits(self, team: int, step: int) -> bool:
        problem = self.problems[team][step]
        if self.oracle:
            return problem >= 0 and any(problem in mine[at:] for mine, at in zip(self.problems, self.step, strict=True))
        candidate = self.candidate(team, step)
        if self.explore is not None:
            if self.chance[team][step] >= self.explore.chance(candidate, 0):
                return False
            left = sum(STEPS - at for at in self.step)
            self.admitted.append((candidate, problem, left))
            return True
        assert self.policy is not None, "without a policy everything is shown"
        return self.policy(candidate, 0) > 0

    def candidate(self, team: int, step: int) -> Candidate:
        """Return what is known of a step when it has ended."""
        key = f"problem {self.problems[team][step]}" if self.problems[team][step] >= 0 else f"private {team} {step}"
        id = RecordId(blake3(b"%d %d %d" % (self.seed, team, step)).digest())
        return Candidate(id=id, key=key, relevance_ppm=self.looks[team][step])

    def _credits(self) -> list[Credit]:
        saved, cost = 1 - FETCH_S, self.world.key_cost
        return [
            Credit(candidate, 0, round((saved * self.fetched.get(problem, 0) - cost * left) * UNIT))
            for candidate, problem, left in self.admitted
        ]
