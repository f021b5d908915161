"""An arm of a comparison: which peers, which protocol, which rule, which weights, under which budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, cast

from waggledance import protocols
from waggledance.consensus import Proposals, Rule, Weights, majority
from waggledance.core import Budget, Peer, UsageError
from waggledance.lab._crowd import Crowd, Seated
from waggledance.protocols import AskProtocol, Vote

Weigh = Callable[[Sequence[Proposals], Sequence[str | None]], Weights]
"""Learns what peers weigh from what was proposed on all tasks, one sequence of proposals a task, in any order.

Beside them stand the keys of the arm's probes, None for all other tasks. Its arm runs all tasks first, and decides
again from the log, with these weights; no task is decided by weights that saw its key."""
LARGEST_PROBE = 0.5


@dataclass(frozen=True)
class Arm:
    """One arrangement to be compared with others.

    Args:
        name: what the report calls it; arms of one comparison have different names.
        peers: who sits: a crowd, or peers that sit at every task.
        protocol: what is said when, or its name with parameters, such as ``"vote(samples=5)"``.
        rule: how many opinions become one; the protocol's own when None.
        weigh: learns peers' weights from all that was proposed; everybody weighs the same when None.
        probes: share of the tasks whose keys `weigh` may see, 0 to 0.5. One such part of the tasks serves for all
            others, and another one for these.
        budget: of one run.

    Raises:
        UnknownName: there is no such protocol; says the nearest.
        UsageError: the name is empty, the protocol takes no rule, or the probes are out of range or for nobody.
    """

    name: str
    peers: Crowd | Sequence[Peer]
    protocol: AskProtocol | str = Vote()
    rule: Rule | None = None
    weigh: Weigh | None = None
    probes: float = 0.0
    budget: Budget = Budget()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise UsageError("an arm needs a name, got an empty one")
        if not 0.0 <= self.probes <= LARGEST_PROBE:
            raise UsageError(f"probes are a share of the tasks from 0 to {LARGEST_PROBE}, got {self.probes}")
        if self.probes and self.weigh is None:
            raise UsageError(f"the arm {self.name!r} has probes and nobody who learns from them: add weights")
        if isinstance(self.peers, Sequence):
            object.__setattr__(self, "peers", Seated(self.peers))
        if isinstance(self.protocol, str):
            object.__setattr__(self, "protocol", protocols.by_name(self.protocol, rule=self.rule))
        elif self.rule is not None:
            object.__setattr__(self, "protocol", _with_rule(self.protocol, self.rule))

    @property
    def crowd(self) -> Crowd:
        """Who may sit."""
        return cast("Crowd", self.peers)

    @property
    def runs(self) -> AskProtocol:
        """The protocol, with the arm's rule in it."""
        return cast("AskProtocol", self.protocol)

    @property
    def decide(self) -> Rule:
        """The rule that decides."""
        return cast("Rule", getattr(self.protocol, "decide", majority))


def _with_rule(protocol: AskProtocol, rule: Rule) -> AskProtocol:
    if not (is_dataclass(protocol) and "decide" in protocol.__dataclass_fields__):
        title = getattr(protocol, "name", type(protocol).__name__)
        raise UsageError(f"protocol {title!r} has no rule that could be replaced: leave the arm's rule out")
    return cast("AskProtocol", replace(cast("Any", protocol), decide=rule))
