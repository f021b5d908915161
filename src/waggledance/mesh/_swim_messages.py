"""What peers say to each other about who is up: probes, and the signed news that rides on them.

    Refutation  = Ed25519 by the peer itself over  h("alive"   ‖ swarm ‖ peer ‖ incarnation)
    Leave       = Ed25519 by the peer itself over  h("leave"   ‖ swarm ‖ peer ‖ incarnation)
    Suspicion   = Ed25519 by the accuser over      h("suspect" ‖ swarm ‖ accused ‖ incarnation ‖ accuser)
    Death       = Ed25519 by the accuser over      h("dead"    ‖ swarm ‖ accused ‖ incarnation ‖ accuser)

h is BLAKE3 after a domain of its own, incarnations are 8 bytes, big end first. News travels through hands that did not
write it, so each piece proves itself. An incarnation is the accused's own number: an accusation carries the accused's
signature of it (the `claim`), so that nobody can be accused at a number beyond what it can outbid. Everybody begins
at 0, for which there is no claim.

Source: Das, Gupta, Motivala 2002, "SWIM", doi:10.1109/DSN.2002.1028914, §4; signatures and claims are ours.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import Key, MessageId, PeerId, SwarmId, Verify, signature_holds

MAX_NEWS = 12
"""Pieces of news on one datagram: 1.3 to 2.5 KB at most, in a storm; half as many take a healed cut twice as long."""
MAX_INCARNATION = (1 << 53) - 1

_Peer = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
_Claim = Annotated[bytes, msgspec.Meta(max_length=64)]
_Incarnation = Annotated[int, msgspec.Meta(ge=0, le=MAX_INCARNATION)]
_Nonce = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Refutation(msgspec.Struct, frozen=True, tag="r", array_like=True, gc=False):
    """The peer itself says that it is up, in this incarnation; its signature is the claim that accusations carry."""

    rank: ClassVar[int] = 0
    peer: _Peer
    incarnation: _Incarnation
    signature: _Signature


class Suspicion(msgspec.Struct, frozen=True, tag="s", array_like=True, gc=False):
    """Somebody could not reach the peer, directly or through helpers."""

    rank: ClassVar[int] = 1
    peer: _Peer
    """The accused."""
    incarnation: _Incarnation
    claim: _Claim
    """The accused's own signature of this incarnation, as in a `Refutation`; empty for 0."""
    accuser: _Peer
    signature: _Signature


class Death(msgspec.Struct, frozen=True, tag="d", array_like=True, gc=False):
    """Somebody waited for as long as a suspicion lasts, and no refutation came."""

    rank: ClassVar[int] = 2
    peer: _Peer
    """The accused."""
    incarnation: _Incarnation
    claim: _Claim
    """The accused's own signature of this incarnation, as in a `Refutation`; empty for 0."""
    accuser: _Peer
    signature: _Signature


class Leave(msgspec.Struct, frozen=True, tag="l", array_like=True, gc=False):
    """The peer itself says that it goes. Final for this incarnation."""

    rank: ClassVar[int] = 3
    peer: _Peer
    incarnation: _Incarnation
    signature: _Signature


News = Refutation | Suspicion | Death | Leave
_News = Annotated[tuple[News, ...], msgspec.Meta(max_length=MAX_NEWS)]


class Ping(msgspec.Struct, frozen=True, tag="ping", array_like=True, gc=False):
    """Are you there?"""

    nonce: _Nonce
    news: _News


class Pong(msgspec.Struct, frozen=True, tag="pong", array_like=True, gc=False):
    """I am, in answer to the ping with this nonce, which could not be guessed."""

    nonce: _Nonce
    news: _News


class PingRequest(msgspec.Struct, frozen=True, tag="ping-request", array_like=True, gc=False):
    """I cannot reach this peer: ping it for me."""

    nonce: _Nonce
    target: _Peer
    news: _News


class PingReply(msgspec.Struct, frozen=True, tag="ping-reply", array_like=True, gc=False):
    """The helper's answer. Also a no tells something: that the asker's own link works (Lifeguard's nack)."""

    nonce: _Nonce
    """Of the request."""
    reached: bool
    news: _News


SwimPayload = Ping | Pong | PingRequest | PingReply


def refutation(key: Key, swarm: SwarmId, incarnation: int) -> Refutation:
    """Return one's own signed word that one is up in this incarnation."""
    return Refutation(key.peer, incarnation, key.sign(_of_oneself(b"alive", swarm, key.peer, incarnation)))


def leave_note(key: Key, swarm: SwarmId, incarnation: int) -> Leave:
    """Return one's own signed word that one goes."""
    return Leave(key.peer, incarnation, key.sign(_of_oneself(b"leave", swarm, key.peer, incarnation)))


def suspicion(key: Key, swarm: SwarmId, peer: PeerId, incarnation: int, claim: bytes) -> Suspicion:
    """Return a signed suspicion of a peer in the incarnation that it claims."""
    signature = key.sign(_of_another(b"suspect", swarm, peer, incarnation, key.peer))
    return Suspicion(peer, incarnation, claim, key.peer, signature)


def death(key: Key, swarm: SwarmId, peer: PeerId, incarnation: int, claim: bytes) -> Death:
    """Return a signed word that a suspicion of a peer went unrefuted."""
    signature = key.sign(_of_another(b"dead", swarm, peer, incarnation, key.peer))
    return Death(peer, incarnation, claim, key.peer, signature)


def genuine(news: News, swarm: SwarmId, claim: bytes, verify: Verify = signature_holds) -> bool:
    """Return whether a piece of news was written by whom it says, about a number that the accused gave itself.

    Args:
        news: what arrived.
        swarm: which swarm it should be about.
        claim: a signature by which the accused is already known to have claimed this incarnation, or empty.
        verify: says whether a signature holds.
    """
    peer = PeerId(news.peer)
    if isinstance(news, Refutation):
        return verify(peer, _of_oneself(b"alive", swarm, peer, news.incarnation), news.signature)
    if isinstance(news, Leave):
        return verify(peer, _of_oneself(b"leave", swarm, peer, news.incarnation), news.signature)
    if news.incarnation == 0:
        claimed = news.claim == b""
    elif claim and news.claim == claim:
        claimed = True
    else:
        claimed = verify(peer, _of_oneself(b"alive", swarm, peer, news.incarnation), news.claim)
    word = b"suspect" if isinstance(news, Suspicion) else b"dead"
    accuser = PeerId(news.accuser)
    return claimed and verify(accuser, _of_another(word, swarm, peer, news.incarnation, accuser), news.signature)


def _of_oneself(word: bytes, swarm: SwarmId, peer: PeerId, incarnation: int) -> MessageId:
    said = b"waggle/swim/" + word + b"/1\0" + swarm + peer + incarnation.to_bytes(8, "big")
    return MessageId(blake3(said).digest())


def _of_another(word: bytes, swarm: SwarmId, accused: PeerId, incarnation: int, accuser: PeerId) -> MessageId:
    said = b"waggle/swim/" + word + b"/1\0" + swarm + accused + incarnation.to_bytes(8, "big") + accuser
    return MessageId(blake3(said).digest())
