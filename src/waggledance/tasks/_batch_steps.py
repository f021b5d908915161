"""From a plan's tables to steps that run: prompts to a model, questions to a swarm, functions of one's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from string import ascii_uppercase
from typing import Any, TypeVar

import msgspec

from waggledance.core import Budget, Cost, Decision, Question, UsageError
from waggledance.models import Model, Request, Turn
from waggledance.peers import parse
from waggledance.peers._plain import plain
from waggledance.peers._prompts import BUILT_IN
from waggledance.tasks._batch_conditions import Condition
from waggledance.tasks._batch_file import Asked, BatchFile, StepTable
from waggledance.tasks._batch_template import DATA_NOTE, EARLIER, Template
from waggledance.tasks._check import Finding
from waggledance.tasks._check_schema import json_in, json_schema
from waggledance.tasks._pipeline import Pipeline
from waggledance.tasks._python_step import python_step
from waggledance.tasks._row import Row, Value
from waggledance.tasks._step import ROW, VISIT, Back, Step
from waggledance.tasks._step_runner import Wrong
from waggledance.tasks._task import Task
from waggledance.tasks._visit import Visit

T = TypeVar("T")
AskSwarm = Callable[[Question, int, Budget], Awaitable[Decision]]
"""Asks a swarm a question, with a seed and a budget."""

_WORDS = frozenset({"free", "code"})
"""Kinds of answers of which the words count, not the key."""


def pipeline_of(
    plan: BatchFile, *, model: Callable[[str | None], Model], swarm: Callable[[str, Asked], AskSwarm]
) -> Pipeline:
    """Return the pipeline that a plan describes.

    Args:
        plan: as it was read.
        model: gives a model by name; the plan's own when None.
        swarm: gives what asks a swarm, by the step and its table.

    Raises:
        WrongPlan: a step makes no sense; says the line.
    """
    return Pipeline([_Making(plan, name, model, swarm).step() for name in plan.steps], plan.name)


class _Making:
    """One step in the making."""

    def __init__(
        self,
        plan: BatchFile,
        name: str,
        model: Callable[[str | None], Model],
        swarm: Callable[[str, Asked], AskSwarm],
    ) -> None:
        self.plan, self.name, self.table = plan, name, plan.steps[name]
        self._model, self._swarm = model, swarm

    def step(self) -> Step:
        """Make it."""
        table = self.table
        if table.prompt is not None:
            template = self._template(table.prompt, "prompt")
            thinks = self.plan.steps[self.name].model or self.plan.model
            model = self._told("model", lambda: self._model(thinks))
            function: Any = _Prompted(template, table, model, self._told("schema", lambda: _reader(table)))
            return self._made(function, (ROW, VISIT), self._steps_in(template), f"model: {model.name}")
        if table.ask is not None:
            template = self._template(table.ask.question, "ask", "question")
            ask = self._told("ask", lambda: self._swarm(self.name, table.ask or Asked(question="?")))
            return self._made(_Swarmed(template, table.ask, ask), (ROW, VISIT), self._steps_in(template))
        spelled = table.python or ""
        own, mark = self._told("python", lambda: python_step(spelled, self.plan.path.absolute().parent, self.name))
        return self._made(own.function, own.takes, own.needs, f"file: {mark}", own)

    def _made(
        self, function: Any, takes: tuple[str, ...], needs: Iterable[str], more: str = "", own: Step | None = None
    ) -> Step:
        table = self.table
        when = self._condition("when", table.when)
        loop = table.loop
        unless = self._condition("loop", None if loop is None else loop.unless, "unless")
        if own is not None and not set(own.needs) <= self.plan.steps.keys():
            raise self.plan.wrong(("steps", self.name, "python"), self._lacks(own))
        named = {*needs, *table.needs, *self._needed(when), *self._needed(unless)} - {self.name}
        return self._told(
            None,
            lambda: Step(
                self.name,
                function,
                tuple(sorted(named)),
                takes,
                timeout_s=table.timeout_s,
                retries=table.retries,
                width=table.width,
                idempotent=table.idempotent,
                schema=None if own is None else own.schema,
                check=None if own is None else own.check,
                when=when if own is None else when or own.when,
                back=Back(loop.to, unless, loop.times) if loop and unless else own.back if own else None,
                version=f"{_spelled(table)}\n{more}".strip(),
            ),
        )

    def _lacks(self, own: Step) -> str:
        missing = min(set(own.needs) - self.plan.steps.keys())
        return f"step {self.name!r} takes {missing!r}, and there is no such step; `row` has the fields"

    def _template(self, text: str, *key: str) -> Template:
        template = self._told(key, lambda: Template(text))
        if EARLIER in self.plan.steps:
            raise self.plan.wrong(("steps", EARLIER), f"a step is not called {EARLIER!r}: blanks mean something else")
        return template

    def _condition(self, key: str, table: Any, inner: str | None = None) -> Condition | None:
        at = (key,) if inner is None else (key, inner)
        return None if table is None else self._told(at, lambda: Condition(table))

    def _steps_in(self, template: Template) -> set[str]:
        return set(template.names & self.plan.steps.keys())

    def _needed(self, condition: Condition | None) -> set[str]:
        return set() if condition is None else set(condition.names & self.plan.steps.keys())

    def _told(self, key: str | tuple[str, ...] | None, make: Callable[[], T]) -> T:
        """Return what `make` returns; a complaint names the line."""
        try:
            return make()
        except UsageError as why:
            inner = (key,) if isinstance(key, str) else key or ()
            raise self.plan.wrong(("steps", self.name, *inner), f"step {self.name!r}: {why}") from why


class _Prompted:
    """A prompt to a model, and how its words are read."""

    def __init__(
        self, template: Template, table: StepTable, model: Model, read: Callable[[str], Awaitable[Value]]
    ) -> None:
        self._template, self._model, self._read = template, model, read
        system = "\n".join(filter(None, (table.system, DATA_NOTE if template.names else "")))
        self._before = (Turn("system", system),) if system else ()
        self._after = _form(table)
        self._request = Request(
            turns=(Turn("user", "?"),),
            max_tokens=table.max_tokens,
            temperature=table.temperature,
            timeout_s=table.timeout_s,
        )

    async def __call__(self, row: Row, visit: Visit) -> Value:
        asked = f"{self._template.filled(row).strip()}{self._after}"
        left = visit.meter.tokens_left()
        request = msgspec.structs.replace(
            self._request,
            turns=(*self._before, Turn("user", asked)),
            seed=visit.seed,
            max_tokens=self._request.max_tokens if left is None else max(1, min(self._request.max_tokens, left)),
        )
        said = await self._model.complete(request)
        milliseconds = round(said.seconds * 1_000)
        visit.spend(Cost(1, said.prompt_tokens, said.completion_tokens, said.usd_micro or 0, milliseconds))
        return await self._read(said.text)


class _Swarmed:
    """A question to a swarm."""

    def __init__(self, template: Template, table: Asked, ask: AskSwarm) -> None:
        self._template, self._table, self._ask = template, table, ask
        Question(text="?", expects=table.answer, options=table.options)  # refused now rather than at every row

    async def __call__(self, row: Row, visit: Visit) -> Value:
        text = plain(self._template.filled(row)).strip()
        question = Question(text=text, expects=self._table.answer, options=self._table.options)
        decision = await self._ask(question, visit.seed, Budget(tokens=visit.meter.tokens_left()))
        visit.spend(decision.cost)
        if decision.key is None:
            raise Wrong(f"the swarm is {decision.status}: {'; '.join(decision.notes) or 'no answer'}")
        return decision.text if self._table.answer in _WORDS else _number_or(decision.key, self._table.answer)


def _reader(table: StepTable) -> Callable[[str], Awaitable[Value]]:
    """Return what reads a model's words."""
    if table.schema is not None:
        check, task = json_schema(table.schema), Task(goal="JSON")

        async def as_json(said: str) -> Value:
            value, finding = json_in(said), await check(task, said)
            if isinstance(value, Finding) or not finding.passed:
                raise Wrong(f"wrong schema: {value.reason if isinstance(value, Finding) else finding.reason}")
            return value

        return as_json
    if table.expects is not None:
        question, expects = Question(text="?", expects=table.expects, options=table.options), table.expects

        async def as_answer(said: str) -> Value:
            read = parse(said, question)
            if read.key is None:
                raise Wrong(read.lapse)
            return _number_or(read.key, expects)

        return as_answer
    if table.options:
        raise UsageError("options go with expects: choice")

    async def as_words(said: str) -> Value:
        if not said.strip():
            raise Wrong("the model said nothing")
        return said.strip()

    return as_words


def _form(table: StepTable) -> str:
    """Return what a model is told about the form of its answer, after the prompt."""
    if table.schema is not None:
        return f"\n\nAnswer with JSON of this schema and nothing else: {msgspec.json.encode(table.schema).decode()}"
    if table.expects is None:
        return ""
    letters = "".join(f"\n{letter}) {text}" for letter, text in zip(ascii_uppercase, table.options, strict=False))
    return f"{letters}\n\n{BUILT_IN.form(table.expects)}"


def _number_or(key: str, expects: str) -> Value:
    """Return a number's key as a number, where it is one that all programs write alike; other keys as they are."""
    if expects != "number":
        return key
    try:
        return int(key)
    except ValueError:
        pass
    try:
        return float(key) if repr(float(key)) == key else key
    except ValueError:
        return key


def _spelled(table: StepTable) -> str:
    """Return what a step's results rest on as lines; not how wide or how patient it is."""
    said = msgspec.to_builtins(table)
    for name in ("width", "timeout_s", "idempotent", "needs", "retries", "loop", "when"):
        said.pop(name)
    told = {name: value for name, value in said.items() if value not in (None, (), [])}
    return "\n".join(f"{name}: {value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
                     for name, value in told.items())  # fmt: skip
