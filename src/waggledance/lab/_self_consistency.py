"""Self-consistency at equal spend: how many samples of the best single model an arm's money buys, and what they decide.

The share of each task is the same: k samples, where k is the most that all tasks can have for what the arm spent in
all. What is then left buys one more sample at as many tasks as it pays for, taken in the order of a hash, so that the
reference spends what the arm spent and not up to a whole sample less. Majority decides, ties by hash.
Source: Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning", arXiv:2203.11171; compared at equal
spend as in Yang et al. 2025, "Revisiting Multi-Agent Debate as Test-Time Scaling", arXiv:2505.22960.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import msgspec
from blake3 import blake3

from waggledance.consensus import majority
from waggledance.core import Cost, Decision, Proposal
from waggledance.lab._prices import Prices
from waggledance.lab._row import Unit
from waggledance.lab._seen import Messages
from waggledance.lab._spent import Spent

At = tuple[str, int]


class Samples(msgspec.Struct, frozen=True):
    """The independent answers of one model in one run, as they were given."""

    model: str
    messages: Messages
    """Its proposals, by round."""
    prices: Prices

    @classmethod
    def of(cls, model: str, messages: Messages, prices: Prices) -> Samples:
        """Take the answers that were given out of a run's messages; those that could not be had are left out."""
        given = [m for m in messages if isinstance(m.body, Proposal) and m.body.cost.calls]
        return cls(model, tuple(sorted(given, key=lambda m: (m.body.round, m.id))), prices)

    def __len__(self) -> int:
        return len(self.messages)

    def costs(self, unit: Unit) -> list[float]:
        """Return what the first 1, 2, … samples cost."""
        each = [1.0 if unit == "calls" else float(self._micro_usd(m.body.cost)) for m in self.messages]
        return list(accumulate(each))

    def decide(self, k: int) -> Decision:
        """Return what the first k decide by majority."""
        return majority(self.messages[:k], (), {})

    def spent(self, k: int) -> Spent:
        """Return what the first k cost."""
        taken = [m.body for m in self.messages[:k]]
        total = sum((body.cost for body in taken), Cost())
        return Spent(
            calls=total.calls,
            prompt_tokens=total.prompt_tokens,
            completion_tokens=total.completion_tokens,
            micro_usd=sum(self._micro_usd(body.cost) for body in taken),
            messages=len(taken),
            rounds=1,
            unparsable=sum(1 for body in taken if body.key is None and body.text),
        )

    def _micro_usd(self, cost: Cost) -> int:
        return self.prices.of(self.model, cost.prompt_tokens, cost.completion_tokens)


def bought(target: float, samples: Mapping[At, Samples], unit: Unit) -> dict[At, int]:
    """Return how many samples each run gets for `target` in all; 0 each where not one for everybody can be paid.

    A run of which no answer could be had gets none and costs nothing.

    Args:
        target: what the arm spent in all these runs, in the unit.
        samples: what there is, by run.
        unit: what is matched.
    """
    costs = {at: run.costs(unit) for at, run in samples.items() if len(run)}
    longest = max(map(len, costs.values()), default=0)
    k, total = 0, 0.0
    while k < longest:
        more = sum(run[min(k + 1, len(run)) - 1] for run in costs.values())
        if more > target:
            break
        k, total = k + 1, more
    taken = dict.fromkeys(samples, 0) | {at: min(k, len(run)) for at, run in costs.items()}
    if not k:
        return taken
    for at in sorted(costs, key=_drawn):
        run, n = costs[at], taken[at]
        if n < len(run) and total + run[n] - run[n - 1] <= target:
            total += run[n] - run[n - 1]
            taken[at] = n + 1
    return taken


def wanted(target: float, one: Sequence[float]) -> int:
    """Return how many samples a run may need at most, before they are drawn.

    Args:
        target: what the arm spent in all runs.
        one: what one sample is expected to cost, run by run.
    """
    price = sum(one)
    return 1 if price <= 0 else max(1, -int(-target // price))


def _drawn(at: At) -> bytes:
    return blake3(f"waggle/share/1\0{at[0]}\0{at[1]}".encode()).digest()
