"""What a span says: the attributes of exchanges, messages and runs, by OpenTelemetry's conventions for generative AI.

Prompts, answers, arguments and results are left out unless asked for. What the conventions have no name for stands
under ``waggle.``.

Source: OpenTelemetry semantic conventions 1.41.0, "Semantic conventions for generative AI systems" (in development):
model spans, agent and framework spans, and the JSON of input and output messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from waggledance.core import Exchange, Message, Opening, Outcome, Proposal
from waggledance.safety._ruling import RULING

Attributes = dict[str, str | bool | int | float | Sequence[str]]

OTHER = "_OTHER"
"""An error of no class that the conventions know."""
_FINISH = {"stop": "stop", "length": "length"}


class _Call(msgspec.Struct):
    id: str = ""
    name: str = ""
    arguments: str = ""


class _Turn(msgspec.Struct):
    role: str = ""
    text: str = ""
    calls: list[_Call] = []
    call: str = ""


class _Tool(msgspec.Struct):
    name: str = ""
    description: str = ""
    parameters: str = "{}"


class _Request(msgspec.Struct):
    turns: list[_Turn] = []
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stop: list[str] = []
    tools: list[_Tool] = []
    schema: str = ""


class _Completion(msgspec.Struct):
    text: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    finish: str = ""
    usd_micro: int | None = None
    calls: list[_Call] = []


def name_of(exchange: Exchange) -> str:
    """Return a span's name, such as ``"chat gpt-5-mini"`` or ``"execute_tool search"``."""
    if exchange.kind == "model":
        return f"chat {model_of(exchange)}"
    if exchange.of.startswith(RULING):
        return f"mediate {exchange.of.removeprefix(RULING)}"
    return f"execute_tool {exchange.of}"


def model_of(exchange: Exchange) -> str:
    """Return the model's name without its provider's."""
    return exchange.of.partition(":")[2] or exchange.of


def provider_of(exchange: Exchange) -> str:
    """Return who provides a model: what stands before the colon of its name, such as ``"openai"``, ``"embedded"``."""
    provider, colon, _ = exchange.of.partition(":")
    return provider if colon else "waggledance"


def of_exchange(exchange: Exchange, *, prompts: bool) -> Attributes:
    """Return what is said of an exchange."""
    said: Attributes = {
        "gen_ai.conversation.id": exchange.channel,
        "waggle.skill": exchange.skill,
        "waggle.round": exchange.round,
        "waggle.call": exchange.number,
    }
    if exchange.failure:
        said["error.type"] = OTHER
    if exchange.kind == "model":
        said |= _of_model(exchange, prompts=prompts)
    elif exchange.of.startswith(RULING):
        said |= _of_ruling(exchange, prompts=prompts)
    else:
        said |= {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": exchange.of,
            "gen_ai.tool.type": "function",
        }
        if prompts:
            said["gen_ai.tool.call.arguments"] = exchange.asked
            said["gen_ai.tool.call.result"] = exchange.answered
    return said


def of_message(message: Message[Any], name: str, *, prompts: bool) -> Attributes:
    """Return what is said of a message, as of an agent that was invoked and said it."""
    body = message.body
    said: Attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "waggledance",
        "gen_ai.agent.name": name,
        "gen_ai.agent.id": message.author.hex(),
        "gen_ai.conversation.id": message.channel,
        "waggle.message.id": message.id.hex(),
        "waggle.message.kind": message.kind,
        "waggle.round": body.round,
        "waggle.lamport": message.lamport,
    }
    cost = getattr(body, "cost", None)
    if cost is not None and cost.calls:
        said["gen_ai.usage.input_tokens"] = cost.prompt_tokens
        said["gen_ai.usage.output_tokens"] = cost.completion_tokens
        said["waggle.cost.calls"] = cost.calls
        said["waggle.cost.usd_micro"] = cost.micro_usd
    if isinstance(body, Proposal) and body.confidence_ppm is not None:
        said["waggle.confidence_ppm"] = body.confidence_ppm
    if getattr(body, "lapse", ""):
        said["error.type"] = OTHER
    if prompts:
        text = getattr(body, "text", "")
        if isinstance(text, str) and text:
            part = {"role": "assistant", "parts": [{"type": "text", "content": text}], "finish_reason": "stop"}
            said["gen_ai.output.messages"] = _json([part])
        if isinstance(body, Proposal) and body.key is not None:
            said["waggle.answer"] = body.key
    return said


def of_run(opening: Message[Opening], *, prompts: bool) -> Attributes:
    """Return what is said of a run when it begins."""
    body = opening.body
    said: Attributes = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.provider.name": "waggledance",
        "gen_ai.workflow.name": body.protocol or "question",
        "gen_ai.conversation.id": opening.channel,
        "waggle.protocol": body.protocol,
        "waggle.topology": body.topology,
        "waggle.rule": body.rule,
        "waggle.seed": body.seed,
        "waggle.members": len(body.members),
        "waggle.swarm": opening.swarm.hex(),
    }
    if prompts:
        question = {"role": "user", "parts": [{"type": "text", "content": body.question.text}]}
        said["gen_ai.input.messages"] = _json([question])
    return said


def of_outcome(outcome: Message[Outcome], *, prompts: bool) -> Attributes:
    """Return what is said of a run when it has ended."""
    body = outcome.body
    said: Attributes = {"waggle.status": body.status, "waggle.decision": body.decision.hex()}
    if body.notes:
        said["waggle.notes"] = len(body.notes)
    if prompts and body.key is not None:
        part = {"role": "assistant", "parts": [{"type": "text", "content": body.key}], "finish_reason": "stop"}
        said["gen_ai.output.messages"] = _json([part])
    return said


def _of_model(exchange: Exchange, *, prompts: bool) -> Attributes:
    request, completion = _read(exchange.asked, _Request), _read(exchange.answered, _Completion)
    said: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(exchange),
        "gen_ai.request.model": model_of(exchange),
        "gen_ai.output.type": "json" if request.schema else "text",
    }
    numbers: Mapping[str, float | None] = {
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.seed": request.seed,
        "gen_ai.usage.input_tokens": completion.prompt_tokens,
        "gen_ai.usage.output_tokens": completion.completion_tokens,
        "waggle.cost.usd_micro": completion.usd_micro,
    }
    said |= {name: number for name, number in numbers.items() if number is not None}
    if request.stop:
        said["gen_ai.request.stop_sequences"] = tuple(request.stop)
    finish = "tool_call" if completion.calls else _FINISH.get(completion.finish, "")
    if finish:
        said["gen_ai.response.finish_reasons"] = (finish,)
        said["gen_ai.response.model"] = model_of(exchange)
    if prompts:
        said |= _words(request, completion, finish)
    return said


def _words(request: _Request, completion: _Completion, finish: str) -> Attributes:
    """Return what was asked and answered, as the conventions write messages."""
    system = [{"type": "text", "content": turn.text} for turn in request.turns if turn.role == "system"]
    said: Attributes = {"gen_ai.input.messages": _json([_turn(t) for t in request.turns if t.role != "system"])}
    if system:
        said["gen_ai.system_instructions"] = _json(system)
    if request.tools:
        said["gen_ai.tool.definitions"] = _json(
            [{"type": "function", "name": t.name, "description": t.description, "parameters": _raw(t.parameters)}
             for t in request.tools]
        )  # fmt: skip
    if finish:
        parts = _parts(_Turn("assistant", completion.text, completion.calls))
        said["gen_ai.output.messages"] = _json([{"role": "assistant", "parts": parts, "finish_reason": finish}])
    return said


def _turn(turn: _Turn) -> dict[str, object]:
    if turn.role == "tool":
        part: dict[str, object] = {"type": "tool_call_response", "id": turn.call, "response": turn.text}
        return {"role": "tool", "parts": [part]}
    return {"role": turn.role, "parts": _parts(turn)}


def _parts(turn: _Turn) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = [{"type": "text", "content": turn.text}] if turn.text else []
    parts += [{"type": "tool_call", "id": c.id, "name": c.name, "arguments": _raw(c.arguments)} for c in turn.calls]
    return parts


def _of_ruling(exchange: Exchange, *, prompts: bool) -> Attributes:
    said: Attributes = {
        "gen_ai.tool.name": exchange.of.removeprefix(RULING),
        "waggle.ruling": _read(exchange.answered, _Ruling).answer,
    }
    if prompts:
        said["gen_ai.tool.call.arguments"] = exchange.asked
        said["waggle.ruled"] = exchange.answered
    return said


class _Ruling(msgspec.Struct):
    answer: str = ""


_T = Any


def _read(text: str, kind: type[_T]) -> _T:
    """Return what stands in a text of JSON; an empty one where it stands there no more, or never did."""
    try:
        return msgspec.json.decode(text.encode(), type=kind)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return kind()


def _raw(text: str) -> object:
    """Return a text of JSON as what it says, or as it is when it says nothing."""
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
