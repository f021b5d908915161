"""Whose turn it is to claim, and when: drawn by hash for every epoch, in steps that double with it.

    order of an epoch = voters by blake3("waggle/turn/1\\0" ‖ q ‖ epoch as 8 bytes, big-endian ‖ peer)
    step = delay · 2^epoch          turn r begins at start + r · step          the epoch ends at start + 6 · step

The hash is rendezvous hashing (Thaler, Ravishankar 1998, doi:10.1109/90.663936): it knows no index and no name, and a
member that joins moves nobody else's place relative to the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from blake3 import blake3

from waggledance.core import MessageId, PeerId

STEPS_AN_EPOCH = 6
"""A grace for late seals, two more turns if the first claimant is silent, and claim, prep and ack on their way."""


@lru_cache(maxsize=64)  # of the questions under way; each entry holds on to its voters
def turns(question: MessageId, epoch: int, voters: tuple[PeerId, ...]) -> Mapping[PeerId, int]:
    """Return each voter's place in the order of an epoch, from 0."""
    seed = b"waggle/turn/1\0" + question + epoch.to_bytes(8)
    order = sorted(voters, key=lambda peer: blake3(seed + peer).digest())
    return {peer: place for place, peer in enumerate(order)}


def step_s(delay_s: float, epoch: int) -> float:
    """Return the length of a step in seconds: the delay, doubled with every epoch."""
    return delay_s * 2.0 ** min(epoch, 64)
