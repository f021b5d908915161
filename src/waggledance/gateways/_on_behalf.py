"""On whose behalf a call is made: who asked first, through whom, what it may touch, and how much time is left.

It travels with every call, signed by the peer that makes it. Each peer that passes a task on signs to whom, with which
rights and how much time: it may take of both and never add, and whoever checks needs to believe nobody on the way. Time
is sent as what is left, for clocks of different machines differ.

Source: Srinivasan 2026, arXiv:2603.13417 (context-aware broker protocol); field names and the chain of links are ours.
"""

from __future__ import annotations

from typing import Any

import msgspec
from blake3 import blake3

from waggledance.core import Key, MessageId, PeerId, UsageError, signature_holds

META = "waggle/ctx"
"""Under which name it stands in a call's ``_meta``."""
MAX_CHAIN = 16


class PassedOn(msgspec.Struct, frozen=True, kw_only=True):
    """One passing on of a task: by whom, to whom, with what."""

    caller: PeerId
    """Who passed it on; it signs."""
    to: PeerId
    scopes: tuple[str, ...]
    left_ms: int
    signature: bytes = b""


class OnBehalf(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf something is done."""

    principal: str
    """The person or program that asked first."""
    caller: PeerId
    """The peer that makes this call; it signs."""
    links: tuple[PassedOn, ...] = ()
    """How it came to the caller from the peer that acted for the principal first; none where that is the caller."""
    scopes: tuple[str, ...] = ()
    """What may be touched, sorted, such as ``("files.read",)``."""
    task: str = ""
    """The order or the channel that it belongs to."""
    left_ms: int = 60_000
    """Milliseconds left for all that is still to be done; not signed, for it runs out while others hold it."""
    signature: bytes = b""

    def __post_init__(self) -> None:
        if not self.principal:
            raise UsageError("a call is made on somebody's behalf: name the principal")
        if self.left_ms < 0:
            raise UsageError(f"there are 0 milliseconds left or more, got {self.left_ms}")
        if len(self.links) > MAX_CHAIN:
            raise UsageError(f"a task was passed on {len(self.links)} times, the limit is {MAX_CHAIN}")
        if tuple(sorted(set(self.scopes))) != self.scopes:
            raise UsageError("scopes are sorted, and each stands there once")

    def signed(self, key: Key) -> OnBehalf:
        """Return it, signed by its caller.

        Raises:
            UsageError: the key is another peer's.
        """
        if key.peer != self.caller:
            raise UsageError("only the caller signs on whose behalf it calls")
        return msgspec.structs.replace(self, signature=key.sign(self._digest()))

    @property
    def first(self) -> PeerId:
        """The peer that acted for the principal first."""
        return self.links[0].caller if self.links else self.caller

    @property
    def holds(self) -> bool:
        """Whether its caller has signed it as it is, and everybody before has passed on what it had, and no more."""
        holders: tuple[PassedOn | OnBehalf, ...] = (*self.links[1:], self)
        for at, (link, after) in enumerate(zip(self.links, holders, strict=False)):
            if link.to != after.caller or not set(after.scopes) <= set(link.scopes) or after.left_ms > link.left_ms:
                return False
            if not signature_holds(link.caller, self._link_digest(self.links[: at + 1]), link.signature):
                return False
        return signature_holds(self.caller, self._digest(), self.signature)

    def passed_to(
        self, caller: PeerId, *, key: Key, scopes: tuple[str, ...] | None = None, left_ms: int | None = None
    ) -> OnBehalf:
        """Return what a peer acts on to whom this is passed on, still to be signed by it; rights and time only shrink.

        Args:
            caller: to whom.
            key: of the caller so far, who signs the link.
            scopes: with which rights; all when None.
            left_ms: within how much time; all that is left when None.

        Raises:
            UsageError: the key is another peer's, or a scope is asked for that is not there.
        """
        if key.peer != self.caller:
            raise UsageError("only the caller passes on what it does on somebody's behalf")
        wanted = self.scopes if scopes is None else tuple(sorted(set(scopes)))
        more = sorted(set(wanted) - set(self.scopes))
        if more:
            raise UsageError(f"the scope {more[0]!r} cannot be passed on by one who does not have it")
        left = self.left_ms if left_ms is None else min(left_ms, self.left_ms)
        bare = PassedOn(caller=self.caller, to=caller, scopes=wanted, left_ms=left)
        link = msgspec.structs.replace(bare, signature=key.sign(self._link_digest((*self.links, bare))))
        return msgspec.structs.replace(
            self, caller=caller, links=(*self.links, link), scopes=wanted, left_ms=left, signature=b""
        )

    def meta(self) -> dict[str, Any]:
        """Return it as a call's ``_meta`` carries it: ids in hexadecimal."""
        return {
            META: {
                "principal": self.principal,
                "caller": self.caller.hex(),
                "links": [
                    {
                        "caller": link.caller.hex(),
                        "to": link.to.hex(),
                        "scopes": list(link.scopes),
                        "left_ms": link.left_ms,
                        "signature": link.signature.hex(),
                    }
                    for link in self.links
                ],
                "scopes": list(self.scopes),
                "task": self.task,
                "left_ms": self.left_ms,
                "signature": self.signature.hex(),
            }
        }

    def _digest(self) -> MessageId:
        return _hashed(b"waggle/on-behalf/2\0", msgspec.structs.replace(self, signature=b"", left_ms=0))

    def _link_digest(self, links: tuple[PassedOn, ...]) -> MessageId:
        """Return what who made the last of some links has signed: it, all before it, and whose task it is."""
        bare = msgspec.structs.replace(links[-1], signature=b"")
        return _hashed(b"waggle/on-behalf/link/1\0", (self.principal, self.task, links[:-1], bare))


def _hashed(domain: bytes, what: object) -> MessageId:
    return MessageId(blake3(domain + msgspec.msgpack.encode(what, order="deterministic")).digest())


class _PlainLink(msgspec.Struct, forbid_unknown_fields=True):
    caller: str
    to: str
    scopes: list[str]
    left_ms: int
    signature: str


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    principal: str
    caller: str
    links: list[_PlainLink]
    scopes: list[str]
    task: str
    left_ms: int
    signature: str


def read_on_behalf(meta: object) -> OnBehalf:
    """Return what a call's ``_meta`` says.

    Raises:
        UsageError: it says nothing about on whose behalf, or not in our form.
    """
    if not (isinstance(meta, dict) and META in meta):
        raise UsageError(f"the call does not say on whose behalf it is made: there is no {META!r} in its _meta")
    try:
        plain = msgspec.convert(meta[META], _Plain)
        return OnBehalf(
            principal=plain.principal,
            caller=_peer(plain.caller),
            links=tuple(map(_link, plain.links)),
            scopes=tuple(plain.scopes),
            task=plain.task,
            left_ms=plain.left_ms,
            signature=bytes.fromhex(plain.signature),
        )
    except (msgspec.ValidationError, ValueError) as why:
        raise UsageError(f"{META!r} in the call's _meta is not of its form: {why}") from why


def _link(plain: _PlainLink) -> PassedOn:
    return PassedOn(
        caller=_peer(plain.caller),
        to=_peer(plain.to),
        scopes=tuple(plain.scopes),
        left_ms=plain.left_ms,
        signature=bytes.fromhex(plain.signature),
    )


def _peer(text: str) -> PeerId:
    peer = bytes.fromhex(text)
    if len(peer) != 32:
        raise UsageError(f"a peer's id has 32 bytes, got {len(peer)}")
    return PeerId(peer)
