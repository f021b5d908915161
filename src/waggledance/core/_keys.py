"""Ed25519 keys: who a peer is, and the signature that says so.

PyNaCl (libsodium), because it refuses small-order keys; another library accepted a forgery for the identity point.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from waggledance.core._errors import UsageError
from waggledance.core._ids import MessageId, PeerId, show
from waggledance.core._message import Body, Message

B = TypeVar("B", bound=Body)


class Key:
    """A peer's secret key. Its `peer` is the public half; its text form shows nothing secret."""

    __slots__ = ("_signing", "peer")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise UsageError(f"a key is made from 32 secret bytes, got {len(seed)}")
        self._signing = SigningKey(seed)
        self.peer = PeerId(bytes(self._signing.verify_key))

    def sign(self, id: MessageId) -> bytes:
        """Return the 64-byte signature of a message id."""
        return self._signing.sign(id).signature

    def signed(self, message: Message[B]) -> Message[B]:
        """Return the message with its author's signature.

        Raises:
            UsageError: its author is somebody else.
        """
        if message.author != self.peer:
            raise UsageError(f"the key of {show(self.peer)} cannot sign a message by {show(message.author)}")
        return msgspec.structs.replace(message, signature=self.sign(message.id))

    def __repr__(self) -> str:
        return f"Key(peer={self.peer.hex()[:12]}…)"


def signature_holds(author: PeerId, id: MessageId, signature: bytes) -> bool:
    """Return whether `signature` is `author`'s signature of `id`; false for any malformed input."""
    try:
        VerifyKey(author).verify(id, signature)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True


def is_public_key(key: bytes) -> bool:
    """Return whether somebody's signatures can be told by this key.

    False for anything but 32 bytes that stand for a point of the main subgroup, in its one form. For a small-order
    point, such as the identity, other libraries accept signatures that nobody made.
    """
    return len(key) == 32 and crypto_core_ed25519_is_valid_point(key)
