"""Which messages a body names: found once for each type of body, from the types of its fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, cast, get_args, get_origin

import msgspec

from waggledance.core import Body, MessageId

Ids = Callable[[Any], Sequence[MessageId]]


def named_in(body: Body) -> tuple[MessageId, ...]:
    """Return the ids of messages that a body names, in the order of its fields; none of an unknown kind.

    A field counts whose type says `MessageId`, by itself, in a tuple, or in a struct inside.

    >>> from waggledance.core import Proposal
    >>> named_in(Proposal(key="4", refs=(MessageId(bytes(32)),))) == (bytes(32),)
    True
    """
    readers = _readers(body.__class__)
    if not readers:
        return ()
    found = readers[0](body)
    for reader in readers[1:]:
        found = (*found, *reader(body))
    return tuple(found)


@cache
def _readers(kind: type[msgspec.Struct]) -> tuple[Ids, ...]:
    """Return what reads the ids out of the fields of a struct that may hold some."""
    readers: list[Ids] = []
    for field in msgspec.structs.fields(kind):
        inner = _reader_of(field.type)
        if inner is not None:
            readers.append(_at(attrgetter(field.name), inner))
    return tuple(readers)


def _at(get: Callable[[Any], Any], inner: Ids) -> Ids:
    return get if inner is _all else lambda body: inner(get(body))


def _reader_of(hint: Any) -> Ids | None:
    """Return what reads ids out of a value of a type; None where it has none."""
    if hint is MessageId:
        return _one
    if isinstance(hint, type) and issubclass(cast("type[object]", hint), msgspec.Struct):
        return _of_struct if _readers(cast("type[msgspec.Struct]", hint)) else None
    parts = [part for part in get_args(hint) if part is not Ellipsis]
    if get_origin(hint) is tuple and len(parts) == 1:
        inner = _reader_of(parts[0])
        return None if inner is None else _all if inner is _one else _many(inner)
    if any(_reader_of(part) is not None for part in parts):  # a union, or something with notes on it
        return _any
    return None


def _one(id: MessageId) -> Sequence[MessageId]:
    return (id,)


def _all(ids: Sequence[MessageId]) -> Sequence[MessageId]:
    return ids


def _many(inner: Ids) -> Ids:
    return lambda values: [id for value in values for id in inner(value)]


def _of_struct(value: msgspec.Struct) -> Sequence[MessageId]:
    kind: type[msgspec.Struct] = value.__class__
    return [id for reader in _readers(kind) for id in reader(value)]


def _any(value: Any) -> Sequence[MessageId]:
    if isinstance(value, msgspec.Struct):
        return _of_struct(value)
    return (MessageId(value),) if isinstance(value, bytes) else ()
