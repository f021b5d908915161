"""What an answer must fit: a JSON schema, or the tools that the caller offers. It is looked at before it is given out.

A schema from outside is data: references in it are never fetched, and what it cannot say is refused before anybody is
asked.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import msgspec

from waggledance.core import Tool, ToolCall, well_formed
from waggledance.gateways._openai_body import BadRequest, Format

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
_SAID_CHARS = 300
_MAX_TRIES = 100
"""Brackets at which JSON may begin: a text full of them is looked at no longer."""


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer must fit; anything fits an empty one."""

    json: bool = False
    """Whether it must be JSON."""
    schema: str = ""
    """The JSON schema that it must fit, as JSON text."""
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    """Whether it must ask for a tool."""
    one_call: bool = False
    """Whether it may ask for one tool only."""

    @classmethod
    def of(cls, format: Format | None, tools: tuple[Tool, ...], *, must_call: bool, one_call: bool, where: str) -> Fit:
        """Return what a request wants its answer to fit; `where` is the field in which a schema stands.

        Raises:
            BadRequest: the schema is missing, or is none.
        """
        made = cls(tools=tools, must_call=must_call, one_call=one_call)
        if format is None or format.type == "text":
            return made
        if format.type == "json_object":
            return msgspec.structs.replace(made, json=True)
        schema = format.json_schema.schema if format.json_schema else None
        if schema is None:
            raise BadRequest(f"the form is json_schema, and there is no schema in {where}", where)
        checked_schema(schema, f"{where}.schema", "invalid_json_schema")
        return msgspec.structs.replace(made, json=True, schema=_spelled(schema))

    @property
    def anything(self) -> bool:
        """Whether every answer fits."""
        return not (self.json or self.tools)

    def told(self) -> str:
        """Return what peers are told about it; nothing where anything fits."""
        told: list[str] = []
        if self.json:
            fits = f" that fits this JSON schema: {self.schema}" if self.schema else ""
            told.append(f"Answer with one JSON object{fits}")
        if self.must_call:
            told.append("Do not answer in words: call a tool.")
        if self.tools and self.one_call:
            told.append("Call one tool at a time.")
        return well_formed("\n".join(told))

    def taken(self, text: str, calls: tuple[ToolCall, ...]) -> tuple[str, str]:
        """Return the part of an answer that counts, and what is wrong with it; nothing is wrong where it fits.

        Args:
            text: the answer's words.
            calls: the tools that it asks for instead.
        """
        if calls:
            faults = [fault for fault in map(self._wrong_call, calls) if fault]
            if self.one_call and len(calls) > 1:
                faults.append(f"it calls {len(calls)} tools, and one at a time is wanted")
            return text, faults[0] if faults else ""
        if self.must_call:
            return text, "it calls no tool"
        if not self.json:
            return text, ""
        found = _json_in(text)
        if found is None:
            return text, "it holds no JSON"
        value: object = msgspec.json.decode(found)
        if self.schema:
            return found, _fault(value, self.schema)
        return found, "" if isinstance(value, dict) else "it is JSON, and no object"

    def _wrong_call(self, call: ToolCall) -> str:
        tool = next((tool for tool in self.tools if tool.name == call.name), None)
        if tool is None:
            return f"it calls {call.name[:80]!r}, which is not among the tools"
        fault = _fault(msgspec.json.decode(call.arguments), tool.parameters)
        return f"its call of {call.name!r} does not fit: {fault}" if fault else ""


def checked_schema(schema: dict[str, Any], where: str, code: str) -> None:
    """Refuse what is no JSON schema, or needs something from elsewhere.

    Raises:
        BadRequest: says what is wrong, and where.
    """
    from jsonschema.exceptions import SchemaError
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    try:
        _validator(_spelled(schema)).check_schema(schema)
        resource: Resource[Any] = DRAFT202012.create_resource(schema)
        registry: Registry[Any] = Registry()
        within = registry.with_resource(resource.id() or "", resource).resolver(resource.id() or "")
        for reference in _references(schema):
            within.lookup(reference)
    except SchemaError as why:
        raise BadRequest(f"{where} is no JSON schema: {why.message[:_SAID_CHARS]}", where, code) from None
    except Unresolvable as why:
        what = f"{where} refers to {str(why)[:_SAID_CHARS]}, which is not in it; nothing is fetched"
        raise BadRequest(what, where, code) from None
    except RecursionError:
        raise BadRequest(f"{where} is nested too deeply", where, code) from None


def _references(schema: object) -> list[str]:
    match schema:
        case dict():
            parts = cast("dict[str, object]", schema)
            own = parts.get("$ref")
            found = [own] if isinstance(own, str) else []
            return [*found, *(inner for part in parts.values() for inner in _references(part))]
        case list():
            return [inner for part in cast("list[object]", schema) for inner in _references(part)]
        case _:
            return []


def _spelled(schema: dict[str, Any]) -> str:
    return msgspec.json.encode(schema).decode()


@lru_cache(maxsize=64)
def _validator(schema: str) -> Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return Draft202012Validator(json.loads(schema), registry=Registry())


def _fault(value: object, schema: str) -> str:
    """Return what is wrong with a value, in a sentence; nothing where it fits."""
    from jsonschema import exceptions

    try:
        error: Any = cast("Any", exceptions).best_match(_validator(schema).iter_errors(cast("Any", value)))
    except RecursionError:
        return "it is nested too deeply"
    return "" if error is None else f"at {error.json_path}: {error.message[:_SAID_CHARS]}"


def _json_in(text: str) -> str | None:
    """Return the JSON in a text: all of it, what is fenced, or the first object or list that can be read."""
    for said in (text, *_FENCED.findall(text)):
        if _is_json(said):
            return str(said).strip()
    decoder = json.JSONDecoder()
    for match in islice(re.finditer(r"[{\[]", text), _MAX_TRIES):
        try:
            _, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if _is_json(text[match.start() : end]):
            return text[match.start() : end]
    return None


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
