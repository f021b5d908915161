"""Votes of peers that fail together: how often the truth wins, from accuracy, correlation and how errors agree.

Peers share difficulty: a question that is hard for one is hard for all. With a question's difficulty drawn from a Beta
distribution, the number X of n peers that are right is Beta-binomial,

    X ~ BetaBinomial(n, a, b),   a = p s,   b = (1 - p) s,   s = 1/ρ - 1

with mean accuracy p and correlation ρ of two peers' correctness. Where there are more than two answers, errors scatter:
the N - X wrong peers fall into groups as guests at tables of a Chinese restaurant of concentration c, where two errors
agree with chance 1 / (1 + c); the truth wins where its group is the largest, and its share of a tie.
Source: Liu, Kong and Pei 2026, "Phase Transition for Budgeted Multi-Agent Synergy", arXiv:2601.17311, for two answers;
Ewens 1972, "The sampling theory of selectively neutral alleles", for groups of errors.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate
from math import exp, inf, isfinite, lgamma, log

from waggledance.core import UsageError

_LEAST_CONCENTRATION, _MOST_CONCENTRATION = 1e-6, 1e6


def majority_with_correlation(n: int, accuracy: float, rho: float) -> float:
    """Return how often a majority of n peers is right on questions of two answers; half of the ties count.

    Args:
        n: how many vote, ≥ 1.
        accuracy: mean share of right answers of a peer, 0 to 1.
        rho: correlation of two peers' correctness, 0 (independent) to 1 (copies).

    Raises:
        UsageError: an argument is out of range.

    >>> round(majority_with_correlation(15, 0.685, 0.21), 3), round(majority_with_correlation(15, 0.685, 0.0), 3)
    (0.773, 0.935)
    """
    chances = right_of(n, accuracy, rho)
    return sum(chance for x, chance in enumerate(chances) if 2 * x > n) + (chances[n // 2] / 2 if n % 2 == 0 else 0.0)


def plurality_with_correlation(n: int, accuracy: float, rho: float, agreement: float) -> float:
    """Return how often the most frequent answer of n peers is right; of a tie, its share counts.

    Args:
        n: how many vote, ≥ 1.
        accuracy: mean share of right answers of a peer, 0 to 1.
        rho: correlation of two peers' correctness, 0 to 1.
        agreement: how often two peers that are both wrong give the same answer, 0 to 1; with 1 it is a majority of two.

    Raises:
        UsageError: an argument is out of range.

    >>> round(plurality_with_correlation(7, 0.4, 0.1, 1.0), 3), round(plurality_with_correlation(7, 0.4, 0.1, 0.1), 3)
    (0.331, 0.679)
    """
    if not 0 <= agreement <= 1:
        raise UsageError(f"two errors agree with a chance between 0 and 1, got {agreement}")
    wins = _wins(n, concentration_of(agreement))
    return min(1.0, sum(chance * win for chance, win in zip(right_of(n, accuracy, rho), wins, strict=True)))


def effective_voters(n: int, rho: float) -> float:
    """Return how many independent peers n correlated ones are worth: n / (1 + (n - 1) ρ), never more than 1 / ρ.

    Raises:
        UsageError: n is less than 1, or the correlation is not between 0 and 1.

    >>> round(effective_voters(15, 0.21), 1)
    3.8
    """
    _check(n, 0.5, rho)
    return n / (1 + (n - 1) * rho)


def right_of(n: int, accuracy: float, rho: float) -> tuple[float, ...]:
    """Return the chances that 0, 1, … n of n peers are right.

    Raises:
        UsageError: an argument is out of range.

    >>> [round(chance, 3) for chance in right_of(2, 0.5, 0.5)]
    [0.375, 0.25, 0.375]
    """
    _check(n, accuracy, rho)
    if rho == 1.0:
        return (1 - accuracy, *(0.0,) * (n - 1), accuracy)
    right, wrong, whole = (_rising(share * (1 - rho), rho, n) for share in (accuracy, 1 - accuracy, 1.0))
    choose = [lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1) for x in range(n + 1)]
    return tuple(exp(choose[x] + right[x] + wrong[n - x] - whole[n]) for x in range(n + 1))


def _rising(start: float, step: float, n: int) -> list[float]:
    """Return the logarithms of 1, s, s (s + d), … s (s + d) … (s + (n - 1) d), of a zero minus infinity.

    They are Gamma(s/d + k) d^k / Gamma(s/d), which needs no ratio that overflows where s or d is tiny.
    """
    factors = (start + k * step for k in range(n))
    return list(accumulate((log(factor) if factor > 0 else -inf for factor in factors), initial=0.0))


def concentration_of(agreement: float) -> float:
    """Return c = 1/q - 1, rounded to two digits so that near ones are computed once; finite at both ends.

    >>> concentration_of(0.25), concentration_of(0.0)
    (3.0, 1000000.0)
    """
    c = 1 / agreement - 1 if agreement > 0 else _MOST_CONCENTRATION
    return float(f"{min(max(c, _LEAST_CONCENTRATION), _MOST_CONCENTRATION):.2g}")


@lru_cache(maxsize=4_096)
def _wins(n: int, c: float) -> tuple[float, ...]:
    """Return, for 0, 1, … n right peers of n, the chance that the truth has the largest group or wins the tie."""
    return (0.0, *(_win(right, n - right, c) for right in range(1, n + 1)))


def _win(right: int, wrong: int, c: float) -> float:
    """Return the chance that a group of `right` is larger than all groups of `wrong` errors, or wins the tie.

    Groups of the errors that equal it are taken out one by one: with g of them the truth wins 1 time in g + 1, and the
    rest must fall into smaller groups.
    """
    smaller = _all_smaller(right, wrong, c)
    total = 0.0
    for equal in range(wrong // right + 1):
        rest = wrong - equal * right
        ways = lgamma(wrong + 1) - lgamma(rest + 1) + lgamma(c + rest) - lgamma(c + wrong) - lgamma(equal + 1)
        total += smaller[rest] * exp(ways + equal * log(c / right)) / (equal + 1)
    return total


def _all_smaller(size: int, most: int, c: float) -> list[float]:
    """Return, for 0, 1, … `most` errors, the chance that all their groups are smaller than `size`.

    The group of the last of k errors has j members with chance c (k-1)…(k-j+1) / ((c+k-1)…(c+k-j)).
    """
    chances = [1.0]
    for k in range(1, most + 1):
        total, chance = 0.0, c / (c + k - 1)
        for j in range(1, min(size - 1, k) + 1):
            total += chances[k - j] * chance
            chance *= (k - j) / (c + k - j - 1) if k > j else 0.0
        chances.append(total)
    return chances


def _check(n: int, accuracy: float, rho: float) -> None:
    if n < 1:
        raise UsageError(f"a vote needs at least one peer, got {n}")
    if not (isfinite(accuracy) and 0 <= accuracy <= 1):
        raise UsageError(f"an accuracy lies between 0 and 1, got {accuracy}")
    if not (isfinite(rho) and 0 <= rho <= 1):
        raise UsageError(f"peers are correlated by 0 to 1, got {rho}; count what lies below as independent, as 0")
