"""Names for things: ids are content hashes or public keys, always 32 raw bytes."""

from functools import lru_cache
from typing import NewType

from blake3 import blake3

PeerId = NewType("PeerId", bytes)
"""Who: an Ed25519 public key, 32 bytes; inside one process, a hash of the peer's name that nobody can sign for."""

MessageId = NewType("MessageId", bytes)
"""What: BLAKE3 of a message's canonical bytes, 32 bytes; shown as ``b3:…``."""

SwarmId = NewType("SwarmId", bytes)
"""Which swarm: 16 bytes, inside every message, so that a replay elsewhere fails."""


@lru_cache(maxsize=1 << 16)
def local_peer_id(name: str) -> PeerId:
    """Return the id of an unsigned peer called `name` inside one process.

    It is a hash, not a key: no secret belongs to it, so on a network that checks signatures nobody can speak as it.
    """
    return PeerId(blake3(b"waggle/local/1\0" + name.encode()).digest())


def swarm_id(name: str) -> SwarmId:
    """Return the id of the swarm called `name`.

    >>> swarm_id("bees").hex()
    '1f513ec694ad7bb7da8707ca1cb92c7f'
    """
    return SwarmId(blake3(b"waggle/swarm/1\0" + name.encode()).digest(16))


def show(id: bytes, digits: int = 12) -> str:
    """Return an id the way people see it.

    >>> show(bytes(32))
    'b3:000000000000'
    """
    return "b3:" + id.hex()[:digits]
