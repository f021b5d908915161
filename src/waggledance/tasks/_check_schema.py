"""Checks of form: a result that is JSON of some schema, or of some Python type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

import msgspec

from waggledance.core import RunFailed, UsageError
from waggledance.tasks._check import MAX_CHECKED_CHARS, PASSED, Check, Finding
from waggledance.tasks._task import Task

_FAULTS_SHOWN = 3
_FENCE = "```"


class SchemaFault(Protocol):
    """What jsonschema tells of one fault."""

    message: str
    json_path: str


class Validator(Protocol):
    """What jsonschema makes of a schema."""

    def iter_errors(self, instance: object) -> Iterator[SchemaFault]: ...


def json_schema(schema: Mapping[str, Any]) -> Check:
    """Return the check that a result is JSON of a schema: the whole text, or its last fenced block.

    Nothing is fetched: a reference leads to a place within the schema.

    Args:
        schema: JSON Schema, draft 2020-12 unless its ``$schema`` says otherwise.

    Raises:
        UsageError: it is no schema.

    Source: json-schema.org, by the library jsonschema.
    """
    validate = validator_of(schema)

    async def check(_task: Task, result: str) -> Finding:
        value = json_in(result)
        if isinstance(value, Finding):
            return value
        try:
            faults = [f"{fault.json_path}: {fault.message:.200}" for fault in validate.iter_errors(value)]
        except RecursionError:
            return Finding.failed("it is nested too deep")
        except Exception as why:
            if type(why).__name__ != "_WrappedReferencingError":  # a private name of jsonschema's
                raise
            raise RunFailed(f"the schema refers to what it does not hold: {why}") from why
        return _told(faults)

    return check


def json_of(type_: type[Any]) -> Check:
    """Return the check that a result is JSON of a Python type: a pydantic model, a msgspec struct, a dataclass, ….

    Raises:
        UsageError: msgspec cannot read JSON as that type.
    """
    read = cast("Callable[[bytes], object] | None", getattr(type_, "model_validate_json", None))
    if read is None:
        try:
            read = msgspec.json.Decoder(type_).decode
        except (TypeError, ValueError) as why:
            raise UsageError(f"JSON cannot be read as {type_!r}: {why}") from why
    reader = read

    async def check(_task: Task, result: str) -> Finding:
        value = json_in(result)
        if isinstance(value, Finding):
            return value
        try:
            reader(msgspec.json.encode(value))
        except (ValueError, RecursionError) as why:  # both libraries' errors are ValueErrors
            return _told([" ".join(str(why).split())[:400]])
        return PASSED

    return check


def _told(faults: list[str]) -> Finding:
    more = f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else ""
    return Finding.failed(f"{'; '.join(faults[:_FAULTS_SHOWN])}{more}") if faults else PASSED


def json_in(result: str) -> object:
    """Return the JSON value of a result, or the finding that there is none."""
    if len(result) > MAX_CHECKED_CHARS:
        return Finding.failed(f"it has {len(result):,} characters, more than {MAX_CHECKED_CHARS:,}")
    text = result.strip()
    if text.endswith(_FENCE) and text.count(_FENCE) >= 2:
        text = text.removesuffix(_FENCE).rsplit(_FENCE, 1)[1].partition("\n")[2]
    try:
        return msgspec.json.decode(text.encode(errors="replace"))
    except (msgspec.DecodeError, RecursionError) as why:
        return Finding.failed(f"it is no JSON: {why}; answer with JSON and nothing else")


def validator_of(schema: Mapping[str, Any]) -> Validator:
    """Return what checks values against a schema; nothing is fetched.

    Raises:
        UsageError: it is no schema.
    """
    jsonschema, referencing = import_module("jsonschema"), import_module("referencing")
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as why:
        raise UsageError(f"this is no JSON schema: {why.json_path}: {why.message}") from why
    # with a registry of our own nothing is fetched from the network
    return cast("Validator", kind(schema, registry=referencing.Registry()))
