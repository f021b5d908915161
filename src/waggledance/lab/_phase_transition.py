"""Trees of majorities: when a weak signal grows on its way to the root, and when one agent should have all the budget.

A question has two answers; a peer of accuracy p has the bias μ = 2p - 1. A node of the tree hears b peers, whose words
keep a share γ of their bias on the way (fidelity), and which err together with a share ρ:

    μ' = ρ γ μ + (1 - ρ) f_b(γ μ),        f_b the bias of a majority of b independent peers of that bias,
    α  = γ (ρ + (1 - ρ) f_b'(0)),         f_b'(0) = b C(b-1, (b-1)/2) / 2^(b-1)

With α > 1 a weak bias grows up to a fixed point, with α ≤ 1 it dies out. One agent that spends x tokens has the bias
c x^β; a tree of the same budget grows like its power s = log_b α, so that weak signals gain from a tree where s > β.
For flat votes of peers that share difficulties use `majority_with_correlation`: copies of errors are another thing.
Source: Liu, Kong and Pei 2026, "Phase Transition for Budgeted Multi-Agent Synergy", arXiv:2601.17311.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, inf, isfinite, log

from waggledance.core import UsageError

_DEPTH_MAX = 12
"""Levels of a tree that are tried: 3^12 leaves are more than anybody seats."""


def slope(fan_in: int) -> float:
    """Return f_b'(0): by how much a majority of b independent peers makes a weak bias stronger.

    Args:
        fan_in: how many a node hears (b), odd.

    Raises:
        UsageError: the fan-in is not odd.

    >>> [slope(b) for b in (3, 5, 7, 9)]
    [1.5, 1.875, 2.1875, 2.4609375]
    """
    _check_fan_in(fan_in)
    return float(fan_in * comb(fan_in - 1, (fan_in - 1) // 2) / 2 ** (fan_in - 1))


def majority_bias(bias: float, fan_in: int) -> float:
    """Return f_b(μ): the bias of a majority of b independent peers of bias μ.

    Raises:
        UsageError: the fan-in is not odd, or the bias is not between -1 and 1.

    >>> round(majority_bias(0.5, 3), 4)
    0.6875
    """
    _check_fan_in(fan_in)
    if not -1 <= bias <= 1:
        raise UsageError(f"a bias lies between -1 and 1, got {bias}")
    p = (1 + bias) / 2
    right = sum(comb(fan_in, x) * p**x * (1 - p) ** (fan_in - x) for x in range(fan_in // 2 + 1, fan_in + 1))
    return min(1.0, max(-1.0, 2 * right - 1))


def alpha(fan_in: int, fidelity: float, rho: float) -> float:
    """Return α: by how much one level of the tree makes a weak bias stronger.

    Args:
        fan_in: how many a node hears (b), odd.
        fidelity: share of a bias that survives the message (γ), 0 to 1.
        rho: share of errors in common (ρ), 0 to 1.

    Raises:
        UsageError: an argument is out of range.
    """
    _check_shares(fidelity, rho)
    return fidelity * (rho + (1 - rho) * slope(fan_in))


def critical_fidelity(fan_in: int, rho: float) -> float:
    """Return the fidelity at which α = 1: with less, whatever the leaves know dies out; more than 1 is never.

    Raises:
        UsageError: an argument is out of range.

    >>> round(critical_fidelity(3, 0.0), 3), round(critical_fidelity(5, 0.3), 3)
    (0.667, 0.62)
    """
    return 1 / alpha(fan_in, 1.0, rho)


def recursion(bias: float, levels: int, fan_in: int, fidelity: float, rho: float) -> float:
    """Return the bias at the root of a tree of so many levels over leaves of that bias.

    Raises:
        UsageError: an argument is out of range.

    >>> round(recursion(0.1, 5, 5, 0.5882, 0.2), 3)
    0.099
    """
    _check_shares(fidelity, rho)
    if levels < 0:
        raise UsageError(f"a tree has 0 or more levels, got {levels}")
    for _ in range(levels):
        heard = fidelity * bias
        bias = rho * heard + (1 - rho) * majority_bias(heard, fan_in)
    return bias


def organisation_exponent(fan_in: int, fidelity: float, rho: float) -> float:
    """Return s = log_b α: a tree of N leaves makes a weak bias N^s times as strong; -inf where nothing survives.

    Raises:
        UsageError: an argument is out of range.

    >>> round(organisation_exponent(5, 0.95, 0.0), 3)
    0.359
    """
    by_level = alpha(fan_in, fidelity, rho)
    return log(by_level) / log(fan_in) if by_level > 0 else -inf


def message_cost(fan_in: int, message_tokens: float) -> float:
    """Return c₀ = 2 m b / (b - 1): each leaf's part of all messages of a deep tree, written once and read once.

    Raises:
        UsageError: the fan-in is not odd, or a message has a negative length.
    """
    _check_fan_in(fan_in)
    if not (isfinite(message_tokens) and message_tokens >= 0):
        raise UsageError(f"a message has 0 tokens or more, got {message_tokens}")
    return 2 * message_tokens * fan_in / (fan_in - 1)


def leaf_compute(fan_in: int, fidelity: float, rho: float, beta: float, message_tokens: float) -> float:
    """Return x* = β c₀ / (s - β): the tokens that a leaf of the best tree spends on its own thinking.

    It maximises N^s x^β under N (x + c₀) = budget; infinite where s ≤ β, so that one agent should have everything.

    Args:
        fan_in: how many a node hears (b), odd.
        fidelity: share of a bias that survives the message (γ).
        rho: share of errors in common (ρ).
        beta: exponent of one agent's bias in its tokens (β), > 0.
        message_tokens: length of a message (m).

    Raises:
        UsageError: an argument is out of range.
    """
    _check_beta(beta)
    gain = organisation_exponent(fan_in, fidelity, rho) - beta
    return beta * message_cost(fan_in, message_tokens) / gain if gain > 0 else inf


@dataclass(frozen=True)
class Tree:
    """A tree of majorities and what it makes of a budget; one agent alone has no level."""

    levels: int
    fan_in: int
    leaf_tokens: float
    bias: float
    """At the root."""


def best_tree(
    budget_tokens: float, *, scale: float, beta: float, fan_in: int, fidelity: float, rho: float, message_tokens: float
) -> Tree:
    """Return the best use of a budget: how many levels, and how much thinking a leaf; no level is one agent alone.

    The recursion is used with the real number of levels, biases end at 1, and all messages of the tree are paid for.

    Args:
        budget_tokens: tokens of all together, > 0.
        scale: one agent's bias at one token (c), > 0.
        beta: exponent of one agent's bias in its tokens (β), > 0.
        fan_in: how many a node hears (b), odd.
        fidelity: share of a bias that survives the message (γ).
        rho: share of errors in common (ρ).
        message_tokens: length of a message (m).

    Raises:
        UsageError: an argument is out of range.
    """
    _check_beta(beta)
    if not (isfinite(budget_tokens) and budget_tokens > 0 and isfinite(scale) and scale > 0):
        raise UsageError(f"a budget and a scale are positive numbers, got {budget_tokens} and {scale}")
    message_cost(fan_in, message_tokens)
    best = Tree(0, fan_in, budget_tokens, min(1.0, scale * budget_tokens**beta))
    messages = 0
    for levels in range(1, _DEPTH_MAX + 1):
        leaves = fan_in**levels
        messages += leaves
        leaf_tokens = (budget_tokens - 2 * message_tokens * messages) / leaves
        if leaf_tokens <= 0:
            break
        bias = recursion(min(1.0, scale * leaf_tokens**beta), levels, fan_in, fidelity, rho)
        if bias > best.bias:
            best = Tree(levels, fan_in, leaf_tokens, bias)
    return best


def averaged_variance(variance: float, levels: int, fan_in: int, noise: float, rho: float) -> float:
    """Return the variance at the root of a tree of means: v' = v (ρ + (1 - ρ)/b) + σ²/b, σ² a channel's noise.

    Raises:
        UsageError: an argument is out of range.
    """
    _check_averaging(fan_in, noise, rho)
    if not (isfinite(variance) and variance >= 0 and levels >= 0):
        raise UsageError(f"a variance and a number of levels are not negative, got {variance} and {levels}")
    for _ in range(levels):
        variance = variance * (rho + (1 - rho) / fan_in) + noise / fan_in
    return variance


def variance_floor(fan_in: int, noise: float, rho: float) -> float:
    """Return v* = σ² / ((b - 1)(1 - ρ)): no depth brings the variance below it, only better channels or less in common.

    Raises:
        UsageError: an argument is out of range.

    >>> round(variance_floor(5, 0.1, 0.2), 4)
    0.0312
    """
    _check_averaging(fan_in, noise, rho)
    return noise / ((fan_in - 1) * (1 - rho)) if rho < 1 else inf


def _check_fan_in(fan_in: int) -> None:
    if fan_in < 3 or fan_in % 2 == 0:
        raise UsageError(f"a majority without ties needs an odd fan-in of 3 or more, got {fan_in}")


def _check_shares(fidelity: float, rho: float) -> None:
    if not (0 <= fidelity <= 1 and 0 <= rho <= 1):
        raise UsageError(f"fidelity and correlation lie between 0 and 1, got {fidelity} and {rho}")


def _check_beta(beta: float) -> None:
    if not (isfinite(beta) and beta > 0):
        raise UsageError(f"the exponent of one agent's bias is a positive number, got {beta}")


def _check_averaging(fan_in: int, noise: float, rho: float) -> None:
    if fan_in < 2 or not (isfinite(noise) and noise >= 0) or not 0 <= rho <= 1:
        raise UsageError(
            f"means of 2 or more, noise of 0 or more and a correlation from 0 to 1: got {fan_in}, {noise} and {rho}"
        )
