"""`waggle lab record`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import typer

from waggledance.cli._config import in_force
from waggledance.cli._counted import counted
from waggledance.cli._ending import complain
from waggledance.cli._models_here import models_for
from waggledance.cli._own_models import model_named
from waggledance.cli._printing import print_json, print_text, say
from waggledance.core import Question, RunFailed, UsageError, run_awake
from waggledance.lab import Bank, RecordPlan, load, record
from waggledance.lab._record import Outcome, Progress

_SAY_EVERY_S = 30.0


def record_bank(
    specs: Sequence[str],
    data: str,
    out: Path,
    plan: RecordPlan,
    *,
    tasks: int | None,
    config: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Fill a bank and say what is in it."""
    force = in_force(config=config)
    questions = questions_of(data, tasks, plan.seed)
    for model in models_for(specs, force).values():
        run_awake(model.aclose())
    models = {spec: partial(model_named, spec, force) for spec in dict.fromkeys(specs)}
    outcome = run_awake(record(models, questions, plan, out, told=_Spoken(quiet=quiet)))
    _print(outcome, out, as_json=as_json)
    if outcome.failed:
        missing = outcome.failed.total()
        complain(f"{missing} answers or verdicts are missing ({outcome.failed.most_common(1)[0][0]}); run it again")
        raise typer.Exit(RunFailed.exit_code)


def questions_of(data: str, n: int | None, seed: int) -> Mapping[str, Question]:
    """Return `n` questions of a set by name, in the order in which `waggle lab compare` takes them.

    Raises:
        UsageError: there is no such set, it cannot be read, or two of its questions have one name.
    """
    questions: dict[str, Question] = {}
    for task in load(data).tasks("all", n, seed):
        if questions.setdefault(task.source or task.id, task.question) is not task.question:
            raise UsageError(f"two questions of {data} are called {task.source!r}; a bank tells them apart by that")
    return questions


class _Spoken:
    """Progress: a line now and then, with rate and time left."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._said_s = quiet, 0.0

    def __call__(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if self._quiet or (now_s - self._said_s < _SAY_EVERY_S and progress.left):
            return
        self._said_s = now_s
        left = "time left not known yet" if progress.left_s is None else f"about {_span(progress.left_s)} left"
        say(
            f"{progress.model}: {progress.per_minute:.1f} {progress.doing} a minute; "
            f"{progress.done:,} in the bank, {progress.left:,} to come, {left}"
        )


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def _print(outcome: Outcome, out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"bank": str(out), "written": outcome.written, "failed": dict(outcome.failed)})
        return
    if not out.exists() or not out.stat().st_size:
        print_text(f"{out}: nothing was recorded")
        return
    bank = Bank.at(out)
    print_text(
        f"{out}: {counted(outcome.written, 'line')} added; it holds {counted(len(bank.answers), 'answer')} and "
        f"{counted(len(bank.comparisons), 'comparison')} on {counted(len(bank.questions), 'question')}, "
        f"of {', '.join(bank.models)}"
    )
