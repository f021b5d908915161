"""How much weight decides: two quorums always share more weight than may lie.

    byzantine   W = ⌊(total + f) / 2⌋ + 1,  f = ⌊(total − 1) / 3⌋      so that 2 W − total > f
    crash       W = ⌊total / 2⌋ + 1,        f = 0                       so that 2 W − total > 0

W is the smallest integer weight with that property, and total − f ≥ W: whoever is left when the liars are silent can
still decide. With equal weights it is 2f + 1 of 3f + 1 members. Members of weight 0 have no say.

Source: the project's network specification, §5.2; Malkhi, Reiter 1998, "Byzantine quorum systems",
doi:10.1007/s004460050050.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from waggledance.core import Member, PeerId, UsageError, show

QuorumRule = Literal["byzantine", "crash"]


class Quorum(msgspec.Struct, frozen=True):
    """The weight that decides, of members whose weights are integers; made by `quorum`."""

    rule: QuorumRule
    total: int
    """Weight of all members."""
    faulty: int
    """The most weight that may lie without harm: f."""
    needed: int
    """The least weight that decides."""


def quorum(members: Iterable[Member], rule: QuorumRule = "byzantine") -> Quorum:
    """Return how much weight decides among members.

    Args:
        members: who may vote, with integer weights; those of weight 0 have no say.
        rule: ``"byzantine"`` where members may lie, ``"crash"`` where they may only fall silent.

    Raises:
        UsageError: nobody has a vote, a weight is negative or over 63 bits, a member stands twice, or the rule is not
            known.

    >>> from waggledance.core import local_peer_id
    >>> quorum([Member(local_peer_id(name), name, weight=1) for name in "abcd"])
    Quorum(rule='byzantine', total=4, faulty=1, needed=3)
    """
    if rule not in ("byzantine", "crash"):
        raise UsageError(f"a quorum is 'byzantine' or 'crash', not {rule!r}")
    total = sum(voters(members).values())
    faulty = (total - 1) // 3 if rule == "byzantine" else 0
    return Quorum(rule, total, faulty, (total + faulty) // 2 + 1)


def voters(members: Iterable[Member]) -> dict[PeerId, int]:
    """Return the weight of everybody who has a vote, by id in sorted order. Raises what `quorum` raises."""
    weights: dict[PeerId, int] = {}
    for member in sorted(members, key=lambda member: member.id):
        if not 0 <= member.weight < 2**63:
            raise UsageError(
                f"{member.name or show(member.id)} has weight {member.weight!s:.30}; weights are 0 to 2**63 - 1"
            )
        if member.id in weights:
            raise UsageError(f"{member.name or show(member.id)} stands twice among the members; list each once")
        weights[member.id] = member.weight
    having = {id: weight for id, weight in weights.items() if weight}
    if not having:
        raise UsageError("nobody has a vote; give at least one member a weight above 0")
    return having
