"""Datagrams: what peers say to each other beside the messages that are kept.

    datagram   MessagePack [1, sender, payload, signature]; signature = Ed25519 over
               blake3("waggle/dgram/1\\0" ‖ swarm ‖ receiver ‖ payload), the receiver 32 zero bytes when it goes to all

What is pushed is not signed itself: frames carry their own proof, and one more signature would cost as much as all that
is done with them. Such a payload is no sign of life of its sender, and does not prove who that is. Everything else is
refused without a signature of a member, so that nobody is made to work, or slandered, by a stranger.
Source: the project's network specification, §2 (have, want, give) and §3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from blake3 import blake3

from waggledance.core import Key, PeerFault, PeerId, SwarmId, Verify, show, signature_holds
from waggledance.core import MessageId as _Id
from waggledance.mesh._blob_messages import BlobPayload
from waggledance.mesh._freshness import NONCE_BYTES
from waggledance.mesh._order_marks import AskOrder
from waggledance.mesh._swim_messages import SwimPayload
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES
from waggledance.mesh._words_messages import AskWords, TellWords
from waggledance.network import Give, Have, Want

VERSION = 1
OUTLINE_ENTRIES = 4_096
EVERYBODY = PeerId(bytes(32))

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Nonce = Annotated[bytes, msgspec.Meta(max_length=NONCE_BYTES)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class Push(msgspec.Struct, frozen=True, tag="push", array_like=True, gc=False):
    """New messages of one channel, as frames, causes before effects."""

    ch: _Name
    frames: tuple[bytes, ...]


class Hello(msgspec.Struct, frozen=True, tag="hello", array_like=True):
    """The first leg of a repair: a digest of all channels that both sides hold, and the sets that changed of late."""

    root: _Hash
    haves: Annotated[tuple[Have, ...], msgspec.Meta(max_length=64)]
    nonce: _Nonce = b""
    """What the answer repeats, so that an old one is known; see `Freshness`."""


class Ask(msgspec.Struct, frozen=True, tag="ask", array_like=True):
    """What the sender has of one channel; the receiver gives what is missing and answers with what it has itself."""

    have: Have
    nonce: _Nonce = b""


class Answer(msgspec.Struct, frozen=True, tag="answer", array_like=True):
    """What the sender has of one channel, in answer to a greeting; the receiver gives what is missing."""

    have: Have
    nonce: _Nonce = b""
    """Of the hello or ask that it answers."""


class Outline(msgspec.Struct, frozen=True, tag="outline", array_like=True):
    """Names and digests of the channels that both sides hold: sent when a greeting did not show where they differ."""

    entries: Annotated[tuple[tuple[_Name, _Hash], ...], msgspec.Meta(max_length=OUTLINE_ENTRIES)]
    """By name, the last first; where there are as many as fit, names before the last one here are left for later."""
    below: Annotated[str, msgspec.Meta(max_length=128)] = ""
    """Only names before this are spoken of; empty when all are."""


class AskGenesis(msgspec.Struct, frozen=True, tag="ask-genesis", array_like=True):
    """A newcomer asks for the rules of the swarm."""


class TellGenesis(msgspec.Struct, frozen=True, tag="tell-genesis", array_like=True):
    """The canonical bytes of the genesis, whose hash is the swarm's id."""

    genesis: Annotated[bytes, msgspec.Meta(max_length=256 * 1024)]


Payload = (
    Push | Hello | Ask | Answer | Outline | Want | Give | AskGenesis | TellGenesis | SwimPayload | BlobPayload
    | AskWords | TellWords | AskOrder
)  # fmt: skip

_Unsigned = (Push, AskGenesis, TellGenesis, TellWords)
"""What proves itself: frames by their signatures, a genesis by its hash; and words, by which nothing is proven."""


class _Datagram(msgspec.Struct, frozen=True, array_like=True, gc=False):
    version: int
    sender: _Hash
    payload: bytes
    signature: Annotated[bytes, msgspec.Meta(max_length=64)]


_encode = msgspec.msgpack.Encoder().encode
_decode_datagram = msgspec.msgpack.Decoder(_Datagram).decode
_decode_payload = msgspec.msgpack.Decoder(Payload).decode


def seal(key: Key, swarm: SwarmId, to: PeerId, payload: Payload) -> bytes:
    """Return a datagram to one peer, or to `EVERYBODY`; signed, unless its payload proves itself."""
    encoded = _encode(payload)
    signature = b"" if isinstance(payload, _Unsigned) else key.sign(_signed(swarm, to, encoded))
    return _encode(_Datagram(VERSION, key.peer, encoded, signature))


def open_datagram(
    me: PeerId,
    swarm: SwarmId,
    datagram: bytes,
    is_member: Callable[[PeerId], bool],
    holds: Verify = signature_holds,
) -> tuple[PeerId, Payload]:
    """Return who sent a datagram and what it says.

    Args:
        me: who reads it.
        swarm: its swarm.
        datagram: as it arrived.
        is_member: says whether a sender belongs to the swarm; asked before a signature is looked at.
        holds: checks a signature.

    Raises:
        PeerFault: with reason ``oversize``, ``malformed``, ``version``, ``stranger`` or ``signature``.
    """
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise PeerFault("oversize", f"a datagram of {len(datagram):,} bytes; the limit is {MAX_DATAGRAM_BYTES:,}")
    try:
        opened = _decode_datagram(datagram)
        if opened.version != VERSION:
            raise PeerFault("version", f"a datagram of version {opened.version}, this program speaks {VERSION}")
        payload = _decode_payload(opened.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise PeerFault("malformed", f"not a datagram: {why}") from why
    sender = PeerId(opened.sender)
    if not isinstance(payload, _Unsigned):
        if not is_member(sender):
            raise PeerFault("stranger", f"{show(sender)} is no member of the swarm")
        ids = (_signed(swarm, to, opened.payload) for to in (me, EVERYBODY))
        if not any(holds(sender, id, opened.signature) for id in ids):
            raise PeerFault("signature", "the signature of the datagram is not its sender's")
    return sender, payload


def _signed(swarm: SwarmId, to: PeerId, payload: bytes) -> _Id:
    return _Id(blake3(b"waggle/dgram/1\0" + swarm + to + payload).digest())
