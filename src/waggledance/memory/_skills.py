"""Skills: kinds of questions that went well often enough to be answered the short way; a fold over recorded outcomes.

    detected ──3 right──▶ committed ──10 right──▶ mature        a committed skill may shorten a run
        ▲                     │                      │
        └──────── removed ◀───┴── 5 of its last 8 wrong

What is counted as right was judged by others than who said it best, or verified; the rest is not counted at all, so
that one poisoned success commits nothing. A skill that was removed is committed again after 10 right, not after 3.

The fold is a function of the set of outcomes, blind to the order in which they were written: each carries the number
that its owner gave it. `needed` are those that matter still (26 of a pattern at most); what they leave out changes
nothing, now or after any outcome to come, so a memory of skills grows with the patterns and not with the questions.

Source: Shen, Shen 2026, "STEM Agent", arXiv:2603.22359 (stages, 3 and 10); the window, what counts as judged and the
longer way back are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from blake3 import blake3

from waggledance.core import Note, UsageError, encode_canonical, well_formed
from waggledance.memory._record import RecordId

COMMITTED_AFTER = 3
"""So many right outcomes; the paper's."""
MATURE_AFTER = 10
"""So many right outcomes; the paper's. Also what a skill needs that was removed before."""
LOOKED_AT = 8
"""Of so many last outcomes"""
TOO_MANY_WRONG = 5
"""so many are too many: a skill that only fails is gone after five uses, one right nine times of ten hardly ever."""

MAX_SHOWN_CHARS = 700
"""Of an example's question and of its answer: with both, a note of 1,500 characters."""

Stage = Literal["detected", "committed", "mature", "removed"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one question of a pattern.

    Raises:
        UsageError: a number or a count is negative, or the run has no name.
    """

    pattern: RecordId
    number: int
    """Its owner's numbering, from 1; later is higher."""
    run: str
    """The decision's id in hexadecimal digits."""
    right: bool
    judges: int = 0
    """How many others said the same as who said it best."""
    verified: bool = False
    """Whether somebody who knows says that it is right, or wrong."""
    question: str = ""
    answer: str = ""
    """The words of who said it best, where it was right."""

    def __post_init__(self) -> None:
        if self.number < 1 or self.judges < 0 or not self.run:
            raise UsageError(
                f"an outcome has a number from 1, 0 or more judges and a run, got {self.number}, {self.judges} and "
                f"{self.run!r:.80}"
            )

    @property
    def counts(self) -> bool:
        """Whether it says something: it went wrong, others judged it right, or somebody verified it."""
        return not self.right or self.judges > 0 or self.verified

    @property
    def mark(self) -> bytes:
        """A hash by which equals are ordered."""
        return blake3(b"waggle/outcome/1\0" + encode_canonical(self)).digest()


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcomes of one pattern amount to."""

    pattern: RecordId
    stage: Stage
    right: int
    """How many were right since it was last removed; 10 stands for 10 and more."""
    wrong: int
    """How many of the last 8 were wrong."""
    question: str
    """Of the example that is shown, and its answer; empty without one."""
    answer: str

    @property
    def usable(self) -> bool:
        """Whether it may shorten a run."""
        return self.stage in ("committed", "mature")

    def note(self) -> Note:
        """Return the example as a note for who answers along it."""
        from waggledance.protocols._two_first import EXAMPLE

        return Note(about=EXAMPLE, text=well_formed(f"Question: {self.question}\n\n{self.answer}"))


class _Life:
    """A pattern's outcomes since it was last removed, as one follows another."""

    def __init__(self) -> None:
        self.fell: Sequence[Outcome] = ()
        """The last outcomes before it was last removed."""
        self.since: list[Outcome] = []
        self.committed = False

    def step(self, outcome: Outcome) -> None:
        self.since.append(outcome)
        after = MATURE_AFTER if self.fell else COMMITTED_AFTER
        self.committed = self.committed or len(self.right) >= after
        if self.wrong >= TOO_MANY_WRONG:
            self.fell, self.since, self.committed = self.since[-LOOKED_AT:], [], False

    @property
    def right(self) -> list[Outcome]:
        return [outcome for outcome in self.since if outcome.right][-MATURE_AFTER:]

    @property
    def wrong(self) -> int:
        return sum(not outcome.right for outcome in self.since[-LOOKED_AT:])

    @property
    def stage(self) -> Stage:
        if self.committed:
            return "mature" if len(self.right) == MATURE_AFTER else "committed"
        return "removed" if self.fell and not self.right else "detected"

    @property
    def needed(self) -> list[Outcome]:
        """All that the rest of its life depends on."""
        older = [outcome for outcome in self.right if outcome not in self.since[-LOOKED_AT:]]
        return [*self.fell, *older, *self.since[-LOOKED_AT:]]


def skill_of(outcomes: Iterable[Outcome]) -> Skill | None:
    """Return what the outcomes of one pattern amount to: a function of their set; None where none counts.

    Of several outcomes of one run the verified one counts. The example is that of the right outcomes with most judges,
    equals by hash; after each failure among the last eight the next one is shown.

    Raises:
        UsageError: they are of several patterns.
    """
    life, pattern = _lived(outcomes)
    if pattern is None:
        return None
    shown = sorted(life.right, key=lambda outcome: (-outcome.judges, outcome.mark))
    example = shown[life.wrong % len(shown)] if shown else None
    return Skill(
        pattern=pattern,
        stage=life.stage,
        right=len(life.right),
        wrong=life.wrong,
        question="" if example is None else example.question,
        answer="" if example is None else example.answer,
    )


def needed(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes of one pattern that matter still, oldest first: at most 26.

    With any outcomes that come after them they amount to the same as all would.

    Raises:
        UsageError: they are of several patterns.
    """
    return tuple(_lived(outcomes)[0].needed)


def _lived(outcomes: Iterable[Outcome]) -> tuple[_Life, RecordId | None]:
    by_run: dict[str, Outcome] = {}
    for outcome in outcomes:
        known = by_run.get(outcome.run)
        if outcome.counts and (known is None or _before(outcome) < _before(known)):
            by_run[outcome.run] = outcome
    patterns = {outcome.pattern for outcome in by_run.values()}
    if len(patterns) > 1:
        raise UsageError(f"a skill is of one pattern, got outcomes of {len(patterns)}")
    life = _Life()
    for outcome in sorted(by_run.values(), key=lambda outcome: (outcome.number, outcome.mark)):
        life.step(outcome)
    return life, next(iter(patterns), None)


def _before(outcome: Outcome) -> tuple[bool, bytes]:
    return not outcome.verified, outcome.mark
