"""What a recording still has to ask: a pure function of its plan and of what the bank holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from blake3 import blake3

from waggledance.core import UsageError
from waggledance.lab._bank import Answer, Bank

Doing = Literal["answers", "comparisons"]

_BOTH_ORDERS_OF = 3
"""One pair in so many is compared in both orders."""
_MAX_SEED = 0x7FFF_FFFF  # what a call's seed may be


@dataclass(frozen=True, kw_only=True)
class RecordPlan:
    """What to record.

    Args:
        samples: answers of each model to each question.
        judged: of how many questions, from the first on, the models judge answers.
        judged_samples: whose answers they judge: the first so many samples of every model.
        temperature: how freely models draw their words.
        max_tokens: the most tokens of one answer.
        seed: what all seeds and draws are made from.
        block: questions that all models answer before the next ones are asked.
        timeout_s: the most seconds of one answer, waiting for a free slot included.

    Raises:
        UsageError: a number is out of range.
    """

    samples: int = 8
    judged: int = 0
    judged_samples: int = 2
    temperature: float = 0.7
    max_tokens: int = 320
    seed: int = 0
    block: int = 10
    timeout_s: float = 3_600.0

    def __post_init__(self) -> None:
        for name, least in (("samples", 1), ("judged", 0), ("judged_samples", 1), ("block", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} is {getattr(self, name)}; give {least} or more")
        if self.judged and self.judged_samples > self.samples:
            raise UsageError(
                f"judges cannot read {self.judged_samples} samples of each model when {self.samples} are recorded"
            )


@dataclass(frozen=True)
class Due:
    """One thing to ask a model about a question: its answer of a number, or which of two texts is better."""

    sample: int = 0
    pair: tuple[Answer, Answer] | None = None


def missing(plan: RecordPlan, bank: Bank, doing: Doing, digest: str, model: str, models: Sequence[str]) -> list[Due]:
    """Return what a model is still to be asked about the question with that hash.

    Comparisons are known once the answers are there: each two distinct answers among the first samples of all models,
    each by one of its texts, in an order drawn from the seed; one pair in three also the other way round.
    """
    if doing == "answers":
        return [Due(k) for k in range(plan.samples) if bank.answer(digest, model, k) is None]
    due = _pairs(plan, bank, digest, model, models)
    return [Due(pair=(a, b)) for a, b in due if bank.compared(digest, model, a.key, b.key) is None]


def seed_of(plan: RecordPlan, *what: str) -> int:
    """Return the seed of one call, from the plan's seed and what is asked."""
    return int.from_bytes(_draw(plan, *what)[:4]) & _MAX_SEED


def _pairs(plan: RecordPlan, bank: Bank, digest: str, judge: str, models: Sequence[str]) -> list[tuple[Answer, Answer]]:
    texts: dict[str, Answer] = {}
    for model in models:
        for k in range(plan.judged_samples):
            said = bank.answer(digest, model, k)
            if said is not None and said.answer is not None:
                held = texts.setdefault(said.answer, said)
                texts[said.answer] = min(held, said, key=lambda line: _draw(plan, "text", line.key))
    pairs: list[tuple[Answer, Answer]] = []
    for a, b in combinations((texts[answer] for answer in sorted(texts)), 2):
        draw = _draw(plan, "order", judge, a.key, b.key)
        one, other = (a, b) if draw[0] & 1 else (b, a)
        pairs += [(one, other), (other, one)] if draw[1] % _BOTH_ORDERS_OF == 0 else [(one, other)]
    return pairs


def _draw(plan: RecordPlan, *what: str) -> bytes:
    return blake3(b"waggle/record/1\0%d\0" % plan.seed + "\0".join(what).encode()).digest()
