"""Recipes as YAML: read, checked, and refused with the line of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from waggledance.core import UsageError, why_unreadable
from waggledance.tasks._recipe import Kind, Recipe, RecipeFault, RecipeLimits, Role
from waggledance.tasks._recipe_faults import Fault, unknown
from waggledance.tasks._yaml_lines import Lines

MAX_CHARS = 200_000


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a YAML file.

    Raises:
        UsageError: the file cannot be read; or it is no recipe, said with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise UsageError(f"the recipe {path} cannot be read: {why_unreadable(why)}") from why
    return recipe_from(text, str(path))


def recipe_from(text: str, where: str = "recipe") -> Recipe:
    """Return the recipe that a YAML text describes; a kind may be given by its description alone.

    Args:
        text: one YAML document, at most 200,000 characters.
        where: what it is called in complaints.

    Raises:
        UsageError: it is no YAML, or no recipe: an unknown key, kind, check, function, a loop without a limit, …; the
            message says the line and the nearest name that there is.
    """
    if len(text) > MAX_CHARS:
        raise UsageError(f"{where}: a recipe has at most {MAX_CHARS:,} characters, this one {len(text):,}")
    lines = Lines(text, where)
    table = lines.value
    if not isinstance(table, dict):
        raise lines.wrong((), "a recipe is a table with name, kinds, roles, start and out")
    plain = _whole(cast("dict[str, Any]", table))
    for place, why in _unknown_keys(plain):
        raise lines.wrong(place, why)
    try:
        return msgspec.convert(plain, Recipe, strict=True)
    except msgspec.ValidationError as why:
        cause = why.__cause__
        faults = cause.faults if isinstance(cause, RecipeFault) else tuple(_misfits(plain))
        if not faults:
            raise lines.wrong((), str(why)) from why
        place = faults[0][0]
        told = "; ".join(str(lines.wrong(p, f"{'.'.join(p)}: {w}")).removeprefix(f"{where}, ") for p, w in faults[1:])
        first = f"{'.'.join(place)}: {faults[0][1]}"
        raise lines.wrong(place, f"{first}; {told}" if told else first) from why


def _whole(table: dict[str, Any]) -> dict[str, Any]:
    """Write out what a recipe may leave short: a kind's description alone, and YAML's yes and no as words."""
    kinds, roles = table.get("kinds"), table.get("roles")
    whole = dict(table)
    if isinstance(kinds, dict):
        named = cast("dict[str, Any]", kinds)
        whole["kinds"] = {name: {"about": kind} if isinstance(kind, str) else kind for name, kind in named.items()}
    if isinstance(roles, dict):
        whole["roles"] = {name: _spelt(role) for name, role in cast("dict[str, Any]", roles).items()}
    return whole


def _spelt(role: Any) -> Any:
    table: Any = role
    if not isinstance(table, dict):
        return table
    table = cast("dict[str, Any]", table)
    when = table.get("when")
    if not isinstance(when, dict):
        return table
    spelt = {True: "yes", False: "no"}
    words = {k: spelt[v] if isinstance(v, bool) else v for k, v in cast("dict[str, Any]", when).items()}
    return {**table, "when": words}


def _unknown_keys(table: Mapping[str, Any]) -> Iterator[Fault]:
    for place, part, type_ in _parts(table):
        known = type_.__struct_fields__
        for key in part:
            if key not in known:
                yield (*place, key), unknown("key", key, known)


def _misfits(table: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the entries that are not of their type, each by itself, so that its line is known."""
    for place, part, type_ in _parts(table):
        types = {field.name: field for field in msgspec.structs.fields(type_)}
        for name, field in types.items():
            if name in part and not (type_ is Recipe and name in ("kinds", "roles", "limits")):
                try:
                    msgspec.convert(part[name], field.type)
                except msgspec.ValidationError as why:
                    yield (*place, name), str(why)
            elif name not in part and field.required:
                yield (*place, name), "it is missing"
    for name in ("kinds", "roles", "limits"):
        if name in table and not isinstance(table[name], dict):
            yield (name,), "it must be a table"


def _parts(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any], type[msgspec.Struct]]]:
    yield (), table, Recipe
    if isinstance(table.get("limits"), dict):
        yield ("limits",), table["limits"], RecipeLimits
    for name, type_ in (("kinds", Kind), ("roles", Role)):
        rows = table.get(name)
        for key, row in cast("dict[str, Any]", rows).items() if isinstance(rows, dict) else ():
            yield (name, key), row if isinstance(row, dict) else {}, cast("type[msgspec.Struct]", type_)
