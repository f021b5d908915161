"""The words that are given out: a peer's own, without what was meant for the swarm, up to a stop string.

While they stream, what may yet turn out to be no part of them is held back, so that pieces given out are always the
beginning of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from waggledance.core import Decision, Message, Proposal, well_formed
from waggledance.peers import CUT_SHORT, confidence

_SIGNS = " \t*_#>-"
_OPENINGS = ("confidence", "my confidence")
_STATEMENT_CHARS = 60
"""A line that begins like a statement of confidence and is longer is none."""


def words_of(text: str) -> tuple[str, bool]:
    """Return a peer's words without the last lines that say how sure it is, and whether its model was cut short.

    >>> words_of("Ice floats.\\nConfidence: 90%")
    ('Ice floats.', False)
    """
    cut = text.rstrip().endswith(CUT_SHORT)
    text = text.rstrip().removesuffix(CUT_SHORT).strip() if cut else text.strip()
    while text:
        before, _, last = text.rpartition("\n")
        if not _states(last):
            break
        text = before.rstrip()
    return text, cut


def said_by(decision: Decision, said: Sequence[Message[Any]]) -> tuple[str, bool]:
    """Return the words that a decision is given out as, and whether they were cut short.

    The winner's own; the answer itself where the winner has none. Where there is no decision: the words of the only
    peer, or what peers said instead.

    Args:
        decision: what was decided.
        said: the messages it came from.
    """
    if decision.key is None:
        spoken = [m.body.text for m in said if isinstance(m.body, Proposal) and m.body.text]
        if len(decision.names) == 1 and spoken:
            return words_of(spoken[-1])
        answers = "; ".join(f"{key} ({decision.share(key):.0%})" for key in sorted(decision.support)[:5])
        return f"The peers came to no decision. {f'They said: {answers}' if answers else ''}".strip(), False
    words, cut = words_of(decision.text)
    return words or decision.key, cut


def stopped(text: str, stops: tuple[str, ...]) -> str:
    """Return a text up to the first stop string in it.

    >>> stopped("one two three", ("three", "two"))
    'one '
    """
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


class Flow:
    """Words that stream: takes them piece by piece and returns what can be given out already.

    Args:
        stops: strings that end it.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._text = ""
        self._given = 0

    @property
    def given(self) -> str:
        """What was given out so far."""
        return self._text[: self._given]

    def hear(self, piece: str) -> str:
        """Take a piece; return what can be given out now, often the same."""
        self._text = (self._text + well_formed(piece)) if self._text else well_formed(piece).lstrip()
        end = self._safe()
        piece, self._given = self._text[self._given : end], end
        return piece

    def _safe(self) -> int:
        """Return how much of the text can be no statement, no stop string and no space at the end."""
        text = self._text
        end = len(stopped(text, self._stops))
        if end == len(text):
            end -= max((_begun(text, stop) for stop in self._stops), default=0)
        under_way = True
        while True:
            line = text[:end].rstrip()
            under_way = under_way and "\n" not in text[len(line) : end]
            start = line.rfind("\n") + 1
            if not (_may_state(line[start:]) if under_way else _states(line[start:])):
                return max(len(line), self._given)
            end, under_way = start, False


def _begun(text: str, stop: str) -> int:
    """Return how many characters at the end of a text may be the beginning of a stop string."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)


def _states(line: str) -> bool:
    """Say whether a line says how sure somebody is, and nothing else."""
    if not line.lstrip(_SIGNS).lower().startswith(_OPENINGS) or len(line) > _STATEMENT_CHARS:
        return False
    stated, rest = confidence(line)
    return stated is not None and not any(sign.isalnum() for sign in rest)


def _may_state(line: str) -> bool:
    """Say whether a line that is not at its end may come to say how sure somebody is."""
    said = line.lstrip(_SIGNS).lower()
    begun = any(opening.startswith(said) or said.startswith(opening) for opening in _OPENINGS)
    return begun and 0 < len(line) <= _STATEMENT_CHARS
