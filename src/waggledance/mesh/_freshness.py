"""Telling an answer from an old one come again, without keeping anything for each question.

    nonce = first 8 bytes of BLAKE3 keyed by a secret of this life, over peer ‖ number of the ten-second slot

A question carries the nonce of its moment and its receiver, the answer repeats it. So what somebody recorded counts for
twenty seconds at most, and never in another life of this node.
"""

from __future__ import annotations

from random import Random

from blake3 import blake3

from waggledance.core import PeerId

SLOT_SECONDS = 10.0
NONCE_BYTES = 8


class Freshness:
    """Draws nonces and knows its own again.

    Args:
        rng: draws this life's secret.

    >>> fresh = Freshness(Random(1))
    >>> asked = fresh.nonce(PeerId(b"p" * 32), now=5.0)
    >>> [fresh.knows(PeerId(b"p" * 32), asked, now) for now in (5.0, 19.0, 21.0)]
    [True, True, False]
    """

    def __init__(self, rng: Random) -> None:
        self._secret = rng.randbytes(32)

    def nonce(self, peer: PeerId, now: float) -> bytes:
        """Return what a question to this peer at this moment carries."""
        return self._of(peer, int(now // SLOT_SECONDS))

    def knows(self, peer: PeerId, nonce: bytes, now: float) -> bool:
        """Say whether a nonce was drawn for this peer in this slot or the one before."""
        slot = int(now // SLOT_SECONDS)
        return nonce in (self._of(peer, slot), self._of(peer, slot - 1))

    def _of(self, peer: PeerId, slot: int) -> bytes:
        return blake3(peer + slot.to_bytes(8, signed=True), key=self._secret).digest(NONCE_BYTES)
