"""What can go wrong in a whole swarm beside its links: processes, disks and clocks, models, and members who lie.

One small class a fault. Times are virtual seconds since the swarm began; a window holds from its start up to, and
without, its end. Source: the project's network specification, §9 (fault list); what happens on links is in `network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

from waggledance.network import Lie, Partition, Pause, Silent, Slow, SlowLink
from waggledance.network import touched as touched_on_links
from waggledance.testing._simulated_disk import LogLeft


@dataclass(frozen=True)
class Reboot:
    """The process ends in the middle of whatever it does, and begins again with what is left of its log."""

    peer: str
    at_s: float
    down_s: float
    log: LogLeft = "old"


@dataclass(frozen=True)
class NewAddress:
    """The peer loses its network, and comes back elsewhere: what was on its way is lost."""

    peer: str
    at_s: float
    away_s: float


@dataclass(frozen=True)
class FullDisk:
    """What the peer writes stays in memory."""

    peer: str
    from_s: float = 0.0
    until_s: float = inf


@dataclass(frozen=True)
class WrongClock:
    """The peer's seconds run fast, and its wall clock jumps."""

    peer: str
    fast_ppm: int = 0
    jump_s: int = 0
    at_s: float = 0.0


Trouble = Literal["times out", "is slow", "refuses", "abstains", "spends", "says something poisoned"]


@dataclass(frozen=True)
class BadModel:
    """What the peer thinks with fails, or gives what no one should trust."""

    peer: str
    trouble: Trouble


@dataclass(frozen=True)
class Withhold:
    """The peer sends nothing to some of the others."""

    peer: str
    receivers: tuple[str, ...]
    from_s: float = 0.0
    until_s: float = inf


@dataclass(frozen=True)
class LateVotes:
    """The peer's preps and acks leave late."""

    peer: str
    late_s: float


@dataclass(frozen=True)
class Resend:
    """The peer sends again what it has sent or heard, to whomever."""

    peer: str
    rate: float
    """For each datagram that it sends: the chance that an old one follows."""


@dataclass(frozen=True)
class WrongChannel:
    """The peer sends frames under the name of another channel."""

    peer: str
    rate: float


@dataclass(frozen=True)
class Flood:
    """The peer writes many notes into every channel that it holds, and sends junk."""

    peer: str
    messages: int
    at_s: float


@dataclass(frozen=True)
class Sybils:
    """The peer invites peers that it invented, and asks for a vote for each."""

    peer: str
    count: int
    at_s: float


@dataclass(frozen=True)
class Slander:
    """The peer says that another is dead."""

    peer: str
    about: str
    from_s: float = 0.0
    until_s: float = inf


@dataclass(frozen=True)
class FalseRecord:
    """The peer says that it can do everything for nothing, in the highest version there is."""

    peer: str
    at_s: float


@dataclass(frozen=True)
class SignsAll:
    """The peer preps and acks whatever anybody claims, in every epoch, and computes nothing."""

    peer: str


@dataclass(frozen=True)
class Twins:
    """The peer runs twice with one key, one life for some of the others and one for the rest: it equivocates in all."""

    peer: str
    side: tuple[str, ...]


@dataclass(frozen=True)
class NewKey:
    """The peer comes back with another key, which nobody knows."""

    peer: str
    at_s: float


LinkFault = Partition | Pause | Silent | Slow | SlowLink
ProcessFault = Reboot | NewAddress | FullDisk | WrongClock | BadModel
PeerLie = (
    Lie | Withhold | LateVotes | Resend | WrongChannel | Flood | Sybils | Slander | FalseRecord | SignsAll | Twins
    | NewKey
)  # fmt: skip
MeshFault = LinkFault | ProcessFault | PeerLie


def named_in(fault: MeshFault) -> tuple[str, ...]:
    """Return every name in a fault."""
    match fault:
        case Partition() | Pause() | Silent() | Slow() | SlowLink() | Lie():
            return touched_on_links(fault)
        case Withhold():
            return (fault.peer, *fault.receivers)
        case Slander():
            return (fault.peer, fault.about)
        case Twins():
            return (fault.peer, *fault.side)
        case _:
            return (fault.peer,)


def counts_as_lie(fault: MeshFault) -> str | None:
    """Return who may lie by a fault; None where nobody does.

    Who forgets what it has signed can contradict itself: a lost log makes a member one of those that may lie.
    """
    match fault:
        case Partition() | Pause() | Silent() | Slow() | SlowLink() | NewAddress() | WrongClock() | BadModel():
            return None
        case Reboot():
            return None if fault.log == "old" else fault.peer
        case _:
            return fault.peer
