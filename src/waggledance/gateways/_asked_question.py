"""From a conversation to a question: its last user's turn, within what was said before.

What kind of answer counts is guessed with care where nobody says so, for most of what is said to a chat is no quiz.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from waggledance.core import AnswerKind, Question, Tool, Turn, UsageError, parted

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


def last_asked(
    turns: Sequence[Turn],
    *,
    kind: AnswerKind | None = None,
    options: tuple[str, ...] = (),
    tools: tuple[Tool, ...] = (),
    told: str = "",
) -> Question:
    """Return the last thing that a user said, within the conversation.

    Args:
        turns: the conversation, oldest first. After a tool's result there is no new question: the last one is asked
            again, with the result before it.
        kind: what kind of answer counts; guessed when None, and free words where tools are offered.
        options: for ``"choice"`` and ``"package"``.
        tools: what an answer may ask to have used.
        told: what peers are told besides, of the form of the answer.

    Raises:
        UsageError: there is nothing to answer, or it cannot be asked like that; `QuestionTooLong` says by how much.
    """
    users = [i for i, turn in enumerate(turns) if turn.role == "user"]
    at = users[-1] if users else len(turns) - 1
    if at < 0:
        raise UsageError("there is nothing to answer: the conversation is empty")
    before = tuple(turns[:at] if at == len(turns) - 1 else turns)
    if at == len(turns) - 1 and turns[at].pictures:  # a question is words; what it shows stands right before it
        before = (*before, Turn("user", "", pictures=turns[at].pictures))
    if told:
        before = (*before, Turn("system", told))
    if kind is None and (tools or told):
        kind = "free"
    question = question_of(turns[at].text, kind, options, alone=not before)
    if before or tools:
        question = msgspec.structs.replace(question, before=before or msgspec.UNSET, offers=tools or msgspec.UNSET)
    parted(question)  # which refuses what cannot be told to members
    return question
