"""Record what models answer and how they judge: each question's samples together, models one after another.

An answer goes through `Agent.propose` and a verdict through `Agent.compare`, so that prompts, reading, cost and
confidence are those of a swarm. The order is by blocks of questions: within a block all samples of the first model,
then its engine is let go and the next model's come, since two engines on the same cores starve each other; then the
block's comparisons. A bank that is cut off at any moment so has fewer questions, each with all that was asked for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from waggledance.core import Clock, LoopClock, Question, UsageError
from waggledance.lab._bank import Answer, Asking, Bank, Comparison, decode_line, digest_of
from waggledance.lab._bank_peer import retold
from waggledance.lab._due import Doing, Due, RecordPlan, missing, seed_of
from waggledance.lab._overheard import Overheard, a_call, as_message, prompts_of
from waggledance.models import Model, ModelError
from waggledance.models._bank import Appender, read, request_key
from waggledance.models._get import sha256_of
from waggledance.peers import Agent, NoVerdict

_QUESTIONS_AT_ONCE = 2
"""So that an engine's slots stay full while the last samples of a question are still being written."""
_FAILURES_IN_A_ROW = 24
"""After so many the model is taken to be out of order."""
_KINDS: tuple[Doing, ...] = ("answers", "comparisons")


@dataclass(frozen=True)
class Progress:
    """How far a recording is, told after every line that is written."""

    model: str
    doing: Doing
    done: int
    """Lines of the bank that the plan asks for."""
    left: int
    """Lines still to come; comparisons count once their question's answers are there."""
    per_minute: float
    """Lines a minute of this model and kind, in this run."""
    left_s: float | None
    """Seconds to the end, of the models and kinds of work seen so far; None while others are still to come."""


@dataclass
class Outcome:
    """What a recording did."""

    written: int = 0
    """Lines added to the bank."""
    failed: Counter[str] = field(default_factory=Counter[str])
    """Why answers and verdicts are missing, and how often; recording again asks for them again."""


async def record(
    models: Mapping[str, Callable[[], Model]],
    questions: Mapping[str, Question],
    plan: RecordPlan,
    out: Path,
    *,
    told: Callable[[Progress], None] = lambda _: None,
    clock: Clock | None = None,
) -> Outcome:
    """Fill a bank; what it holds already is not asked again, so a killed recording goes on where it was.

    Args:
        models: what makes each model, by any name; made when its turn comes and let go after it.
        questions: what to ask, by id, in this order.
        plan: how much to record, and how.
        out: the bank, ``.jsonl`` or ``.jsonl.gz``.
        told: hears of every line that is written.
        clock: where time comes from; the running loop's when None.

    Raises:
        UsageError: no model or no question; another process is recording into the bank; the bank's answers of a model
            were asked in another way (weights, prompts, temperature, tokens, seed); a question has another text there.
        ModelError: a model fails again and again; carries why.
    """
    if not models or not questions:
        raise UsageError(f"there is nothing to record: {len(models)} models, {len(questions)} questions")
    held = read(out, decode_line)
    recording = _Recording(plan, questions, Bank(held.entries, held.skipped), told, clock or LoopClock())
    await recording.prepare(models)
    recording.appender = Appender(out, held.torn_at, alone=True)
    try:
        ids = list(questions)
        for start in range(0, len(ids), plan.block):
            for doing in _KINDS:
                for name, make in models.items():
                    await recording.turn(name, make, doing, ids[start : start + plan.block])
    finally:
        recording.appender.close()
    return recording.outcome


@dataclass
class _Recording:
    plan: RecordPlan
    questions: Mapping[str, Question]
    bank: Bank
    told: Callable[[Progress], None]
    clock: Clock
    outcome: Outcome = field(default_factory=Outcome)
    appender: Appender | None = None
    digests: dict[str, str] = field(default_factory=dict[str, str])
    names: dict[str, str] = field(default_factory=dict[str, str])
    askings: dict[str, Asking] = field(default_factory=dict[str, Asking])
    left: Counter[tuple[str, Doing]] = field(default_factory=Counter[tuple[str, Doing]])
    spent_s: dict[tuple[str, Doing], float] = field(default_factory=dict[tuple[str, Doing], float])
    wrote: Counter[tuple[str, Doing]] = field(default_factory=Counter[tuple[str, Doing]])
    since_s: float = 0.0
    failures: int = 0

    async def prepare(self, models: Mapping[str, Callable[[], Model]]) -> None:
        """Learn the models' own names and how they will be asked; refuse what does not fit the bank."""
        self.digests = {id: digest_of(question) for id, question in self.questions.items()}
        for id, digest in self.digests.items():
            if self.bank.questions.get(id, digest) != digest:
                raise UsageError(f"the bank's question {id!r} has another text; give another file with --out")
        prompts = await prompts_of(question.expects for question in self.questions.values())
        for spec, make in models.items():
            model = make()
            path: object = getattr(model, "path", None)
            asking = Asking(
                temperature=self.plan.temperature,
                max_tokens=self.plan.max_tokens,
                seed=self.plan.seed,
                prompts=prompts,
                weights=sha256_of(path) if isinstance(path, Path) and path.suffix == ".gguf" else "",
            )
            await model.aclose()
            known = self.bank.asking(model.name)
            if known is not None and known != asking:
                raise UsageError(
                    f"the bank's answers of {model.name} were asked in another way ({_difference(known, asking)}); "
                    "ask in the same way, or give another file with --out"
                )
            if model.name in self.names.values():
                raise UsageError(f"two models are called {model.name!r}; a bank tells models apart by their names")
            self.names[spec], self.askings[spec] = model.name, asking

    async def turn(self, spec: str, make: Callable[[], Model], doing: Doing, block: Sequence[str]) -> None:
        """Ask one model all that is still missing of a block of questions."""
        due = {id: items for id in block if (items := self._missing(spec, doing, id))}
        if not due:
            return
        self._count()
        model, at_once, self.since_s = make(), asyncio.Semaphore(_QUESTIONS_AT_ONCE), self.clock.now()

        async def one_question(id: str, items: Sequence[Due]) -> None:
            async with at_once:
                await asyncio.gather(*(self._one(spec, model, doing, id, item) for item in items))

        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for id, items in due.items():
                    group.create_task(one_question(id, items))
        except* ModelError as failed:  # raised from here it could come out in a group again
            failure = failed.exceptions[0]
        finally:
            spent_s = self.spent_s.get((spec, doing), 0.0) + self.clock.now() - self.since_s
            self.spent_s[spec, doing] = spent_s
            await model.aclose()
        if failure is not None:
            raise failure

    def _missing(self, spec: str, doing: Doing, id: str) -> list[Due]:
        if doing == "comparisons" and id not in list(self.questions)[: self.plan.judged]:
            return []
        models = tuple(self.names.values())
        return missing(self.plan, self.bank, doing, self.digests[id], self.names[spec], models)

    def _count(self) -> None:
        """Count what is left, of each model and kind."""
        self.left = Counter(
            {
                (spec, doing): sum(len(self._missing(spec, doing, id)) for id in self.questions)
                for spec in self.names
                for doing in _KINDS
            }
        )

    async def _one(self, spec: str, model: Model, doing: Doing, id: str, item: Due) -> None:
        """Ask one thing and write it down; a failure is counted, and raised only where nothing else happens."""
        try:
            line = await (self._compared if item.pair else self._answered)(spec, model, id, item)
        except ModelError as why:
            self.failures += 1
            self.outcome.failed[str(why)] += 1
            if self.failures >= _FAILURES_IN_A_ROW:
                raise
            return
        assert self.appender is not None
        self.appender.append(line)
        self.bank.add(line)
        self.failures = 0
        self.outcome.written += 1
        self.left[spec, doing] -= 1
        self.wrote[spec, doing] += 1
        self.told(self._progress(spec, doing))

    async def _answered(self, spec: str, model: Model, id: str, item: Due) -> Answer:
        seed = seed_of(self.plan, "answer", id, str(item.sample))
        heard = Overheard(model)
        said = await self._agent(heard).propose(a_call(self.questions[id], seed))
        return Answer(
            key=request_key(model.name, heard.request),
            model=model.name,
            completion=heard.completion,
            question=id,
            digest=self.digests[id],
            sample=item.sample,
            seed=seed,
            asking=self.askings[spec],
            answer=said.key,
            confidence_ppm=said.confidence_ppm,
            lapse=said.lapse,
        )

    async def _compared(self, spec: str, model: Model, id: str, item: Due) -> Comparison:
        assert item.pair is not None
        first, second = item.pair
        question, heard, scores, lapse = self.questions[id], Overheard(model), None, ""
        seed = seed_of(self.plan, "comparison", id, first.key, second.key)
        one, other = [as_message(line.key, line.model, await retold(line, question)) for line in item.pair]
        try:
            verdict = await self._agent(heard).compare(a_call(question, seed), one, other)
            scores = (verdict.scores[0], verdict.scores[1])
        except NoVerdict as why:
            lapse = str(why)
        return Comparison(
            key=request_key(model.name, heard.request),
            model=model.name,
            completion=heard.completion,
            question=id,
            digest=self.digests[id],
            first=first.key,
            second=second.key,
            first_answer=first.answer or "",
            second_answer=second.answer or "",
            seed=seed,
            asking=self.askings[spec],
            scores=scores,
            lapse=lapse,
        )

    def _agent(self, model: Model) -> Agent:
        plan = self.plan
        return Agent(
            model.name, model, temperature=plan.temperature, max_tokens=plan.max_tokens, timeout_s=plan.timeout_s
        )

    def _progress(self, spec: str, doing: Doing) -> Progress:
        spent = dict(self.spent_s)
        spent[spec, doing] = spent.get((spec, doing), 0.0) + self.clock.now() - self.since_s
        waiting = [kind for kind, count in self.left.items() if count]
        known = all(self.wrote[kind] for kind in waiting)
        left_s = sum(self.left[kind] * spent[kind] / self.wrote[kind] for kind in waiting) if known else None
        return Progress(
            model=self.names[spec],
            doing=doing,
            done=len(self.bank),
            left=self.left.total(),
            per_minute=self.wrote[spec, doing] / max(spent[spec, doing], 1e-9) * 60,
            left_s=left_s,
        )


def _difference(known: Asking, asking: Asking) -> str:
    return ", ".join(
        f"{name} {getattr(known, name)} there, {getattr(asking, name)} now"
        for name in known.__struct_fields__
        if getattr(known, name) != getattr(asking, name)
    )
