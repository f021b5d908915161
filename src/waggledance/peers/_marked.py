"""Where a text says its answer: after "Answer:", in ``\\boxed{…}``, after ``####``."""

from __future__ import annotations

import re

_SPACES = re.compile(r"[ \t\u00a0\u2007\u2009\u202f]+")
_ANSWER = re.compile(
    r"\b(?:final |my |correct |right |best )?(?:answer|conclusion)\b"
    r"(?: to [^.:=\n]{0,80}?| of [^.:=\n]{0,40}?)?(?: ?\([^()\n]{0,40}\))?"
    r" ?(?:is now|is therefore|is thus|is|would be|will be|must be|should be|was|remains|:|=|->|→)(?: ?:)? ?",
    re.IGNORECASE,
)
_HASHES = re.compile(r"#{4} ?(?=\S{1,40} ?$)", re.MULTILINE)
_LETTER = re.compile(r"^A: ?", re.MULTILINE)
_BOXED = re.compile(r"\\boxed ?\{")
_MAX_PHRASE = 400
_MAX_MARKS = 50
"""A text that says more answers than this is looping; the last ones count."""


def tidy(text: str) -> str:
    """Return a text without Markdown's bold and with single spaces, so that markers look alike."""
    return _SPACES.sub(" ", text.replace("**", "").replace("__", ""))


def marked(text: str, *, letter: bool = False) -> list[str]:
    r"""Return the phrases that a text itself calls its answer, the last one first.

    A phrase goes to the end of its line; where that is empty, it is the next line that is not.

    Args:
        text: a tidy text.
        letter: whether a line that starts with ``A:`` gives an answer; not where A is an option.

    >>> marked("The answer is 8?\nNo. Answer:\n9 sheep")
    ['9 sheep', '8?']
    """
    marks = [(m.start(), m.end(), False) for m in _ANSWER.finditer(text)]
    marks += [(m.start(), m.end(), False) for m in _HASHES.finditer(text)]
    marks += [(m.start(), m.end(), True) for m in _BOXED.finditer(text)]
    if letter:
        marks += [(m.start(), m.end(), False) for m in _LETTER.finditer(text)]
    marks.sort(reverse=True)
    phrases = (_in_braces(text, end) if boxed else _line_after(text, end) for _, end, boxed in marks[:_MAX_MARKS])
    return [phrase for phrase in phrases if phrase]


def _line_after(text: str, start: int) -> str:
    for part in text[start : start + _MAX_PHRASE].split("\n"):
        phrase = part.strip(" \t:")
        if phrase:
            return phrase
    return ""


def _in_braces(text: str, start: int) -> str:
    depth = 1
    for i in range(start, min(len(text), start + _MAX_PHRASE)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return text[start:i].strip()
    return ""
