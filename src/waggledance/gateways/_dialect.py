"""Message dialects: one neutral form in the middle, and for every dialect what it carries of that and what not.

A star, not a net: with a neutral form in the middle k dialects need k readers and writers, every translation has two
steps, and there is no path to look for. What a dialect cannot carry is said, field by field: a dialect's `carried` is
the message as it will arrive, and the losses are the difference. The foreign bytes stay beside the translation, so that
nothing is gone and signatures over them can still be checked. Nothing is ever reworded: a translation moves fields, and
where it has no place for one it says so. Content that a dialect has no room for leaves a line of words in its place.

Source: the translation layer of Ioannides et al. 2025, "MOD-X", arXiv:2507.04376; its contents are ours.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from waggledance.core import PeerFault, UsageError

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MAX_PIECES = 256


class DialectError(PeerFault):
    """A foreign message that cannot be read.

    Reasons: ``oversize``; ``malformed``, when it is not of its dialect; ``unsupported``, when it is, but says what no
    neutral message can say, such as a tool call: arguments of tools are never translated.
    """


class Piece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One piece of a message: exactly one of words, JSON, content and an address."""

    text: str | None = None
    data: str | None = None
    """JSON, exactly as it came: numbers are not rounded, keys not sorted."""
    content: bytes | None = None
    url: str | None = None
    """Where the content is; nobody fetches it."""
    type: str = ""
    """The media type, such as ``"image/png"``; empty where it is not said."""
    name: str = ""
    """A file's name."""
    meta: str = ""
    """A JSON object about the piece, exactly as it came."""

    def __post_init__(self) -> None:
        if [self.text, self.data, self.content, self.url].count(None) != 3:
            raise UsageError("a piece of a message has exactly one of text, data, content and url")
        for json in (self.data, self.meta or None):
            if json is not None:
                _check_json(json)

    @property
    def stand_in(self) -> str:
        """A line of words for those who cannot be given the piece."""
        what = self.type or ("a file" if self.data is None else "application/json")
        size = "" if self.content is None else f", {len(self.content):,} bytes"
        return f"[{self.name or 'unnamed'}: {what}{size}{f', at {self.url}' if self.url else ', not carried'}]"


class Neutral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message in no dialect."""

    role: Literal["system", "user", "assistant"]
    pieces: tuple[Piece, ...]
    id: str = ""
    task: str = ""
    """The task that it belongs to."""
    context: str = ""
    """The conversation that it belongs to."""
    refs: tuple[str, ...] = ()
    """Tasks that it refers to."""
    extensions: tuple[str, ...] = ()
    """URIs of extensions that its meta is written in."""
    meta: str = ""
    """A JSON object about it, exactly as it came."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.pieces) <= MAX_PIECES:
            raise UsageError(f"a message has 1 to {MAX_PIECES} pieces, got {len(self.pieces)}")
        if self.meta:
            _check_json(self.meta)


class Loss(msgspec.Struct, frozen=True):
    """What a dialect did not carry, or carried as something else."""

    field: str
    """Such as ``"context"`` or ``"pieces[1].name"``; ``"pieces"`` where they are not as many."""
    why: str


class Dialect(Protocol):
    """How messages are written in one foreign protocol."""

    @property
    def id(self) -> str:
        """Its name with its version, such as ``"a2a/1.0"``."""
        ...

    def read(self, raw: bytes) -> Neutral:
        """Return a message as it stands in its dialect.

        Raises:
            DialectError: it does not.
        """
        ...

    def carried(self, message: Neutral) -> Neutral:
        """Return what would be read from the message, written in this dialect."""
        ...

    def write(self, message: Neutral) -> tuple[bytes, tuple[Loss, ...]]:
        """Return a message in this dialect, and what it does not carry of it: ``difference(message, carried)``."""
        ...


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """A message in another dialect: the translator's claim, with what it was made from."""

    raw: bytes
    losses: tuple[Loss, ...]
    dialect: str
    source: bytes
    """The message as it came."""
    source_dialect: str


def difference(message: Neutral, arrived: Neutral) -> tuple[str, ...]:
    """Return the fields in which two messages differ, as losses name them.

    >>> said = Neutral(role="user", pieces=(Piece(text="hi", name="a"),), task="t")
    >>> difference(said, Neutral(role="user", pieces=(Piece(text="hi"),)))
    ('pieces[0].name', 'task')
    """
    fields: list[str] = []
    for field in Neutral.__struct_fields__:
        if field != "pieces":
            if getattr(message, field) != getattr(arrived, field):
                fields.append(field)
        elif len(message.pieces) != len(arrived.pieces):
            fields.append(field)
        else:
            for i, (one, other) in enumerate(zip(message.pieces, arrived.pieces, strict=True)):
                differing = [f for f in Piece.__struct_fields__ if getattr(one, f) != getattr(other, f)]
                fields += [f"pieces[{i}].{f}" for f in differing]
    return tuple(fields)


def losses(dialect: Dialect, message: Neutral) -> tuple[Loss, ...]:
    """Return what a dialect does not carry of a message, in the order of its fields."""
    carried = dialect.carried(message)
    return tuple(Loss(field, _why(dialect.id, field, message, carried)) for field in difference(message, carried))


def _why(id: str, field: str, message: Neutral, carried: Neutral) -> str:
    if field == "pieces":
        return f"{id} carries {len(carried.pieces)} of {len(message.pieces)} pieces, with the words of all"
    if field == "role":
        return f"{id} has no role {message.role!r} here, and says {carried.role!r}"
    if field.endswith((".text", ".data", ".content", ".url")):
        return f"{id} has no place for this piece as it is: it is carried as words, or what was words as something else"
    return f"{id} has no place for it here"


def _check_json(text: str) -> None:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as why:
        raise UsageError(f"a message's data is JSON: {why}; got {text!r:.80}") from why
