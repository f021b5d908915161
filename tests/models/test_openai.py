"""Against a real HTTP server on loopback that misbehaves in every way we know."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from waggledance.core._errors import UsageError
from waggledance.models import (
    BadAnswer,
    CutShort,
    ModelError,
    OpenAI,
    Picture,
    PromptTooLong,
    RateLimited,
    Refused,
    Request,
    ServerFailed,
    TimedOut,
    Turn,
    Unreachable,
    WrongKey,
    model,
)

KEY = "sk-very-secret-key-123456"
QUESTION = Request(turns=(Turn("system", "Be brief."), Turn("user", "2+2?")), timeout_s=20.0)
Answer = Callable[[dict[str, Any]], bytes]


def http(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", "Connection: close"]
    if not any(header.startswith("Content-Type") for header in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def chat(text: str | None, *, finish: str = "stop", **choice: Any) -> bytes:
    body = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "tiny",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}, **choice}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }  # fmt: skip
    return http(200, json.dumps(body).encode())


def failed(status: int, message: str, *headers: str) -> bytes:
    return http(status, json.dumps({"error": {"message": message, "type": "x", "code": None}}).encode(), *headers)


class Endpoint:
    """Answers every request with what `answers` says next; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[bytes | Answer] = []
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.delay_s = 0.0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
            headers = dict(line.lower().split(": ", 1) for line in head if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            self.headers.append(headers)
            self.asked.append(body)
            await asyncio.sleep(self.delay_s)
            answer = self.answers.pop(0)
            writer.write(answer(body) if callable(answer) else answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endpoint]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    endpoint = Endpoint()
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield endpoint
    server.close()
    await server.wait_closed()


async def ask(endpoint: Endpoint, *answers: bytes | Answer, request: Request = QUESTION) -> Any:
    endpoint.answers.extend(answers)
    asked = OpenAI("tiny", base_url=endpoint.url, headers={"X-Team": "bees"})
    try:
        return await asked.complete(request)
    finally:
        await asked.aclose()


async def test_a_good_answer_comes_back_whole_and_everything_asked_for_was_sent(endpoint: Endpoint) -> None:
    tokens = {"content": [{"token": "4", "bytes": [52], "logprob": -0.25, "top_logprobs": []}]}
    request = Request(turns=QUESTION.turns, max_tokens=9, temperature=0.25, seed=11, stop=("END",), logprobs=True)
    completion = await ask(endpoint, chat("4", finish="length", logprobs=tokens), request=request)
    assert (completion.text, completion.finish, completion.logprobs) == ("4", "length", (-0.25,))
    assert (completion.prompt_tokens, completion.completion_tokens, completion.usd_micro) == (7, 3, None)
    sent = endpoint.asked[0]
    assert [message["content"] for message in sent["messages"]] == ["Be brief.", "2+2?"]
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["seed"]) == ("tiny", 9, 0.25, 11)
    assert (sent["stop"], sent["logprobs"]) == (["END"], True)
    assert endpoint.headers[0]["authorization"] == f"bearer {KEY}"
    assert endpoint.headers[0]["x-team"] == "bees"


async def test_pictures_are_sent_before_the_words_they_belong_to(endpoint: Endpoint) -> None:
    gif = Picture("image/gif", b"GIF89a")
    turns = (Turn("user", "", pictures=(gif,)), Turn("user", "What is it?", pictures=(gif, gif)))
    await ask(endpoint, chat("a bee"), request=Request(turns=turns, timeout_s=20.0))
    first, second = (message["content"] for message in endpoint.asked[0]["messages"])
    assert [(part["type"], part.get("image_url", {}).get("url")) for part in first] == [
        ("image_url", "data:image/gif;base64,R0lGODlh")
    ]
    assert [part["type"] for part in second] == ["image_url", "image_url", "text"]
    assert second[2]["text"] == "What is it?"


@pytest.mark.parametrize("text", ["", None])
async def test_an_empty_answer_is_an_answer(endpoint: Endpoint, text: str | None) -> None:
    assert (await ask(endpoint, chat(text))).text == ""


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (failed(401, f"Incorrect API key provided: {KEY}"), WrongKey, "OPENAI_API_KEY"),
        (failed(403, "no access"), WrongKey, "403"),
        (failed(404, "The model `tiny` does not exist"), Refused, "no such model or address"),
        (failed(400, "temperature is too high"), Refused, "temperature is too high"),
        (failed(400, "This model's maximum context length is 8192 tokens"), PromptTooLong, "Shorten"),
        (failed(429, "slow down", "Retry-After: 7"), RateLimited, "7 s of quiet"),
        (failed(500, "oops"), ServerFailed, "500"),
        (failed(503, "overloaded"), ServerFailed, "503"),
        (http(200, b'{"choices": [{"mess'), BadAnswer, "something else than a chat completion"),
        (http(200, b"<html>hello</html>", "Content-Type: text/html"), BadAnswer, "something else"),
        (http(200, b'{"choices": []}'), BadAnswer, "something else"),
        (http(200, b"[1, 2]"), BadAnswer, "something else"),
        (http(200, b'{"choices": [', length=5000), CutShort, "ended the connection inside the answer"),
        (b"", CutShort, "ended the connection"),
        (chat("x" * 1_048_576), BadAnswer, "1,048,576 bytes of answer"),
        (http(200, b"x" * 6_000_000), BadAnswer, "more than 4,194,304 bytes"),
        (chat(None, finish="content_filter"), BadAnswer, "content filter"),
    ],
)  # fmt: skip
async def test_each_misbehaviour_has_its_error_and_its_sentence(
    endpoint: Endpoint, answer: bytes, kind: type[ModelError], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ModelError, match=said) as caught:
        await ask(endpoint, answer)
    assert type(caught.value) is kind
    assert len(endpoint.asked) == 1
    assert KEY not in str(caught.value) + repr(caught.value) + caplog.text
    assert caught.value.__cause__ is None


async def test_an_endpoint_that_is_down_says_so(endpoint: Endpoint) -> None:
    down = OpenAI("tiny", base_url="http://127.0.0.1:9/v1")
    with pytest.raises(Unreachable, match=r"nobody answers at http://127\.0\.0\.1:9/v1"):
        await down.complete(QUESTION)
    await down.aclose()


async def test_a_slow_endpoint_runs_into_the_timeout(endpoint: Endpoint) -> None:
    endpoint.delay_s = 0.5
    with pytest.raises(TimedOut, match=r"within 0\.1 s"):
        await ask(endpoint, chat("late"), request=Request(turns=QUESTION.turns, timeout_s=0.1))


async def test_a_spec_asks_again_after_a_failure_that_passes(endpoint: Endpoint) -> None:
    endpoint.answers = [failed(503, "overloaded"), failed(429, "slow down", "Retry-After: 0"), chat("4")]
    asked = model("openai:tiny", config={"base_url": endpoint.url, "seed": 3})
    assert (await asked.complete(QUESTION)).text == "4"
    assert len(endpoint.asked) == 3
    await asked.aclose()


def test_the_key_is_not_in_the_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_KEY", KEY)
    asked = OpenAI("tiny", base_url=f"http://user:{KEY}@localhost:1/v1", key_env="HIVE_KEY")
    assert KEY not in repr(asked)
    assert KEY not in repr(vars(asked)["_where"])


def test_openai_itself_needs_a_key_and_other_endpoints_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(WrongKey, match="no key in OPENAI_API_KEY"):
        OpenAI("gpt-5-mini")
    assert OpenAI("tiny", base_url="http://localhost:1").name == "openai:tiny"
    with pytest.raises(UsageError, match="http://"):
        OpenAI("tiny", base_url="localhost:8080")
