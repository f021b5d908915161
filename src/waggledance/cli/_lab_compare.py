"""`waggle lab compare` and `waggle lab report`."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import msgspec
import typer

from waggledance._swarm import Interrupted
from waggledance.cli._config import InForce, in_force
from waggledance.cli._ending import complain
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import print_json, print_text, say, terminal
from waggledance.cli._safe_text import safe
from waggledance.cli._seating import MAX_PEERS, NAMES
from waggledance.core import Budget, UnknownName, UsageError, run_awake
from waggledance.lab import Arm, Bank, BankCrowd, Comparison, Crowd, Prices, QuestionSet, RecordedCrowd, Seated, load
from waggledance.lab._about import read_about
from waggledance.lab._arm_text import ArmText, read_arm
from waggledance.lab._cast import recorded_part
from waggledance.lab._conversation import OnRun
from waggledance.lab._keep import PAGE, PICTURE, keep, report_of
from waggledance.lab._report import Report
from waggledance.models import Model

SAY_EVERY_S = 5.0
PEERS = 5


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line."""

    arms: Sequence[str]
    data: str
    data_folder: Path | None
    models: Sequence[str]
    bank: Path | None
    out: Path
    tasks: int | None
    category: str | None
    repeats: int
    seed: int
    budget: Budget
    prices: Path | None
    concurrency: int
    resume: bool


def compare(asked: Asked, *, config: Path | None, quiet: bool, as_json: bool) -> None:
    """Compare arms, print the report and keep it. What an interruption leaves is reported, too."""
    texts = [read_arm(text) for text in asked.arms]
    if not texts:
        raise UsageError("give at least one arm, as in --arm 'vote(samples=5)'")
    prices = Prices() if asked.prices is None else Prices.read(asked.prices)
    before = read_about(asked.out)
    if before is not None and not asked.resume:
        raise UsageError(
            f"{asked.out} holds a comparison already: go on with it with --resume, or choose another --out"
        )
    questions = load(asked.data, asked.data_folder)
    force = in_force(config=config)
    with _models(asked.models, force) as models:
        source = _source(asked, questions, models, force)
        tasks = source.questions.tasks(asked.category or "all", asked.tasks, asked.seed)
        comparison = Comparison(
            [Arm(text.name, source.crowd(text), text.protocol, weigh=text.weigh, probes=text.probes) for text in texts],
            tasks,
            source.questions.score,
            asked.out,
            budget=asked.budget,
            repeats=asked.repeats,
            seed=asked.seed,
            prices=prices,
            concurrency=asked.concurrency,
            data=source.data,
            models=source.digests,
        )
        interrupted = _run(comparison, quiet=quiet)
    report = comparison.report()
    _tell(report, asked.out, as_json=as_json)
    if interrupted:
        complain(f"interrupted; what was said is kept in {asked.out}. The same command with --resume goes on")
        raise typer.Exit(Interrupted.exit_code)


def report(folder: Path, *, as_json: bool) -> None:
    """Make a comparison's report anew from its rows, print it and keep it."""
    _tell(report_of(folder), folder, as_json=as_json)


def _run(comparison: Comparison, *, quiet: bool) -> bool:
    """Run all that is missing; return whether somebody interrupted."""
    with _progress(quiet=quiet) as on_run:
        try:
            run_awake(comparison.run(on_run))
        except KeyboardInterrupt:
            return True
    return False


def _tell(report: Report, folder: Path, *, as_json: bool) -> None:
    lacking = keep(report, folder)
    for sentence in lacking:
        say(sentence)
    if as_json:
        print_json(msgspec.to_builtins(report, str_keys=True))
    else:
        print_text(safe(report.markdown()))
    drawn = "" if lacking else f", {PICTURE}"
    say(f"kept in {folder}: {PAGE}{drawn}, rows.jsonl, logs")


# -- who sits -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """Where peers come from, and the questions with keys as these peers' answers are written."""

    questions: QuestionSet
    data: str
    digests: Mapping[str, str]
    recorded: QuestionSet | None = None
    bank: Bank | None = None
    models: Mapping[str, Model] | None = None
    options: Mapping[str, float | int] | None = None
    seed: int = 0

    def crowd(self, text: ArmText) -> Crowd:
        if self.models is not None:
            return self._agents(text.peers)
        if self.bank is not None:
            known = self.bank.models
            seats = _dealt(text.peers, known) if isinstance(text.peers, int) else text.peers
            return BankCrowd(self.bank, seats, seed=self.seed)
        assert self.recorded is not None
        if isinstance(text.peers, int):
            return RecordedCrowd(self.recorded.answers, size=text.peers, seed=self.seed)
        return RecordedCrowd(self.recorded.answers, text.peers, seed=self.seed)

    def _agents(self, peers: int | Sequence[str] | None) -> Crowd:
        from waggledance.peers import Agent

        models = self.models or {}
        specs = _dealt(PEERS if peers is None else peers, tuple(models)) if not isinstance(peers, tuple) else peers
        if len(specs) > MAX_PEERS:
            raise UsageError(f"{len(specs)} live peers are more than the {MAX_PEERS} that can be seated")
        for spec in specs:
            if spec not in models:
                raise UnknownName("model among those of --model", spec, models)
        options = dict(self.options or {})
        agents = [Agent(name, models[spec], **options) for name, spec in zip(NAMES, specs, strict=False)]  # type: ignore[arg-type]
        return Seated(agents, dict(zip(NAMES, specs, strict=False)), described=repr(sorted(options.items())))


def _dealt(n: int | Sequence[str], models: Sequence[str]) -> Sequence[str]:
    if not isinstance(n, int):
        return n
    turns = cycle(models)
    return tuple(next(turns) for _ in range(n))


def _source(asked: Asked, questions: QuestionSet, models: Mapping[str, Model], force: InForce) -> _Source:
    named = f"{questions.name} {questions.version[:12]}"
    if models and asked.bank is not None:
        raise UsageError("peers think with --model or speak from a --bank, not both")
    if models:
        ask = force.settings.ask
        options = {"temperature": ask.temperature, "max_tokens": ask.max_tokens}
        given = {name: value for name, value in options.items() if value is not None}
        return _Source(questions.as_read(), named, _digests(models), models=models, options=given, seed=asked.seed)
    if asked.bank is not None:
        bank = Bank.at(asked.bank)
        digest = _file_digest(asked.bank)
        weights = {m: asking.weights for m in bank.models if (asking := bank.asking(m)) is not None}
        return _Source(recorded_part(bank, questions), f"{named}, bank {digest}", weights, bank=bank, seed=asked.seed)
    return _Source(questions, named, {}, recorded=questions, seed=asked.seed)


def _digests(models: Mapping[str, Model]) -> dict[str, str]:
    """Return digests of models' weights, where they are files."""
    from waggledance.models import CATALOGUE, path_of

    found: dict[str, str] = {}
    for spec in models:
        kind, _, rest = spec.partition(":")
        path = Path(rest).expanduser() if kind == "gguf" else path_of(rest or "embedded") if rest in CATALOGUE else None
        if path is not None and path.is_file():
            found[spec] = _file_digest(path)
    return found


def _file_digest(path: Path) -> str:
    from blake3 import blake3

    with path.open("rb") as file:
        digest = blake3()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest(length=6)


@contextmanager
def _models(specs: Sequence[str], force: InForce) -> Generator[Mapping[str, Model]]:
    models = models_for(specs, force) if specs else {}
    try:
        yield {spec: models[spec] for spec in dict.fromkeys(specs)}
    finally:

        async def close() -> None:
            for model in models.values():
                await model.aclose()

        run_awake(close())


# -- progress -------------------------------------------------------------------------------------------------------


@contextmanager
def _progress(*, quiet: bool) -> Generator[OnRun | None]:
    console = None if quiet else terminal(sys.stderr)
    if quiet:
        yield None
    elif console is None:
        yield _Spoken()
    else:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("runs", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)


class _Spoken:
    """Progress for a pipe: a line after the first run, and then now and then."""

    def __init__(self) -> None:
        self._said_s = -SAY_EVERY_S

    def __call__(self, done: int, total: int) -> None:
        now_s = time.monotonic()
        if now_s - self._said_s >= SAY_EVERY_S:
            self._said_s = now_s
            say(f"{done:,} of {total:,} runs")
