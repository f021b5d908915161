"""Words that are heard while they come, tools, and schemas: every back end says them as its server wants them said."""

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import msgspec
import pytest

from waggledance.core import RunFailed, Tool, ToolCall, Turn
from waggledance.models import Completion, Model, OpenAI, Request, Scripted, ServerFailed, Streaming, with_retries
from waggledance.models._bank import request_key
from waggledance.models._llama_chat import Reply, body_of, completion_of

QUESTION = Request(turns=(Turn("user", "2+2?"),), timeout_s=20.0)
ADD = Tool("add", "Adds.", '{"type":"object","properties":{"x":{"type":"number"}}}')
TALK = (
    Turn("user", "40+2?"),
    Turn("assistant", "", calls=(ToolCall("c1", "add", '{"x":40}'),)),
    Turn("tool", "42", call="c1"),
)


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    said = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice], **more}
    return b"data: " + json.dumps(said).encode() + b"\n\n"


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


class Speaking:
    """An endpoint that says chunks one by one, each when it is let."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.asked: list[dict[str, Any]] = []
        self.go = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        self.asked.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        writer.write(self.chunks[0])
        await writer.drain()
        await self.go.wait()
        writer.write(b"".join(self.chunks[1:]))
        await writer.drain()
        writer.close()


@pytest.fixture
async def endpoint() -> AsyncIterator[Speaking]:
    speaking = Speaking()
    server = await asyncio.start_server(speaking.serve, "127.0.0.1", 0)
    speaking.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield speaking
    server.close()


async def test_the_first_word_of_an_endpoint_is_heard_before_the_last_is_said(endpoint: Speaking) -> None:
    endpoint.chunks = [chunk({"role": "assistant", "content": "Four"}), chunk({"content": ", I think."}),
                       chunk({}, "stop", usage=USAGE), b"data: [DONE]\n\n"]  # fmt: skip
    heard: list[str] = []

    def hear(piece: str) -> None:
        heard.append(piece)
        endpoint.go.set()  # the rest is said only once the beginning was heard

    model = OpenAI("tiny", base_url=endpoint.url)
    completion = await model.stream(QUESTION, hear)
    await model.aclose()
    assert "".join(heard) == completion.text == "Four, I think."
    assert len(heard) > 1
    assert (completion.prompt_tokens, completion.completion_tokens, completion.finish) == (7, 3, "stop")


async def test_an_endpoint_is_told_of_tools_and_results_and_its_wishes_are_understood(endpoint: Speaking) -> None:
    call = {"index": 0, "id": "c2", "type": "function", "function": {"name": "add", "arguments": '{"x":'}}
    rest = {"index": 0, "function": {"arguments": "1}"}}
    endpoint.chunks = [chunk({"role": "assistant", "tool_calls": [call]}), chunk({"tool_calls": [rest]}),
                       chunk({}, "tool_calls", usage=USAGE), b"data: [DONE]\n\n"]  # fmt: skip
    endpoint.go.set()
    model = OpenAI("tiny", base_url=endpoint.url)
    completion = await model.stream(Request(turns=TALK, tools=(ADD,), schema='{"type":"object"}'), lambda _: None)
    await model.aclose()
    asked = endpoint.asked[0]
    assert completion.calls == (ToolCall("c2", "add", '{"x":1}'),)
    assert asked["tools"][0]["function"]["name"] == "add"
    assert asked["messages"][1]["tool_calls"][0]["id"] == "c1"
    assert asked["messages"][2] == {"role": "tool", "tool_call_id": "c1", "content": "42"}
    assert asked["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_llama_is_told_of_tools_and_its_wishes_are_put_together() -> None:
    request = Request(turns=TALK, tools=(ADD,), schema='{"type":"object"}')
    body = msgspec.json.decode(body_of(request, 0, cache=False))
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"x":40}'}
    assert body["messages"][2] == {"role": "tool", "content": "42", "tool_call_id": "c1"}
    assert body["tools"][0]["function"]["parameters"]["properties"] == {"x": {"type": "number"}}
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    reply = Reply("m")
    for delta in (
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "add", "arguments": '{"x"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}, {"index": 1, "function": {"name": "b"}}]},
    ):
        assert reply.take(json.dumps({"choices": [{"delta": delta}]}).encode()) == ""
    assert reply.take(b'{"choices":[{"delta":{"content":"hm"},"finish_reason":"tool_calls"}]}') == "hm"
    assert completion_of(reply, request, 0.1).calls == (ToolCall("a", "add", '{"x":1}'), ToolCall("call_1", "b", ""))


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ('{{"name": "add", "arguments": {"x": 1}}}', True),
        ('{"name": "add", "arguments": {"x": 1}}', True),
        ('```json\n{"name": "add", "arguments": {"x": 1}}\n```', True),
        ('<tool_call>\n{"name": "add", "arguments": {"x": 1}}\n</tool_call>', True),
        ('{"name": "rm", "arguments": {"x": 1}}', False),
        ('I would use {"name": "add", "arguments": {"x": 1}}', False),
        ('{"name": "add", "arguments": {"x": 1}, "why": "fun"}', False),
        ("4", False),
        ("", False),
    ],
)
def test_a_call_that_a_small_model_writes_as_its_whole_answer_is_one(said: str, called: bool) -> None:
    reply = Reply("m")
    reply.take(json.dumps({"choices": [{"delta": {"content": said}}]}).encode())
    completion = completion_of(reply, Request(turns=TALK, tools=(ADD,)), 0.1)
    assert completion.calls == ((ToolCall("call_0", "add", '{"x": 1}'),) if called else ())
    assert completion.text == ("" if called else said)
    assert completion_of(reply, Request(turns=TALK), 0.1).text == said, "without tools it is an answer"


def test_a_request_without_tools_has_the_key_it_always_had() -> None:
    assert request_key("m", QUESTION) == request_key("m", Request(turns=(Turn("user", "2+2?"),)))
    keys = {
        request_key("m", asked)
        for asked in (
            QUESTION,
            msgspec.structs.replace(QUESTION, tools=(ADD,)),
            msgspec.structs.replace(QUESTION, schema="{}"),
            Request(turns=TALK),
            Request(turns=(TALK[0], Turn("assistant", ""), TALK[2])),
        )
    }
    assert len(keys) == 5


@pytest.mark.parametrize("text", ["Four.", " two  words\n", "", "   ", "one", "ends with a space "])
async def test_a_script_is_said_word_by_word(text: str) -> None:
    heard: list[str] = []
    completion = await Scripted(text).stream(QUESTION, heard.append)
    assert "".join(heard) == completion.text == text


class Breaking:
    """Says a little, then breaks, the first `breaks` times."""

    name = "breaking"

    def __init__(self, breaks: int, says: str) -> None:
        self.breaks, self.says, self.asked = breaks, says, 0

    async def complete(self, request: Request) -> Completion:
        raise AssertionError("one who listens wants to hear")

    async def stream(self, request: Request, hear: Any) -> Completion:
        self.asked += 1
        if self.says:
            hear(self.says)
        if self.asked <= self.breaks:
            raise ServerFailed(self.name, "it broke", "Ask again.")
        return await Scripted("Four.").stream(request, hear)

    async def aclose(self) -> None: ...


async def test_what_broke_before_the_first_word_is_asked_again_and_what_broke_after_it_is_not() -> None:
    silent, heard = Breaking(2, ""), list[str]()
    patient: Model = with_retries(silent, rng=Random(0))
    assert isinstance(patient, Streaming)
    patient._base_s = 0.0  # type: ignore[attr-defined]
    assert (await patient.stream(QUESTION, heard.append)).text == "Four."
    assert (silent.asked, heard) == (3, ["Four."])
    talking = Breaking(1, "Fo")
    with pytest.raises(RunFailed, match="it broke"):
        await with_retries(talking, rng=Random(0)).stream(QUESTION, heard.append)
    assert talking.asked == 1


@pytest.mark.model
async def test_the_embedded_model_is_heard_while_it_speaks(weights: str) -> None:
    from waggledance.models import Embedded

    model, heard = Embedded(weights, slots=2), list[str]()
    request = Request(turns=(Turn("user", "Count from one to ten."),), max_tokens=24, temperature=0.0, timeout_s=100)
    try:
        completion = await model.stream(request, heard.append)
        again = await model.complete(request)
    finally:
        await model.aclose()
    assert len(heard) > 3
    assert "".join(heard) == completion.text == again.text
