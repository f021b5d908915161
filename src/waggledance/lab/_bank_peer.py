"""Peers and crowds from a bank: they propose what a model once answered, and prefer what it once preferred.

Nothing is asked, so that many arrangements can be compared on the same words. What a peer says has the price that it
had. A bank cannot say what a model would have answered after hearing others, so these peers do not revise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from waggledance.core import Call, Cost, Message, Peer, Proposal, Question, RunFailed, UnknownName, UsageError, Verdict
from waggledance.lab._bank import Answer, Bank, digest_of
from waggledance.lab._overheard import Retold, a_call
from waggledance.lab._spent import UNRECORDED
from waggledance.lab._task import Task
from waggledance.models import Completion
from waggledance.peers import Agent


async def retold(line: Answer, question: Question) -> Proposal:
    """Return what an agent makes of a recorded answer: it reads the words as they would be read today."""
    return await Agent(line.model, Retold(line.model, line.completion)).propose(a_call(question, line.seed))


class BankPeer:
    """A peer that answers and judges from a bank.

    Its answer in round k of a vote is the k-th of its samples. It prefers of two answers what the model preferred when
    it compared texts that gave these answers: in the order asked, or else in the other order with the sides swapped.

    Args:
        name: the peer's name.
        bank: what was recorded.
        model: whose words it speaks.
        samples: the numbers of the samples it may give, in its order.
    """

    def __init__(self, name: str, bank: Bank, model: str, samples: Sequence[int]) -> None:
        self.name, self.model, self.samples = name, model, tuple(samples)
        self._bank = bank

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "compare"})

    async def propose(self, call: Call) -> Proposal:
        """Answer as recorded.

        Raises:
            RunFailed: no such answer was recorded, or notes guide this one, which none did when it was recorded.
        """
        if call.guide:
            raise RunFailed(f"an answer of {self.model} that notes guided {UNRECORDED}")
        if call.round >= len(self.samples):
            have = len(self.samples)
            raise RunFailed(f"peer {self.name!r} has {have} recorded answer{'s' * (have != 1)} and was asked for more")
        line = self._bank.answer(digest_of(call.question), self.model, self.samples[call.round])
        if line is None:
            raise RunFailed(f"answer {self.samples[call.round]} of {self.model} to this question {UNRECORDED}")
        call.charge(_cost(line.completion))
        return await retold(line, call.question)

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        """Prefer as recorded.

        Raises:
            RunFailed: no comparison of these answers was recorded, or the model's words preferred neither.
        """
        digest, first, second = digest_of(call.question), a.body.key, b.body.key
        if first is None or second is None:
            raise RunFailed("a proposal without an answer was not compared with any")
        line, swapped = self._bank.verdict(digest, self.model, first, second), False
        if line is None:
            line, swapped = self._bank.verdict(digest, self.model, second, first), True
        if line is None:
            raise RunFailed(f"a comparison of {first:.40} and {second:.40} by {self.model} {UNRECORDED}")
        call.charge(_cost(line.completion))
        if line.scores is None:
            raise RunFailed(line.lapse)
        scores = (line.scores[1], line.scores[0]) if swapped else line.scores
        return Verdict((a.id, b.id), scores, reason=" ".join(line.completion.text.split())[:300])

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        raise self._cannot("revise")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise self._cannot("critique")

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        raise self._cannot("note")

    def _cannot(self, skill: str) -> UsageError:
        return UsageError(f"peer {self.name!r} speaks from a bank and cannot {skill}: seat a model, or vote")


class BankCrowd:
    """A bank's models as peers of an arm.

    Args:
        bank: what was recorded.
        seats: the model of every peer; a model may sit several times, each time with samples of its own. Each of the
            bank's models once when None.
        seed: of the order in which samples are given after the first repeat.

    Raises:
        UnknownName: the bank has nothing of a model; says the nearest.
        UsageError: nobody sits, or a model sits more often than it has samples.
    """

    def __init__(self, bank: Bank, seats: Sequence[str] | None = None, *, seed: int = 0) -> None:
        seats = bank.models if seats is None else tuple(seats)
        if not seats:
            raise UsageError("seat at least one of the bank's models, got none")
        for model in seats:
            if model not in bank.models:
                raise UnknownName("model in the bank", model, bank.models)
            if seats.count(model) > bank.samples(model):
                raise UsageError(f"{model} sits {seats.count(model)} times and has {bank.samples(model)} samples")
        self._bank, self._seats, self._seed = bank, seats, seed
        self._names = [
            model if seats.count(model) == 1 else f"{model}/{seats[:place].count(model) + 1}"
            for place, model in enumerate(seats)
        ]
        self.models: Mapping[str, str] = dict(zip(self._names, seats, strict=True))

    def __repr__(self) -> str:
        return f"BankCrowd({', '.join(self._seats)})"

    def seat(self, task: Task, repeat: int) -> Sequence[Peer]:
        """Return a peer a seat; the samples of a model are dealt out among its peers.

        First as they were recorded, since the first ones are those that were judged; then in an order of the repeat.
        """
        dealt: dict[str, list[int]] = {}
        for model in set(self._seats):
            numbers = list(range(self._bank.samples(model)))
            if repeat:
                Random(f"{self._seed}/{repeat}/{digest_of(task.question)}/{model}").shuffle(numbers)
            dealt[model] = numbers
        peers: list[Peer] = []
        for place, (name, model) in enumerate(zip(self._names, self._seats, strict=True)):
            mine = dealt[model][self._seats[:place].count(model) :: self._seats.count(model)]
            peers.append(BankPeer(name, self._bank, model, mine))
        return peers

    def alone(self, model: str) -> BankCrowd:
        return BankCrowd(self._bank, [model], seed=self._seed)

    def samples(self, model: str) -> int | None:
        return self._bank.samples(model) // self._seats.count(model)


def _cost(completion: Completion) -> Cost:
    return Cost(
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        micro_usd=completion.usd_micro or 0,
        milliseconds=round(completion.seconds * 1_000),
    )
