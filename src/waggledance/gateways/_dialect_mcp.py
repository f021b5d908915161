"""Messages of the Model Context Protocol, revision 2026-07-28: a role, and content blocks.

    neutral                         block
    text, of no type and no name    text
    image/*, audio/* content        image, audio
    other content                   resource with a blob
    data                            resource with a text, of type application/json
    text with a type or a name      resource with a text
    url                             resource_link

A resource has an address: content that has none is given one that says so, ``attachment:NAME``.

Source: MCP specification, revision 2026-07-28, server features, "Content types"; `_meta` of blocks.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._dialect import DialectError, Loss, Neutral, Piece, losses
from waggledance.gateways._dialect_wire import object_of, raw_of, read_as

_ID = "mcp/2026-07-28"
_JSON = "application/json"
_ATTACHED = "attachment:"
_Meta = msgspec.Raw | msgspec.UnsetType


class _Text(msgspec.Struct, frozen=True, omit_defaults=True, tag="text", kw_only=True):
    text: str
    meta: _Meta = msgspec.field(name="_meta", default=msgspec.UNSET)


class _Image(msgspec.Struct, frozen=True, omit_defaults=True, tag="image", rename="camel", kw_only=True):
    data: bytes
    mime_type: str
    meta: _Meta = msgspec.field(name="_meta", default=msgspec.UNSET)


class _Audio(msgspec.Struct, frozen=True, omit_defaults=True, tag="audio", rename="camel", kw_only=True):
    data: bytes
    mime_type: str
    meta: _Meta = msgspec.field(name="_meta", default=msgspec.UNSET)


class _Contents(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    uri: str
    mime_type: str = ""
    text: str | msgspec.UnsetType = msgspec.UNSET
    blob: bytes | msgspec.UnsetType = msgspec.UNSET


class _Resource(msgspec.Struct, frozen=True, omit_defaults=True, tag="resource", kw_only=True):
    resource: _Contents
    meta: _Meta = msgspec.field(name="_meta", default=msgspec.UNSET)


class _Link(msgspec.Struct, frozen=True, omit_defaults=True, tag="resource_link", rename="camel", kw_only=True):
    uri: str
    name: str
    """Always written, for MCP demands one; empty where there is none."""
    mime_type: str = ""
    meta: _Meta = msgspec.field(name="_meta", default=msgspec.UNSET)


_Block = _Text | _Image | _Audio | _Resource | _Link


class _Message(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    role: Literal["user", "assistant"]
    content: tuple[_Block, ...] | _Block
    meta: _Meta = msgspec.field(name="_meta", default=msgspec.UNSET)


class MCPDialect:
    """Messages of MCP, with one content block or several."""

    id = _ID

    def read(self, raw: bytes) -> Neutral:
        """Return a message. Annotations are hints for screens, and passed over."""
        said = read_as(_Message, raw, self.id)
        blocks = said.content if isinstance(said.content, tuple) else (said.content,)
        try:
            return Neutral(role=said.role, pieces=tuple(map(_piece, blocks)), meta=object_of(said.meta, self.id))
        except UsageError as why:
            raise DialectError("malformed", f"no message of {self.id}: {why}") from why

    def carried(self, message: Neutral) -> Neutral:
        """Return the message without ids, task, conversation and references, which MCP keeps outside of messages."""
        role = "user" if message.role == "system" else message.role
        return Neutral(role=role, pieces=tuple(map(_carried, message.pieces)), meta=message.meta)

    def write(self, message: Neutral) -> tuple[bytes, tuple[Loss, ...]]:
        """Return a message in this dialect, and what it does not carry."""
        carried = self.carried(message)
        role: Literal["user", "assistant"] = "assistant" if carried.role == "assistant" else "user"
        said = _Message(role=role, content=tuple(map(_block, carried.pieces)), meta=raw_of(carried.meta))
        return msgspec.json.encode(said), losses(self, message)


def _carried(piece: Piece) -> Piece:
    if piece.data is not None:
        return msgspec.structs.replace(piece, type=_JSON)
    if piece.text is not None:
        # a text of type JSON that is JSON would be read as data: then it is carried as plain words
        plain = piece.type == _JSON and _is_json(piece.text)
        return msgspec.structs.replace(piece, type="" if plain else piece.type)
    if piece.content is not None and piece.type.startswith(("image/", "audio/")):
        return msgspec.structs.replace(piece, name="")
    return piece


def _block(piece: Piece) -> _Block:
    meta = raw_of(piece.meta)
    if piece.url is not None:
        return _Link(uri=piece.url, name=piece.name, mime_type=piece.type, meta=meta)
    if piece.content is not None and piece.type.startswith("image/"):
        return _Image(data=piece.content, mime_type=piece.type, meta=meta)
    if piece.content is not None and piece.type.startswith("audio/"):
        return _Audio(data=piece.content, mime_type=piece.type, meta=meta)
    uri = _ATTACHED + quote(piece.name, safe="")
    if piece.content is not None:
        return _Resource(resource=_Contents(uri=uri, mime_type=piece.type, blob=piece.content), meta=meta)
    text = piece.text if piece.data is None else piece.data
    assert text is not None
    if piece.data is None and not (piece.type or piece.name):
        return _Text(text=text, meta=meta)
    return _Resource(resource=_Contents(uri=uri, mime_type=piece.type, text=text), meta=meta)


def _piece(block: _Block) -> Piece:
    meta = object_of(block.meta, _ID)
    if isinstance(block, _Text):
        return Piece(text=block.text, meta=meta)
    if isinstance(block, _Link):
        return Piece(url=block.uri, name=block.name, type=block.mime_type, meta=meta)
    if isinstance(block, _Image | _Audio):
        return Piece(content=block.data, type=block.mime_type, meta=meta)
    inside = block.resource
    name = unquote(inside.uri.removeprefix(_ATTACHED)) if inside.uri.startswith(_ATTACHED) else inside.uri
    if inside.blob is not msgspec.UNSET:
        return Piece(content=inside.blob, type=inside.mime_type, name=name, meta=meta)
    if inside.text is msgspec.UNSET:
        raise DialectError("malformed", f"in {_ID} a resource has a text or a blob")
    if inside.mime_type == _JSON and _is_json(inside.text):
        return Piece(data=inside.text, type=_JSON, name=name, meta=meta)
    return Piece(text=inside.text, type=inside.mime_type, name=name, meta=meta)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
    return True
