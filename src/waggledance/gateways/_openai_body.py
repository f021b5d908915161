"""What OpenAI's clients send: the fields that mean something to a swarm, each with its range.

Other fields are ignored; those that would change an answer and cannot are named in the answer's notes.
Source: the OpenAI API reference, "Chat completions" and "Responses".
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from waggledance.core import AnswerKind, UsageError

MAX_N = 16
"""Choices of one request: each is a question to the whole swarm."""
MAX_STOPS = 16
_Count = Annotated[int, Meta(ge=1)]
_Temperature = Annotated[float, Meta(ge=0, le=2)]
_Stop = Annotated[str, Meta(min_length=1, max_length=500)]
T = TypeVar("T")


class Address(msgspec.Struct, frozen=True):
    """Where a picture is."""

    url: str


class Part(msgspec.Struct, frozen=True):
    """A part of a message's content: text, or a picture of the user's."""

    type: str
    text: str = ""
    image_url: str | Address | None = None


class CalledFunction(msgspec.Struct, frozen=True):
    """A function that the assistant asked for."""

    name: str
    arguments: str = "{}"


class ToolCalled(msgspec.Struct, frozen=True):
    """A tool call of the assistant, as it was given out."""

    id: str
    function: CalledFunction


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCalled] | None = None
    tool_call_id: str | None = None


class Function(msgspec.Struct, frozen=True):
    """A function that the caller offers."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ChatTool(msgspec.Struct, frozen=True):
    """A tool that the caller offers."""

    type: str
    function: Function | None = None


class NamedFunction(msgspec.Struct, frozen=True):
    """The name of the function that is to be called."""

    name: str


class ChatChoice(msgspec.Struct, frozen=True):
    """The one tool that is to be called."""

    type: Literal["function"]
    function: NamedFunction | None = None


class Schema(msgspec.Struct, frozen=True):
    """A JSON schema with its name."""

    name: str = ""
    schema: dict[str, Any] | None = None


class Format(msgspec.Struct, frozen=True):
    """The form of an answer: text, any JSON object, or JSON that fits a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: Schema | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream also says."""

    include_usage: bool | None = None


class Limited(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one answer may cost at most."""

    tokens: Annotated[int, Meta(ge=0)] | None = None
    calls: Annotated[int, Meta(ge=0)] | None = None
    messages: Annotated[int, Meta(ge=0)] | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None
    usd: Annotated[float, Meta(ge=0)] | None = None


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The field ``waggle`` of a request: what only a swarm can be told."""

    expects: AnswerKind | None = None
    options: list[str] = []
    protocol: str = ""
    budget: Limited | None = None


class ChatBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``POST /v1/chat/completions``."""

    model: str
    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_N)] | None = None
    stop: _Stop | Annotated[list[_Stop], Meta(max_length=MAX_STOPS)] | None = None
    seed: int | None = None
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    temperature: _Temperature | None = None
    tools: list[ChatTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChatChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: Format | None = None
    waggle: Extension | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    web_search_options: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    functions: list[Any] | None = None
    function_call: Any = None


class Item(msgspec.Struct, frozen=True):
    """One item of a response's input: a message, a tool call that was asked for, what it gave, or one to look up."""

    type: str = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[Part] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = "{}"
    output: str | list[Part] = ""
    id: str = ""
    """Of an item that was given out before; a reference is nothing else."""


class FlatTool(msgspec.Struct, frozen=True):
    """A tool that the caller of ``/v1/responses`` offers."""

    type: str
    name: str = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None


class FlatChoice(msgspec.Struct, frozen=True):
    """The one tool that is to be called."""

    type: Literal["function"]
    name: str = ""


class FlatFormat(msgspec.Struct, frozen=True):
    """The form of a response's text."""

    type: Literal["text", "json_object", "json_schema"]
    name: str = ""
    schema: dict[str, Any] | None = None


class Text(msgspec.Struct, frozen=True):
    """How a response's text is to be."""

    format: FlatFormat | None = None


class ResponseBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``POST /v1/responses``."""

    model: str
    input: str | list[Item]
    instructions: str | None = None
    stream: bool | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    max_output_tokens: _Count | None = None
    temperature: _Temperature | None = None
    tools: list[FlatTool] | None = None
    tool_choice: Literal["none", "auto", "required"] | FlatChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    metadata: dict[str, str] | None = None
    waggle: Extension | None = None
    top_p: float | None = None
    reasoning: dict[str, Any] | None = None
    background: bool | None = None
    conversation: Any = None
    prompt: dict[str, Any] | None = None
    include: list[str] | None = None
    top_logprobs: int | None = None


class BadRequest(UsageError):
    """A request that cannot be read; carries which field is wrong, and a fixed word for programs."""

    def __init__(self, what: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(what, param, code)
        self.what, self.param, self.code = what, param, code

    def __str__(self) -> str:
        return self.what


def read(raw: bytes, kind: type[T]) -> T:
    """Read a request's body.

    Raises:
        BadRequest: it is no JSON, a field is missing, or a value is of the wrong type or out of range; says which.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as why:
        at = re.search(r" - at `\$\.?(.*?)`$", str(why))
        what = str(why) if at is None else f"{at[1] or 'the body'}: {str(why)[: at.start()]}"
        raise BadRequest(what, (at[1] or None) if at else _missing(str(why))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as why:
        raise BadRequest(f"the request's body is not JSON: {why or type(why).__name__}") from None


def _missing(said: str) -> str | None:
    found = re.search(r"missing required field `(\w+)`", said)
    return found[1] if found else None
