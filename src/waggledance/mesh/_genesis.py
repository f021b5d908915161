"""The genesis of a swarm: who founds it, how others come in, how much decides, and what anyone may use up.

    swarm id = blake3("waggle/genesis/1\\0" ‖ canonical(genesis)), 16 bytes

The id stands in every message, so nobody can be talked into another genesis for the same swarm: whoever knows the id
can take the genesis from anyone and check it. It never changes; who belongs to the swarm later is what `membership_of`
makes of the lobby. It is kept as JSON that people can read and mail; it holds nothing secret.
Source: the project's network specification, §3 (genesis) and §5.2 (quorums); card `threats`, D3, D4, D14.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from blake3 import blake3

from waggledance.core import UNIT, Budget, Member, PeerId, SwarmId, UsageError, is_public_key, show
from waggledance.mesh._names import alike, check_file_name, check_shown_name

Admission = Literal["closed", "invited", "quorum"]
"""Who comes in: founders only; whoever holds an invite; whoever holds an invite and whom a quorum admits."""

MAX_GENESIS_BYTES = 256 * 1024
MAX_WEIGHT = 1_000_000 * UNIT
"""Of one member: so that sums of weights stay far from 64 bits."""

_DOMAIN = b"waggle/genesis/1\0"
_canonical = msgspec.msgpack.Encoder(order="sorted").encode

_Limit = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_Ceiling = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What anyone may use up; the same for all members."""

    messages_s: _Limit = 500
    """Messages a second by one author."""
    bytes_s: _Limit = 4 * 1024 * 1024
    """Bytes a second by one author."""
    open_channels: _Limit = 64
    """Questions that one asker may have open at once."""
    members: _Limit = 256
    """Members at most, founders included."""
    guests: _Limit = 64
    """Peers that one member's invites may bring in, in all."""
    granted_weight: _Ceiling = UNIT
    """Voting weight that one founder's invites may grant, in all. A founder who lies can lend this much to keys of its
    own, so it counts among what may lie; 0 makes invites bring in no votes."""
    tokens: _Ceiling | None = 200_000
    """Tokens that one question may cost a member at most; None for no ceiling. So with the next three. An asker names
    the protocol, so without a ceiling it could make others spend what it likes."""
    calls: _Ceiling | None = 200
    messages: _Ceiling | None = None
    seconds: _Ceiling | None = None

    def capped(self, budget: Budget) -> Budget:
        """Return a question's budget, as far as the swarm allows it.

        >>> print(Limits(tokens=9_000, calls=None).capped(Budget(tokens=20_000, usd=0.5)))
        9000 tokens, 0.5 usd
        """
        most = Budget(tokens=self.tokens, calls=self.calls, messages=self.messages, seconds=self.seconds)
        return budget.within(most)


class Genesis(msgspec.Struct, frozen=True, kw_only=True):
    """How a swarm was founded. Members are kept sorted by key: who stands first is nobody's advantage."""

    name: str
    """1 to 48 lower-case letters, digits and hyphens: it names a folder too."""
    members: tuple[Member, ...]
    """The founders: their keys, names and voting weights in parts per million, 0 to have no vote."""
    admission: Admission = "invited"
    quorum: Literal["byzantine", "crash"] = "byzantine"
    """What members may do wrong: lie, or only fall silent."""
    limits: Limits = Limits()
    version: Literal[1] = 1

    def __post_init__(self) -> None:
        check_file_name("swarm", self.name)
        for member in self.members:
            _check_founder(member)
        names = [alike(member.name) for member in self.members]
        if len(set(names)) < len(names):
            raise UsageError(
                f"two founders of {self.name!r} have names that look alike: {sorted(m.name for m in self.members)}"
            )
        if len({member.id for member in self.members}) < len(self.members):
            raise UsageError(f"a key stands twice among the founders of {self.name!r}: each founder has its own")
        if not any(member.weight for member in self.members):
            raise UsageError(f"no founder of {self.name!r} has a vote: give at least one a weight above 0")
        if len(self.members) > self.limits.members:
            raise UsageError(f"{len(self.members)} founders are more than the limit of {self.limits.members} members")
        msgspec.structs.force_setattr(self, "members", tuple(sorted(self.members, key=lambda member: member.id)))

    def canonical(self) -> bytes:
        """Return the bytes that the swarm's id is the hash of, as `open_genesis` reads them."""
        return _canonical(self)

    @property
    def swarm(self) -> SwarmId:
        """The swarm's id, 16 bytes."""
        return SwarmId(blake3(_DOMAIN + self.canonical()).digest(16))

    def founder(self, peer: PeerId) -> Member | None:
        """Return a founder by its key, or None."""
        return next((member for member in self.members if member.id == peer), None)

    def to_json(self) -> str:
        """Return the genesis as text for people and mails, keys in hexadecimal."""
        fields = msgspec.structs.asdict(self)
        fields["members"] = [{"key": m.id.hex(), "name": m.name, "weight": m.weight} for m in self.members]
        ordered = {"waggle_genesis": self.version, "swarm": self.swarm.hex(), **fields}
        del ordered["version"]
        return msgspec.json.format(msgspec.json.encode(ordered), indent=2).decode() + "\n"


def genesis_from_json(text: str | bytes) -> Genesis:
    """Read what `to_json` has written.

    Raises:
        UsageError: it is no genesis, a newer one than this version reads, names another id than it has, or one of the
            laws of a genesis is broken.
    """
    if len(text) > MAX_GENESIS_BYTES:
        raise UsageError(f"a genesis of {len(text):,} bytes; the limit is {MAX_GENESIS_BYTES:,}")
    try:
        version = msgspec.json.decode(text, type=_Versioned).waggle_genesis
        if version != 1:
            raise UsageError(f"this genesis has version {version}, and this waggledance reads version 1: update it")
        written = msgspec.json.decode(text, type=_Written)
        genesis = Genesis(
            name=written.name,
            members=tuple(Member(_key(row.key), row.name, row.weight) for row in written.members),
            admission=written.admission,
            quorum=written.quorum,
            limits=written.limits,
        )
    except (msgspec.DecodeError, UnicodeError, RecursionError) as why:
        raise UsageError(f"this is not a genesis that can be read: {why}") from why
    if written.swarm is not None and written.swarm != genesis.swarm.hex():
        raise UsageError(
            f"the genesis says it is swarm {written.swarm:.40}, and what it says makes it {genesis.swarm.hex()}: "
            'it was changed. Get it again from somebody you trust; in one you write yourself leave out "swarm"'
        )
    return genesis


def open_genesis(raw: bytes, swarm: SwarmId) -> Genesis:
    """Read the canonical bytes of a known swarm's genesis, from whomever they come.

    Raises:
        UsageError: these are not the bytes that the swarm's id is the hash of, or this version cannot read them.
    """
    if blake3(_DOMAIN + raw[:MAX_GENESIS_BYTES]).digest(16) != swarm:
        raise UsageError(f"what was sent as the genesis of swarm {swarm.hex()} is another one")
    try:
        genesis = msgspec.msgpack.decode(raw, type=Genesis)
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise UsageError(f"the genesis of swarm {swarm.hex()} cannot be read by this version: {why}") from why
    if genesis.canonical() != raw:
        raise UsageError(f"the genesis of swarm {swarm.hex()} is not in canonical form, or of a newer version")
    return genesis


def load_genesis(path: Path) -> Genesis:
    """Read a genesis file.

    Raises:
        UsageError: it is not there, or what `genesis_from_json` raises, with the file.
    """
    try:
        with path.open("rb") as source:
            return genesis_from_json(source.read(MAX_GENESIS_BYTES + 1))
    except OSError as why:
        raise UsageError(f"the genesis {path} cannot be read: {(why.strerror or str(why)).lower()}") from why
    except UsageError as why:
        raise UsageError(f"{path}: {why}") from why


class _Versioned(msgspec.Struct):
    waggle_genesis: int


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    name: str
    weight: int = UNIT


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    waggle_genesis: int
    name: str
    members: list[_Row]
    swarm: str | None = None
    admission: Admission = "invited"
    quorum: Literal["byzantine", "crash"] = "byzantine"
    limits: Limits = Limits()


def _key(text: str) -> PeerId:
    try:
        return PeerId(bytes.fromhex(text))
    except ValueError:
        raise UsageError(f"a key is 64 hexadecimal digits, as `waggle id show` prints it; got {text!r:.80}") from None


def _check_founder(member: Member) -> None:
    check_shown_name(member.name)
    if not is_public_key(member.id):
        raise UsageError(
            f"{show(member.id)} of {member.name!r} is not a key that signatures can be told by; "
            "`waggle id show` prints one"
        )
    if not 0 <= member.weight <= MAX_WEIGHT:
        raise UsageError(
            f"{member.name!r} has weight {member.weight}; weights are 0 to {MAX_WEIGHT:,} parts per million"
        )
