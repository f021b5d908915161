"""Functional consensus: of several programs, the one whose behaviour agrees most with the others'.

Programs run on the same inputs; what counts is what comes out, not how it is written. With n programs and outputs
y(i, x):

    score(i) = sum over inputs x of (number of programs with y(., x) = y(i, x), without i itself)
               - 100 for each crash or time-out of i  - 10,000 if i fails a given test

which is the sum of row i of the matrix of similarities. Programs with different faults seldom agree; the right ones
always do. Does not withstand a fault that most share: the share of agreement says how far to trust the choice, and
below one half that is little. Equal scores go by a hash of the program, not at random as in the paper.
Source: Chen et al. 2024, "Divide-and-Conquer Meets Consensus" (FunCoder), arXiv:2405.20092, section 2.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from blake3 import blake3

from waggledance.core import UNIT, UsageError

CRASH = "!"
"""What an output begins with that is none: a crash, a time-out."""
_CRASHED, _WRONG = -100, -10_000  # the paper's code


@dataclass(frozen=True)
class Candidate:
    """One program, and what it did.

    Args:
        program: its text.
        outputs: what came out for each input, in a form in which equal values are equal texts; from `CRASH` on where
            nothing did; None where nobody can say.
        wrong: whether it fails a test that was given with the task.
    """

    program: str
    outputs: tuple[str | None, ...]
    wrong: bool = False


@dataclass(frozen=True)
class Consensus:
    """The programs in the order of their agreement."""

    best_first: tuple[int, ...]
    """Places of the candidates as they were given; of the same program the first."""
    scores: tuple[int, ...]
    """Of each candidate, as it was given."""
    agreement_ppm: int
    """How much the others agree with the best one, over the inputs, 0 to 1,000,000; below one half trust it little."""

    @property
    def best(self) -> int:
        """The place of the program that agrees most."""
        return self.best_first[0]


def functional_consensus(candidates: Sequence[Candidate]) -> Consensus:
    """Return the order of programs by agreement; the order in which they are given changes none of it.

    Args:
        candidates: one or more; a program that was written twice stands there twice, and agrees with itself.

    Raises:
        UsageError: there are none, or they ran on different numbers of inputs.

    >>> ran = [Candidate("a", ("1", "4")), Candidate("b", ("1", "4")), Candidate("c", ("1", "5"))]
    >>> found = functional_consensus(ran)
    >>> sorted(found.best_first[:2]), found.scores, found.agreement_ppm
    ([0, 1], (3, 3, 2), 750000)
    """
    if not candidates:
        raise UsageError("functional consensus needs at least one program, got none")
    inputs = {len(one.outputs) for one in candidates}
    if len(inputs) > 1:
        raise UsageError(f"all programs run on the same inputs, got {sorted(inputs)} outputs")
    counts = [Counter(outputs) for outputs in zip(*(one.outputs for one in candidates), strict=True)]
    scores = tuple(_score(one, counts) for one in candidates)
    order = sorted(range(len(candidates)), key=lambda i: (-scores[i], _tie(candidates[i]), i))
    return Consensus(tuple(order), scores, _agreement(candidates[order[0]], counts, len(candidates)))


def within_domain(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates without the inputs on which more than half of them crash.

    An input that is drawn by type may lie outside of what the function is for; there a program that always answers
    the same would win, since right ones crash. In the paper a model writes the inputs, and every crash counts.

    >>> [one.outputs for one in within_domain([Candidate("a", ("1", "!")), Candidate("b", ("1", "!"))])]
    [('1',), ('1',)]
    """
    if not candidates:
        return []
    by_input = zip(*(one.outputs for one in candidates), strict=True)
    kept = [2 * sum(o is not None and o.startswith(CRASH) for o in outputs) <= len(candidates) for outputs in by_input]
    return [replace(one, outputs=tuple(compress(one.outputs, kept))) for one in candidates]


def similarities(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Return the matrix of similarities: on how many inputs two programs give the same, crashes aside."""
    return [[_same(a.outputs, b.outputs) for b in candidates] for a in candidates]


def _same(a: Iterable[str | None], b: Iterable[str | None]) -> int:
    return sum(x == y and _counts(x) for x, y in zip(a, b, strict=True))


def _counts(output: str | None) -> bool:
    return output is not None and not output.startswith(CRASH)


def _score(one: Candidate, counts: Sequence[Counter[str | None]]) -> int:
    score = _WRONG if one.wrong else 0
    for output, count in zip(one.outputs, counts, strict=True):
        if _counts(output):
            score += count[output] - 1
        elif output is not None:
            score += _CRASHED
    return score


def _agreement(one: Candidate, counts: Sequence[Counter[str | None]], n: int) -> int:
    known = [count[output] - 1 if _counts(output) else 0 for output, count in zip(one.outputs, counts, strict=True)]
    return UNIT * sum(known) // (len(known) * (n - 1)) if known and n > 1 else 0


def _tie(one: Candidate) -> bytes:
    return blake3(b"waggle/behaviour/1\0" + one.program.encode(errors="replace")).digest()
