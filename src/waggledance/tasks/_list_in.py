"""The list in an artefact that a role fans out over: how long its schema lets it be, and what stands in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from waggledance.core import RunFailed
from waggledance.tasks._check import Finding
from waggledance.tasks._check_schema import json_in


def most_in(schema: Mapping[str, Any] | None, path: str) -> int | None:
    """Return how many entries a schema allows in the list at a path; None where it does not say.

    Args:
        schema: of the artefact.
        path: fields from the top, with dots; the artefact itself when empty.

    >>> most_in({"type": "object", "properties": {"files": {"type": "array", "maxItems": 8}}}, "files")
    8
    """
    at: Any = schema
    for name in filter(None, path.split(".")):
        fields: Any = cast("Mapping[str, Any]", at).get("properties") if isinstance(at, Mapping) else None
        at = cast("Mapping[str, Any]", fields).get(name) if isinstance(fields, Mapping) else None
    if not isinstance(at, Mapping):
        return None
    there = cast("Mapping[str, Any]", at)
    most = there.get("maxItems")
    return most if there.get("type") == "array" and isinstance(most, int) and most >= 1 else None


def list_in(text: str, path: str, what: str) -> list[str]:
    """Return the entries of the list in an artefact, each as canonical JSON.

    Args:
        text: the artefact.
        path: as of `most_in`.
        what: what the artefact is called in complaints.

    Raises:
        RunFailed: it is no JSON, or there is no list at that place.

    >>> list_in('{"files": [{"b": 1, "a": 2}, "x"]}', "files", "design")
    ['{"a":2,"b":1}', '"x"']
    """
    at: Any = json_in(text)
    if isinstance(at, Finding):
        raise RunFailed(f"the {what} is to be fanned out over, and {at.reason}")
    for name in filter(None, path.split(".")):
        at = cast("dict[str, Any]", at).get(name) if isinstance(at, dict) else None
    if not isinstance(at, list):
        raise RunFailed(f"the {what} has no list{f' at {path!r}' if path else ''} to fan out over")
    entries = cast("Sequence[object]", at)
    return [msgspec.json.encode(entry, order="sorted").decode() for entry in entries]
