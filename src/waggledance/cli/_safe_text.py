"""Texts by models and strangers, fit for a terminal: no escapes, no hidden direction marks, one line if need be."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, escape among them; tab and newline are looked at apart
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SENTENCE_END = re.compile(r"[.!?…](?=[\s\"'”’)]|$)|[。！？]")


def safe(text: str) -> str:
    """Return a text without what a terminal would obey or hide; each such character becomes ``�``.

    >>> safe("nine\\x1b[2J")
    'nine�[2J'
    """
    return _UNSEEN.sub("�", text.replace("\r\n", "\n").replace("\t", "    ")) if not text.isprintable() else text


def one_line(text: str, limit: int = 100) -> str:
    """Return a text in one line of at most `limit` characters.

    >>> one_line("All but nine\\n run away.", limit=16)
    'All but nine ru…'
    """
    line = " ".join(safe(text[: 40 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def first_sentence(text: str, limit: int = 100) -> str:
    """Return the first sentence, in one line.

    >>> first_sentence("All but 9 run away. So 9 are left.")
    'All but 9 run away.'
    """
    line = one_line(text, 10 * limit)
    end = _SENTENCE_END.search(line, 8)
    return one_line(line[: end.end()] if end else line, limit)


def safe_json(line: str) -> str:
    """Return JSON with what a terminal would obey or hide written as ``\\\\uXXXX``; it means the same."""
    return _UNSEEN.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _utf16(found[0])), line)


def _utf16(character: str) -> list[int]:
    units = character.encode("utf-16-be")
    return [int.from_bytes(units[i : i + 2]) for i in range(0, len(units), 2)]
