"""On whose behalf a call is made: who asked first, through whom, what it may touch, and how much time is left.

It travels with every call, signed by the peer that makes it. Each peer that passes a task on may take rights away and
never add any; time is sent as what is left, for clocks of different machines differ.

Source: Srinivasan 2026, arXiv:2603.13417 (context-aware broker protocol); field names are ours.
"""

from __future__ import annotations

from typing import Any

import msgspec
from blake3 import blake3

from waggledance.core import Key, MessageId, PeerId, UsageError, signature_holds

META = "waggle/ctx"
"""Under which name it stands in a call's ``_meta``."""
MAX_CHAIN = 16


class OnBehalf(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf something is done."""

    principal: str
    """The person or program that asked first."""
    caller: PeerId
    """The peer that makes this call; it signs."""
    through: tuple[PeerId, ...] = ()
    """The peers that passed it on, the first one first; the caller is not among them."""
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
        if len(self.through) > MAX_CHAIN:
            raise UsageError(f"a task was passed on {len(self.through)} times, the limit is {MAX_CHAIN}")
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
    def holds(self) -> bool:
        """Whether its caller has signed it as it is."""
        return signature_holds(self.caller, self._digest(), self.signature)

    def passed_to(
        self, caller: PeerId, *, scopes: tuple[str, ...] | None = None, left_ms: int | None = None
    ) -> OnBehalf:
        """Return what a peer acts on to whom this is passed on, unsigned; rights and time only shrink.

        Raises:
            UsageError: a scope is asked for that is not there.
        """
        wanted = self.scopes if scopes is None else tuple(sorted(set(scopes)))
        more = sorted(set(wanted) - set(self.scopes))
        if more:
            raise UsageError(f"the scope {more[0]!r} cannot be passed on by one who does not have it")
        left = self.left_ms if left_ms is None else min(left_ms, self.left_ms)
        through = (*self.through, self.caller)
        return msgspec.structs.replace(self, caller=caller, through=through, scopes=wanted, left_ms=left, signature=b"")

    def meta(self) -> dict[str, Any]:
        """Return it as a call's ``_meta`` carries it: ids in hexadecimal."""
        return {
            META: {
                "principal": self.principal,
                "caller": self.caller.hex(),
                "through": [peer.hex() for peer in self.through],
                "scopes": list(self.scopes),
                "task": self.task,
                "left_ms": self.left_ms,
                "signature": self.signature.hex(),
            }
        }

    def _digest(self) -> MessageId:
        bare = msgspec.structs.replace(self, signature=b"", left_ms=0)
        return MessageId(blake3(b"waggle/on-behalf/1\0" + msgspec.msgpack.encode(bare, order="deterministic")).digest())


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    principal: str
    caller: str
    through: list[str]
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
            through=tuple(map(_peer, plain.through)),
            scopes=tuple(plain.scopes),
            task=plain.task,
            left_ms=plain.left_ms,
            signature=bytes.fromhex(plain.signature),
        )
    except (msgspec.ValidationError, ValueError) as why:
        raise UsageError(f"{META!r} in the call's _meta is not of its form: {why}") from why


def _peer(text: str) -> PeerId:
    peer = bytes.fromhex(text)
    if len(peer) != 32:
        raise UsageError(f"a peer's id has 32 bytes, got {len(peer)}")
    return PeerId(peer)
