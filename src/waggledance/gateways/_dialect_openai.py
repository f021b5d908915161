"""Messages of OpenAI's chat completions: a role and words; of a user also images, speech and files.

Tool calls and their results are refused as ``unsupported``: nobody translates arguments of tools.

Source: OpenAI API reference, "Create chat completion", request messages and content parts (as of 2026).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from typing import Literal

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._dialect import DialectError, Loss, Neutral, Piece, losses
from waggledance.gateways._dialect_wire import read_as, text_of

_ID = "openai-chat/1"
_SPEECH = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_FORMATS = {type: format for format, type in _SPEECH.items()}
_ANY_IMAGE = "image/*"


class _Text(msgspec.Struct, frozen=True, tag="text"):
    text: str


class _At(msgspec.Struct, frozen=True):
    url: str


class _Image(msgspec.Struct, frozen=True, tag="image_url"):
    image_url: _At


class _Speech(msgspec.Struct, frozen=True):
    data: bytes
    format: Literal["wav", "mp3"]


class _Audio(msgspec.Struct, frozen=True, tag="input_audio"):
    input_audio: _Speech


class _Content(msgspec.Struct, frozen=True, omit_defaults=True):
    file_data: str
    filename: str = ""


class _File(msgspec.Struct, frozen=True, tag="file"):
    file: _Content


_Part = _Text | _Image | _Audio | _File


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[_Part, ...] | None = None
    tool_calls: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    function_call: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class OpenAIChatDialect:
    """Messages of OpenAI's chat completions."""

    id = _ID

    def read(self, raw: bytes) -> Neutral:
        """Return a message; a developer's is a system's."""
        said = read_as(_Message, raw, self.id)
        if _said(said.tool_calls) or _said(said.function_call) or said.role in ("tool", "function"):
            raise DialectError("unsupported", f"a tool call of {self.id} is no message for anybody else")
        if said.content is None:
            raise DialectError("malformed", f"a message of {self.id} without content")
        parts = (_Text(said.content),) if isinstance(said.content, str) else said.content
        try:
            return Neutral(role=_role(said.role), pieces=tuple(map(_piece, parts)))
        except UsageError as why:
            raise DialectError("malformed", f"no message of {self.id}: {why}") from why

    def carried(self, message: Neutral) -> Neutral:
        """Return the message as role and content: only users send more than words."""
        pieces = (_carried(piece, rich=message.role == "user") for piece in message.pieces)
        return Neutral(role=message.role, pieces=tuple(pieces))

    def write(self, message: Neutral) -> tuple[bytes, tuple[Loss, ...]]:
        """Return a message in this dialect, and what it does not carry."""
        carried = self.carried(message)
        parts = tuple(map(_part, carried.pieces))
        alone = parts[0].text if len(parts) == 1 and isinstance(parts[0], _Text) else parts
        return msgspec.json.encode(_Message(role=carried.role, content=alone)), losses(self, message)


def _said(calls: msgspec.Raw | msgspec.UnsetType) -> bool:
    return calls is not msgspec.UNSET and text_of(calls) not in ("null", "[]")


def _role(role: str) -> Literal["system", "user", "assistant"]:
    return "user" if role == "user" else "assistant" if role == "assistant" else "system"


def _carried(piece: Piece, *, rich: bool) -> Piece:
    if piece.text is not None:
        return Piece(text=piece.text)
    if piece.data is not None:
        return Piece(text=piece.data)
    image = piece.type.startswith("image/")
    if not rich or (piece.url is not None and (not image or piece.url.startswith("data:"))):
        return Piece(text=piece.stand_in)
    if piece.url is not None:
        return Piece(url=piece.url, type=_ANY_IMAGE)
    if image or piece.type in _FORMATS:
        return Piece(content=piece.content, type=piece.type if _writable(piece.type) else _ANY_IMAGE)
    return Piece(content=piece.content, type=piece.type if _writable(piece.type) else "", name=piece.name)


def _writable(type: str) -> bool:
    """Say whether a media type can stand in a data address and be read from it again."""
    return type.isascii() and type.isprintable() and not set(type) & set(';, "')


def _part(piece: Piece) -> _Part:
    if piece.text is not None:
        return _Text(piece.text)
    if piece.url is not None:
        return _Image(_At(piece.url))
    assert piece.content is not None
    if piece.type in _FORMATS:
        return _Audio(_Speech(piece.content, "wav" if piece.type == _SPEECH["wav"] else "mp3"))
    address = f"data:{piece.type};base64,{b64encode(piece.content).decode()}"
    if piece.type.startswith("image/"):
        return _Image(_At(address))
    return _File(_Content(address, piece.name))


def _piece(part: _Part) -> Piece:
    if isinstance(part, _Text):
        return Piece(text=part.text)
    if isinstance(part, _Audio):
        return Piece(content=part.input_audio.data, type=_SPEECH[part.input_audio.format])
    if isinstance(part, _File):
        type, content = _of_address(part.file.file_data)
        return Piece(content=content, type=type, name=part.file.filename)
    if not part.image_url.url.startswith("data:"):
        return Piece(url=part.image_url.url, type=_ANY_IMAGE)
    type, content = _of_address(part.image_url.url)
    return Piece(content=content, type=type)


def _of_address(address: str) -> tuple[str, bytes]:
    head, comma, written = address.partition(",")
    if not (comma and head.startswith("data:") and head.endswith(";base64")):
        raise DialectError("malformed", f"in {_ID} content stands in a data address in base64, got {address[:40]!r}")
    try:
        return head[len("data:") : -len(";base64")], b64decode(written, validate=True)
    except (NoBase64, ValueError) as why:
        raise DialectError("malformed", f"in {_ID} content is base64: {why}") from why
