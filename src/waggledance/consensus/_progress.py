"""How far a certificate has come, in one line: for people who wait, and for whoever stops waiting."""

from __future__ import annotations

import msgspec

from waggledance.consensus._quorum import Quorum
from waggledance.core import UNIT, Member, show


class Progress(msgspec.Struct, frozen=True):
    """How far members have come, in voting weight; an epoch's best decision where there are several."""

    epoch: int
    sealed: int
    """In any epoch; preps and acks are of this one."""
    prepped: int
    acked: int
    quorum: Quorum
    silent: tuple[Member, ...]
    """Who has not said a word towards a certificate."""

    def __str__(self) -> str:
        """Return it as one line.

        >>> from waggledance.core import local_peer_id
        >>> str(Progress(1, 2, 0, 0, Quorum("byzantine", 4, 1, 3), (Member(local_peer_id("dan"), "dan", 1),)))
        'epoch 1: sealed 2, prepped 0, acked 0 of weight 4, needed 3; nothing from dan'
        """
        silent = ", ".join(m.name or show(m.id) for m in self.silent)
        vote = UNIT if self.quorum.total >= UNIT else 1  # weights of whole votes are read as votes
        sealed, prepped, acked, total = (
            f"{weight / vote:g}" for weight in (self.sealed, self.prepped, self.acked, self.quorum.total)
        )
        return (
            f"epoch {self.epoch}: sealed {sealed}, prepped {prepped}, acked {acked} of weight {total}, "
            f"needed {self.quorum.needed / vote:.3g}{'; nothing from ' * bool(silent)}{silent}"
        )
