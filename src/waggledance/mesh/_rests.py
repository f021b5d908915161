"""What is kept in memory of channels that rest: a few hundred bytes each, and sums over all, so that none is walked.

A greeting carries one number over all channels that two peers hold: the marks of all, added bit by bit (XOR). Those of
channels at rest are summed by who holds them, of whom there are few sets; so a greeting costs the same after a hundred
thousand questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar, cast

import msgspec
from blake3 import blake3

from waggledance.core import PeerId

T = TypeVar("T")


class Rested(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known of one channel without reading it."""

    opener: PeerId
    """Who may open a question in it."""
    holders: frozenset[PeerId]
    digest: bytes
    """See `Channel.digest`."""
    size: int
    """Messages."""
    asked: bool
    """Whether a question was opened in it."""
    is_over: bool
    forked: frozenset[PeerId]


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Rested).decode


def mark(name: str, digest: bytes) -> int:
    """Return the hash of a channel's name and digest as a number: those of several channels are added bit by bit."""
    return int.from_bytes(blake3(name.encode() + b"\0" + digest).digest())


class Rests:
    """Channels at rest, by name.

    >>> rests, peer = Rests(), PeerId(b"p" * 32)
    >>> rests.add("q", Rested(peer, frozenset((peer,)), bytes(32), 3, True, True, frozenset()))
    >>> rests.root(peer) == mark("q", bytes(32)), rests.root(PeerId(b"x" * 32))
    (True, 0)
    """

    def __init__(self) -> None:
        self._rested: dict[str, Rested] = {}
        self._roots: dict[frozenset[PeerId], int] = {}
        """By who holds them: the marks of all that rest, added bit by bit."""
        self._same: dict[object, object] = {}
        """Peers and sets of peers by themselves: what many channels repeat is kept once."""

    def __contains__(self, name: object) -> bool:
        return name in self._rested

    def __iter__(self) -> Iterator[str]:
        return iter(self._rested)

    def __len__(self) -> int:
        return len(self._rested)

    def __getitem__(self, name: str) -> Rested:
        return self._rested[name]

    def values(self) -> Iterator[Rested]:
        """Yield what is known of each."""
        yield from self._rested.values()

    def add(self, name: str, rested: Rested) -> None:
        """Keep what is known of a channel that rests from now on."""
        holders = self.shared(rested.holders)
        self._rested[name] = Rested(
            self._kept(rested.opener), holders, rested.digest, rested.size, rested.asked, rested.is_over,
            self._kept(rested.forked),
        )  # fmt: skip
        self._roots[holders] = self._roots.get(holders, 0) ^ mark(name, rested.digest)

    def take(self, name: str) -> Rested:
        """Forget a channel, which rests no more; return what was known of it."""
        rested = self._rested.pop(name)
        self._roots[rested.holders] ^= mark(name, rested.digest)
        return rested

    def root(self, peer: PeerId) -> int:
        """Return the marks of all that this peer holds too, added bit by bit."""
        root = 0
        for holders, marks in self._roots.items():
            if peer in holders:
                root ^= marks
        return root

    def held_by(self, peer: PeerId) -> list[tuple[str, bytes]]:
        """Return name and digest of each that this peer holds too."""
        return [(name, rested.digest) for name, rested in self._rested.items() if peer in rested.holders]

    def shared(self, holders: frozenset[PeerId]) -> frozenset[PeerId]:
        """Return an equal set that is kept once for all channels of the same peers."""
        return self._kept(holders)

    def _kept(self, value: T) -> T:
        return cast("T", self._same.setdefault(value, value))


def note_of(rested: Rested) -> bytes:
    """Return what is written down about a channel that rests, so that the next start need not read it."""
    return _encode(rested)


def read_note(note: bytes) -> Rested | None:
    """Return what was written down; None for what another version, or a fault, has written."""
    try:
        return _decode(note)
    except msgspec.DecodeError:
        return None
