"""What can be told without any model: who is called by name, who was spoken to, who has just spoken, what is spent."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from waggledance.core import UNIT, UsageError
from waggledance.protocols._gate import Heard, Silent, Speak

REST_TURNS = 2
"""How many turns of others must come between two of one's own, unless one is called by name."""

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_GREETING = r"(?:hey|hi|hello|hallo|ok|okay|so|and|but|dear|please|yo|oh)"


@dataclass(frozen=True)
class ByRules:
    """The first gate of a row.

    Args:
        name: what the speaker is called.
        may_spend: says whether there is budget left; always, when None.

    Raises:
        UsageError: the name is empty.
    """

    name: str
    may_spend: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("a gate needs the name that its speaker is called by, got an empty one")

    async def decide(self, window: Sequence[Heard]) -> Speak | Silent | None:
        """Speak when called by name; be silent where somebody else was, right after oneself, and when all is spent."""
        if not window:
            return Silent("nothing was said")
        if window[-1].mine:
            return Silent("I spoke last")
        if self.may_spend is not None and not self.may_spend():
            return Silent("the budget is spent")
        mine = max((i for i, turn in enumerate(window) if turn.mine), default=-1)
        since = window[mine + 1 :]
        if any(calls(turn.text, self.name) for turn in since):
            return Speak("addressed", UNIT)
        others = {turn.name for turn in window if not turn.mine} - {window[-1].name}
        if any(calls(window[-1].text, name) for name in others) or "@" in window[-1].text:
            return Silent("it was said to somebody else")
        if mine >= 0 and len(since) <= REST_TURNS:
            return Silent("I spoke a moment ago")
        return None


def calls(text: str, name: str) -> bool:
    """Say whether a text calls somebody by name: ``@ada``, ``Ada, …``, ``hey Ada``, ``…, Ada?``. To speak *of* them is
    not to call them.

    >>> [calls(text, "ada") for text in ("@Ada?", "Hey ada what now", "Is it, Ada?", "Ada: look", "I saw Ada there.")]
    [True, True, True, True, False]
    """
    who = re.escape(name.strip())
    if re.search(rf"(?<!\w)@{who}(?!\w)", text, re.IGNORECASE):
        return True
    begins = re.compile(rf"\s*(?:{_GREETING}\s+)?{who}\s*[,:!?-]|\s*{_GREETING}\s+{who}\b", re.IGNORECASE)
    ends = re.compile(rf".*,\s*{who}\s*[.!?]*\s*\Z", re.IGNORECASE | re.DOTALL)
    return any(begins.match(part) or ends.match(part) for part in _SENTENCE.findall(text))
