"""Parts of a conversation in the neutral form of dialects, and back: so they go out by any door and come in by it.

A part's words and what its sender says about it travel as the piece's meta, under ``waggle``, where a dialect carries
that. What comes from elsewhere without words gets a line that says what it is: everybody must be able to follow.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from waggledance.core import BlobRef, Message, Meta, Part, Say, UsageError, well_formed
from waggledance.core._part import MAX_ALT_CHARS, MAX_INLINE_BYTES
from waggledance.gateways._dialect import Neutral, Piece

Keep = Callable[[bytes], BlobRef]
"""Takes content too large for a message, and says how it is referred to."""
Fetch = Callable[[Part], bytes | None]
"""Returns what a part holds; None where it is not here."""


class _About(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a piece's meta says about a part."""

    alt: str = ""
    meta: Meta | None = None


class _Outer(msgspec.Struct, frozen=True, omit_defaults=True):
    waggle: _About = _About()


def as_neutral(said: Message[Say], role: str, fetch: Fetch) -> Neutral:
    """Return a turn in the neutral form: its words first, then its parts.

    Args:
        said: the turn.
        role: ``"user"`` or ``"assistant"``.
        fetch: gets what parts hold.

    Raises:
        UsageError: the role is neither.
    """
    if role not in ("user", "assistant"):
        raise UsageError(f"a turn's role is user or assistant, got {role!r}")
    words = (Piece(text=said.body.text),) if said.body.text else ()
    pieces = (*words, *(as_piece(part, fetch(part)) for part in said.body.parts))
    return Neutral(role="user" if role == "user" else "assistant", pieces=pieces, id=said.id.hex())


def as_piece(part: Part, content: bytes | None) -> Piece:
    """Return a part as a piece.

    Args:
        part: the part.
        content: what it holds; its words stand for it when None.
    """
    about = _About(part.alt, part.meta)
    meta = msgspec.json.encode(_Outer(about)).decode()
    name = "" if part.blob is None else part.blob.name
    if part.text:
        return Piece(text=part.text, type=part.type, meta=meta)
    if content is None:
        return Piece(text=f"[{part.type}] {part.words}")
    return Piece(content=content, type=part.type, name=name, meta=meta)


def as_part(piece: Piece, keep: Keep) -> Part:
    """Return a piece as a part.

    Args:
        piece: the piece; one that is only an address becomes words, because nobody fetches it.
        keep: takes content of more than 32 KiB.

    Raises:
        UsageError: its media type, name or what is said about it cannot be a part's.
    """
    about = _about(piece)
    if piece.content is None:
        words = piece.text if piece.text is not None else piece.data
        text = well_formed(words if words is not None else piece.stand_in)
        type = piece.type if piece.text is not None and piece.type.startswith("text/") else "text/plain"
        return Part(type=type, text=text, alt=about.alt, meta=about.meta)
    type = "application/octet-stream" if "*" in piece.type or not piece.type else piece.type.lower()
    alt = about.alt or well_formed(f"{piece.name or type}, sent without a description")[:MAX_ALT_CHARS]
    if len(piece.content) <= MAX_INLINE_BYTES and piece.content and not piece.name:
        return Part(type=type, inline=piece.content, alt=alt, meta=about.meta)
    kept = keep(piece.content)
    blob = BlobRef(kept.hash, kept.size_bytes, well_formed(piece.name))
    return Part(type=type, blob=blob, alt=alt, meta=about.meta)


def _about(piece: Piece) -> _About:
    """Return what our own side has said about a piece; nothing where it has not."""
    if not piece.meta:
        return _About()
    try:
        return msgspec.json.decode(piece.meta, type=_Outer).waggle
    except msgspec.DecodeError:
        return _About()
