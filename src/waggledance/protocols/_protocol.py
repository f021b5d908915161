"""What a protocol is: one coroutine that every peer runs at its seat, ending in a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from waggledance.consensus import Rule, name_of, needs_of
from waggledance.core import Decision, Message, Peer, Proposal, Seat, UsageError
from waggledance.topology import Topology

Gives = Literal["confidence", "judgements"]


class AskProtocol(Protocol):
    """Every peer runs it at its own seat; it awaits nothing but the seat. Any async function of that shape is one.

    A protocol of ours also has: `name`; `skills`, which its peers must have; `gives`, what a rule may need besides
    proposals; `decide`, its rule; and, where hearing matters, `topology`.
    """

    async def __call__(self, seat: Seat, /) -> Decision: ...


def check_fit(protocol: AskProtocol, peers: Sequence[Peer]) -> None:
    """Refuse an arrangement that makes no sense, before anything is spent.

    Raises:
        UsageError: a peer lacks a skill, or the rule needs what the protocol does not give.
    """
    name = getattr(protocol, "name", getattr(protocol, "__name__", type(protocol).__name__))
    for peer in peers:
        missing = sorted(getattr(protocol, "skills", frozenset[str]()) - peer.skills)
        if missing:
            raise UsageError(
                f"protocol {name!r} needs the skill {missing[0]!r}, which peer {peer.name!r} lacks (it has "
                f"{', '.join(sorted(peer.skills)) or 'none'}): give it that skill, or choose another protocol"
            )
    rule = getattr(protocol, "decide", None)
    if rule is not None:
        gives = getattr(protocol, "gives", frozenset[str]())
        lacking = sorted(needs_of(rule) - gives)
        if lacking:
            raise UsageError(
                f"rule {name_of(rule)!r} needs {lacking[0]}, and protocol {name!r} gives "
                f"{', '.join(sorted(gives)) or 'proposals only'}: choose another rule or protocol"
            )


def heard(
    topology: Topology, seat: Seat, round: int, said: Sequence[Message[Proposal]]
) -> tuple[Message[Proposal], ...]:
    """Return what this seat hears of a round's proposals; never its own."""
    me = seat.me
    speakers = topology.speakers(me, round, seat.roster, said, seat.seed)
    if speakers is None:
        return tuple(m for m in said if m.author != me)
    return tuple(m for m in said if m.author in speakers and m.author != me)
