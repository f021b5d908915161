"""What kind of answer somebody who chats wants: guessed with care, for most of what is said to a chat is no quiz."""

from __future__ import annotations

import re

from waggledance.core import AnswerKind, Question, UsageError

_NAMES_ONE = re.compile(r"(?:who|whose|whom|when|where|which|in which)\b[^?\n]{1,160}\?\s*\Z", re.IGNORECASE)
"""A question for a name, a time or a place: the words of its answer can be counted like votes."""


def question_of(text: str, kind: AnswerKind | None, options: tuple[str, ...], *, alone: bool) -> Question:
    """Return a text as a question.

    Where nobody says what kind of answer counts, one that stands alone and asks for a number, yes or no, one of its own
    options, code, or a name is asked as such, so that peers' answers can be counted; all else gets free words.

    Args:
        text: what the user said.
        kind: what kind of answer counts; None where nobody said so.
        options: for ``"choice"`` and ``"package"``.
        alone: whether nothing was said before it.

    Raises:
        UsageError: the text is empty, or kind and options do not fit.

    >>> [question_of(text, None, (), alone=True).expects for text in ("2 + 2?", "Who wrote Emma?", "Write a poem.")]
    ['number', 'short', 'free']
    """
    if kind is None and options:
        kind = "choice"
    if kind is not None:
        return Question(text=text, expects=kind, options=options)
    if alone and text.strip():
        from waggledance.peers import guess_kind

        try:
            guessed = guess_kind(text)
        except UsageError:
            return Question(text=text, expects="free")
        if guessed.expects != "short" or _NAMES_ONE.match(guessed.text):
            return guessed
    return Question(text=text, expects="free")
