"""Compare arms: run what is missing, keep every run's log, decide and score from the logs, and set references beside.

All that a report says comes from the logs in the comparison's folder. So a comparison that was killed goes on where it
was, one that is interrupted reports on what is there, and other arms can be added later to what is there already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace

from waggledance.consensus import name_of
from waggledance.core import Budget, UsageError
from waggledance.lab._about import About, ArmAbout, keep_about
from waggledance.lab._arm import Arm, Weigh
from waggledance.lab._bank_peer import BankCrowd
from waggledance.lab._conversation import Conversation, Job, OnRun, described, run_jobs
from waggledance.lab._prices import Prices
from waggledance.lab._recorded_crowd import RecordedCrowd
from waggledance.lab._references import Pool
from waggledance.lab._report import Report, build
from waggledance.lab._row import Row, add_rows, code_version
from waggledance.lab._seen import First, Runs, Scorer, firsts, runs_of, seen
from waggledance.lab._self_consistency import At
from waggledance.lab._spent import Spent
from waggledance.lab._task import Task

ROWS = "rows.jsonl"


class Comparison:
    """Arms, tasks and a folder.

    Args:
        arms: what is compared; the first is what the others are compared with.
        tasks: what everybody does.
        score: how well it was done, such as a `QuestionSet`'s `score`.
        folder: where logs, rows and reports lie.
        budget: of one run, for arms that have none of their own.
        repeats: how often each arm does each task.
        seed: same seed, same draws.
        prices: what tokens cost.
        concurrency: how many runs go on at a time.
        data: name and digest of the tasks, for the rows.
        models: digests of models' weights, as far as they are known.

    Raises:
        UsageError: there are no arms, tasks or repeats; two arms share a name; an arm makes no sense; the folder holds
            a comparison on other tasks or with another seed. Nothing was spent.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        tasks: Sequence[Task],
        score: Scorer,
        folder: Path,
        *,
        budget: Budget | None = None,
        repeats: int = 1,
        seed: int = 0,
        prices: Prices | None = None,
        concurrency: int = 8,
        data: str = "",
        models: Mapping[str, str] | None = None,
    ) -> None:
        if not arms or not tasks or repeats < 1 or concurrency < 1:
            raise UsageError(
                f"a comparison needs an arm, a task, a repeat and a run at a time; got {len(arms)} arms, {len(tasks)} "
                f"tasks, {repeats} repeats and {concurrency} runs at a time"
            )
        names = [arm.name for arm in arms]
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is not None:
            raise UsageError(f"two arms are called {twice!r}: give each a name of its own, as in name=mine")
        if len({task.id for task in tasks}) < len(tasks):
            raise UsageError("a task stands twice in this comparison: leave one out")
        self.arms, self.tasks, self.folder = tuple(arms), tuple(tasks), folder
        self._score, self._prices, self._models = score, prices or Prices(), models or {}
        self._repeats, self._seed, self._concurrency, self._data = repeats, seed, concurrency, data
        self._talk = {arm.name: Conversation.of(arm, folder / "logs", budget or Budget()) for arm in arms}
        for conversation in self._talk.values():
            conversation.check(tasks[0])
        keep_about(self.about, folder)

    @cached_property
    def about(self) -> About:
        """What is compared, for the report and for whoever goes on with it."""
        return About(
            data=self._data,
            tasks=[task.id for task in self.tasks],
            repeats=self._repeats,
            seed=self._seed,
            arms=[self._about_arm(arm) for arm in self.arms],
            models={m: self._models.get(m, "") for arm in self.arms for m in sorted(arm.crowd.models.values())},
            prices=self._prices.by_model,
            code=code_version(),
        )

    async def run(self, on_run: OnRun | None = None) -> None:
        """Run all that is missing: the arms first, then the references that they call for.

        What was interrupted can be run again, and goes on.

        Args:
            on_run: is told after every run how many are done, and of how many; the references begin anew.
        """
        talks = {talk.folder: talk for talk in self._talk.values()}
        jobs = [
            Job(talk, task, place, repeat)  # task by task, so that what is there after an interruption can be compared
            for repeat in range(self._repeats)
            for place, task in enumerate(self.tasks)
            for talk in talks.values()
        ]
        await run_jobs(jobs, self._seed, self._concurrency, on_run)
        _, pools = self._read()
        for pool in pools:
            await run_jobs(pool.jobs(), self._seed, self._concurrency, on_run)

    def report(self) -> Report:
        """Return what there is by now, and keep its rows in the folder.

        Raises:
            ReplayDiffers: a log is not what it was.
            LogDamaged: nor is it a log any more.
        """
        rows, pools = self._read()
        rows = [*rows, *(row for pool in pools for row in pool.rows())]
        marked = [self._marked(row) for row in rows]
        add_rows(self.folder / ROWS, marked)
        return build(self.about, marked)

    def _read(self) -> tuple[list[Row], list[Pool]]:
        """Read all logs: the arms' rows, and the pools of peers that references are about."""
        by_id = {task.id: (place, task) for place, task in enumerate(self.tasks)}
        rows: list[Row] = []
        cost: dict[str, dict[str, Mapping[At, Spent]]] = {}
        first = {repr(arm.crowd): arm for arm in reversed(self.arms)}
        said: dict[str, Mapping[At, Sequence[First]]] = {}
        folder: Path | None = None
        runs: Runs = {}
        for arm in sorted(self.arms, key=lambda arm: self._talk[arm.name].folder):  # what is shared is read once
            if self._talk[arm.name].folder != folder:
                folder = self._talk[arm.name].folder
                runs = runs_of(self._talk[arm.name], self.tasks, self._repeats, self._seed)
            of_arm = list(seen(arm, runs, self.tasks, self._score, self._prices))
            rows += [Row.of(arm.name, s.task, s.repeat, s.decision.key, s.score, s.spent) for s in of_arm]
            crowd = repr(arm.crowd)
            cost.setdefault(crowd, {})[arm.name] = {(s.task.id, s.repeat): s.spent for s in of_arm}
            if first[crowd] is arm:
                said[crowd] = firsts(runs, self.tasks, arm.crowd.models, self._score, self._prices)
        pools = [
            Pool(
                name=arm.name if len(first) > 1 else "",
                crowd=arm.crowd,
                firsts=said[crowd],
                tasks=by_id,
                arms=cost[crowd],
                score=self._score,
                prices=self._prices,
                folder=self.folder / "logs",
                seed=self._seed,
            )
            for crowd, arm in reversed(first.items())
        ]
        return rows, pools

    def _marked(self, row: Row) -> Row:
        return replace(row, code=self.about.code, seed=self._seed, data=self._data)

    def _about_arm(self, arm: Arm) -> ArmAbout:
        talk = self._talk[arm.name]
        talks = "revise" in getattr(arm.runs, "skills", frozenset[str]())
        return ArmAbout(
            name=arm.name,
            protocol=described(arm.runs),
            rule=name_of(arm.decide),
            weights=title_of(arm.weigh) + (f", {arm.probes:.0%} probes" if arm.probes else ""),
            peers=repr(arm.crowd),
            budget=str(talk.budget),
            log=str(talk.folder.relative_to(self.folder)),
            left_out=_MUTE if talks and isinstance(arm.crowd, RecordedCrowd) else "",
            recorded=isinstance(arm.crowd, BankCrowd),
        )


async def compare(
    arms: Sequence[Arm],
    tasks: Sequence[Task],
    budget: Budget | None = None,
    *,
    score: Scorer,
    folder: Path,
    repeats: int = 1,
    seed: int = 0,
    prices: Prices | None = None,
    concurrency: int = 8,
) -> Report:
    """Run every arm on every task, and the references beside them; return the report. As `Comparison`, in one call.

    Args:
        arms: what is compared; the first is what the others are compared with.
        tasks: what everybody does.
        budget: of one run, for arms that have none of their own.
        score: how well a run did its task: a function of the task and the `RunLog`, or a `QuestionSet`'s `score`.
        folder: where logs, rows and reports lie; a comparison that was stopped there goes on.
        repeats: how often each arm does each task.
        seed: same seed, same draws.
        prices: what tokens cost.
        concurrency: how many runs go on at a time.

    Returns:
        The report; its `markdown()` is a page, its `to_json()` one object.

    Raises:
        UsageError: as `Comparison`; nothing was spent.
    """
    comparison = Comparison(arms, tasks, score, folder, budget=budget, repeats=repeats, seed=seed, prices=prices,
                            concurrency=concurrency)  # fmt: skip
    await comparison.run()
    return comparison.report()


def title_of(weigh: Weigh | None) -> str:
    """Return what an estimator of weights is called; nothing when there is none."""
    return (
        "" if weigh is None else str(getattr(weigh, "name", None) or getattr(weigh, "__name__", type(weigh).__name__))
    )


_MUTE = "recorded peers stand by their answers, so rounds of talk show their cost and not their gain"
