"""Signatures that only the simulator can check, at a fiftieth of the price: half of what a schedule costs otherwise.

A simulated signature is a keyed hash of what is signed, under the member's secret: nobody without the secret can make
one, which is all that the laws of the mesh ask of a signature. Nobody outside the simulation can check it.
"""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

from waggledance.core import Key, MessageId, PeerId
from waggledance.mesh import Reader


class SimulatedKey(Key):
    """A key with the public half of a real one, and simulated signatures."""

    __slots__ = ("_secret",)

    def __init__(self, seed: bytes) -> None:
        super().__init__(seed)
        self._secret = seed

    @property
    def real(self) -> Key:
        """The key whose signatures anybody can check."""
        return Key(self._secret)

    def sign(self, id: MessageId) -> bytes:
        """Return 64 bytes that a `SimulatedReader` of this key knows again."""
        return blake3(id, key=self._secret).digest(64)


class SimulatedReader(Reader):
    """A `Reader` that checks the simulated signatures of some keys, and the real ones of all others.

    Args:
        keys: those with simulated signatures.
        remember: see `Reader`.
    """

    def __init__(self, keys: Iterable[SimulatedKey], remember: int) -> None:
        super().__init__(remember)
        self._keys = {key.peer: key for key in keys}

    def holds(self, author: PeerId, id: MessageId, signature: bytes) -> bool:
        """Return whether a signature is its author's."""
        key = self._keys.get(author)
        return super().holds(author, id, signature) if key is None else key.sign(id) == signature
