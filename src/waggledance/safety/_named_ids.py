"""Which messages a body names: found once for each type of body, from the types of its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast, get_args, get_origin

import msgspec

from waggledance.core import Body, MessageId

Ids = Callable[[Any], Iterator[MessageId]]


def named_in(body: Body) -> tuple[MessageId, ...]:
    """Return the ids of messages that a body names, in the order of its fields; none of an unknown kind.

    A field counts whose type says `MessageId`, by itself, in a tuple, or in a struct inside.

    >>> from waggledance.core import Proposal
    >>> named_in(Proposal(key="4", refs=(MessageId(bytes(32)),))) == (bytes(32),)
    True
    """
    return tuple([id for ids in _readers_of(body) for id in ids(body)])


def _readers_of(value: msgspec.Struct) -> tuple[Ids, ...]:
    kind: type[msgspec.Struct] = value.__class__
    return _readers(kind)


@cache
def _readers(kind: type[msgspec.Struct]) -> tuple[Ids, ...]:
    """Return what reads the ids out of the fields of a struct that may hold some."""
    readers: list[Ids] = []
    for field in msgspec.structs.fields(kind):
        inner = _reader_of(field.type)
        if inner is not None:
            readers.append(_at(field.name, inner))
    return tuple(readers)


def _at(name: str, inner: Ids) -> Ids:
    def read(body: Any) -> Iterator[MessageId]:
        return inner(getattr(body, name))

    return read


def _reader_of(hint: Any) -> Ids | None:
    """Return what reads ids out of a value of a type; None where it has none."""
    if hint is MessageId:
        return _one
    if isinstance(hint, type) and issubclass(cast("type[object]", hint), msgspec.Struct):
        return _of_struct if _readers(cast("type[msgspec.Struct]", hint)) else None
    parts = [part for part in get_args(hint) if part is not Ellipsis]
    if get_origin(hint) is tuple and len(parts) == 1:
        inner = _reader_of(parts[0])
        return None if inner is None else _many(inner)
    if any(_reader_of(part) is not None for part in parts):  # a union, or something with notes on it
        return _any
    return None


def _one(id: MessageId) -> Iterator[MessageId]:
    yield id


def _many(inner: Ids) -> Ids:
    def read(values: Any) -> Iterator[MessageId]:
        for value in values:
            yield from inner(value)

    return read


def _of_struct(value: msgspec.Struct) -> Iterator[MessageId]:
    for ids in _readers_of(value):
        yield from ids(value)


def _any(value: Any) -> Iterator[MessageId]:
    if isinstance(value, msgspec.Struct):
        yield from _of_struct(value)
    elif isinstance(value, bytes):
        yield MessageId(value)
