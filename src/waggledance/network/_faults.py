"""What can go wrong in a simulated network: one small class a fault, each with its window.

Times are virtual seconds since the question was opened; a window holds from its start up to, and without, its end.
Source: the project's network specification, §9 (fault list).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

from waggledance.core import UnknownName, UsageError


@dataclass(frozen=True)
class Crash:
    """The peer's process ends at a moment: what arrives is lost, what it was thinking is gone. Its log stays."""

    peer: str
    at_s: float = 0.0


@dataclass(frozen=True)
class Restart:
    """The peer's process begins again at a moment (after a crash then, if it was running).

    With its old log it goes on from there. With an empty one it first asks the others for its own past, because a peer
    that numbers its messages from 1 again contradicts itself. Either way its protocol runs from the start, and what it
    had already said for a kind and round stands and is not said twice.
    """

    peer: str
    at_s: float
    log: Literal["old", "empty"] = "old"

    def __post_init__(self) -> None:
        if self.log not in ("old", "empty"):
            raise UnknownName("log to restart with", self.log, ("old", "empty"))


@dataclass(frozen=True)
class Pause:
    """The peer's process stands still (garbage collection, a laptop asleep): what it would have sent or read waits."""

    peer: str
    at_s: float
    for_s: float


@dataclass(frozen=True)
class Slow:
    """What the peer sends takes `factor` times as long, and `extra_s` more."""

    peer: str
    extra_s: float = 0.0
    factor: float = 1.0
    from_s: float = 0.0
    until_s: float = inf

    def __post_init__(self) -> None:
        _check_slow("Slow", self.extra_s, self.factor)


@dataclass(frozen=True)
class SlowLink:
    """What one peer sends to one other takes `factor` times as long, and `extra_s` more; one direction."""

    sender: str
    receiver: str
    extra_s: float = 0.0
    factor: float = 1.0
    from_s: float = 0.0
    until_s: float = inf

    def __post_init__(self) -> None:
        _check_slow("SlowLink", self.extra_s, self.factor)


@dataclass(frozen=True)
class Silent:
    """The peer hears everything and sends nothing. When the window ends, repair brings out what it had to say."""

    peer: str
    from_s: float = 0.0
    until_s: float = inf


@dataclass(frozen=True)
class Partition:
    """Some peers are cut off from the rest; it heals at `until_s`.

    `direction` is seen from `peers`: ``"both"`` ways, only what goes ``"out"``, or only what comes ``"in"``.
    """

    peers: tuple[str, ...]
    from_s: float = 0.0
    until_s: float = inf
    direction: Literal["both", "out", "in"] = "both"

    def __post_init__(self) -> None:
        if self.direction not in ("both", "out", "in"):
            raise UnknownName("direction of a partition", self.direction, ("both", "out", "in"))


@dataclass(frozen=True)
class Equivocate:
    """The peer writes every message twice, with one number: one half of the others gets one, the other half the other.

    A proposal's second version says `key`; any other body differs in its envelope only. The peer's own copy holds the
    first. Gossip brings both halves the proof, and from then on nobody counts the peer.
    """

    peer: str
    key: str = "equivocated"
    from_s: float = 0.0
    until_s: float = inf


@dataclass(frozen=True)
class Lie:
    """The peer's proposals say `key`, whatever it thinks."""

    peer: str
    key: str
    from_s: float = 0.0
    until_s: float = inf


Fault = Crash | Restart | Pause | Slow | SlowLink | Silent | Partition | Equivocate | Lie


def touched(fault: Fault) -> tuple[str, ...]:
    """Return the names of the peers that a fault strikes."""
    match fault:
        case Partition():
            return tuple(fault.peers)
        case SlowLink():
            return (fault.sender, fault.receiver)
        case _:
            return (fault.peer,)


def check_faults(faults: Sequence[Fault], names: Sequence[str]) -> None:
    """Refuse faults that name nobody here, or whose window is none.

    Raises:
        UnknownName: a fault names a peer who does not take part.
        UsageError: a moment is negative, or a window ends before it begins.
    """
    for fault in faults:
        for name in touched(fault):
            if name not in names:
                raise UnknownName("peer", name, names)
        match fault:
            case Crash() | Restart():
                start, end = fault.at_s, inf
            case Pause():
                start, end = fault.at_s, fault.at_s + fault.for_s
            case _:
                start, end = fault.from_s, fault.until_s
        if not 0 <= start <= end or start == inf:
            raise UsageError(f"{fault}: a window begins at 0 s or later, and does not end before it begins")


def _check_slow(name: str, extra_s: float, factor: float) -> None:
    if not (0 <= extra_s < inf and 1 <= factor < inf):
        raise UsageError(f"{name}: extra_s={extra_s} must be ≥ 0 and factor={factor} must be ≥ 1, both finite")
