"""The pattern of a question: its kind and its words without numbers, so that a kind of question is met again.

Numbers are left out and not marked: with a mark in their place, texts of many numbers are alike by their marks, and
WordLlama took 100 of 200 tasks of ten patterns for another's; without any, none (`benchmarks/skills.py`).
"""

from __future__ import annotations

import re
from string import ascii_uppercase

import msgspec

from waggledance.core import Question, UsageError
from waggledance.memory._record import MAX_KEY_CHARS, Record

PATTERNS = {kind: f"pattern-{kind.replace('/', '-')}" for kind in ("number", "choice", "yes/no", "short")}
"""The sort of a pattern's record, for each kind of question whose answers can be equal."""

_PATTERN_CHARS = 2_000
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def has_pattern(question: Question) -> bool:
    """Say whether a question stands alone, and whether answers to it can be equal."""
    alone = not question.conversation and not question.tools and question.whole is msgspec.UNSET
    return alone and question.expects in PATTERNS and bool(_without_numbers(question.text))


def pattern_of(question: Question) -> Record:
    """Return a question's pattern: its words in small letters without numbers, under a sort for its kind.

    Raises:
        UsageError: it has none; see `has_pattern`.

    >>> pattern_of(Question(text="How much is 17 - 8.5?", expects="number")).key
    'how much is - ?'
    """
    if not has_pattern(question):
        raise UsageError("a question has a pattern where it stands alone, has words, and answers to it can be equal")
    words = _without_numbers(question.text)
    return Record.of(PATTERNS[question.expects], words, words[MAX_KEY_CHARS:])


def words_of(pattern: Record) -> str:
    """Return a pattern as people read it: its kind and the beginning of its words."""
    return f"{pattern.sort.removeprefix('pattern-')}: {pattern.key}"


def _without_numbers(text: str) -> str:
    return " ".join(_NUMBER.sub(" ", text.casefold()[:_PATTERN_CHARS]).split())


def with_options(question: Question) -> str:
    """Return a question as an example shows it: options have their letters, which the answer may be."""
    options = "".join(
        f"\n{letter}) {option}" for letter, option in zip(ascii_uppercase, question.options, strict=False)
    )
    return f"{question.text}{options}"
