"""Responses: an answer as OpenAI's newer API gives it, whole or as events.

Source: the OpenAI API reference, "Create a model response" and "Streaming events".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import msgspec

from waggledance.core import ToolCall, Turn
from waggledance.gateways._openai_answer import Answer, Answering, Piece, Thought
from waggledance.gateways._openai_body import ResponseBody
from waggledance.gateways._openai_errors import Fault, fault_of
from waggledance.gateways._openai_stream import event


def begun(id: str, created: int, body: ResponseBody) -> dict[str, Any]:
    """Return a response that has no output yet."""
    choice = body.tool_choice
    format = body.text.format if body.text else None
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "model": body.model,
        "output": [],
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "store": body.store is not False,
        "temperature": body.temperature,
        "text": {"format": {"type": "text"} if format is None else msgspec.to_builtins(format)},
        "tool_choice": choice if isinstance(choice, str) else msgspec.to_builtins(choice) if choice else "auto",
        "tools": [{**msgspec.to_builtins(tool), "strict": None} for tool in body.tools or []],
        "top_p": body.top_p,
        "truncation": "disabled",
        "usage": None,
    }


def ended(response: dict[str, Any], output: list[dict[str, Any]], answer: Answer) -> dict[str, Any]:
    """Return a response with its output and what it cost."""
    cost, cut = answer.cost, answer.finish == "length"
    return {
        **response,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": output,
        "usage": {
            "input_tokens": cost.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": cost.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": cost.tokens,
        },
        "waggle": answer.waggle(),
    }


def failed(response: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """Return a response that came to nothing."""
    return {**response, "status": "failed", "error": {"code": "server_error", "message": fault.message}}


def items(id: str, answer: Answer) -> list[dict[str, Any]]:
    """Return an answer as output items: one message, or the tool calls that it asks for."""
    if answer.calls:
        return [_call_item(id, i, call, call.arguments, "completed") for i, call in enumerate(answer.calls)]
    status = "incomplete" if answer.finish == "length" else "completed"
    return [_message_item(id, [_text_part(answer.text)], status)]


def turns_of(answer: Answer) -> tuple[Turn, ...]:
    """Return an answer as it stands in the conversation that goes on from it."""
    return (Turn("assistant", answer.text, calls=answer.calls),)


async def events(
    response: dict[str, Any], answering: Answering, keep: Callable[[dict[str, Any], Answer], None]
) -> AsyncGenerator[bytes]:
    """Yield the events of a response as server-sent events.

    Args:
        response: as `begun` made it.
        answering: the answer, under way.
        keep: called with the whole response before its last event goes out.
    """
    told = _Teller(response)
    for name in ("response.created", "response.in_progress"):
        yield told.event(name, response=response)
    try:
        async with aclosing(answering.happenings()) as happening:
            async for what in happening:
                if isinstance(what, Answer):
                    for one in told.end(what):
                        yield one
                    whole = ended(response, told.output, what)
                    keep(whole, what)
                    kind = "incomplete" if what.finish == "length" else "completed"
                    yield told.event(f"response.{kind}", response=whole)
                else:
                    for one in told.hear(what):
                        yield one
    except Exception as why:  # noqa: BLE001  # whatever it is, the stream ends with it
        yield told.event("response.failed", response=failed(response, fault_of(why)))


class _Teller:
    """Keeps count of a response's events and output items."""

    def __init__(self, response: dict[str, Any]) -> None:
        self.output: list[dict[str, Any]] = []
        self._id: str = response["id"].removeprefix("resp_")
        self._number = 0
        self._thoughts = ""
        self._speaking = False

    def event(self, kind: str, /, **fields: object) -> bytes:
        number, self._number = self._number, self._number + 1
        return event({"type": kind, "sequence_number": number, **fields}, kind)

    def hear(self, what: Thought | Piece) -> list[bytes]:
        return self._think(what.text) if isinstance(what, Thought) else self._say(what.text)

    def end(self, answer: Answer) -> list[bytes]:
        """Return the events that complete the output."""
        if answer.calls:
            told = self._thought()
            for i, call in enumerate(answer.calls):
                told += self._call(i, call)
            return told
        told = self._say("")
        at = {"item_id": f"msg_{self._id}", "output_index": len(self.output), "content_index": 0}
        (item,) = items(self._id, answer)
        told.append(self.event("response.output_text.done", **at, text=answer.text, logprobs=[]))
        told.append(self.event("response.content_part.done", **at, part=_text_part(answer.text)))
        told.append(self.event("response.output_item.done", output_index=len(self.output), item=item))
        self.output.append(item)
        return told

    def _think(self, text: str) -> list[bytes]:
        told: list[bytes] = []
        if not self._thoughts:
            told.append(self._added(_reasoning_item(self._id, "", "in_progress")))
        self._thoughts += text
        at = {"item_id": f"rs_{self._id}", "output_index": 0, "content_index": 0}
        told.append(self.event("response.reasoning_text.delta", **at, delta=text))
        return told

    def _thought(self) -> list[bytes]:
        """Return the events that complete what was said on the way, if anything was."""
        if not self._thoughts:
            return []
        item = _reasoning_item(self._id, self._thoughts, "completed")
        at = {"item_id": f"rs_{self._id}", "output_index": 0, "content_index": 0}
        self.output.append(item)
        return [
            self.event("response.reasoning_text.done", **at, text=self._thoughts),
            self.event("response.output_item.done", output_index=0, item=item),
        ]

    def _say(self, text: str) -> list[bytes]:
        told = [] if self._speaking else self._thought()
        at = {"item_id": f"msg_{self._id}", "output_index": len(self.output), "content_index": 0}
        if not self._speaking:
            self._speaking = True
            told.append(self._added(_message_item(self._id, [], "in_progress")))
            told.append(self.event("response.content_part.added", **at, part=_text_part("")))
        if text:
            told.append(self.event("response.output_text.delta", **at, delta=text, logprobs=[]))
        return told

    def _call(self, i: int, call: ToolCall) -> list[bytes]:
        item = _call_item(self._id, i, call, call.arguments, "completed")
        at = {"item_id": item["id"], "output_index": len(self.output)}
        told = [
            self._added(_call_item(self._id, i, call, "", "in_progress")),
            self.event("response.function_call_arguments.delta", **at, delta=call.arguments),
            self.event("response.function_call_arguments.done", **at, name=call.name, arguments=call.arguments),
            self.event("response.output_item.done", output_index=len(self.output), item=item),
        ]
        self.output.append(item)
        return told

    def _added(self, item: dict[str, Any]) -> bytes:
        return self.event("response.output_item.added", output_index=len(self.output), item=item)


def _text_part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message_item(id: str, content: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {"id": f"msg_{id}", "type": "message", "status": status, "role": "assistant", "content": content}


def _reasoning_item(id: str, text: str, status: str) -> dict[str, Any]:
    content = [{"type": "reasoning_text", "text": text}] if text else []
    return {"id": f"rs_{id}", "type": "reasoning", "summary": [], "content": content, "status": status}


def _call_item(id: str, i: int, call: ToolCall, arguments: str, status: str) -> dict[str, Any]:
    return {
        "id": f"fc_{id}_{i}",
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": arguments,
    }
