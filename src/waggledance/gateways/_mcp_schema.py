"""What of a stranger's JSON schema is checked here: all but what lets its author make a check take hours.

A server writes the schema of its tool's arguments, and by what it says of the tool also has a word in what a model
puts there. A regular expression such as ``^(a+)+$`` takes twice as long for each further letter, and references that
lead back into themselves do so for each further level. Patterns and references are therefore left to the server, which
checks its arguments anyway, and so is whatever would refuse more without them.

Source: catastrophic backtracking, Davis et al. 2018, doi:10.1145/3236024.3236027.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

UNCHECKED = frozenset({"pattern", "patternProperties", "format", "$ref", "$dynamicRef", "$recursiveRef"})
"""Keywords that the server checks alone."""
_DEFINED = frozenset({"$defs", "definitions"})
_NAMED = frozenset({"properties", "dependentSchemas"})
_ONE = frozenset({"items", "additionalItems", "additionalProperties", "unevaluatedProperties", "unevaluatedItems",
                  "propertyNames"})  # fmt: skip
_ALL = frozenset({"anyOf", "allOf", "prefixItems", "items"})
_STRICTER = frozenset({"not", "oneOf", "if", "then", "else", "contains", "additionalProperties",
                       "unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains"})  # fmt: skip
"""Keywords that refuse more, or otherwise, where something within or beside them is taken away."""
_MOST_DEEP = 32


def checkable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that accepts all that the given one does, and can be checked in time that grows with its size.

    >>> checkable({"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}})
    {'type': 'object', 'properties': {'a': {'type': 'string'}}}
    """
    return cast("dict[str, Any]", _loosened(schema, 0))


def _loosened(schema: Any, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    if depth > _MOST_DEEP:
        return {}
    given = cast("Mapping[str, Any]", schema)
    kept: dict[str, Any] = {}
    for key, value in given.items():
        if key not in UNCHECKED | _DEFINED:
            kept[key] = _within(key, value, depth)
    if any(key not in kept or kept[key] != value for key, value in given.items() if key not in _NAMED | _DEFINED):
        kept = {key: value for key, value in kept.items() if key not in _STRICTER}
    return kept


def _within(key: str, value: object, depth: int) -> object:
    """Return a keyword's value with all schemas in it loosened."""
    if key in _NAMED and isinstance(value, Mapping):
        named = cast("Mapping[str, Any]", value)
        return {name: _loosened(one, depth + 1) for name, one in named.items()}
    if key not in _ONE | _ALL | _STRICTER:
        return value
    if isinstance(value, list):
        return [_loosened(one, depth + 1) for one in cast("list[object]", value)]
    return _loosened(value, depth + 1)
