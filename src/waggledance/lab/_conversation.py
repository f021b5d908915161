"""A conversation: what is said, whatever is made of it. Arms that differ only in how they decide share one.

A vote's peers say the same under any rule, so `vote` and `vote rule=confidence` are run once and decided twice: models
are called once, and the arms are compared on the very same words.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from blake3 import blake3

from waggledance import Swarm
from waggledance._run import NobodyAnswered
from waggledance.consensus import Rule, name_of
from waggledance.core import Budget
from waggledance.lab._arm import Arm
from waggledance.lab._crowd import Crowd
from waggledance.lab._run_logs import Numbered, RunLogs, run_seed
from waggledance.lab._task import Task
from waggledance.protocols import AskProtocol, ConfidenceDebate, Debate, Vote, check_fit

_DECIDES_LAST = (Vote, Debate, ConfidenceDebate)
"""Protocols whose rule is not looked at before all has been said, if they do not stop early."""

_NUMBERS_A_REPEAT = 1_000_000
"""Channel numbers; with more tasks two runs would share a number, and still not a name."""

OnRun = Callable[[int, int], None]
"""Is told how many runs are done, and of how many."""


@dataclass(frozen=True)
class Conversation:
    """Peers and a protocol, run on every task and kept in logs of their own."""

    title: str
    crowd: Crowd
    protocol: AskProtocol
    budget: Budget
    folder: Path

    @classmethod
    def of(cls, arm: Arm, folder: Path, budget: Budget) -> Conversation:
        """Return an arm's conversation; `folder` is where all logs of a comparison lie."""
        limits = budget if arm.budget == Budget() else arm.budget
        digest = blake3(f"{arm.crowd!r}\0{described(arm.runs)}\0{limits!r}".encode()).hexdigest(length=4)
        title = str(getattr(arm.runs, "name", type(arm.runs).__name__))
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "protocol"
        return cls(title, arm.crowd, arm.runs, limits, folder / f"{slug}-{digest}")

    @property
    def logs(self) -> RunLogs:
        """Its logs, for reading."""
        return RunLogs(self.folder)

    def check(self, task: Task) -> None:
        """Refuse an arrangement that makes no sense, before anything is spent. Raises what `check_fit` raises."""
        check_fit(self.protocol, self.crowd.seat(task, 0))

    async def run(self, logs: RunLogs, task: Task, place: int, repeat: int, seed: int) -> None:
        """Run it once on a task; the log takes everything."""
        swarm = Swarm(
            self.crowd.seat(task, repeat),
            protocol=self.protocol,
            log=Numbered(logs, repeat * _NUMBERS_A_REPEAT + place),
            name="lab",
            seed=run_seed(seed, task.id, repeat),
        )
        try:
            await swarm.ask(task.question, budget=self.budget)
        except NobodyAnswered:
            return  # a run like any other: its outcome, that nothing was decided, is in the log


def described(protocol: AskProtocol) -> str:
    """Return a protocol with all its parameters, the same in every process; its rule where it shapes what is said."""
    if not is_dataclass(protocol):
        return f"{getattr(protocol, '__module__', '')}.{getattr(protocol, '__qualname__', type(protocol).__qualname__)}"
    shown = [
        f"{field.name}={_shown(getattr(protocol, field.name))}"
        for field in fields(protocol)
        if not (field.name == "decide" and _decides_last(protocol))
    ]
    return f"{type(protocol).__qualname__}({', '.join(shown)})"


def _decides_last(protocol: object) -> bool:
    """Say whether the rule is not looked at before all has been said; of a subclass nobody knows."""
    return type(protocol) in _DECIDES_LAST and getattr(protocol, "stop", "never") == "never"


def _shown(value: Any) -> str:
    """Return a parameter's value without addresses in memory, which differ from process to process."""
    plain = isinstance(value, (str, int, float, bool, type(None))) or (is_dataclass(value) and not callable(value))
    return repr(value) if plain else name_of(cast("Rule", value))


class Job(NamedTuple):
    """One run that is wanted."""

    conversation: Conversation
    task: Task
    place: int
    repeat: int


async def run_jobs(jobs: Sequence[Job], seed: int, concurrency: int, on_run: OnRun | None = None) -> None:
    """Run those jobs that are not in their conversations' logs yet.

    Args:
        jobs: in the order in which they are begun.
        seed: of the comparison.
        concurrency: how many go on at a time.
        on_run: is told after every run how many of these are done, and of how many.
    """
    folders = {job.conversation.folder: job.conversation for job in jobs}
    done = {folder: conversation.logs.finished() for folder, conversation in folders.items()}
    due = [job for job in jobs if run_seed(seed, job.task.id, job.repeat) not in done[job.conversation.folder]]
    finished = len(jobs) - len(due)
    with ExitStack() as closing:
        logs = {folder: closing.enter_context(conversation.logs) for folder, conversation in folders.items()}
        waiting = iter(due)

        async def work() -> None:
            nonlocal finished
            for job in waiting:
                await job.conversation.run(logs[job.conversation.folder], job.task, job.place, job.repeat, seed)
                finished += 1
                if on_run is not None:
                    on_run(finished, len(jobs))

        workers = [asyncio.create_task(work()) for _ in range(min(concurrency, len(due)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
