"""Votes that were cast already: what the models of a recorded set, or of a bank, answered to questions with keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waggledance.core import UnknownName, UsageError
from waggledance.lab._bank import Bank, digest_of
from waggledance.lab._probe import Votes
from waggledance.lab._question_set import QuestionSet
from waggledance.lab._recorded_peer import CHARS_A_TOKEN


@dataclass(frozen=True)
class Cast:
    """Answers of the same voters to many questions."""

    who: str
    """What the voters are, for people."""
    votes: Votes
    keys: Sequence[str]
    """The right answers, one a question."""
    tokens: float | None
    """Written for one answer, on average; None where nobody wrote it down."""
    alike: bool = False
    """Whether the voters are samples of one model, so that none of them is better than another."""


def cast_in_set(held: QuestionSet, models: Sequence[str] | None = None, *, seed: int = 0) -> Cast:
    """Return what a set's recorded models answered, questions in an order drawn from the seed.

    Args:
        held: the set.
        models: whose answers; all when None.
        seed: of the order.

    Raises:
        UsageError: nothing was recorded, or keys say how near an answer must be, so that votes do not add up.
        UnknownName: a model is not in the set; says the nearest.
    """
    tasks = [task for task in held.tasks("all", None, seed) if task.key is not None and held.answers.get(task.id)]
    known = {model for task in tasks for model in held.answers[task.id]}
    if not known:
        raise UsageError(f"the set {held.name!r} holds no recorded answers with keys: record some and give --bank")
    if any("within" in task.payload for task in tasks):
        raise UsageError(f"answers of {held.name!r} are right when they are near: votes on them do not add up")
    for model in models or ():
        if model not in known:
            raise UnknownName("recorded model", model, known)
    chosen = set(models or known)
    said = [{model: s[0] for model, s in held.answers[task.id].items() if s and model in chosen} for task in tasks]
    chars = [s.chars for row in said for s in row.values() if s.chars is not None]
    return Cast(
        who=f"{len(chosen)} models",
        votes=[{model: s.key for model, s in row.items()} for row in said],
        keys=[str(task.key) for task in tasks],
        tokens=sum(chars) / len(chars) / CHARS_A_TOKEN if chars else None,
    )


def cast_in_bank(
    bank: Bank, held: QuestionSet, models: Sequence[str] | None = None, *, seed: int = 0
) -> tuple[Cast, ...]:
    """Return a bank's answers to a set's questions: the samples of each model, and one sample of each of the models.

    Args:
        bank: what was recorded.
        held: the questions with their keys.
        models: whose answers; all when None.
        seed: of the order of the questions.

    Raises:
        UsageError: none of the set's questions is in the bank, or no model has two samples and no two models are there.
        UnknownName: a model is not in the bank; says the nearest.
    """
    for model in models or ():
        if model not in bank.models:
            raise UnknownName("model in the bank", model, bank.models)
    chosen = tuple(models or bank.models)
    keys = {digest_of(t.question): str(t.key) for t in held.as_read().tasks("all", None, seed) if t.key is not None}
    whole = bank.whole(chosen)
    asked = [digest for digest in keys if digest in whole]
    if not asked:
        raise UsageError(f"the bank has no question of {held.name!r} with all samples of {', '.join(chosen)}")
    groups = [(f"{bank.samples(m)} samples of {m}", [(m, k) for k in range(bank.samples(m))], True) for m in chosen]
    groups.append((f"one sample of each of {', '.join(chosen)}", [(m, 0) for m in chosen], False))
    cast = tuple(
        _of_bank(bank, who, voters, asked, keys, alike=alike) for who, voters, alike in groups if len(voters) > 1
    )
    if not cast:
        raise UsageError(f"the bank has one sample of {chosen[0]} and nobody to vote with it: record more --samples")
    return cast


def recorded_part(bank: Bank, held: QuestionSet) -> QuestionSet:
    """Return the questions of a set that the bank has in full, from each of its models, with keys as live peers answer.

    Raises:
        UsageError: there is none.
    """
    whole = bank.whole(bank.models)
    tasks = [task for task in held.as_read().tasks() if digest_of(task.question) in whole]
    if not tasks:
        raise UsageError(f"the bank has no question of {held.name!r} with all samples of {', '.join(bank.models)}")
    return QuestionSet(held.name, held.version, tasks)


def _of_bank(
    bank: Bank, who: str, voters: Sequence[tuple[str, int]], asked: Sequence[str], keys: dict[str, str], *, alike: bool
) -> Cast:
    votes: list[dict[str, str | None]] = []
    tokens: list[int] = []
    for digest in asked:
        lines = {f"{model}/{k}": bank.answer(digest, model, k) for model, k in voters}
        votes.append({voter: line.answer for voter, line in lines.items() if line is not None})
        tokens += [line.completion.completion_tokens for line in lines.values() if line is not None]
    return Cast(who, votes, [keys[digest] for digest in asked], sum(tokens) / len(tokens), alike)
