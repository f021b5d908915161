"""What a body may be made of, beyond what its bytes show: plain values, in one form each."""

from __future__ import annotations

from functools import lru_cache
from math import copysign, isfinite
from typing import cast
from unicodedata import is_normalized

import msgspec
from msgspec.inspect import (
    BoolType,
    BytesType,
    IntType,
    ListType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    VarTupleType,
    type_info,
)

from waggledance.core._errors import PeerFault

MAX_DEPTH = 64
"""Of lists and maps in one another, in a body: a limit of our own, because an interpreter's depends on who calls."""


def check_plain(value: object, depth: int = 0) -> None:
    """Refuse what canonical MessagePack does not have: other map keys than strings, odd floats, other Unicode forms."""
    if depth > MAX_DEPTH:
        raise PeerFault("limits", f"a body is nested more than {MAX_DEPTH} deep")
    match value:
        case str():
            if not is_normalized("NFC", value):
                raise PeerFault("limits", "a string is not in Unicode form NFC")
        case float():
            if not isfinite(value) or (not value and copysign(1, value) < 0):
                raise PeerFault("limits", f"the float {value} has no place in a body")
        case list():
            for item in cast("list[object]", value):
                check_plain(item, depth + 1)
        case dict():
            for key, item in cast("dict[object, object]", value).items():
                if not isinstance(key, str):
                    raise PeerFault("limits", f"a map has the key {key!r}; keys are strings")
                check_plain(key, depth)
                check_plain(item, depth + 1)
        case None | bool() | int() | bytes():
            pass
        case _:
            raise PeerFault("limits", f"a {type(value).__name__} has no place in a body")


@lru_cache(maxsize=1024)
def has_only_text(body: type[msgspec.Struct]) -> bool:
    """Return whether nothing in bodies of a type can be out of place but the Unicode form of text.

    So it is with integers, strings, bytes, booleans, None, sequences and structs of them that hold no struct like
    themselves: then a body that is ASCII as JSON is in order, which one call tells.
    """
    return _is_text_at_worst(type_info(body), ())


def _is_text_at_worst(found: Type, above: tuple[type, ...]) -> bool:
    match found:
        case StructType():
            within = (*above, found.cls)
            return found.cls not in above and all(_is_text_at_worst(field.type, within) for field in found.fields)
        case VarTupleType() | ListType():
            return _is_text_at_worst(found.item_type, above)
        case TupleType():
            return all(_is_text_at_worst(item, above) for item in found.item_types)
        case UnionType():
            return all(_is_text_at_worst(one, above) for one in found.types)
        case _:
            return isinstance(found, IntType | StrType | BytesType | BoolType | NoneType | LiteralType)
