"""What is said in a roll-out: who is to run something new, and how each of them fares with it.

`Rollout` announces an artefact in a few hundred bytes; the artefact itself is a blob, and only those whom the roll-out
is for ask for it. `RolloutState` is one peer's word on one roll-out. Everything else is a fold over these: see
`rollouts_of`.

Source: Geng, Li, Givigi, Adams 2025, "SwarmUpdate", arXiv:2503.13784 (updates for types of peers, in a hierarchy);
staged waves behind a canary are usual practice in operations. Fields: the project's card. Ours: what must be decided
by a swarm, versions, and no clock (`not_before` and `expires` of the card are left out: clocks decide nothing here).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, Body, MessageId, PeerId, UsageError, encode_canonical, well_formed
from waggledance.mesh._blob_messages import CHUNK_BYTES, MAX_CHUNKS

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]

_SLOT = re.compile(r"(?=.{1,128}\Z)[a-z]+/[a-z0-9][a-z0-9._-]*")
_DOMAIN = b"waggle/rollout/1\0"

PLAIN = "data/"
"""How the slots begin whose content a peer merely reads, and never runs or obeys."""


class Target(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whom a roll-out is for: peers of any of the types that have all of the tags, without those named."""

    types: tuple[_Name, ...] = ()
    """Types form a tree: ``"drone"`` is also for ``"drone/camera"``. None for all types."""
    tags: tuple[_Name, ...] = ()
    not_peers: tuple[_Hash, ...] = ()


class Traits(msgspec.Struct, frozen=True, gc=False):
    """What a peer's capability record says it is."""

    types: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


NO_TRAITS = Traits()


def matches(target: Target, peer: PeerId, traits: Traits) -> bool:
    """Say whether a roll-out is for a peer.

    >>> camera = Traits(frozenset({"drone/camera"}), frozenset({"gpu"}))
    >>> matches(Target(types=("drone",)), PeerId(bytes(32)), camera)
    True
    >>> matches(Target(types=("drone",), tags=("arm",)), PeerId(bytes(32)), camera)
    False
    """
    of_type = not target.types or any(
        mine == wanted or mine.startswith(wanted + "/") for wanted in target.types for mine in traits.types
    )
    return of_type and traits.tags.issuperset(target.tags) and peer not in target.not_peers


class Artefact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What travels: a whole file, or a patch."""

    h: _Hash
    """The blob."""
    n: Annotated[int, msgspec.Meta(ge=0, le=MAX_CHUNKS * CHUNK_BYTES)]
    """Its size in bytes."""
    ty: _Name
    """Its media type."""


class Rollout(Body, frozen=True, kw_only=True, gc=False):
    """Install this, wave by wave, while those who have it stay well; else everybody goes back."""

    kind: ClassVar[str] = "rollout/1"
    slot: str
    """What is replaced, such as ``"prompts/debate"``, ``"skill/search"``, ``"adapter/qwen"``, ``"data/prices"``."""
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    """Of what is in the slot. Of two roll-outs of one version the one that was said first goes on."""
    artefact: Artefact
    base: _Hash | None
    """BLAKE3 of what must be in the slot before; None for nothing. Any other base is refused, never merged."""
    result: _Hash
    """BLAKE3 of what is in the slot afterwards: of the artefact itself, or of what a patch makes of the base."""
    target: Target = Target()
    waves_ppm: tuple[int, ...] = (UNIT // 10, UNIT // 2, UNIT)
    """Shares of those it is for, growing, the last of them all; a single peer always goes before."""
    healthy_ppm: Annotated[int, msgspec.Meta(ge=1, le=UNIT)] = UNIT * 9 // 10
    """The health rule: the next wave begins when at least this share of the waves so far is well."""
    certificate: _Hash | None = None
    """The decision certificate in which a quorum decided `subject`; needed unless the slot begins with ``"data/"``."""

    def __post_init__(self) -> None:
        if _SLOT.fullmatch(self.slot) is None:
            raise UsageError(f"a slot is named like 'prompts/debate', in at most 128 characters; got {self.slot!r:.80}")
        shares = (0, *self.waves_ppm)
        if shares[-1] != UNIT or any(a >= b for a, b in pairwise(shares)):
            raise UsageError(f"waves grow from more than 0 to {UNIT} parts per million, got {self.waves_ppm}")
        if self.base == self.result:
            raise UsageError("a roll-out whose result is its base changes nothing")

    @property
    def subject(self) -> bytes:
        """What a certificate must have decided: the hash of everything here but the certificate, 32 bytes."""
        return blake3(_DOMAIN + encode_canonical(msgspec.structs.replace(self, certificate=None))).digest()

    @property
    def needs_certificate(self) -> bool:
        """Whether a member's signature is not enough: for all that a peer runs or obeys."""
        return not self.slot.startswith(PLAIN)


Stage = Literal["active", "failed", "rolled-back"]


class RolloutState(Body, frozen=True, kw_only=True, gc=False):
    """How its author fares with one roll-out."""

    kind: ClassVar[str] = "rollout-state/1"
    rollout: MessageId
    state: Stage
    """Installed and well; could not, or not well with it; back on the base after the roll-out was halted."""
    result: Annotated[bytes, msgspec.Meta(max_length=32)] = b""
    """BLAKE3 of what is in its slot now; empty for nothing."""
    why: Annotated[str, msgspec.Meta(max_length=500)] = ""

    @classmethod
    def of(cls, rollout: MessageId, state: Stage, result: bytes | None, why: str = "") -> RolloutState:
        """Make a state from loose words, made well-formed and cut to 500 characters."""
        return cls(rollout=rollout, state=state, result=result or b"", why=well_formed(well_formed(why)[:500]))
