"""Chains of calls to tools whose times are log-normal and which hang now and then: what a policy of timeouts is worth.

Six tools with medians of .3 to 4 s, σ of .5 to 1.1, which hang in 0 to 5 % of calls; chains of three to five of them.
The card `cabp` has other tools, whose figures it does not give: the order of policies can be compared, figures cannot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from waggledance.core import UsageError

CHAIN_TOOLS = {
    "a": (0.3, 0.5, 0.0), "b": (0.8, 0.7, 0.01), "c": (1.5, 0.6, 0.02),
    "d": (2.0, 0.9, 0.03), "e": (3.0, 0.8, 0.05), "f": (4.0, 1.1, 0.02),
}  # fmt: skip
"""Median in seconds, σ, chance to hang."""
TimeoutPolicy = Callable[[Sequence[str], float], float]
"""From the calls still to be made and the seconds left to the next one's timeout."""


def call_seconds(tool: str, rng: Random) -> float:
    """Draw how long a call takes; for ever when it hangs."""
    median, sigma, hangs = CHAIN_TOOLS[tool]
    seconds = median * rng.lognormvariate(0, sigma)
    return math.inf if rng.random() < hangs else seconds


def run_chains(
    policy: TimeoutPolicy, budget_s: float, chains: int, seed: int, tries: int = 1
) -> tuple[float, float, float]:
    """Return the share of chains that end in time, seconds lost per failed chain, and the longest chain.

    A call that is cut off is made again, up to `tries` times in all.
    """
    if chains < 1 or tries < 1:
        raise UsageError(f"at least one chain is run, each call tried once or more; got {chains} and {tries}")
    rng = Random(seed)
    ended, lost, failed, longest = 0, 0.0, 0, 0.0
    for _ in range(chains):
        chain = [rng.choice(list(CHAIN_TOOLS)) for _ in range(rng.randint(3, 5))]
        draws = [[call_seconds(tool, rng) for _ in range(tries)] for tool in chain]
        spent: float = 0.0
        at, tried = 0, 0
        while at < len(chain) and tried < tries:
            timeout: float = min(policy(chain[at:], budget_s - spent), budget_s - spent)
            seconds: float = draws[at][tried]
            took: float = min(seconds, timeout)
            spent += took
            at, tried = (at + 1, 0) if seconds <= timeout else (at, tried + 1)
        if at == len(chain):
            ended += 1
        else:
            failed, lost = failed + 1, lost + spent
        longest = max(longest, spent)
    return ended / chains, lost / max(1, failed), longest
