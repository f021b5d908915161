"""A world of subtasks for four agents: by how much does the rule for parts of a plan beat the planner's own choice?

A planner names the best agent for 60 % of the subtasks and anybody for the rest; a reward model sees each agent's skill
with noise. 10 % of the subtasks nobody can do. A skill belongs to a subtask as it is worded: Beta(1.2, 1.2), drawn anew
for each of the five wordings of each of the themes. With exemplars, whoever did well (what is seen of it by the same
noise) is remembered with its wording; a subtask of the same theme may be said like that and given to that agent. Of
subtasks whose theme is remembered 80 % find it, as word vectors do on ten plans in words, and 20 % find another one,
which fails, as what is then said means another thing; of the others 3 % do (of 29 in words none did).

Source: the project's own simulation after Li et al. 2024, "Agent-Oriented Planning" (AOP), arXiv:2410.02189. Themes and
wordings are ours: the paper's ablation leaves out representative works, and says nothing of a world.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from waggledance.core import UNIT
from waggledance.tasks._fit import GOOD_PPM, Fit, fit

AGENTS, THEMES, WORDINGS = 4, 60, 5
IMPOSSIBLE, NAMED_BEST, RECOGNISED, MISTAKEN = 0.1, 0.6, 0.8, 0.03

Subtask = tuple[int, int]
"""A theme and a wording."""


@dataclass(frozen=True)
class Allocated:
    """How subtasks went."""

    success: float
    """Mean, 0 to 1."""
    extra: float
    """Plans made again, a subtask."""
    reworded: float
    """The share that was said like an exemplar, 0 to 1."""


class AllocationWorld:
    """Subtasks and agents.

    Args:
        seed: same seed, same subtasks and skills.
        noise: standard deviation of what the reward model sees, ≥ 0.
    """

    def __init__(self, seed: int, noise: float = 0.15) -> None:
        self._seed, self._noise = seed, noise

    def run(self, n: int, *, rule: bool = True, again: bool = False, exemplars: bool = False) -> Allocated:
        """Give out so many subtasks.

        Args:
            n: how many, ≥ 1.
            rule: go by `fit`; by the planner's choice alone when False.
            again: plan once more where the rule says so, or says to split.
            exemplars: remember what went well.
        """
        play = _Play(Random(self._seed), self._noise)
        total = extra = reworded = 0.0
        for _ in range(n):
            task, named, past, found = play.planned(exemplars=exemplars)
            if again and found.do in ("again", "split"):
                extra += 1
                task, named, past, found = play.planned(exemplars=exemplars)
            done, who = task, found.who if rule else named
            if found.do == "reword" and past is not None:
                reworded += 1
                done, who = past
            success = play.skills(done)[who] if done[0] == task[0] else 0.0
            play.keep(done, who, success)
            total += success
        return Allocated(total / n, extra / n, reworded / n)


class _Play:
    def __init__(self, rng: Random, noise: float) -> None:
        self.rng, self._noise = rng, noise
        self._skills: dict[Subtask, list[float]] = {}
        self._good: dict[tuple[Subtask, int], int] = {}

    def planned(self, *, exemplars: bool) -> tuple[Subtask, int, tuple[Subtask, int] | None, Fit]:
        """Return a subtask, whom the planner names, what is remembered of something alike, and what the rule says."""
        task = (self.rng.randrange(THEMES), self.rng.randrange(WORDINGS))
        skills = self.skills(task)
        best = max(range(AGENTS), key=skills.__getitem__)
        named = best if self.rng.random() < NAMED_BEST else self.rng.randrange(AGENTS)
        scores = [self.seen(skill) for skill in skills]
        past = self.alike(task) if exemplars else None
        return task, named, past, fit(named, scores, alike=None if past is None else past[1])

    def skills(self, task: Subtask) -> list[float]:
        """Return each agent's true chance."""
        if task not in self._skills:
            impossible = self.rng.random() < IMPOSSIBLE
            self._skills[task] = [0.0 if impossible else self.rng.betavariate(1.2, 1.2) for _ in range(AGENTS)]
        return self._skills[task]

    def seen(self, skill: float) -> int:
        """Return what the reward model makes of a skill, in parts per million."""
        return round(UNIT * min(1.0, max(0.0, skill + self.rng.gauss(0, self._noise))))

    def keep(self, task: Subtask, who: int, success: float) -> None:
        """Remember what went well, by what is seen of it."""
        score = self.seen(success)
        if score >= GOOD_PPM:
            self._good[task, who] = score

    def alike(self, task: Subtask) -> tuple[Subtask, int] | None:
        """Return the work that is taken for alike, and who did it; None without one."""
        known = [work for work in self._good if work[0][0] == task[0]]
        others = [work for work in self._good if work[0][0] != task[0]]
        if known and (self.rng.random() < RECOGNISED or not others):
            return max(known, key=lambda work: (self._good[work], work))
        return self.rng.choice(others) if others and (known or self.rng.random() < MISTAKEN) else None
