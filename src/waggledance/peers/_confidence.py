"""How sure a peer says it is."""

from __future__ import annotations

import re
from fractions import Fraction

from waggledance.core import UNIT

_NUMBER = r"(?P<{0}>\d{{1,9}}(?:\.\d{{1,9}})?|\.\d{{1,9}})(?!\.?\d|[eE][+-]?\d)"
_STATED = re.compile(
    r"\b(?:my )?confiden(?:ce|t)\b(?: level| score| rating)?(?: \([^()\n]{0,40}\))?(?: in (?:this|my|the) answer)?"
    r"[ :=*\"']{0,6}(?:is |of |at )?(?:about |around |approximately |~ ?)?[ *\"']{0,3}"
    + _NUMBER.format("after")
    + r"(?P<scale> ?%| percent\b| ?/ ?\d{1,3}\b| out of \d{1,3}\b)?[.*]{0,3}"
    r"|\b(?:i am |i'm |am )?(?:about |around )?"
    + _NUMBER.format("before")
    + r"(?P<percent> ?%| percent) (?:sure|certain|confident|confidence)\b[.]?",
    re.IGNORECASE,
)


def confidence(text: str) -> tuple[int | None, str]:
    """Return the confidence that a text states, in parts per million, and the text without such statements.

    "80 %", "0.8", "8/10" and "8 out of 10" are 800,000; of numbers without a scale, those up to 1 are shares, those up
    to 10 tenths, those up to 100 per cent. The last statement counts; None when there is none, or it is above 100 %.

    >>> confidence("Answer: 9\\nConfidence: 80%")
    (800000, 'Answer: 9\\n')
    """
    stated = None
    for match in _STATED.finditer(text):
        value = Fraction(match["after"] or match["before"])
        scale = re.search(r"\d+", match["scale"] or "")
        if match["percent"] or (match["scale"] and scale is None):
            value /= 100
        elif scale is not None:
            value = value / int(scale[0]) if int(scale[0]) else Fraction(2)
        elif value > 1:
            value /= 10 if value <= 10 else 100
        stated = round(value * UNIT) if value <= 1 else None
    return stated, _STATED.sub("", text)
