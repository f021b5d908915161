"""What we say to llama.cpp's chat endpoint, and what it says back."""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from waggledance.core._turn import Tool, ToolCall, Turn
from waggledance.models._errors import PromptTooLong, Refused, ServerFailed
from waggledance.models._model import Completion, ModelError, Request

_RANDOM_SEED = 2**32 - 1  # llama.cpp draws a random seed for this one
_TOP_K, _TOP_P, _MIN_P = 40, 0.95, 0.05  # llama.cpp's own defaults, said aloud so that they stay
_FENCE = re.compile(r"\A(?:```(?:json)?|<tool_call>)|(?:```|</tool_call>)\Z")
_OUR_FAULT = 500  # HTTP: below it the request is to blame, from it on the server


class _Token(msgspec.Struct):
    logprob: float | None = None


class _Logprobs(msgspec.Struct):
    content: tuple[_Token, ...] | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Spoken(msgspec.Struct, forbid_unknown_fields=True):
    """A call that a model wrote as text."""

    name: str
    arguments: msgspec.Raw


class _Call(msgspec.Struct):
    """A piece of a tool call."""

    index: int = 0
    id: str | None = None
    function: _Function = msgspec.field(default_factory=_Function)


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Timings(msgspec.Struct):
    prompt_n: int = 0


class _Error(msgspec.Struct):
    message: str = ""
    type: str = ""
    code: int = _OUR_FAULT
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Chunk(msgspec.Struct):
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    timings: _Timings | None = None
    error: _Error | None = None


@dataclass
class Reply:
    """What the server said to one request, as it comes in."""

    model: str
    text: list[str] = field(default_factory=list[str])
    logprobs: list[float] = field(default_factory=list[float])
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    evaluated: int = 0
    """Prompt tokens computed for it."""
    error: ModelError | None = None
    calls: dict[int, ToolCall] = field(default_factory=dict[int, ToolCall])

    def take(self, raw: bytes) -> str:
        """Add one streamed chunk; return its piece of the text."""
        chunk = msgspec.json.decode(raw, type=_Chunk)
        if chunk.error is not None:
            self.error = _refusal(self.model, chunk.error)
        came = len(self.text)
        for choice in chunk.choices:
            self.text.append(choice.delta.content or "")
            for piece in choice.delta.tool_calls or ():
                self._take_call(piece)
            self.finish = choice.finish_reason or self.finish
            for token in (choice.logprobs and choice.logprobs.content) or ():
                self.logprobs.append(float("-inf") if token.logprob is None else token.logprob)
        if chunk.usage is not None:
            self.prompt_tokens, self.completion_tokens = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
        if chunk.timings is not None:
            self.evaluated = chunk.timings.prompt_n
        return "".join(self.text[came:])

    def _take_call(self, piece: _Call) -> None:
        known = self.calls.get(piece.index, ToolCall("", "", ""))
        self.calls[piece.index] = ToolCall(
            piece.id or known.id,
            known.name + (piece.function.name or ""),
            known.arguments + (piece.function.arguments or ""),
        )


def body_of(request: Request, slot: int, *, cache: bool) -> bytes:
    """The request as llama.cpp's chat endpoint takes it, for one slot, with or without what that has computed."""
    body: dict[str, Any] = {
        "messages": [_message(turn) for turn in request.turns],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "seed": request.seed % _RANDOM_SEED,
        "top_k": _TOP_K,
        "top_p": _TOP_P,
        "min_p": _MIN_P,
        "stop": request.stop,
        "id_slot": slot,
        "cache_prompt": cache,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": 1}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.schema:
        schema = msgspec.Raw(request.schema.encode())
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return msgspec.json.encode(body)


def _message(turn: Turn) -> dict[str, Any]:
    """A turn as OpenAI's chat protocol writes it."""
    message: dict[str, Any] = {"role": turn.role, "content": turn.text}
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls
        ]
    if turn.call:
        message["tool_call_id"] = turn.call
    return message


def _tool(tool: Tool) -> dict[str, Any]:
    """A tool as OpenAI's chat protocol writes it."""
    parameters = msgspec.Raw(tool.parameters.encode())
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}


def completion_of(reply: Reply, request: Request, seconds: float) -> Completion:
    """The completion that a finished reply amounts to."""
    text = "".join(reply.text)
    calls = tuple(
        msgspec.structs.replace(call, id=call.id or f"call_{index}") for index, call in sorted(reply.calls.items())
    )
    if request.tools and not calls and (spoken := _spoken_call(text, request)) is not None:
        text, calls = "", (spoken,)
    return Completion(
        text=text,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        finish="length" if reply.finish == "length" else "stop",
        seconds=seconds,
        evaluated_prompt_tokens=reply.evaluated,
        logprobs=tuple(reply.logprobs) if request.logprobs else None,
        calls=calls,
    )


def _spoken_call(text: str, request: Request) -> ToolCall | None:
    """The call that a model wrote out as its whole answer, without the marks of its template; None when it is none.

    Small models do: Qwen2.5-Coder writes the braces doubled, as its template's example shows them.
    """
    said = _FENCE.sub("", text.strip()).strip()
    if said.startswith("{{") and said.endswith("}}}"):
        said = said[1:-1]
    try:
        spoken = msgspec.json.decode(said, type=_Spoken)
    except msgspec.DecodeError:
        return None
    if spoken.name not in {tool.name for tool in request.tools}:
        return None
    return ToolCall("call_0", spoken.name, bytes(spoken.arguments).decode())


def _refusal(model: str, error: _Error) -> ModelError:
    """The error for what llama.cpp said."""
    if error.type == "exceed_context_size_error":
        what = f"the conversation has {error.n_prompt_tokens:,} tokens, the context holds {error.n_ctx:,}"
        return PromptTooLong(model, what, "Shorten it, or load the model with more context_tokens.")
    if error.code < _OUR_FAULT:
        return Refused(model, f"llama.cpp refused the request ({error.message})", "Check its turns and stop strings.")
    return ServerFailed(model, f"llama.cpp failed ({error.message})", "Ask again; if it stays so, report it.")
