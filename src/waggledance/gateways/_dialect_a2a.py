"""Messages of the Agent2Agent protocol 1.0 in JSON: everything neutral has a place there but the role of a system.

Source: Agent2Agent protocol 1.0, §4.1.4-§4.1.6 (Message, Role, Part), §5.5 (names of fields).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waggledance.core import UsageError
from waggledance.gateways._dialect import DialectError, Loss, Neutral, Piece, losses
from waggledance.gateways._dialect_wire import object_of, raw_of, read_as, text_of

_ID = "a2a/1.0"


class _Part(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    text: str | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    raw: bytes | msgspec.UnsetType = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    media_type: str = ""
    filename: str = ""
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Message(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", kw_only=True):
    message_id: str = ""
    context_id: str = ""
    task_id: str = ""
    role: Literal["ROLE_USER", "ROLE_AGENT"]
    parts: tuple[_Part, ...]
    metadata: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    extensions: tuple[str, ...] = ()
    reference_task_ids: tuple[str, ...] = ()


class A2ADialect:
    """Messages of A2A 1.0."""

    id = _ID

    def read(self, raw: bytes) -> Neutral:
        """Return a message. Fields that are not known are passed over, as the protocol has it."""
        said = read_as(_Message, raw, self.id)
        try:
            return Neutral(
                role="user" if said.role == "ROLE_USER" else "assistant",
                pieces=tuple(_piece(part) for part in said.parts),
                id=said.message_id,
                task=said.task_id,
                context=said.context_id,
                refs=said.reference_task_ids,
                extensions=said.extensions,
                meta=object_of(said.metadata, self.id),
            )
        except UsageError as why:
            raise DialectError("malformed", f"no message of {self.id}: {why}") from why

    def carried(self, message: Neutral) -> Neutral:
        """Return the message with a system's words as its user's: there are two roles."""
        return msgspec.structs.replace(message, role="user" if message.role == "system" else message.role)

    def write(self, message: Neutral) -> tuple[bytes, tuple[Loss, ...]]:
        """Return a message in this dialect, and what it does not carry."""
        carried = self.carried(message)
        said = _Message(
            message_id=carried.id,
            context_id=carried.context,
            task_id=carried.task,
            role="ROLE_USER" if carried.role == "user" else "ROLE_AGENT",
            parts=tuple(_part(piece) for piece in carried.pieces),
            metadata=raw_of(carried.meta),
            extensions=carried.extensions,
            reference_task_ids=carried.refs,
        )
        return msgspec.json.encode(said), losses(self, message)


def _piece(part: _Part) -> Piece:
    return Piece(
        text=None if part.text is msgspec.UNSET else part.text,
        data=None if part.data is msgspec.UNSET else text_of(part.data),
        content=None if part.raw is msgspec.UNSET else part.raw,
        url=None if part.url is msgspec.UNSET else part.url,
        type=part.media_type,
        name=part.filename,
        meta=object_of(part.metadata, _ID),
    )


def _part(piece: Piece) -> _Part:
    return _Part(
        text=msgspec.UNSET if piece.text is None else piece.text,
        data=msgspec.UNSET if piece.data is None else raw_of(piece.data),
        raw=msgspec.UNSET if piece.content is None else piece.content,
        url=msgspec.UNSET if piece.url is None else piece.url,
        media_type=piece.type,
        filename=piece.name,
        metadata=raw_of(piece.meta),
    )
