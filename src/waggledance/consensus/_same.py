"""Which answers are the same: a partition of answers into classes, each named by one that stands for it.

The strongest answer is the first to stand for a class; every other one joins the strongest of those it is alike to, or
starts a class of its own (leader clustering, Hartigan 1975, section 3). So it is transitive by construction, whatever
"alike" means: nobody is in two classes, and no chain of small steps joins two answers that differ much. An answer that
few gave moves no class that many gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from waggledance.core import UsageError
from waggledance.peers._choice import choice
from waggledance.peers._number import exactly


class Same(Protocol):
    """Says which answers are the same: a pure function."""

    @property
    def name(self) -> str: ...

    def __call__(self, answers: Sequence[str], /) -> Mapping[str, str]:
        """Return for each answer the one that stands for it; who stands for others stands for itself.

        Args:
            answers: distinct answers, the strongest first; equals in an order that favours none.
        """
        ...


def leaders(answers: Sequence[str], alike: Callable[[int, int], bool]) -> dict[str, str]:
    """Return for each answer the first that stands for its class.

    Args:
        answers: distinct answers, the strongest first.
        alike: whether the answer of a place is alike to one of an earlier place.

    >>> leaders(["10", "11", "12"], lambda i, j: i - j == 1)
    {'10': '10', '11': '10', '12': '12'}
    """
    standing: list[int] = []
    stands: dict[str, str] = {}
    for i, answer in enumerate(answers):
        leader = next((j for j in standing if alike(i, j)), None)
        if leader is None:
            standing.append(i)
            leader = i
        stands[answer] = answers[leader]
    return stands


@dataclass(frozen=True)
class Exact:
    """Every text is an answer of its own."""

    @property
    def name(self) -> str:
        return "exact"

    def __call__(self, answers: Sequence[str], /) -> dict[str, str]:
        return {answer: answer for answer in answers}


@dataclass(frozen=True)
class Numeric:
    """Numbers are the same when they differ by little; what is no number is the same as nothing else.

        |a - b| <= max(absolute, relative · max(|a|, |b|))

    computed with exact fractions, so that all machines agree at the border.

    Args:
        relative: the largest difference as a share of the larger number, 0 <= relative < 1.
        absolute: the largest difference in the numbers' own unit, >= 0.

    Raises:
        UsageError: a tolerance is out of range.

    >>> Numeric(relative=0.02)(["0.33", "1/3", "0.5"])
    {'0.33': '0.33', '1/3': '0.33', '0.5': '0.5'}
    """

    relative: float = 0.0
    absolute: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.relative < 1 and 0 <= self.absolute < float("inf")):
            raise UsageError(
                "tolerances are 0 <= relative < 1 and 0 <= absolute, "
                f"got relative={self.relative}, absolute={self.absolute}"
            )

    @property
    def name(self) -> str:
        return f"numeric({self.relative!r}, {self.absolute!r})"

    def __call__(self, answers: Sequence[str], /) -> dict[str, str]:
        texts = [exactly(answer) for answer in answers]
        numbers = [None if text is None else Fraction(text) for text in texts]
        relative, absolute = Fraction(str(self.relative)), Fraction(str(self.absolute))

        def alike(i: int, j: int) -> bool:
            a, b = numbers[i], numbers[j]
            return a is not None and b is not None and abs(a - b) <= max(absolute, relative * max(abs(a), abs(b)))

        return leaders(answers, alike)


@dataclass(frozen=True)
class Choice:
    """Answers are the same when they choose the same option, whose letter stands for them.

    What chooses none, or more than one, is the same as nothing else.

    Args:
        options: the options' texts, 2 to 26; the first is "A".

    Raises:
        UsageError: there are fewer or more options.

    >>> Choice(("eight", "nine"))(["B", "nine", "neither"])
    {'B': 'B', 'nine': 'B', 'neither': 'neither'}
    """

    options: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.options) <= 26:
            raise UsageError(f"a choice is between 2 to 26 options, got {len(self.options)}")

    @property
    def name(self) -> str:
        return f"choice of {len(self.options)}"

    def __call__(self, answers: Sequence[str], /) -> dict[str, str]:
        return {answer: choice(answer, self.options) or answer for answer in answers}
