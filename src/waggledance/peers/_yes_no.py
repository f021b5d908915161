"""Answers that are yes or no, true or false."""

from __future__ import annotations

import re

from waggledance.peers._marked import marked, tidy

_ECHO = re.compile(r"[(\[]?\b(?:yes|true)(?:/| or | and )(?:no|false)\b[)\]]?", re.IGNORECASE)
_SAID = re.compile(
    r"\b(?P<not>not |isn't |never )?"
    r"(?:(?P<yes>yes|yeah|yep|true|correct)|(?P<no>no|nope|false|incorrect|untrue))\b"
    r"(?P<end>(?=[ ]?(?:[.,;:!)\]\"'*\n—-]|$)))?",
    re.IGNORECASE,
)
_LEADING = re.compile(
    r"^[\"'`*(\[ ]{0,4}(?:(yes|yeah|yep|true)|(no|nope|false))\b",
    re.IGNORECASE,
)


def yes_no(text: str) -> str | None:
    """Return "yes" or "no", the last one that a text settles on; None when it says neither.

    Marked phrases count first, then how the text begins, then the last yes or no in it. "No" before a noun, as in "no
    reason", is no answer.

    >>> yes_no("Yes, for no reason."), yes_no("That is not true."), yes_no("Yes? Hmm. Answer: no")
    ('yes', 'no', 'no')
    """
    text = _ECHO.sub(" ", tidy(text)).strip()
    for phrase in marked(text, letter=True):
        found = _leading(phrase) or _last(phrase)
        if found:
            return found
    return _leading(text) or _last(text)


def _leading(text: str) -> str | None:
    match = _LEADING.match(text)
    return None if match is None else "yes" if match[1] else "no"


def _last(text: str) -> str | None:
    found = None
    for match in _SAID.finditer(text):
        if match["no"] and match["no"].lower() == "no" and match["end"] is None:
            continue
        found = "yes" if bool(match["yes"]) != bool(match["not"]) else "no"
    return found
