"""Answers in free words: each wording is an answer of its own."""

from __future__ import annotations

from blake3 import blake3

MAX_KEY_CHARS = 400


def free(text: str) -> str | None:
    """Return a text without case and spacing; a long one as its beginning and a hash of the whole.

    >>> free("Bees  dance.") == free("bees dance.\\n"), free(" ")
    (True, None)
    """
    key = " ".join(text.casefold().split())
    if len(key) <= MAX_KEY_CHARS:
        return key or None
    return f"{key[:300]}… [{blake3(key.encode()).hexdigest(length=8)}]"
