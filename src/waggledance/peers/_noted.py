"""Notes in a prompt: what was written to guide an answer, and what notes are made from; others' words, so data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waggledance.core import UNIT, Judgement, Message, Note, Proposal, Question
from waggledance.peers._others import MAX_SHOWN, PEER_CHARS, VIEW_CHARS, defanged, grouped, quoted
from waggledance.peers._plain import line

NOTE_CHARS = 1_500
"""Of one note: outlines and summaries are short; a longer one loses its middle."""


def noted(notes: Sequence[Message[Note]]) -> str:
    """Return notes as a prompt shows them: each under what it is, on lines that all start with ``>``."""
    told = [m.body for m in notes if m.body.text.strip()][:MAX_SHOWN]
    chars = min(NOTE_CHARS, VIEW_CHARS // max(1, len(told)))
    return "\n".join(f"{title(note.about)}:\n{quoted(note.text, chars)}" for note in told)


def shown(material: Sequence[Message[Any]], question: Question) -> str:
    """Return messages as a prompt shows them: answers grouped, then notes, then judges' reasons; nothing of others."""
    answers = grouped([m for m in material if isinstance(m.body, Proposal)], question)
    notes = noted([m for m in material if isinstance(m.body, Note)])
    judged = _reasons([m.body for m in material if isinstance(m.body, Judgement)])
    return "\n".join(filter(None, (answers, notes, judged)))


def title(about: str) -> str:
    """Return what a note is about as a heading.

    >>> title("worked-examples")
    'Worked examples'
    """
    return about.replace("-", " ").capitalize()


def _reasons(judgements: Sequence[Judgement]) -> str:
    """Return the reasons of grades; a preference's says first and second, which means nothing here."""
    grades = [v for judgement in judgements for v in judgement.verdicts if len(v.subjects) == 1 and v.reason]
    return "\n".join(
        f"A judge gives {v.scores[0] / UNIT:.0%}: {line(defanged(v.reason), PEER_CHARS)}" for v in grades[:MAX_SHOWN]
    )
