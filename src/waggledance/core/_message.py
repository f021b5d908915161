"""The envelope: one canonical byte string per message, named by its hash.

Wire form of a message (`frame`): MessagePack ``[body: bytes, sig: bytes]``. The body is canonical MessagePack of a map
with sorted keys; swarm and channel are inside, so that replaying it elsewhere fails:

    au  32 bytes   author's Ed25519 key          lc  int        1 + max(lc of pv and pa), 1 for none
    bl  list       blob references, optional     net 16 bytes   swarm
    bo  bytes      the body, ≤ 64 KiB            pa  [32 bytes] ids it builds on: sorted, unique, ≤ 64, without pv
    ch  str ≤ 128  channel                       pv  32 bytes   the author's previous message here; nil iff sq = 1
    ki  str ≤ 64   kind, such as "proposal/1"    sq  int        author's counter in this channel, from 1, no gaps
                                                 ts  int        author's clock in ms: for people, never for decisions
    v   int        1                             xp  int        expiry in ms, optional

    id  = blake3("waggle/msg/1\\0" ‖ body)        sig = Ed25519(id), or empty inside one process

Canonical means: sorted string keys, shortest forms, NFC strings, no floats outside ``bo``. A decoder that encodes again
and compares catches duplicate keys, unsorted keys and long forms, all of which MessagePack decoders accept silently.
Source: the project's envelope specification; test vectors in ``tests/core/envelope_vectors.json``.
"""

from __future__ import annotations

from operator import ge
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast
from unicodedata import is_normalized

import msgspec
from blake3 import blake3

from waggledance.core._errors import PeerFault, UsageError
from waggledance.core._ids import MessageId, PeerId, SwarmId
from waggledance.core._plain import check_plain, has_only_text

MAX_FRAME_BYTES = 96 * 1024
MAX_BODY_BYTES = 64 * 1024
MAX_PARENTS = 64
MAX_CHANNEL_CHARS = 128
MAX_KIND_CHARS = 64

_DOMAIN = b"waggle/msg/1\0"

KINDS: dict[str, type[Body]] = {}
"""Every body type that this process knows, by kind; `Body` subclasses register themselves."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says. Subclass it, frozen, with a `kind` of your own such as ``"dance/1"``.

    Fields are integers, strings, bytes, booleans, None, tuples and nested structs: no floats, because decisions are
    made from bodies and floats differ between machines. Validate in ``__post_init__`` and raise `UsageError`.
    """

    kind: ClassVar[str] = ""
    round: int = 0

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        if "kind" in cls.__dict__:
            other = KINDS.get(cls.kind)
            if other is not None and other.__qualname__ != cls.__qualname__:
                raise UsageError(f"two bodies claim the kind {cls.kind!r}: {other.__qualname__}, {cls.__qualname__}")
            KINDS[cls.kind] = cls


class Unknown(Body, frozen=True):
    """A body of a kind that this process does not know: kept and passed on, never dropped."""

    kind_name: str
    raw: bytes


B = TypeVar("B", bound=Body)
B_co = TypeVar("B_co", bound=Body, covariant=True)


_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_Count = Annotated[int, msgspec.Meta(ge=1)]


class Blob(msgspec.Struct, frozen=True, gc=False):
    """A reference to a large body kept elsewhere: its hash, its size in bytes, its media type."""

    h: _Hash
    n: Annotated[int, msgspec.Meta(ge=0)]
    ty: str


class Message(msgspec.Struct, Generic[B_co], frozen=True, gc=False, eq=False):
    """A body with its envelope. Two messages are equal when their ids are."""

    id: MessageId
    author: PeerId
    body: B_co
    sequence: int
    previous: MessageId | None
    parents: tuple[MessageId, ...]
    lamport: int
    wall_ms: int
    swarm: SwarmId
    channel: str
    signature: bytes = b""
    blobs: tuple[Blob, ...] = ()
    expires_ms: int | None = None

    @property
    def kind(self) -> str:
        """The body's kind, such as ``"proposal/1"``, known here or not."""
        body: Body = self.body
        return body.kind_name if isinstance(body, Unknown) else body.kind

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.id == other.id  # pyright: ignore[reportUnknownMemberType]

    def __hash__(self) -> int:
        return hash(self.id)

    def __lt__(self, other: Message[Any]) -> bool:
        return self.id < other.id


class Envelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """The wire form's map; fields stand in sorted order, so that encoding is canonical."""

    au: _Hash
    bl: tuple[Blob, ...] | msgspec.UnsetType = msgspec.UNSET
    bo: Annotated[bytes, msgspec.Meta(max_length=MAX_BODY_BYTES)]
    ch: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHANNEL_CHARS)]
    ki: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KIND_CHARS)]
    lc: _Count
    net: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    pa: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=MAX_PARENTS)]
    pv: _Hash | None
    sq: _Count
    ts: int
    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    xp: int | msgspec.UnsetType = msgspec.UNSET


class _PlainEnvelope(msgspec.Struct, frozen=True, gc=False):
    """An envelope without blobs and expiry, by position: the same bytes for half the time, as most messages need."""

    au: bytes
    bo: bytes
    ch: str
    ki: str
    lc: int
    net: bytes
    pa: tuple[bytes, ...]
    pv: bytes | None
    sq: int
    ts: int
    v: int


_encoder = msgspec.msgpack.Encoder(order="deterministic")
encode_canonical = _encoder.encode
"""Encode a value as canonical MessagePack."""

_encode_body = msgspec.msgpack.Encoder(order="sorted").encode
"""Bodies have sorted keys, whatever order a type declares its fields in: those who do not know a kind can check it."""

_encode_json = msgspec.json.Encoder().encode

_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
_decode_frame = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode
_decode_any = msgspec.msgpack.Decoder().decode
_body_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {}


def compose(
    author: PeerId,
    body: B,
    sequence: int,
    previous: MessageId | None,
    parents: tuple[MessageId, ...],
    lamport: int,
    wall_ms: int,
    swarm: SwarmId,
    channel: str,
) -> tuple[Message[B], bytes]:
    """Make a message; return it with its canonical bytes.

    Raises:
        UsageError: the encoded body is larger than 64 KiB, or its type has no kind.
    """
    kind = body.kind
    bo = _encode_body(body)
    if not kind:
        raise UsageError(f'{type(body).__name__} has no kind; give the type one, as in kind = "dance/1"')
    if len(bo) > MAX_BODY_BYTES:
        raise UsageError(
            f"a {kind} body has {len(bo):,} bytes, the limit is {MAX_BODY_BYTES:,}: "
            "shorten its text, or publish a hash of it"
        )
    raw = encode_canonical(
        _PlainEnvelope(author, bo, channel, kind, lamport, swarm, parents, previous, sequence, wall_ms, 1)
    )
    id = MessageId(blake3(_DOMAIN + raw).digest())
    return Message(id, author, body, sequence, previous, parents, lamport, wall_ms, swarm, channel), raw


def encode(message: Message[Any]) -> bytes:
    """Return a message's canonical bytes, the ones its id is the hash of."""
    body = message.body
    return _encoder.encode(
        Envelope(
            au=message.author,
            bl=message.blobs or msgspec.UNSET,
            bo=body.raw if isinstance(body, Unknown) else _encode_body(body),
            ch=message.channel,
            ki=message.kind,
            lc=message.lamport,
            net=message.swarm,
            pa=message.parents,
            pv=message.previous,
            sq=message.sequence,
            ts=message.wall_ms,
            v=1,
            xp=msgspec.UNSET if message.expires_ms is None else message.expires_ms,
        )
    )


def frame(message: Message[Any]) -> bytes:
    """Return a message as it travels: its canonical bytes and its signature."""
    return _encoder.encode((encode(message), message.signature))


def open_frame(received: bytes) -> Message[Any]:
    """Read a frame: the checks that need no memory of the channel, in the order of the specification.

    Length, then schema (unknown fields refused), then *encoding again gives the received bytes*, then limits. Who the
    author is, whether the signature holds and whether the parents are known is for the `Door`.

    Raises:
        PeerFault: with reason ``oversize``, ``malformed``, ``not-canonical`` or ``limits``.
    """
    if len(received) > MAX_FRAME_BYTES:
        raise PeerFault("oversize", f"a frame of {len(received):,} bytes; the limit is {MAX_FRAME_BYTES:,}")
    try:
        raw, signature = _decode_frame(received)
    except msgspec.DecodeError as why:
        raise PeerFault("malformed", f"not a frame [body, signature]: {why}") from why
    if _encoder.encode((raw, signature)) != received:
        raise PeerFault("not-canonical", "the frame is not in its shortest form")
    if len(signature) not in (0, 64):
        raise PeerFault("limits", f"a signature of {len(signature)} bytes; it must have 64, or 0 inside one process")
    return decode(raw, signature)


def raw_of(opened: bytes) -> bytes:
    """Return a message's canonical bytes out of its frame, which `open_frame` has opened: cheaper than `encode`."""
    return _decode_frame(opened)[0]


def message_id(raw: bytes) -> MessageId:
    """Return the id of the message with these canonical bytes."""
    return MessageId(blake3(_DOMAIN + raw).digest())


def decode(raw: bytes, signature: bytes = b"") -> Message[Any]:
    """Read a message's canonical bytes.

    Raises:
        PeerFault: with reason ``malformed``, ``not-canonical`` or ``limits``.
    """
    try:
        envelope = _decode_envelope(raw)
    except msgspec.DecodeError as why:
        raise PeerFault("malformed", f"not an envelope: {why}") from why
    except UnicodeDecodeError as why:
        raise PeerFault("malformed", f"a string is not UTF-8: {why}") from why
    if _encoder.encode(envelope) != raw:
        raise PeerFault("not-canonical", "encoding the envelope again gives other bytes (unsorted, repeated or long)")
    _check_limits(envelope)
    blobs = () if envelope.bl is msgspec.UNSET else envelope.bl
    expires_ms = None if envelope.xp is msgspec.UNSET else envelope.xp
    return Message(
        message_id(raw),
        PeerId(envelope.au),
        decode_body(envelope.ki, envelope.bo),
        envelope.sq,
        None if envelope.pv is None else MessageId(envelope.pv),
        cast("tuple[MessageId, ...]", envelope.pa),
        envelope.lc,
        envelope.ts,
        SwarmId(envelope.net),
        envelope.ch,
        signature,
        blobs,
        expires_ms,
    )


def decode_body(kind: str, raw: bytes) -> Body:
    """Read a body of a kind; one of an unknown kind comes back as `Unknown`.

    Raises:
        PeerFault: with reason ``malformed``, ``not-canonical`` or ``limits``.
    """
    try:
        known = KINDS.get(kind)
        if known is None:
            plain = _decode_any(raw)
            check_plain(plain)
            if _encode_body(plain) != raw:
                raise PeerFault("not-canonical", f"a body of kind {kind!r} is not in canonical form")
            return Unknown(kind_name=kind, raw=raw)
        decoder = _body_decoders.get(kind)
        if decoder is None:
            decoder = _body_decoders[kind] = msgspec.msgpack.Decoder(known)
        body: Body = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise PeerFault("malformed", f"not a body of kind {kind!r}: {why}") from why
    if _encode_body(body) != raw:
        raise PeerFault("not-canonical", f"encoding the {kind!r} body again gives other bytes")
    if not (has_only_text(known) and _encode_json(body).isascii()):
        check_plain(_decode_any(raw))
    return body


def _check_limits(envelope: Envelope) -> None:
    parents = envelope.pa
    if any(map(ge, parents, parents[1:])):
        raise PeerFault("limits", "parents are not sorted, or one stands twice")
    if envelope.pv in parents:
        raise PeerFault("limits", "the author's previous message is repeated among the parents")
    if (envelope.pv is None) != (envelope.sq == 1):
        raise PeerFault("limits", f"number {envelope.sq} of an author {'lacks' if envelope.pv is None else 'has'} "
                                  "a previous message")  # fmt: skip
    for text in (envelope.ch, envelope.ki):
        if not is_normalized("NFC", text):
            raise PeerFault("limits", f"the string {text!r} is not in Unicode form NFC")
    for number in (envelope.lc, envelope.sq, envelope.ts):
        if not -(2**63) <= number < 2**63:
            raise PeerFault("limits", f"the number {number} does not fit 64 bits")
