"""An agent: a language model with prompts, as a peer."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import count
from typing import Any

import msgspec
from blake3 import blake3

from waggledance.core import (
    Call,
    Cost,
    Message,
    Proposal,
    Question,
    RunFailed,
    Tool,
    ToolCall,
    UsageError,
    Verdict,
    calls_key,
)
from waggledance.models import Completion, Model, Request, Streaming, Turn, as_sent, check_sight
from waggledance.peers._instruction import Instruction, told
from waggledance.peers._noted import noted, shown
from waggledance.peers._others import defanged, grouped, mark_for, one
from waggledance.peers._own_words import own_words
from waggledance.peers._parse import MAX_KEY_BYTES, parse
from waggledance.peers._plain import line, plain
from waggledance.peers._prompts import BUILT_IN, Prompts, asked
from waggledance.peers._toolbox import MAX_ROUNDS, Toolbox, offered, used
from waggledance.peers._verdict import NoVerdict, better, grade

CUT_SHORT = "[the model stopped at its token limit]"
REASON_CHARS = 300
"""Of a verdict's reason: hundreds of verdicts must fit into one judgement."""
_OWN_CHARS = 1_500
_WORDS_ARE_THE_ANSWER = ("code", "free")
"""Kinds of questions whose answers are words: taking one over is repeating it."""
_ANOTHER_QUESTION = "\nQuestion:"
"""Small models, done with a question, like to make up the next one."""


class Agent:
    """A peer whose skills are a language model's. It proposes, revises, writes notes, compares and critiques.

    What all agents say to their models begins alike (instructions, worked examples, the question), so that a model's
    server computes it once; persona and form come after. Others' words enter as data: fenced, labelled, limited in
    size, without anything that a chat template could take for its own; an order to repeat them goes no further. A
    model's failure makes the seat abstain.

    Args:
        name: the peer's name.
        model: what it thinks with; agents may share one.
        persona: who it is, one sentence in the second person; see `PERSONAS`.
        temperature: 0 to 10; 0 takes the likeliest token each time, so that agents alike in all else answer alike.
        max_tokens: the most tokens of one answer, reasons included; less where the budget has less left.
        timeout_s: the most seconds of one answer; less where the budget has less left.
        prompts: what is said to the model; the library's own texts when None.
        tools: what it may use while it thinks; their results are data to it, as others' words are.

    Raises:
        UsageError: an argument is out of range.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        *,
        persona: str = "",
        temperature: float = 0.7,
        max_tokens: int = 256,
        timeout_s: float = 120.0,
        prompts: Prompts | None = None,
        tools: Sequence[Toolbox] = (),
    ) -> None:
        if not name.strip():
            raise UsageError("an agent needs a name, got an empty one")
        if not hasattr(model, "complete"):
            raise UsageError(f"{model!r:.80} is no model: make one with waggledance.model('embedded') or the like")
        self.name, self.model, self.persona = name, model, persona
        self.prompts, self.tools = prompts or BUILT_IN, tuple(tools)
        self.instructions: tuple[Instruction, ...] = ()
        """What its model is told beside the prompts, of questions that they fit; see `instructed`."""
        self._draws: tuple[int, count[int]] | None = None
        """The seed of this agent's own draws, and how many there were; None where the seat draws."""
        self._asking = Request(
            turns=(Turn("user", "?"),),
            max_tokens=max_tokens,
            temperature=temperature,
            stop=(_ANOTHER_QUESTION,),
            timeout_s=timeout_s,
        )

    def __repr__(self) -> str:
        return f"Agent({self.name!r}, {self.model.name!r})"

    def using(self, prompts: Prompts | None) -> Agent:
        """Return the same agent with other texts to say to its model; with the library's own when None."""
        other = copy(self)
        other.prompts = prompts or BUILT_IN
        return other

    def instructed(self, *instructions: Instruction) -> Agent:
        """Return the same agent with these instructions, and no others.

        Raises:
            UsageError: together they are longer than 8,000 characters.
        """
        told(instructions, None)
        other = copy(self)
        other.instructions = instructions
        return other

    def thinking_with(self, model: Model) -> Agent:
        """Return the same agent with another model."""
        other = copy(self)
        other.model = model
        return other

    def tuned(
        self, *, temperature: float | None = None, max_tokens: int | None = None, seed: int | None = None
    ) -> Agent:
        """Return the same agent for one run, with another temperature, limit or luck; as it is where None.

        Args:
            temperature: 0 to 10.
            max_tokens: the most tokens of one answer.
            seed: draw by this and not by the channel, whose name no two questions share: the same question asked again
                with the same seed is drawn alike.

        Raises:
            UsageError: one of them is out of range.
        """
        asking, other = self._asking, copy(self)
        other._asking = Request(  # noqa: SLF001  # of our own kind
            turns=asking.turns,
            max_tokens=asking.max_tokens if max_tokens is None else max_tokens,
            temperature=asking.temperature if temperature is None else temperature,
            stop=asking.stop,
            timeout_s=asking.timeout_s,
        )
        other._draws = self._draws if seed is None else (seed, count())  # noqa: SLF001
        return other

    @property
    def draws(self) -> bool:
        """Whether it may answer otherwise when it is asked again."""
        return self._asking.temperature > 0

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise", "note", "compare", "critique"})

    async def propose(self, call: Call) -> Proposal:
        """Answer the question, with reasons and a confidence."""
        turns = self._opening(call, self.prompts.guiding(noted(call.guide)))
        return self._answer(await self._complete(call, turns), call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Answer again: after others' answers, grouped by value; without any, after a second look at its own."""
        own = defanged(plain(mine.body.text, max_chars=_OWN_CHARS)) or "I have no answer yet."
        turns = (*self._opening(call), Turn("assistant", own), Turn("user", self._hearing(call, heard)))
        return self._answer(await self._complete(call, turns), call, mine, heard)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        """Write a note, such as an outline or a summary, of the material.

        Raises:
            UnknownName: there is no prompt for such notes in ``prompts/``.
            RunFailed: the model wrote nothing.
        """
        asking = self.prompts.noting(about, shown(material, call.question), self.persona)
        said = plain(
            (await self._complete(call, self._judging(call, asking, (self.prompts.note_example(about),)))).text
        )
        if not said:
            raise RunFailed("the model wrote nothing")
        return said

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        """Say which of two proposals is better.

        Raises:
            NoVerdict: the model's words prefer neither, and do not call it a tie.
        """
        first, second = one(a.body, call.question), one(b.body, call.question)
        asking = self.prompts.prompt(
            "compare", first=first, second=second, mark=mark_for((first, second)), persona=self.persona
        )
        worked = (self.prompts.compare_example(call.seed % 2 == 0),)  # half of all calls see each: none is favoured
        said = plain((await self._complete(call, self._judging(call, asking, worked))).text)
        scores = better(said)
        if scores is None:
            raise NoVerdict(self.name, "first, second or tie", line(said, 80))
        return Verdict(subjects=(a.id, b.id), scores=scores, reason=_reason(said, call, a, b))

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        """Grade a proposal from 0 to 10, with a reason.

        Raises:
            NoVerdict: the model's words hold no grade.
        """
        words = one(proposal.body, call.question)
        asking = self.prompts.prompt("critique", words=words, mark=mark_for((words,)), persona=self.persona)
        said = plain((await self._complete(call, self._judging(call, asking, self.prompts.critique_examples()))).text)
        score = grade(said)
        if score is None:
            raise NoVerdict(self.name, "a grade from 0 to 10", line(said, 80))
        return Verdict(subjects=(proposal.id,), scores=(score,), reason=_reason(said, call, proposal))

    # -- what is said to the model --------------------------------------------------------------------------------

    def _opening(self, call: Call, guide: str = "") -> tuple[Turn, ...]:
        parts = (asked(call.question), guide, self._form(call))
        asking = Turn("user", "\n\n".join(filter(None, parts)))
        said = call.question.conversation
        if said:  # worked examples would stand between what was said and what is asked
            said = tuple(msgspec.structs.replace(turn, text=defanged(turn.text, whole=True)) for turn in said)
            turns = (*self._conversation(call, ()), *said)
            system = "\n\n".join(turn.text for turn in turns if turn.role == "system")
            return (Turn("system", system), *(turn for turn in said if turn.role != "system"), asking)
        return (*self._conversation(call, (self.prompts.example(call.question.expects),)), asking)

    def _hearing(self, call: Call, heard: Sequence[Message[Proposal]]) -> str:
        words, guide = grouped(heard, call.question), self.prompts.guiding(noted(call.guide))
        blanks = {"persona": self.persona, "form": self.prompts.form(call.question.expects)}
        again = (
            self.prompts.prompt("revise", words=words, mark=mark_for((words,)), **blanks)
            if words
            else self.prompts.prompt("reconsider", **blanks)
        )
        return "\n\n".join(filter(None, (guide, again)))

    def _form(self, call: Call) -> str:
        return f"{self.persona}\n{self.prompts.form(call.question.expects)}".strip()

    def _judging(self, call: Call, asking: str, worked: Sequence[tuple[str, str]]) -> tuple[Turn, ...]:
        return (*self._conversation(call, worked), Turn("user", f"{asked(call.question)}\n\n{asking}"))

    def _conversation(self, call: Call, worked: Sequence[tuple[str, str]]) -> tuple[Turn, ...]:
        """What all conversations of one sort begin with: the instructions and worked examples."""
        beside = told(self.instructions, call.question) if self.instructions else ""
        turns = [Turn("system", "\n\n".join(filter(None, (self.prompts.prompt("system"), beside))))]
        for asking, answer in worked:
            turns += [Turn("user", asking), Turn("assistant", answer)]
        return tuple(turns)

    # -- what the model says ----------------------------------------------------------------------------------------

    async def _complete(self, call: Call, turns: tuple[Turn, ...]) -> Completion:
        """Ask the model; use the tools it wants, and ask again, until it answers or wants who asks to use theirs."""
        own = await offered(self.tools)
        tools = (*(tool for _, tool in own.values()), *(t for t in call.question.tools if t.name not in own))
        for _ in range(MAX_ROUNDS):
            completion = await self._ask(call, turns, tools)
            wanted = tuple(one for one in completion.calls if one.name in own)
            if not wanted:
                return completion
            said = Turn("assistant", defanged(completion.text), calls=wanted)
            turns = (*turns, said, *await used(own, wanted, call, turns))
            call.ask_again()
        return await self._ask(call, turns, call.question.tools)

    async def _ask(self, call: Call, turns: tuple[Turn, ...], tools: tuple[Tool, ...]) -> Completion:
        asking, left = self._asking, call.tokens_left
        request = msgspec.structs.replace(
            asking,
            turns=turns,
            seed=self._drawn(call),
            max_tokens=asking.max_tokens if left is None else max(1, min(asking.max_tokens, left)),
            timeout_s=min(asking.timeout_s, max(call.seconds_left, 0.001)),
            tools=tools,
        )
        check_sight(self.model, request)
        with call.asking("model", self.model.name, await as_sent(self.model, request)) as exchange:
            if call.hear is None or not isinstance(self.model, Streaming):
                completion = await self.model.complete(request)
            else:
                completion = await self.model.stream(request, call.hear)
            exchange.answered = completion
        call.charge(
            Cost(
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                micro_usd=completion.usd_micro or 0,
                milliseconds=round(completion.seconds * 1_000),
            )
        )
        return completion

    def _drawn(self, call: Call) -> int:
        if self._draws is None:
            return call.seed
        text = f"{self._draws[0]}\0{self.name}\0{next(self._draws[1])}"
        return int.from_bytes(blake3(text.encode()).digest(4)) & 0x7FFF_FFFF

    def _answer(
        self,
        completion: Completion,
        call: Call,
        mine: Message[Proposal] | None = None,
        heard: Sequence[Message[Proposal]] = (),
    ) -> Proposal:
        question = call.question
        if completion.calls:
            return _calling(completion.calls, question)
        if not completion.text.strip():
            return Proposal(key=None, lapse="the model answered nothing")
        said = parse(completion.text, question)
        if question.expects not in _WORDS_ARE_THE_ANSWER:
            known = (question.text, *question.options, *(turn.text for turn in question.conversation))
            others = [
                *(other.body.text for other in heard),
                *(note.body.text for note in call.guide if note.author != call.me),
            ]
            text = own_words(said.text, others, known if mine is None else (*known, mine.body.text))
            said = msgspec.structs.replace(said, text=text)
        if completion.finish == "stop":
            return said
        lapse = f"{said.lapse} {CUT_SHORT}" if said.lapse else ""
        return msgspec.structs.replace(said, text=f"{said.text}\n{CUT_SHORT}", lapse=lapse)


def _reason(said: str, call: Call, *judged: Message[Proposal]) -> str:
    """Return what a judge said, without what it repeats of those whom it judges."""
    return line(own_words(said, (one.body.text for one in judged), (call.question.text,)), REASON_CHARS)


def _calling(calls: tuple[ToolCall, ...], question: Question) -> Proposal:
    """Return the proposal that who asks should use tools of theirs."""
    unknown = [call.name for call in calls if call.name not in {tool.name for tool in question.tools}]
    if unknown:
        return Proposal(key=None, lapse=f"the model asked for a tool that nobody offers: {line(unknown[0], 64)}")
    key = calls_key(calls)
    if key is None or len(key.encode()) > MAX_KEY_BYTES:
        return Proposal(
            key=None, lapse="the model asked for a tool with arguments that are no JSON object, or too long"
        )
    return Proposal.of(key=key, text=key)
