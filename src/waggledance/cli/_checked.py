"""Check loose values against the settings' types, one by one, so that a complaint knows exactly which one is wrong."""

from __future__ import annotations

from typing import Any, cast, get_args, get_origin

import msgspec
from msgspec import inspect

from waggledance.core import UnknownName

Path = tuple[str | int, ...]
SECRET = frozenset({"headers", "key_env"})
"""Keys whose wrong values are not shown: people write secrets there by mistake."""
TypeForm = Any
"""A type as msgspec takes it: a struct, ``int | None``, ``Annotated[float, Meta(ge=0)]``."""


class WrongValue(Exception):
    """A value is not what it must be: where it stands, and what is wrong. Never leaves the command line's rooms."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(path, what)
        self.path, self.what = path, what


def check(value: object, kind: TypeForm, path: Path = ()) -> None:
    """Check a value and all within it.

    Raises:
        WrongValue: the first that is wrong, in the order in which they stand.
    """
    inside = get_args(kind)
    origin: object = get_origin(kind)
    if _is_table(kind):
        _check_table(value, kind, path)
    elif origin is dict and _is_table(inside[1]) and isinstance(value, dict):
        for name, table in cast("dict[str, object]", value).items():
            convert(name, inside[0], (*path, name))
            check(table, inside[1], (*path, name))
    elif origin is tuple and _is_table(inside[0]) and isinstance(value, list):
        for i, table in enumerate(cast("list[object]", value)):
            check(table, inside[0], (*path, i))
    else:
        convert(value, kind, path)


def convert(value: object, kind: TypeForm, path: Path, *, strict: bool = True) -> Any:
    """Return a value as a setting's type; from text as well when not `strict`.

    Raises:
        WrongValue: it cannot be one; the text shows the value, unless it may be a secret.
    """
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError:
        seen = "" if SECRET.intersection(path) else f", not {_shortly(value)}"
        raise WrongValue(path, f"must be {words(inspect.type_info(kind))}{seen}") from None


def words(kind: inspect.Type) -> str:
    """Say which values a type takes.

    >>> words(inspect.type_info(int | None))
    'a whole number'
    """
    match kind:
        case inspect.UnionType():
            return " or ".join(words(t) for t in kind.types if not isinstance(t, inspect.NoneType))
        case inspect.LiteralType():
            return " or ".join(f'"{value}"' for value in kind.values)
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            if kind.pattern:
                return "the name of an environment variable"
            return f"text of 1 to {kind.max_length} characters" if kind.max_length else "text"
        case inspect.IntType() | inspect.FloatType():
            noun = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            if kind.ge is None:
                return noun
            return f"{noun} of {kind.ge:g} or more" if kind.le is None else f"{noun} from {kind.ge:g} to {kind.le:g}"
        case inspect.VarTupleType():
            return "a list of tables" if isinstance(kind.item_type, inspect.StructType) else "a list of texts"
        case _:
            return "a table"


def _is_table(kind: TypeForm) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _check_table(value: object, kind: type[msgspec.Struct], path: Path) -> None:
    if not isinstance(value, dict):
        raise WrongValue(path, f"must be a table, not {_shortly(value)}")
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    table = cast("dict[str, object]", value)
    for name, inside in table.items():
        if name not in fields:
            raise WrongValue((*path, name), str(UnknownName("key" if path else "table", name, fields)))
        check(inside, fields[name].type, (*path, name))
    for name, field in fields.items():
        if field.required and name not in table:
            raise WrongValue(path, f"lacks {name!r}, {words(inspect.type_info(field.type))}")


def _shortly(value: object) -> str:
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case _:
            text = repr(value)
            return text if len(text) <= 60 else f"{text[:50]}…"
