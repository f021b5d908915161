"""From what was typed to a question: its text, the kind of answer, its options."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import cast
from unicodedata import normalize

from waggledance.cli._config import InForce
from waggledance.cli._registers import names_in
from waggledance.core import AnswerKind, Question, UnknownName, UsageError

MAX_CHARS = 50_000  # with its options and members an opening then fits into a message's 64 KiB, if it is mostly ASCII
STDIN = "-"


def question_from(typed: str, options: Sequence[str], force: InForce, *, human: bool = False) -> tuple[Question, bool]:
    """Return the question, and whether its kind was guessed.

    Args:
        typed: the text; ``-`` reads it from stdin.
        options: the options of a question of choice.
        force: settings; ``ask.answer`` is the kind, guessed when None.
        human: whether stdin is where a person will answer.

    Raises:
        UsageError: the question is empty or too long, or kind and options do not fit.
        UnknownName: there is no such kind.
    """
    if typed == STDIN and human:
        raise UsageError("stdin can hold the question (-) or a person's answers (--human), not both")
    text = normalize("NFC", _read_stdin() if typed == STDIN else typed).strip()
    options = tuple(normalize("NFC", option).strip() for option in options)
    if len(text) > MAX_CHARS:
        raise UsageError(f"the question has {len(text):,} characters, the limit is {MAX_CHARS:,}: shorten it")
    kind = force.settings.ask.answer
    if kind is None and options:
        kind = "choice"
    if kind is None:
        from waggledance.peers import guess_kind

        return guess_kind(text), True
    force.using("ask.answer", lambda: _known(kind))
    if kind == "choice" and not options and text:
        from waggledance.peers import guess_kind

        found = guess_kind(text)
        if found.expects != "choice":
            raise UsageError(
                'a question of choice needs its options: give each with --option "…", or write them as A) … B) …'
            )
        return found, False
    return Question(text=text, expects=cast("AnswerKind", kind), options=options), False


def _known(kind: str) -> None:
    if kind not in names_in("kind of answer"):
        raise UnknownName("kind of answer", kind, names_in("kind of answer"))


def _read_stdin() -> str:
    try:
        return sys.stdin.read(4 * MAX_CHARS)
    except UnicodeDecodeError as why:
        raise UsageError(f"the question on stdin is not {why.encoding}: {why.reason} at byte {why.start}") from why


def in_words(question: Question) -> str:
    """Return what a question expects, as people say it."""
    named = {
        "number": "a number",
        "choice": f"one of {len(question.options)} options",
        "yes/no": "yes or no",
        "short": "a short answer",
        "free": "free text",
        "code": "code",
        "package": f"a package of {len(question.options)} options",
    }
    return named[question.expects]
