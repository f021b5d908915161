"""A set of prompts that a running agent uses from its next question on, and the questions that say whether it is well.

    [prompts]                 texts by the name of what each takes the place of; see `waggledance.peers.Prompts`
    system = "…"
    [[probes]]                questions with known answers, asked of the agent alone once it uses the set
    question = "17 - 8?"
    expects = "number"
    answer = "9"

The agent is well with a set when it answers every probe as the set says, two times of three; with a set without probes,
when it has been asked three questions since, or half a minute has passed. It is unwell when more than half of what it
was asked since, three questions or more, ended without an answer of its own.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from waggledance.core import AnswerKind, Budget, Call, Meter, Question, UsageError, WaggleError
from waggledance.mesh._node import Node
from waggledance.mesh._sitting import Sitting

if TYPE_CHECKING:
    from waggledance.peers import Agent, Prompts

SLOT = "prompts/agent"
MAX_PROBES = 16
ENOUGH_TRIES = 2
"""A probe is asked until it was answered so often right, or so often wrong: models draw their words."""
ENOUGH_QUESTIONS = 3
SOAK_SECONDS = 30.0


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question whose answer is known."""

    question: str
    answer: str
    expects: AnswerKind = "short"
    options: tuple[str, ...] = ()


class _Set(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prompts: dict[str, str]
    probes: tuple[Probe, ...] = ()


def read_prompts(content: bytes) -> tuple[Prompts, tuple[tuple[Question, str], ...]]:
    """Return the prompts of a set, and its probes with the canonical keys of their answers.

    Raises:
        UnknownName: there is no prompt of a name in it.
        UsageError: it is no TOML text of this form, replaces nothing, or a text or a probe in it makes no sense.
    """
    from waggledance.peers import Prompts, parse

    try:
        read = msgspec.convert(tomllib.loads(content.decode()), _Set)
    except (ValueError, RecursionError) as why:
        raise UsageError(f"this is no set of prompts: {why}") from why
    if not read.prompts:
        raise UsageError("the set replaces no prompt: name one under [prompts], such as system")
    if len(read.probes) > MAX_PROBES:
        raise UsageError(f"a set has at most {MAX_PROBES} probes, got {len(read.probes)}")
    probes: list[tuple[Question, str]] = []
    for probe in read.probes:
        question = Question(text=probe.question, expects=probe.expects, options=probe.options)
        key = parse(probe.answer, question).key
        if key is None:
            raise UsageError(f"the probe {probe.question!r:.80} has no answer of the kind {probe.expects!r}")
        probes.append((question, key))
    return Prompts(read.prompts), tuple(probes)


class AgentPrompts:
    """The prompts that one member's agent uses.

    Args:
        node: the member's node, for its clock.
        sitting: what seats the agent at questions.
        agent: as it was made, with its own prompts.
    """

    def __init__(self, node: Node, sitting: Sitting, agent: Agent) -> None:
        self._node, self._sitting, self._agent = node, sitting, agent
        self._wearing = agent
        self._probes: tuple[tuple[Question, str], ...] = ()
        self._before: Counter[str] = Counter()
        self._since = node.clock.now()

    def put_on(self, content: bytes | None) -> None:
        """Use a set from the next question on; the agent's own when None, or when it makes no sense.

        Raises:
            UsageError: it makes no sense; see `read_prompts`.
        """
        self._wearing, self._probes = self._agent, ()
        try:
            if content is not None:
                prompts, self._probes = read_prompts(content)
                self._wearing = self._agent.using(prompts)
        finally:
            self._sitting.peer = self._wearing
            self._before = Counter(self._sitting.ended)
            self._since = self._node.clock.now()

    async def probe(self) -> str:
        """Return what is wrong with the set in use, by its probes; empty when nothing is."""
        agent, me = self._wearing, self._node.me
        meter = Meter(Budget(), self._node.clock)
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
        """Return what is wrong by the questions since the set is in use; empty for nothing, None before it shows."""
        since = self._sitting.ended - self._before
        asked = since["answered"] + since["failed"]
        if asked >= ENOUGH_QUESTIONS and 2 * since["failed"] > asked:
            return f"{since['failed']} of {asked} questions ended without an answer"
        shows = self._probes or asked >= ENOUGH_QUESTIONS or self._node.clock.now() - self._since >= SOAK_SECONDS
        return "" if shows else None
