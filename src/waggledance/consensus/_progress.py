"""How far a certificate has come, in one line: for people who wait, and for whoever stops waiting."""

from __future__ import annotations

import msgspec

from waggledance.consensus._quorum import Quorum
from waggledance.core import Member, show


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
        return (
            f"epoch {self.epoch}: sealed {self.sealed:,}, prepped {self.prepped:,}, acked {self.acked:,} of weight "
            f"{self.quorum.total:,}, needed {self.quorum.needed:,}{'; nothing from ' * bool(silent)}{silent}"
        )
