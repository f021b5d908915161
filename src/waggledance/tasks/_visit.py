"""One attempt of one step at one row, as the step sees it: its own seed, and where to say what it cost."""

from __future__ import annotations

import msgspec
from blake3 import blake3

from waggledance.core import Cost, Meter
from waggledance.core._budget import ONE_CALL
from waggledance.models._model import MAX_SEED


class Visit(msgspec.Struct, gc=False):
    """What a step with a parameter ``visit`` is given."""

    row_id: str
    step: str
    trip: int
    """How often the step has run at this row before: a loop led back so often."""
    attempt: int
    """0, and one more after each failed attempt."""
    run_seed: int
    meter: Meter
    cost: Cost = ONE_CALL
    """What this attempt cost so far; itself counts as one call."""

    @property
    def seed(self) -> int:
        """Return this attempt's seed, 0 to 2**63 - 1: the same in any order and at any number of rows in flight."""
        return seed_of(self.run_seed, self.row_id, self.step, self.trip, self.attempt)

    def spend(self, cost: Cost) -> None:
        """Say what a call of this attempt cost; calls beyond the first count as well.

        Nothing is refused here: a budget that this exceeds lets no further attempt start.
        """
        further = max(0, cost.calls - 1) if self.cost is ONE_CALL else cost.calls
        self.meter.calls += further
        self.meter.charge(cost)
        self.cost += Cost(further, cost.prompt_tokens, cost.completion_tokens, cost.micro_usd, cost.milliseconds)


def seed_of(run_seed: int, row_id: str, step: str, trip: int, attempt: int) -> int:
    """Return the seed of one attempt, 0 to 2**63 - 1.

    >>> seed_of(0, "r1", "draft", 0, 0) == seed_of(0, "r1", "draft", 0, 0) != seed_of(0, "r1", "draft", 0, 1)
    True
    """
    named = f"{run_seed}\0{len(row_id)}\0{row_id}\0{step}\0{trip}\0{attempt}"
    return int.from_bytes(blake3(named.encode("utf-8", "surrogatepass")).digest(length=8)) & MAX_SEED
