"""Equivocation: two different messages by one author with one number, and the evidence that anyone can check.

Each side is a run of frames: first the message in question, then its author's next ones up to one that is signed,
because a signature vouches for everything before it in its author's chain. A signed message is a run of one.

Source: the project's network specification, §2 (``fork {a, b}``); in the literature *equivocation*, as in Chun et al.
2007, "Attested Append-Only Memory", doi:10.1145/1294261.1294280.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from waggledance.core._errors import PeerFault
from waggledance.core._ids import PeerId
from waggledance.core._keys import signature_holds
from waggledance.core._message import open_frame


class ForkProof(msgspec.Struct, frozen=True):
    """Two runs of frames by one author that part at their first message."""

    author: PeerId
    sequence: int
    """The number that two messages share."""
    a: tuple[bytes, ...]
    b: tuple[bytes, ...]

    def holds(self) -> bool:
        """Return whether this proves, to anyone, that the author equivocated: needs no channel and trusts nobody."""
        try:
            sides = [[open_frame(frame) for frame in side] for side in (self.a, self.b)]
        except PeerFault:
            return False
        if not all(sides):
            return False
        a, b = sides[0][0], sides[1][0]
        if a.id == b.id or (a.swarm, a.channel) != (b.swarm, b.channel):
            return False
        return all(
            side[0].author == self.author
            and side[0].sequence == self.sequence
            and all(after.author == self.author and after.previous == before.id for before, after in pairwise(side))
            and signature_holds(self.author, side[-1].id, side[-1].signature)
            for side in sides
        )
