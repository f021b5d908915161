"""A schedule of a whole swarm: who sits, what is asked, how the links are, and every fault, in one value.

It prints as Python, so that what a search has found can be pasted into a test.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from waggledance.core import UsageError
from waggledance.mesh import Limits
from waggledance.network import Constant, Delay
from waggledance.testing._mesh_faults import BadModel, MeshFault, NewAddress, NewKey, Reboot, counts_as_lie, named_in
from waggledance.testing._simulated_mesh import ASKER

LIMITS = Limits(messages_s=40, open_channels=1_000, granted_weight=0, tokens=100_000, calls=40, messages=40)
"""Of every scheduled swarm: a flood must hit them, and nothing that honest members do."""


@dataclass(frozen=True)
class MeshSchedule:
    """What happens to a swarm: enough to see it again.

    Raises:
        UsageError: there are fewer than four peers or more than seven, a fault names somebody else, or more members
            lie than the quorum allows for.
    """

    seed: int = 0
    peers: int = 4
    """4 to 7, called p0, p1, …; and an asker without a vote, called asker."""
    protocol: str = "vote(patience_s=3)"
    questions: int = 1
    """Asked a second apart."""
    delay: Delay = Constant(0.02)
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bit_flip: float = 0.0
    faults: tuple[MeshFault, ...] = ()

    def __post_init__(self) -> None:
        if not 4 <= self.peers <= 7:
            raise UsageError(f"a schedule has 4 to 7 peers, got {self.peers}")
        if self.questions < 1:
            raise UsageError(f"a schedule has at least one question, got {self.questions}")
        everybody = (*self.names, ASKER)
        for fault in self.faults:
            for name in named_in(fault):
                if name not in everybody:
                    raise UsageError(f"{fault} names {name!r}, who is not there; there are {', '.join(everybody)}")
            if isinstance(fault, Reboot | NewAddress | NewKey | BadModel) and fault.peer == ASKER:
                raise UsageError(f"{fault}: the asker has no model, and does not end before its question")
        if len(self.liars) > self.most_liars:
            raise UsageError(
                f"{', '.join(sorted(self.liars))} lie; of {self.peers} members {self.most_liars} may, and more can "
                "certify anything"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The peers' names."""
        return tuple(f"p{i}" for i in range(self.peers))

    @property
    def most_liars(self) -> int:
        """How many may lie: f of n ≥ 3f + 1."""
        return (self.peers - 1) // 3

    @property
    def liars(self) -> frozenset[str]:
        """Who may lie, by its faults."""
        return frozenset(name for name in map(counts_as_lie, self.faults) if name is not None)

    @property
    def over_s(self) -> float:
        """When the last of the faults that pass is over."""
        ends = [0.0]
        for fault in self.faults:
            until = getattr(fault, "until_s", None)
            at = getattr(fault, "at_s", 0.0)
            lasts = sum(getattr(fault, name, 0.0) for name in ("for_s", "down_s", "away_s"))
            ends.append(at + lasts if until is None else until)
        return max(end for end in ends if end < float("inf"))

    def __str__(self) -> str:
        """Return the schedule as Python, what is at its default left out."""
        shown = [
            f"    {field.name}={getattr(self, field.name)!r},"
            for field in fields(self)
            if field.name != "faults" and getattr(self, field.name) != field.default
        ]
        faults = [f"        {fault!r}," for fault in self.faults]
        lines = ["MeshSchedule(", *shown, *(["    faults=(", *faults, "    ),"] if faults else []), ")"]
        return "\n".join(lines)
