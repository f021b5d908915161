"""What goes over a room's WebSocket: one JSON object a frame, the same for every client.

    to the room    {"do": "enter", "name": "ada", "ticket": "", "after": 0}      once, first
                   {"do": "say", "text": "Hello.", "parts": []}
    from the room  {"is": "welcome", "room", "name", "ticket", "speakers": [], "here": []}
                   {"is": "said", "n", "id", "name", "text", "parts", "to": [], "wall_ms", "decided_in"}
                   {"is": "here", "names": []}      {"is": "busy", "name", "thinking"}      {"is": "refused", "why"}

Turns have numbers ``n`` from 1 that never change; to come back is to enter with one's ticket and the last number seen.
Texts are texts: whoever shows them as HTML must escape them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Annotated, TypeAlias

import msgspec

from waggledance.core import BlobRef, Message, Meta, Part, Say, UsageError, well_formed

MAX_FRAME_BYTES = 256 * 1024
"""Of what a client sends: some inline media, four thirds of their size in base64."""


class Attached(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A part as JSON has it: bytes in base64, hashes in hexadecimal."""

    type: str
    alt: str = ""
    text: str = ""
    inline: str = ""
    blob: str = ""
    """The hash of what was put at ``/chat/ROOM/blobs``."""
    size_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    name: str = ""
    meta: Meta | None = None

    @classmethod
    def of(cls, part: Part) -> Attached:
        """Return a part as JSON has it."""
        blob = part.blob
        return cls(
            type=part.type,
            alt=part.alt,
            text=part.text,
            inline=b64encode(part.inline).decode(),
            blob="" if blob is None else blob.hash.hex(),
            size_bytes=0 if blob is None else blob.size_bytes,
            name="" if blob is None else blob.name,
            meta=part.meta,
        )

    def part(self) -> Part:
        """Return the part.

        Raises:
            UsageError: it is none; says why.
        """
        try:
            inline, hash = b64decode(self.inline, validate=True), bytes.fromhex(self.blob)
        except (NotBase64, ValueError) as why:
            raise UsageError(f"a part's inline content is base64 and its blob's hash hexadecimal: {why}") from why
        if hash and len(hash) != 32:
            raise UsageError(f"a blob's hash has 64 hexadecimal digits, got {len(self.blob)}")
        blob = BlobRef(hash, self.size_bytes, self.name) if hash else None
        alt, text = well_formed(self.alt), well_formed(self.text)
        return Part(type=self.type, text=text, inline=inline, blob=blob, alt=alt, meta=self.meta)


class Enter(msgspec.Struct, frozen=True, tag_field="do", tag="enter", forbid_unknown_fields=True):
    """Come in; the first frame of a client."""

    name: str
    ticket: str = ""
    """What the welcome of the first time gave; empty for a new name."""
    after: int = 0
    """The number of the last turn seen: those after it come at once."""


class Utter(msgspec.Struct, frozen=True, tag_field="do", tag="say", forbid_unknown_fields=True):
    """Say something."""

    text: str = ""
    parts: tuple[Attached, ...] = ()


class Welcome(msgspec.Struct, frozen=True, tag_field="is", tag="welcome"):
    """Somebody is in."""

    room: str
    name: str
    ticket: str
    speakers: tuple[str, ...]
    here: tuple[str, ...]


class Said(msgspec.Struct, frozen=True, tag_field="is", tag="said"):
    """A turn."""

    n: int
    id: str
    name: str
    text: str
    parts: tuple[Attached, ...]
    to: tuple[str, ...]
    wall_ms: int
    decided_in: str = ""


class Here(msgspec.Struct, frozen=True, tag_field="is", tag="here"):
    """Who is in the room, by now."""

    names: tuple[str, ...]


class Busy(msgspec.Struct, frozen=True, tag_field="is", tag="busy"):
    """A swarm has begun to think about an answer, or has ended."""

    name: str
    thinking: bool


class Refused(msgspec.Struct, frozen=True, tag_field="is", tag="refused"):
    """What the client did last was not done."""

    why: str


FromClient: TypeAlias = Enter | Utter
FromRoom: TypeAlias = Welcome | Said | Here | Busy | Refused

encode_frame = msgspec.json.Encoder().encode
_from_client: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)
_from_room: msgspec.json.Decoder[FromRoom] = msgspec.json.Decoder(FromRoom)
decode_from_client = _from_client.decode
decode_from_room = _from_room.decode


def said_frame(number: int, message: Message[Say], name: str, to: tuple[str, ...]) -> Said:
    """Return a turn as a frame."""
    body = message.body
    parts = tuple(Attached.of(part) for part in body.parts)
    return Said(number, message.id.hex(), name, body.text, parts, to, message.wall_ms, body.decided_in)
