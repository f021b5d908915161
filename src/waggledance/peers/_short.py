"""Answers in a few words: compared without case, articles, punctuation and spacing."""

from __future__ import annotations

import re
from unicodedata import normalize

from waggledance.peers._marked import marked, tidy
from waggledance.peers._number import exactly

MAX_KEY_CHARS = 200
_SHORT_LINE_WORDS = 6
_PUNCTUATION = re.compile(r"[^\w%°+/<=>-]+|(?<!\w)[-/]+(?!\w)|_+")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def short(text: str) -> str | None:
    """Return the key of a short answer: its marked phrase, or the line that looks most like one; None if there is none.

    >>> short("Answer: The  Eiffel Tower!"), short("eiffel tower"), short("Price:\\n$1,000")
    ('eiffel tower', 'eiffel tower', '1000')
    """
    text = tidy(text)
    key = ""
    for phrase in [*marked(text, letter=True), *_lines(text)]:
        key = short_key(phrase)
        if key:
            break
    return key or None


def short_key(phrase: str) -> str:
    """Return a phrase as short answers are compared; numbers by their value.

    >>> short_key("A  Café."), short_key("12.50 ")
    ('café', '12.5')
    """
    value = exactly(phrase.strip(" .!\"'`"))
    if value is not None:
        return value
    key = normalize("NFKC", normalize("NFKC", phrase).casefold())
    key = " ".join(_ARTICLES.sub(" ", _PUNCTUATION.sub(" ", key)).split())
    key = key or " ".join(phrase.casefold().split())
    return key if len(key) <= MAX_KEY_CHARS else key[:MAX_KEY_CHARS].rstrip()


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if lines and len(lines[0].split()) <= _SHORT_LINE_WORDS and not lines[0].endswith(":"):
        return lines
    return lines[::-1]
