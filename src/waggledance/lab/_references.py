"""The arms that stand beside every comparison: one call, self-consistency at equal spend, a random pick, the oracle.

All are about the peers of the arms themselves. Peers' first answers, given before they heard anybody, say how good each
model is alone; from them the best single model is chosen (`best_alone`), a random pick is scored (the mean of all first
answers) and the oracle (the best of them). Self-consistency is run, as often as the dearest arm's money buys.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from waggledance.core import NO_COST, Budget
from waggledance.lab._arm import Arm
from waggledance.lab._best_alone import best_alone
from waggledance.lab._conversation import Conversation, Job
from waggledance.lab._crowd import Crowd
from waggledance.lab._prices import Prices
from waggledance.lab._row import Role, Row, Unit
from waggledance.lab._score import RunLog, Score
from waggledance.lab._seen import First, Scorer, runs_of
from waggledance.lab._self_consistency import At, Samples, bought, wanted
from waggledance.lab._spent import Spent
from waggledance.lab._task import Task
from waggledance.protocols import Vote

UNITS: tuple[Unit, ...] = ("calls", "priced tokens")
Tasks = Mapping[str, tuple[int, Task]]
"""By id: each task with its place."""


@dataclass(frozen=True)
class Pool:
    """Peers that arms share, and what the references need to know of them."""

    name: str
    """Of its first arm, when there are several pools; empty otherwise."""
    crowd: Crowd
    firsts: Mapping[At, Sequence[First]]
    tasks: Tasks
    arms: Mapping[str, Mapping[At, Spent]]
    """What each arm spent, by arm and run."""
    score: Scorer
    prices: Prices
    folder: Path
    seed: int

    @cached_property
    def best(self) -> Mapping[At, str]:
        """The best single model of those who sat, for every run."""
        return best_alone(self.firsts, {id: task.cluster for id, (_, task) in self.tasks.items()})

    @cached_property
    def samples_wanted(self) -> int:
        """How many answers of the best single model the dearest arm's money buys, or as many as there are."""
        most = 1
        for runs in self.arms.values():
            common = [at for at in runs if at in self.best]
            one = [self._expected(at) for at in common]
            most = max(
                most,
                wanted(sum(runs[at].calls for at in common), [1.0] * len(common)),
                wanted(sum(runs[at].micro_usd for at in common), one),
            )
        alone = [self.crowd.alone(model).samples(model) for model in set(self.best.values())]
        there_are = [n for n in alone if n is not None]
        return max(1, min([most, *there_are]))

    def jobs(self) -> list[Job]:
        """Return the runs that give self-consistency its samples: each of the best model alone."""
        made: dict[str, Conversation] = {}
        for model in sorted(set(self.best.values())):
            arm = Arm("self-consistency", self.crowd.alone(model), Vote(samples=self.samples_wanted))
            made[model] = Conversation.of(arm, self.folder / model_slug(model), Budget())
        return [
            Job(made[model], self.tasks[at[0]][1], self.tasks[at[0]][0], at[1])
            for at, model in sorted(self.best.items(), key=lambda item: (item[0][1], self.tasks[item[0][0]][0]))
        ]

    # -- rows -----------------------------------------------------------------------------------------------------

    def rows(self) -> Iterator[Row]:
        """Yield the references' rows; those of self-consistency only for runs whose samples are there."""
        for at, said in self.firsts.items():
            yield from self._of_firsts(at, said)
        samples = self._samples()
        for at, had in samples.items():
            yield self._of_samples("one call", at, had, min(1, len(had)))
        for arm, runs in self.arms.items():
            common = {at: samples[at] for at in runs if at in samples}
            for unit in UNITS:
                target = sum(runs[at].calls if unit == "calls" else runs[at].micro_usd for at in common)
                if target:
                    for at, k in bought(target, common, unit).items():
                        yield self._of_samples("self-consistency", at, common[at], k, beside=arm, unit=unit)

    def _samples(self) -> Mapping[At, Samples]:
        found: dict[At, Samples] = {}
        repeats = 1 + max((repeat for _, repeat in self.best), default=0)
        tasks = [task for _, task in self.tasks.values()]
        for conversation in {job.conversation.folder: job.conversation for job in self.jobs()}.values():
            (model,) = conversation.crowd.models.values()
            for at, messages in runs_of(conversation, tasks, repeats, self.seed).items():
                if self.best.get(at) == model:
                    found[at] = Samples.of(model, messages, self.prices)
        return found

    def _of_firsts(self, at: At, said: Sequence[First]) -> Iterator[Row]:
        if not said:
            return
        n = len(said)
        price = sum(first.micro_usd for first in said)
        cost = sum((first.cost for first in said), NO_COST)
        chance, best = fmean(first.value for first in said), max(first.value for first in said)
        solved = fmean(float(first.solved) for first in said)
        yield self._row(
            "random pick",
            at,
            Score(value=chance, solved=False, raw=chance),
            solved,
            Spent(
                calls=round(cost.calls / n),
                prompt_tokens=round(cost.prompt_tokens / n),
                completion_tokens=round(cost.completion_tokens / n),
                micro_usd=round(price / n),
            ),
        )
        yield self._row("oracle", at, Score(value=best, solved=False, raw=best),
                        float(any(first.solved for first in said)),
                        Spent(calls=cost.calls, prompt_tokens=cost.prompt_tokens,
                              completion_tokens=cost.completion_tokens, micro_usd=price))  # fmt: skip

    def _of_samples(
        self, role: Role, at: At, had: Samples, k: int, *, beside: str = "", unit: Unit | None = None
    ) -> Row:
        task = self.tasks[at[0]][1]
        taken = max(1, k)
        decision = had.decide(taken)
        score = self.score(task, RunLog(had.messages[:taken], decision))
        return self._row(role, at, score, float(score.solved), had.spent(taken), key=decision.key, model=had.model,
                         samples=k, beside=beside, unit=unit)  # fmt: skip

    def _row(
        self, role: Role, at: At, score: Score, solved: float, spent: Spent, *, key: str | None = None,
        model: str = "", samples: int | None = None, beside: str = "", unit: Unit | None = None,
    ) -> Row:  # fmt: skip
        task = self.tasks[at[0]][1]
        name = f"{role} beside {beside or self.name}" if beside or self.name else role
        return Row(
            arm=f"{name} at equal {unit}" if unit else name,
            role=role,
            beside=beside or self.name,
            unit=unit,
            task=task.id,
            cluster=task.cluster,
            category=task.category,
            source=task.source,
            repeat=at[1],
            key=key,
            value=score.value,
            solved=solved,
            spent=spent,
            model=model,
            samples=samples,
        )

    def _expected(self, at: At) -> float:
        """Return what one more answer of the best model to this task should cost: what its first one did."""
        prices = [first.micro_usd for first in self.firsts[at] if first.model == self.best[at]]
        return fmean(prices) if prices else 0.0


def model_slug(model: str) -> str:
    """Return a folder's name for a model's samples."""
    kept = "".join(c if c.isalnum() or c in "-_." else "-" for c in model)
    return f"alone-{kept[:60]}"
