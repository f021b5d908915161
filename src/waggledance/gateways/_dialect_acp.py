"""Messages of the Agent Communication Protocol 0.2: a role, and parts that each have a media type.

    neutral                         part
    text, of no type                text/plain, as it is
    text of another type            that type, as it is
    data                            application/json, or the type where it says JSON, as it is
    content                         its type, or application/octet-stream, in base64
    url                             content_url

ACP says who spoke in the role (``agent/NAME``) and when; that travels in the neutral message's meta, under ``acp``. A
part's metadata is a citation or a trajectory, and nothing else has a place there.

Source: Agent Communication Protocol, openapi 0.2.0 (August 2025), `Message` and `MessagePart`. The protocol has been
folded into A2A; agents that speak it are still about.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._dialect import DialectError, Loss, Neutral, Piece, losses
from waggledance.gateways._dialect_wire import object_of, raw_of, read_as

_ID = "acp/0.2"
_ROLE = re.compile(r"user|agent(/[a-zA-Z0-9_-]+)?")
_TEXT, _JSON, _BYTES = "text/plain", "application/json", "application/octet-stream"


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    name: str | None = None
    content_type: str | None = None
    content: str | None = None
    content_encoding: Literal["plain", "base64"] | None = "plain"
    content_url: str | None = None
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Message(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    role: str
    parts: tuple[_Part, ...]
    created_at: str | None = None
    completed_at: str | None = None


class _About(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True):
    """What ACP says of a message and a neutral one has no field for."""

    agent: str = ""
    created_at: str | None = None
    completed_at: str | None = None


class _Meta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    acp: _About


class _Kind(msgspec.Struct, frozen=True):
    kind: Literal["citation", "trajectory"]


class ACPDialect:
    """Messages of ACP 0.2."""

    id = _ID

    def read(self, raw: bytes) -> Neutral:
        """Return a message. Fields that are not known are passed over, as the protocol has it."""
        said = read_as(_Message, raw, self.id)
        if not _ROLE.fullmatch(said.role):
            raise DialectError("malformed", f"in {_ID} a role is user, agent or agent/NAME, got {said.role[:40]!r}")
        about = _About(agent=said.role.partition("/")[2], created_at=said.created_at, completed_at=said.completed_at)
        try:
            return Neutral(
                role="user" if said.role == "user" else "assistant",
                pieces=tuple(map(_piece, said.parts)),
                meta="" if about == _About() else msgspec.json.encode(_Meta(about)).decode(),
            )
        except UsageError as why:
            raise DialectError("malformed", f"no message of {_ID}: {why}") from why

    def carried(self, message: Neutral) -> Neutral:
        """Return the message with a system's words as its user's, its pieces as parts, and no ids."""
        role: Literal["user", "assistant"] = "assistant" if message.role == "assistant" else "user"
        pieces = tuple(_piece(_part(piece)) for piece in message.pieces)
        meta = message.meta if _about(message.meta, role) != _About() else ""
        return Neutral(role=role, pieces=pieces, meta=meta)

    def write(self, message: Neutral) -> tuple[bytes, tuple[Loss, ...]]:
        """Return a message in this dialect, and what it does not carry."""
        carried = self.carried(message)
        about = _about(carried.meta, carried.role)
        agent = f"agent/{about.agent}" if about.agent else "agent"
        said = _Message(
            role="user" if carried.role == "user" else agent,
            parts=tuple(map(_part, message.pieces)),
            created_at=about.created_at,
            completed_at=about.completed_at,
        )
        return msgspec.json.encode(said), losses(self, message)


def _about(meta: str, role: str) -> _About:
    """Return what a message's meta says in ACP's words; nothing where it says anything else."""
    try:
        about = msgspec.json.decode(meta, type=_Meta).acp if meta else _About()
    except msgspec.DecodeError:
        return _About()
    written = "user" if role == "user" else f"agent/{about.agent}" if about.agent else "agent"
    fits = bool(_ROLE.fullmatch(written)) and (role == "assistant" or not about.agent)
    return about if fits and msgspec.json.encode(_Meta(about)).decode() == meta else _About()


def _part(piece: Piece) -> _Part:
    name, meta = piece.name or None, raw_of(piece.meta if _has_kind(piece.meta) else "")
    if piece.url is not None:
        if not urlsplit(piece.url).scheme:
            return _Part(name=name, content_type=_TEXT, content=piece.stand_in, metadata=meta)
        return _Part(name=name, content_type=piece.type or _BYTES, content_url=piece.url, metadata=meta)
    if piece.content is not None:
        written, type = b64encode(piece.content).decode(), piece.type or _BYTES
        return _Part(name=name, content_type=type, content=written, content_encoding="base64", metadata=meta)
    if piece.data is not None:
        type = piece.type if _is_json(piece.type) else _JSON
        return _Part(name=name, content_type=type, content=piece.data, metadata=meta)
    return _Part(name=name, content_type=piece.type or _TEXT, content=piece.text or "", metadata=meta)


def _piece(part: _Part) -> Piece:
    name, type = part.name or "", part.content_type or _TEXT
    meta = object_of(part.metadata, _ID)
    if part.content_url is not None:
        if part.content is not None:
            raise DialectError("malformed", f"in {_ID} a part has content or an address of it, not both")
        return Piece(url=part.content_url, type="" if type == _BYTES else type, name=name, meta=meta)
    content = part.content or ""
    if part.content_encoding == "base64":
        try:
            decoded = b64decode(content, validate=True)
        except (NoBase64, ValueError) as why:
            raise DialectError("malformed", f"in {_ID} a part's content is base64: {why}") from why
        return Piece(content=decoded, type="" if type == _BYTES else type, name=name, meta=meta)
    if _is_json(type) and _reads(content):
        return Piece(data=content, type="" if type == _JSON else type, name=name, meta=meta)
    return Piece(text=content, type="" if type == _TEXT else type, name=name, meta=meta)


def _is_json(type: str) -> bool:
    return type == _JSON or type.endswith("+json")


def _reads(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _has_kind(meta: str) -> bool:
    try:
        msgspec.json.decode(meta, type=_Kind)
    except msgspec.DecodeError:
        return False
    return True
