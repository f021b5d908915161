"""What a judge said, read: which of two is better, or a grade."""

from __future__ import annotations

import re
from fractions import Fraction

from waggledance.core import UNIT, RunFailed
from waggledance.peers._marked import tidy

_SIDE = r"(?P<{0}>first|second|tie|tied|equal|both|neither|[ab12])\b(?!')"
_MARKED = re.compile(
    r"\b(?:better|best|winner|verdict|preferred|i (?:prefer|choose|pick))\b(?: answer| one)?(?: is| would be)?"
    r"[ :=\"'(]{0,4}(?:the )?(?:answer |option |response |peer )?" + _SIDE.format("marked")
    + r"|\b(?:the )?" + _SIDE.format("said")
    + r"(?: answer| one| response| peer)? (?:is|are|seems|looks) (?:the |clearly |much |slightly |both )*"
    r"(?:better|best|more |correct|right|equally|equal)",
    re.IGNORECASE,
)  # fmt: skip
_LEADING = re.compile(
    r"^[\"'(\[ ]{0,3}(?:the )?(?:answer |option )?" + _SIDE.format("side") + r"[\"' ]{0,2}(?:[).:\]\n]|$)",
    re.IGNORECASE,
)
_ORDINALS = re.compile(r"\b(first|second|tie)\b", re.IGNORECASE)
_NEITHER = re.compile(r"\b(?:equally|a tie|both (?:are|answers)|are (?:the same|equal))\b", re.IGNORECASE)
_GRADE = re.compile(
    r"\b(?:grade|score|rating|mark)\b(?: is| of)?[ :=\"']{0,4}(?P<marked>\d{1,3}(?:\.\d{1,6})?)"
    r"(?P<of> ?(?:/|out of) ?(?P<top>\d{1,3})\b)?"
    r"|(?P<bare>\b\d{1,3}(?:\.\d{1,6})?) ?(?:/|out of) ?(?P<bare_top>10|100)\b|^(?P<alone>\d{1,2}(?:\.\d{1,6})?)[ .]*$",
    re.IGNORECASE | re.MULTILINE,
)


class NoVerdict(RunFailed):
    """A judge spoke, and no verdict could be read from it. Counts as missing, not as a tie."""

    def __init__(self, peer: str, wanted: str, said: str) -> None:
        super().__init__(peer, wanted, said)
        self.peer, self.wanted, self.said = peer, wanted, said

    def __str__(self) -> str:
        return f"peer {self.peer!r} gave no verdict: wanted {self.wanted}, got {self.said!r}"


def better(text: str) -> tuple[int, int] | None:
    """Return the scores of first and second, in parts per million: all to the better one, half each of a tie.

    >>> better("The second one forgets the 9. Better: First"), better("B"), better("It's a tie"), better("Hm.")
    ((1000000, 0), (0, 1000000), (500000, 500000), None)
    """
    text = tidy(text).strip()
    marks = [(m["marked"] or m["said"]).lower() for m in _MARKED.finditer(text)]
    leading = _LEADING.match(text)
    if marks:
        side = marks[-1]
    elif leading is not None:
        side = leading["side"].lower()
    else:
        ordinals = {word.lower() for word in _ORDINALS.findall(text)}
        side = ordinals.pop() if len(ordinals) == 1 else "tie" if _NEITHER.search(text) else ""
    if side in ("first", "a", "1"):
        return UNIT, 0
    if side in ("second", "b", "2"):
        return 0, UNIT
    return (UNIT // 2, UNIT // 2) if side else None


def grade(text: str) -> int | None:
    """Return a grade in parts per million of the best; None when none is stated, or it is above the best.

    >>> grade("Fine.\\nGrade: 7/10"), grade("Score: 85/100"), grade("Grade: 11"), grade("good")
    (700000, 850000, None, None)
    """
    found = None
    for match in _GRADE.finditer(tidy(text)):
        given = match["marked"] or match["bare"] or match["alone"]
        top = int(match["top"] or match["bare_top"] or 10)
        found = None if top == 0 else Fraction(given) / top
    return None if found is None or found > 1 else round(found * UNIT)
