"""What a run showed: the decision by an arm's rule and weights, its score and cost, and every peer's first answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, cast

import msgspec
from blake3 import blake3

from waggledance._replay import decide_again
from waggledance.consensus import NamedRule, Proposals, Weights, name_of
from waggledance.core import Cost, Decision, Message, Opening, Proposal, cut_of, members_of, outcome_of
from waggledance.lab._arm import Arm
from waggledance.lab._conversation import Conversation
from waggledance.lab._prices import Prices
from waggledance.lab._run_logs import run_seed, seed_of
from waggledance.lab._score import RunLog, Score
from waggledance.lab._spent import Spent, spent
from waggledance.lab._task import Task

Messages = tuple[Message[Any], ...]
Status = Literal["decided", "undecided", "conflict"]
Runs = Mapping[tuple[str, int], Messages]
"""Every finished run's messages, by task id and repeat."""


class Scorer(Protocol):
    """Scores a run of a task: `Benchmark.score`, or any pure function of that shape."""

    def __call__(self, task: Task, run: RunLog, /) -> Score: ...


class First(msgspec.Struct, frozen=True):
    """A peer's first answer, before it heard anybody."""

    peer: str
    model: str
    value: float
    """Its score, 0 to 1, as if it had been alone."""
    solved: bool
    cost: Cost
    micro_usd: int


class Seen(msgspec.Struct, frozen=True):
    """What one run showed."""

    task: Task
    repeat: int
    decision: Decision
    score: Score
    spent: Spent


def runs_of(conversation: Conversation, tasks: Sequence[Task], repeats: int, seed: int) -> Runs:
    """Read a conversation's finished runs from its logs."""
    wanted = {run_seed(seed, task.id, repeat): (task.id, repeat) for task in tasks for repeat in range(repeats)}
    return {
        wanted[number]: messages for messages in conversation.logs.read() if (number := seed_of(messages)) in wanted
    }


def seen(arm: Arm, runs: Runs, tasks: Sequence[Task], score: Scorer, prices: Prices) -> Iterator[Seen]:
    """Decide and score every run of an arm, task by task.

    Where the arm learns weights, it does so from all runs of a repeat, and then every run is decided with them.
    """
    repeats = sorted({repeat for _, repeat in runs})
    weights = {repeat: _Learnt.of(arm, {id: m for (id, r), m in runs.items() if r == repeat}, tasks)
               for repeat in repeats}  # fmt: skip
    for task in tasks:
        for repeat in repeats:
            messages = runs.get((task.id, repeat))
            if messages is not None:
                decision = decided(arm, messages, weights[repeat].at(task))
                scored = score(task, RunLog(messages, decision))
                yield Seen(task, repeat, decision, scored, spent(messages, arm.crowd.models, prices))


def decided(arm: Arm, messages: Messages, weights: Weights | None) -> Decision:
    """Return what the arm makes of a conversation's messages, whichever rule decided when they were spoken.

    Raises:
        ReplayDiffers: the arm's own rule gives another decision than the log says it gave.
    """
    outcome = outcome_of(messages)
    opening = next(m.body for m in messages if isinstance(m.body, Opening))
    own_way = outcome is not None and opening.rule == name_of(arm.decide) != outcome.body.rule
    if own_way and outcome is not None:  # a protocol that decides by more than a rule: take it at its word
        return Decision(status=cast("Status", outcome.body.status), key=outcome.body.key, rule=outcome.body.rule)
    taken = NamedRule(name_of(arm.decide), frozenset(), arm.decide)  # a run in which nobody stated what it needs counts
    return decide_again(messages, taken, weights)


def firsts(runs: Runs, tasks: Sequence[Task], models: Mapping[str, str], score: Scorer, prices: Prices
           ) -> Mapping[tuple[str, int], Sequence[First]]:  # fmt: skip
    """Return every peer's first answer in every run, by task id and repeat, in the order of the roster."""
    by_id = {task.id: task for task in tasks}
    return {at: tuple(_firsts(messages, by_id[at[0]], models, score, prices)) for at, messages in runs.items()}


def _firsts(
    messages: Messages, task: Task, models: Mapping[str, str], score: Scorer, prices: Prices
) -> Iterator[First]:
    said = {m.author: m.body for m in messages if isinstance(m.body, Proposal) and m.body.round == 0}
    for member in members_of(messages):
        body = said.get(member.id)
        if body is not None:
            model = models.get(member.name, member.name)
            alone = Decision(status="undecided" if body.key is None else "decided", key=body.key)
            scored = score(task, RunLog(messages, alone))
            price = prices.of(model, body.cost.prompt_tokens, body.cost.completion_tokens)
            yield First(member.name, model, scored.value, scored.solved, body.cost, price)


class _Learnt(NamedTuple):
    """An arm's weights in one repeat: for the tasks, and for those whose keys the first ones were learnt from."""

    weights: Weights | None
    of_probes: Weights | None
    share: float

    @classmethod
    def of(cls, arm: Arm, runs: Mapping[str, Messages], tasks: Sequence[Task]) -> _Learnt:
        if arm.weigh is None:
            return cls(None, None, 0.0)
        keys = {task.id: task.key for task in tasks}
        proposed = {id: _counted(messages) for id, messages in runs.items()}

        def learnt(part: int) -> Weights:
            known = [keys.get(id) if _part(id, arm.probes) == part else None for id in proposed]
            return arm.weigh(list(proposed.values()), known) if arm.weigh else {}

        weights = learnt(0)
        return cls(weights, learnt(1) if arm.probes else weights, arm.probes)

    def at(self, task: Task) -> Weights | None:
        """Return what counts at a task: never what was learnt from its key."""
        return self.of_probes if _part(task.id, self.share) == 0 else self.weights


def _part(task: str, share: float) -> int | None:
    """Return which part of the tasks one is in, by hash: 0 and 1 are parts of that share, None is in neither."""
    if not share:
        return None
    place = int.from_bytes(blake3(b"waggle/probe/1\0" + task.encode()).digest(length=8)) / 2**64
    return 0 if place < share else 1 if place < 2 * share else None


def _counted(messages: Messages) -> Proposals:
    """Return the proposals that a run's decision rests on."""
    cut = set(cut_of(messages))
    return tuple(sorted(m for m in messages if isinstance(m.body, Proposal) and m.id in cut))
