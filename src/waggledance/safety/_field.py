"""Fields of messages by name, of known and unknown kinds: what combinators count and compare."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, cast

import msgspec

from waggledance.core import Message, MessageId, Unknown, UsageError

AnyMessage = Message[Any]
Field = str | Callable[[AnyMessage], Any]
"""A field's name, such as ``"round"``, ``"cost.calls"``, ``"author"``; or a function of the message."""

ENVELOPE = frozenset({"id", "author", "kind", "channel", "sequence", "lamport"})
_getter = cache(attrgetter)
_decode = msgspec.msgpack.Decoder().decode


def field_of(message: AnyMessage, field: Field) -> Any:
    """Return a field of a message: of its envelope, else of its body; None where a body of an unknown kind lacks it.

    Raises:
        UsageError: the kind is known here and has no such field.
    """
    if not isinstance(field, str):
        return field(message)
    if field in ENVELOPE:
        return getattr(message, field)
    body = message.body
    if isinstance(body, Unknown):
        at: Any = _decode(body.raw)
        for name in field.split("."):
            at = cast("dict[str, Any]", at).get(name) if isinstance(at, dict) else None
        return at
    try:
        return _getter(field)(body)
    except AttributeError:
        known = ", ".join(body.__struct_fields__)
        raise UsageError(f"{message.kind} has no field {field!r}; there are {known}") from None


def key_of(message: AnyMessage, fields: tuple[Field, ...]) -> tuple[Any, ...]:
    """Return several fields together, as what is counted by; lists become tuples."""
    if fields and _NAMES.issuperset(map(type, fields)) and not isinstance(message.body, Unknown):
        try:
            key = _together(cast("tuple[str, ...]", fields))(message)
        except AttributeError:
            pass  # `field_of` says what there is
        else:
            if list not in map(type, key):
                return key
    values = [field_of(message, field) for field in fields]
    return tuple(tuple(cast("list[object]", value)) if isinstance(value, list) else value for value in values)


_NAMES = frozenset({str})


@cache
def _together(names: tuple[str, ...]) -> Callable[[AnyMessage], tuple[Any, ...]]:
    """Return what reads one field or more of a message of a known kind at once."""
    get = attrgetter(*(name if name in ENVELOPE else f"body.{name}" for name in names))
    return get if len(names) > 1 else lambda message: (get(message),)


def ids_in(message: AnyMessage, field: Field) -> tuple[MessageId, ...]:
    """Return the id, or the ids, that stand in a field; none where there is none."""
    found = field_of(message, field)
    if isinstance(found, bytes):
        return (MessageId(found),)
    if isinstance(found, list | tuple):
        return tuple(MessageId(id) for id in cast("tuple[object, ...]", found) if isinstance(id, bytes))
    return ()


def number_in(message: AnyMessage, field: Field) -> int:
    """Return the number in a field; 0 where a body of an unknown kind has none.

    Raises:
        UsageError: it is no whole number.
    """
    found = field_of(message, field)
    if found is None and isinstance(message.body, Unknown):
        return 0
    if not isinstance(found, int) or isinstance(found, bool):
        raise UsageError(f"{message.kind} has no whole number in {field!r:.60}, but {found!r:.60}")
    return found
