"""The agent that one member seats, and what was rolled out for it to use: prompts, skills, adapters of its model.

Everything it wears is put on together, from the next question on; questions under way end as they began. A model with
other adapters is another model in memory; the one before is let go of when the last question that it was used for is
over.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from waggledance.core import AnswerKind, Budget, Call, Meter, Question, UsageError, WaggleError
from waggledance.mesh._node import Node
from waggledance.mesh._sitting import Sitting
from waggledance.models import Adaptable, Model

if TYPE_CHECKING:
    from waggledance.peers import Agent, Instruction, Prompts

T = TypeVar("T")

MAX_PROBES = 16
ENOUGH_TRIES = 2
"""A probe is asked until it was answered so often right, or so often wrong: models draw their words."""
ENOUGH_QUESTIONS = 3
SOAK_SECONDS = 30.0

Probes = tuple[tuple[Question, str], ...]
"""Questions with the canonical keys of their answers."""


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question whose answer is known."""

    question: str
    answer: str
    expects: AnswerKind = "short"
    options: tuple[str, ...] = ()


def read_probes(probes: tuple[Probe, ...]) -> Probes:
    """Return probes with the canonical keys of their answers.

    Raises:
        UsageError: there are more than 16, or one makes no sense.
    """
    from waggledance.peers import parse

    if len(probes) > MAX_PROBES:
        raise UsageError(f"a set has at most {MAX_PROBES} probes, got {len(probes)}")
    read: list[tuple[Question, str]] = []
    for probe in probes:
        question = Question(text=probe.question, expects=probe.expects, options=probe.options)
        key = parse(probe.answer, question).key
        if key is None:
            raise UsageError(f"the probe {probe.question!r:.80} has no answer of the kind {probe.expects!r}")
        read.append((question, key))
    return tuple(read)


class AgentHere:
    """The agent that one member seats.

    Args:
        node: the member's node, for its clock.
        sitting: what seats the agent at questions.
        agent: as it was made, with its own prompts and model.
    """

    def __init__(self, node: Node, sitting: Sitting, agent: Agent) -> None:
        self.node, self.sitting, self._agent = node, sitting, agent
        self.wearing = agent
        """The agent as it is seated now."""
        self._prompts: Prompts | None = None
        self._skills: dict[str, Instruction] = {}
        self._adapters: dict[str, Path] = {}
        self._adapted: tuple[tuple[Path, ...], Model] | None = None
        self._leaving = set[asyncio.Task[None]]()

    def use_prompts(self, prompts: Prompts | None) -> None:
        """Use these prompts from the next question on; the agent's own when None."""
        self._prompts = prompts
        self._dress()

    def use_skill(self, slot: str, skill: Instruction | None) -> None:
        """Use a skill from the next question on, or no more.

        Raises:
            UsageError: all skills together are longer than a prompt may be; it is not used.
        """
        self._use(self._skills, slot, skill)

    def use_adapter(self, slot: str, file: Path | None) -> None:
        """Add an adapter to the model from the next question on, or no more.

        Raises:
            ModelError: the file is no adapter.
            UsageError: the model takes none.
        """
        if file is not None and not isinstance(self._agent.model, Adaptable):
            raise UsageError(f"{self._agent.model.name} takes no adapters: only a model from a GGUF file here does")
        self._use(self._adapters, slot, file)

    def _use(self, kept: dict[str, T], slot: str, what: T | None) -> None:
        """Put something into a slot, or take out what is there; all stays as it was where the agent cannot use it."""
        before = kept.pop(slot, None)
        if what is not None:
            kept[slot] = what
        try:
            self._dress()
        except WaggleError:
            kept.pop(slot, None)
            if before is not None:
                kept[slot] = before
            raise

    async def aclose(self) -> None:
        """Let go of models with adapters, whatever is under way."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._adapted is not None:
            await self._adapted[1].aclose()

    def _dress(self) -> None:
        """Seat the agent with everything that it wears."""
        agent = self._agent.instructed(*(self._skills[slot] for slot in sorted(self._skills)))
        if self._prompts is not None:
            agent = agent.using(self._prompts)
        self.wearing = self.sitting.peer = agent.thinking_with(self._model())

    def _model(self) -> Model:
        files = tuple(self._adapters[slot] for slot in sorted(self._adapters))
        if self._adapted is not None and self._adapted[0] == files:
            return self._adapted[1]
        model = self._agent.model
        adapted = (files, model.adapted(files)) if files and isinstance(model, Adaptable) else None
        if self._adapted is not None:
            self._leave(self._adapted[1])
        self._adapted = adapted
        return model if adapted is None else adapted[1]

    def _leave(self, model: Model) -> None:
        task = asyncio.get_running_loop().create_task(self._when_over(model))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _when_over(self, model: Model) -> None:
        """Let go of a model when none of the questions of now is under way any more."""
        try:
            await self.sitting.over()
        finally:
            await model.aclose()


class AgentWear:
    """Something that an agent wears, and how well it is with it; see `Wear`.

    The agent is well when it answers every probe as it should, two times of three; without probes, when it has been
    asked three questions since, or half a minute has passed. It is unwell when more than half of what it was asked
    since, three questions or more, ended without an answer of its own.

    Args:
        here: the agent.
    """

    def __init__(self, here: AgentHere) -> None:
        self.here = here
        self._probes: Probes = ()
        self._before: Counter[str] = Counter()
        self._since = here.node.clock.now()

    def changed(self, probes: Probes) -> None:
        """Note that something else is worn from now on."""
        self._probes = probes
        self._before = Counter(self.here.sitting.ended)
        self._since = self.here.node.clock.now()

    async def probe(self) -> str:
        """Return what is wrong with what is worn, by its probes; empty when nothing is."""
        agent, me = self.here.wearing, self.here.node.me
        meter = Meter(Budget(), self.here.node.clock)
        for number, (question, key) in enumerate(self._probes):
            right, wrong = 0, list[str]()
            while right < ENOUGH_TRIES and len(wrong) < ENOUGH_TRIES:
                seed = number * 2 * ENOUGH_TRIES + right + len(wrong)
                call = Call(question, 0, me, {me: agent.name}, lambda n: n, seed, meter)
                try:
                    said = (await agent.propose(call)).key
                except WaggleError as why:
                    wrong.append(str(why))
                else:
                    right += said == key
                    wrong += [] if said == key else [f"it was answered {said!r:.40}, and {key!r:.40} is right"]
            if len(wrong) == ENOUGH_TRIES:
                return f"the probe {question.text!r:.80}: {wrong[-1]}"
        return ""

    def ailing(self) -> str | None:
        """Return what is wrong by the questions since it is worn; empty for nothing, None before it shows."""
        since = self.here.sitting.ended - self._before
        asked = since["answered"] + since["failed"]
        if asked >= ENOUGH_QUESTIONS and 2 * since["failed"] > asked:
            return f"{since['failed']} of {asked} questions ended without an answer"
        soaked = self.here.node.clock.now() - self._since >= SOAK_SECONDS
        return "" if self._probes or asked >= ENOUGH_QUESTIONS or soaked else None
