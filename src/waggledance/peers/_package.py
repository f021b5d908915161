"""Answers that are several of the options, within a budget."""

from __future__ import annotations

import re
from string import ascii_uppercase

from waggledance.core import Question, package_key
from waggledance.peers._marked import marked, tidy

_LETTERS = re.compile(r"[A-Z](?:(?: ?(?:,|\+|;|/|&) ?| and |, and | )[A-Z])*[.)]?")
_NOTHING = re.compile(r"(?:none|nothing|no options?)\.?", re.IGNORECASE)


def package(text: str, question: Question) -> str | None:
    """Return the canonical name of the options that a text takes; None when it takes none clearly, or too many.

    Options are named by their letters; "none" takes nothing.

    >>> park = Question(text="?", expects="package", options=("pond", "bench", "swing"), costs=(2, 1, 2), spend=3)
    >>> package("Water first.\\nAnswer: B, A", park), package("Answer: A and C", park), package("C+B", park)
    ('A+B', None, 'B+C')
    """
    text = tidy(text).strip()
    for phrase in (*marked(text), text.rpartition("\n")[2].strip(), text):
        said = phrase.strip(" .*\"'`()[]")
        if _NOTHING.fullmatch(said):
            key = package_key(())
        elif _LETTERS.fullmatch(said):
            key = package_key(ascii_uppercase.index(letter) for letter in re.findall(r"\b[A-Z]\b", said))
        else:
            continue
        return key if question.affords(key) else None
    return None
