"""Chat completions: an answer as one JSON object, or as chunks.

Source: the OpenAI API reference, "Create chat completion" and "The chat completion chunk object".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from typing import Any

from waggledance import __version__
from waggledance.core import NO_COST, Cost, ToolCall
from waggledance.gateways._openai_answer import Answer, Answering, Happening, Piece, Thought
from waggledance.gateways._openai_errors import fault_of
from waggledance.gateways._openai_stream import event

FINGERPRINT = f"waggledance-{__version__}"


def completion(id: str, model: str, created: int, answers: Sequence[Answer]) -> dict[str, Any]:
    """Return a chat completion, with a choice for each answer."""
    choices = [
        {
            "index": i,
            "message": _message(answer),
            "finish_reason": answer.finish,
            "logprobs": None,
            "waggle": answer.waggle(),
        }
        for i, answer in enumerate(answers)
    ]
    return {
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
        "usage": usage(answers),
        "waggle": choices[0]["waggle"],
    }


def usage(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return what answers cost in tokens: of all peers together, for all they said."""
    cost: Cost = sum((answer.cost for answer in answers), NO_COST)
    return {
        "prompt_tokens": cost.prompt_tokens,
        "completion_tokens": cost.completion_tokens,
        "total_tokens": cost.tokens,
    }


async def chunks(
    id: str, model: str, created: int, answering: Sequence[Answering], *, with_usage: bool
) -> AsyncGenerator[bytes]:
    """Yield the chunks of a chat completion as server-sent events.

    For each choice: its role, what peers say on the way as ``reasoning_content``, the answer as ``content`` or
    ``tool_calls``, and at the end why it ended, with the field ``waggle``. An error ends the stream.
    """
    shared: dict[str, Any] = {
        "id": id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "system_fingerprint": FINGERPRINT,
    }

    def chunk(i: int, delta: dict[str, Any], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": i, "delta": delta, "finish_reason": finish, "logprobs": None}
        return event({**shared, "choices": [choice], **({"usage": None} if with_usage else {}), **more})

    answers: list[Answer] = []
    for i in range(len(answering)):
        yield chunk(i, {"role": "assistant", "content": ""})
    try:
        async with aclosing(_merged([one.happenings() for one in answering])) as happening:
            async for i, what in happening:
                if isinstance(what, Thought):
                    yield chunk(i, {"reasoning_content": what.text})
                elif isinstance(what, Piece):
                    yield chunk(i, {"content": what.text})
                else:
                    answers.append(what)
                    if what.calls:
                        yield chunk(i, {"tool_calls": [{"index": k, **_called(c)} for k, c in enumerate(what.calls)]})
                    yield chunk(i, {}, what.finish, waggle=what.waggle())
    except Exception as why:  # noqa: BLE001  # whatever it is, the stream ends with it
        yield event(fault_of(why).event())
        return
    if with_usage:
        yield event({**shared, "choices": [], "usage": usage(answers)})
    yield b"data: [DONE]\n\n"


def _message(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.calls:
        message["content"] = answer.text or None
        message["tool_calls"] = [_called(call) for call in answer.calls]
    return message


def _called(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


async def _merged(streams: Sequence[AsyncGenerator[Happening]]) -> AsyncGenerator[tuple[int, Happening]]:
    """Yield what several streams yield, as it comes, with the place of its stream."""
    if len(streams) == 1:
        async with aclosing(streams[0]) as only:
            async for what in only:
                yield 0, what
        return
    coming: asyncio.Queue[tuple[int, Happening | None]] = asyncio.Queue()

    async def forward(i: int) -> None:
        try:
            async with aclosing(streams[i]) as stream:
                async for what in stream:
                    coming.put_nowait((i, what))
        finally:
            coming.put_nowait((i, None))

    tasks = [asyncio.create_task(forward(i)) for i in range(len(streams))]
    try:
        for _ in tasks:
            while True:
                i, came = await coming.get()
                if came is None:
                    break
                yield i, came
            await tasks[i]
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
