"""The official client at the OpenAI door, on a real socket: what it sends is understood, what it gets it can read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from starlette.applications import Starlette

from waggledance import Agent, FunctionPeer, Log, Swarm
from waggledance.core import Budget, outcome_of
from waggledance.gateways import Host, Hosted, Keys, Limits, OpenAIDoor, app_of
from waggledance.models import Completion, Request, Scripted, ToolCall
from waggledance.models._errors import PromptTooLong, TimedOut, Unreachable
from waggledance.protocols import Vote

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
Script = str | Completion | Exception | Callable[[Request], str | Completion | Exception]
KEY = "a-secret-of-twenty-0"
NINE = "17 - 8 is 9.\nAnswer: 9\nConfidence: 90%"
ICE = "Ice is light, you see.\nIt floats.\nConfidence: 90%"


def swarm(*scripts: Script, log: Log | None = None, delay_s: float = 0.0) -> Swarm:
    agents = [Agent(f"p{i}", Scripted(script, delay_s=delay_s)) for i, script in enumerate(scripts)]
    return Swarm(agents, protocol=Vote(), log=log)


def hosting(*scripts: Script, log: Log | None = None) -> Host:
    return Host({"default": Hosted(swarm(*scripts, log=log), about="says nine")}, log)


def said_to(swarm: Swarm) -> list[Request]:
    peer = swarm.peers[0]
    assert isinstance(peer, Agent)
    assert isinstance(peer.model, Scripted)
    return peer.model.requests


def asking(text: str) -> Any:
    return [{"role": "user", "content": text}]


def calls(*wanted: tuple[str, str]) -> Completion:
    made = tuple(ToolCall(f"own_{i}", name, arguments) for i, (name, arguments) in enumerate(wanted))
    return Completion(text="", prompt_tokens=3, completion_tokens=2, finish="stop", seconds=0.0, calls=made)


@asynccontextmanager
async def talking(served: Served, host: Host, key: str = "none", **more: Any) -> AsyncGenerator[AsyncOpenAI]:
    async with (
        served(app_of(host, [OpenAIDoor(host)], **more)) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client,
    ):
        yield client


async def contents(stream: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def test_an_answer_carries_the_decision_and_what_it_cost(served: Served) -> None:
    host = hosting(NINE, NINE, "It is 8.\nAnswer: 8")
    async with talking(served, host) as client:
        got = await client.chat.completions.create(model="waggle/default", messages=asking("What is 17 - 8?"))
    (choice,) = got.choices
    assert choice.message.content == "17 - 8 is 9.\nAnswer: 9"
    assert (choice.finish_reason, got.object, got.model) == ("stop", "chat.completion", "waggle/default")
    assert got.usage is not None
    assert got.usage.completion_tokens == 9 + 9 + 5
    extension: Any = got.model_extra
    assert extension["waggle"]["answer"] == "9"
    assert extension["waggle"]["support"]["9"] == {"score": 2.0, "share": 2 / 3}
    assert [d["peer"] for d in extension["waggle"]["dissent"]] == ["p2"]
    assert extension["waggle"]["cost"]["calls"] == 3
    running = host.find(extension["waggle"]["order"])
    assert running is not None
    assert running.channel == extension["waggle"]["channel"]


async def test_a_stream_tells_the_role_what_peers_say_under_their_names_the_answer_and_the_usage(
    served: Served,
) -> None:
    async with talking(served, hosting(NINE, NINE)) as client:
        stream = await client.chat.completions.create(
            model="default",
            messages=asking("What is 17 - 8?"),
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    thoughts = "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas)
    assert sorted(thoughts.split("\n\n")) == [f"p0: {NINE}", f"p1: {NINE}"]
    assert "".join(delta.content or "" for delta in deltas) == "17 - 8 is 9.\nAnswer: 9"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 18
    assert len({chunk.id for chunk in chunks}) == 1
    assert (chunks[-2].model_extra or {})["waggle"]["answer"] == "9"


async def test_the_only_peer_is_heard_word_by_word_without_what_was_meant_for_the_swarm(served: Served) -> None:
    async with talking(served, hosting(ICE)) as client:
        stream = await client.chat.completions.create(model="default", messages=asking("Tell me of ice."), stream=True)
        pieces = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices[0].delta.content]
        whole = await client.chat.completions.create(model="default", messages=asking("Tell me of ice."))
    assert pieces == ["Ice", " is", " light,", " you", " see.", "\nIt", " floats."]
    assert "".join(pieces) == whole.choices[0].message.content


async def test_n_choices_are_n_questions_with_seeds_of_their_own(served: Served) -> None:
    def by_seed(request: Request) -> str:
        return f"Answer: {request.seed % 1000}"

    async with talking(served, hosting(by_seed)) as client:
        got = await client.chat.completions.create(model="default", messages=asking("Which number?"), n=3, seed=5)
        again = await client.chat.completions.create(model="default", messages=asking("Which number?"), n=1, seed=6)
        stream = await client.chat.completions.create(
            model="default", messages=asking("Which number?"), n=3, seed=5, stream=True
        )
        streamed = ["", "", ""]
        async for chunk in stream:
            streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    answers = [choice.message.content for choice in got.choices]
    assert len(set(answers)) == 3
    assert again.choices[0].message.content == answers[1]
    assert streamed == answers


async def test_stop_strings_end_the_answer_streamed_or_not(served: Served) -> None:
    async with talking(served, hosting(ICE)) as client:
        whole = await client.chat.completions.create(
            model="default", messages=asking("Tell me of ice."), stop=["you see", "floats"]
        )
        stream = await client.chat.completions.create(
            model="default", messages=asking("Tell me of ice."), stop="you see", stream=True
        )
        streamed = await contents(stream)
    assert whole.choices[0].message.content == streamed == "Ice is light, "


async def test_temperature_and_limits_reach_the_peers_of_this_request_only(served: Served) -> None:
    host = hosting("one two three four five six")
    async with talking(served, host) as client:
        cut = await client.chat.completions.create(
            model="default", messages=asking("Tell me of ice."), max_completion_tokens=3, temperature=1.5
        )
        await client.chat.completions.create(model="default", messages=asking("Tell me of ice."))
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("one two three", "length")
    first, second = said_to(host.swarms["default"].swarm)
    assert (first.temperature, first.max_tokens) == (1.5, 3)
    assert (second.temperature, second.max_tokens) == (0.7, 256)


async def test_the_conversation_reaches_the_peers_with_its_roles(served: Served) -> None:
    host = hosting(ICE)
    messages: Any = [
        {"role": "developer", "content": "You are a pirate."},
        {"role": "user", "content": [{"type": "text", "text": "Hello!"}]},
        {"role": "assistant", "content": "Ahoy."},
        {"role": "user", "name": "mia", "content": "Tell me of ice."},
    ]
    async with talking(served, host) as client:
        await client.chat.completions.create(model="default", messages=messages)
    (request,) = said_to(host.swarms["default"].swarm)
    assert "You are a pirate." in request.turns[0].text
    assert request.turns[0].role == "system"
    assert [(turn.role, turn.text) for turn in request.turns[1:3]] == [("user", "Hello!"), ("assistant", "Ahoy.")]
    assert "mia: Tell me of ice." in request.turns[-1].text


async def test_tools_are_asked_for_and_their_results_are_answered_with(served: Served) -> None:
    def script(request: Request) -> str | Completion:
        results = [turn.text for turn in request.turns if turn.role == "tool"]
        return f"It is {results[0]}." if results else calls(("weather", '{"city": "Bern"}'))

    messages = asking("How is the weather in Bern?")
    async with talking(served, hosting(script, script)) as client:
        got = await client.chat.completions.create(model="default", messages=messages, tools=[WEATHER])
        (choice,) = got.choices
        assert choice.finish_reason == "tool_calls"
        assert choice.message.content is None
        (call,) = choice.message.tool_calls or []
        assert call.type == "function"
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Bern"})
        messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
        done = await client.chat.completions.create(model="default", messages=messages, tools=[WEATHER])
        assert done.choices[0].message.content == "It is sunny."
        stream = await client.chat.completions.create(
            model="default", messages=asking("How is the weather in Bern?"), tools=[WEATHER], stream=True
        )
        chunks = [chunk.choices[0] async for chunk in stream]
    (streamed,) = [chunk.delta.tool_calls for chunk in chunks if chunk.delta.tool_calls]
    assert streamed[0].function is not None
    assert (streamed[0].index, streamed[0].function.arguments) == (0, '{"city":"Bern"}')
    assert chunks[-1].finish_reason == "tool_calls"


async def test_tools_that_are_not_to_be_used_are_not_shown_and_one_that_must_be_is(served: Served) -> None:
    host = hosting(lambda request: calls(("weather", "{}")) if request.tools else "I cannot say.")
    async with talking(served, host) as client:
        none = await client.chat.completions.create(
            model="default", messages=asking("Rain?"), tools=[WEATHER], tool_choice="none"
        )
        assert none.choices[0].message.content == "I cannot say."
        with pytest.raises(openai.UnprocessableEntityError, match="'city' is a required property"):
            await client.chat.completions.create(
                model="default", messages=asking("Rain?"), tools=[WEATHER], tool_choice="required"
            )
        with pytest.raises(openai.BadRequestError, match="not among the tools"):
            await client.chat.completions.create(
                model="default",
                messages=asking("Rain?"),
                tools=[WEATHER],
                tool_choice={"type": "function", "function": {"name": "snow"}},
            )
    assert len(said_to(host.swarms["default"].swarm)) == 3  # the call that does not fit was asked for again


class Bee(BaseModel):
    name: str
    legs: int


async def test_who_wants_one_tool_at_a_time_is_asked_for_one(served: Served) -> None:
    answers = iter(
        [calls(("weather", '{"city":"Biel"}'), ("weather", '{"city":"Bern"}')), calls(("weather", '{"city":"Bern"}'))]
    )
    host = hosting(lambda _: next(answers))
    async with talking(served, host) as client:
        got = await client.chat.completions.create(
            model="default", messages=asking("Weather in Bern?"), tools=[WEATHER], parallel_tool_calls=False
        )
    assert [call.type for call in got.choices[0].message.tool_calls or ()] == ["function"]
    first, second = said_to(host.swarms["default"].swarm)
    assert "Call one tool at a time." in first.turns[0].text
    assert "it calls 2 tools" in second.turns[-1].text


async def test_an_answer_fits_the_schema_or_is_asked_for_once_more(served: Served) -> None:
    def script(request: Request) -> str:
        again = any("does not fit" in turn.text for turn in request.turns)
        return (
            'Here it is:\n```json\n{"name": "Maja", "legs": 6}\n```\nConfidence: 80%' if again else '{"name": "Maja"}'
        )

    host = hosting(script)
    async with talking(served, host) as client:
        got = await client.chat.completions.parse(model="default", messages=asking("A bee?"), response_format=Bee)
    assert got.choices[0].message.parsed == Bee(name="Maja", legs=6)
    extension: Any = got.model_extra
    assert "asked twice: the first answer did not fit" in extension["waggle"]["notes"]
    assert extension["waggle"]["cost"]["calls"] == 2
    assert "JSON schema" in said_to(host.swarms["default"].swarm)[0].turns[0].text


async def test_answers_that_fit_no_schema_twice_are_an_error_and_never_given_out(served: Served) -> None:
    host = hosting("no JSON today")
    async with talking(served, host) as client:
        with pytest.raises(openai.UnprocessableEntityError) as raised:
            await client.chat.completions.parse(model="default", messages=asking("A bee?"), response_format=Bee)
        assert raised.value.code == "answer_does_not_fit"
        stream = await client.chat.completions.create(
            model="default", messages=asking("A bee?"), response_format={"type": "json_object"}, stream=True
        )
        with pytest.raises(openai.APIError, match="holds no JSON"):
            await contents(stream)
    assert len(said_to(host.swarms["default"].swarm)) == 4


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 3.0}, "temperature"),
        ({"n": 17}, "n"),
        ({"n": 0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": [""]}, "stop[0]"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "?"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "  "}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
        ({"tools": [{"type": "browser"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": 7}}}]},
            "tools[0].function.parameters",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "a", "parameters": {"$ref": "http://x.example/"}}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [WEATHER, WEATHER]}, "tools"),
        ({"tools": [WEATHER], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.type"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"functions": [{"name": "weather"}]}, "functions"),
        ({"function_call": {"name": "weather"}}, "function_call"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"waggle": {"expects": "nonsense"}}, "waggle.expects"),
        ({"waggle": {"budget": {"tokens": -1}}}, "waggle.budget.tokens"),
        ({"waggle": {"typo": 1}}, "waggle"),
    ],
)
async def test_a_request_that_cannot_be_understood_is_refused_with_the_field_that_is_wrong(
    wrong: dict[str, Any], param: str
) -> None:
    host = hosting(ICE)
    transport = httpx.ASGITransport(app_of(host, [OpenAIDoor(host)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post(
            "/v1/chat/completions", json={"model": "default", "messages": asking("Tell me of ice."), **wrong}
        )
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert said_to(host.swarms["default"].swarm) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"model": 1}', b"{}", b"[" * 9999]
)
async def test_malformed_bodies_are_refused(body: bytes) -> None:
    host = hosting(ICE)
    transport = httpx.ASGITransport(app_of(host, [OpenAIDoor(host)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for path in ("/v1/chat/completions", "/v1/responses"):
            answer = await http.post(path, content=body)
            assert answer.status_code == 400
            assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_an_unknown_model_is_not_found_and_the_nearest_is_named(served: Served) -> None:
    async with talking(served, hosting(ICE)) as client:
        with pytest.raises(openai.NotFoundError, match="did you mean 'default'") as raised:
            await client.chat.completions.create(model="waggle/defualt", messages=asking("?"))
        assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-4")


async def test_swarms_and_protocols_are_models(served: Served) -> None:
    host = hosting(NINE, NINE)
    async with talking(served, host) as client:
        names = [model.id async for model in client.models.list()]
        assert names[0] == "waggle/default"
        assert "waggle/debate" in names
        assert (await client.models.retrieve("waggle/default")).owned_by == "waggledance"
        got = await client.chat.completions.create(
            model="waggle/debate(rounds=1)",
            messages=asking("What is 17 - 8?"),
            extra_body={"waggle": {"expects": "number"}},
        )
    extension: Any = got.model_extra
    assert extension["waggle"]["cost"]["calls"] == 4


async def test_a_conversation_that_is_too_long_is_refused_before_anybody_is_asked(served: Served) -> None:
    host = hosting(ICE)
    async with talking(served, host) as client:
        for size in (1_000_001, 10_000_000):
            with pytest.raises(openai.BadRequestError) as raised:
                await client.chat.completions.create(model="default", messages=asking("x" * size))
            assert raised.value.code == "context_length_exceeded"
        with pytest.raises(openai.APIStatusError) as refused:
            await client.chat.completions.create(model="default", messages=asking("x" * 12_000_000))
        assert refused.value.status_code == 413
    assert said_to(host.swarms["default"].swarm) == []


async def test_a_conversation_of_most_of_a_megabyte_is_answered(served: Served) -> None:
    host = hosting(ICE)
    async with talking(served, host) as client:
        got = await client.chat.completions.create(model="default", messages=asking("x" * 900_000))
    assert got.choices[0].message.content
    assert max(len(turn.text) for turn in said_to(host.swarms["default"].swarm)[0].turns) >= 900_000


@pytest.mark.parametrize(
    ("why", "status", "code"),
    [
        (PromptTooLong("m", "the conversation has 9 tokens", "Shorten it, or load the model with more context_tokens."),
         400, "context_length_exceeded"),
        (PromptTooLong("m", "400", "Shorten the conversation."), 400, "context_length_exceeded"),
        (TimedOut("m", "no answer within 60 s", "Allow more time with timeout_s."), 504, "timeout"),
        (Unreachable("m", "nobody answers", "See that it runs."), 502, "nobody_answered"),
    ],
)  # fmt: skip
async def test_what_peers_models_failed_at_is_told_by_its_kind(
    served: Served, why: Exception, status: int, code: str
) -> None:
    async with talking(served, hosting(why, why)) as client:
        with pytest.raises(openai.APIStatusError) as raised:
            await client.chat.completions.create(model="default", messages=asking("Tell me of ice."))
        assert (raised.value.status_code, raised.value.code) == (status, code)
        stream = await client.chat.completions.create(model="default", messages=asking("Tell me of ice."), stream=True)
        with pytest.raises(openai.APIError):
            await contents(stream)


async def test_wrong_keys_are_refused_and_each_caller_has_a_pace(served: Served) -> None:
    keys, limits = Keys({"ada": KEY}), Limits(a_minute=2)
    async with talking(served, hosting(ICE), key=KEY, keys=keys, limits=limits) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.with_options(api_key="wrong").models.list()
        assert refused.value.code == "invalid_api_key"
        await client.models.list()
        await client.models.list()
        with pytest.raises(openai.RateLimitError) as slow:
            await client.models.list()
        assert int(slow.value.response.headers["retry-after"]) >= 1


async def test_a_peers_words_are_passed_on_as_they_are_and_never_as_markup(served: Served) -> None:
    evil = "<script>alert(1)</script>\n\ndata: [DONE]\n\nevent: x"
    async with talking(served, hosting(evil)) as client:
        stream = await client.chat.completions.create(model="default", messages=asking("Be evil."), stream=True)
        content = await contents(stream)
    assert content == evil


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("streaming", [True, False])
async def test_when_the_client_leaves_the_run_is_cancelled_and_its_log_ends_cleanly(
    served: Served, tmp_path: Path, streaming: bool
) -> None:
    with Log(tmp_path / "l.wlog") as log:
        host = Host({"default": Hosted(swarm("too late", log=log, delay_s=100.0))}, log)
        async with talking(served, host) as client:
            asked = client.chat.completions.create(model="default", messages=asking("Slow?"), stream=streaming)
            leaving = asyncio.create_task(asked)
            await until(lambda: bool(host.running()) and host.running()[0].channel != "")
            (running,) = host.running()
            if streaming:
                stream: Any = await leaving
                await stream.close()
            else:
                leaving.cancel()
            await until(lambda: running.state == "cancelled")
            await until(lambda: not host.running())
        assert outcome_of(log.read(running.channel)) is not None


async def test_what_nobody_decides_is_said_so_and_a_budget_ends_in_time(served: Served) -> None:
    host = Host({"default": Hosted(swarm("maybe", "perhaps"), budget=Budget(calls=0))})
    async with talking(served, host) as client:
        got = await client.chat.completions.create(model="default", messages=asking("What is 17 - 8?"))
    extension: Any = got.model_extra
    assert extension["waggle"]["status"] == "undecided"
    assert got.choices[0].message.content == "The peers came to no decision."
    assert any("0 calls" in note for note in extension["waggle"]["notes"])


async def test_peers_that_are_functions_are_heard_whole(served: Served) -> None:
    def four(question: str) -> str:
        return "4"

    peers: Sequence[FunctionPeer] = [FunctionPeer("ada", four), FunctionPeer("ben", four)]
    host = Host({"default": Hosted(Swarm(peers, protocol=Vote()))})
    async with talking(served, host) as client:
        stream = await client.chat.completions.create(model="default", messages=asking("2 + 2?"), stream=True)
        deltas = [chunk.choices[0].delta async for chunk in stream]
    thoughts = "".join((delta.model_extra or {}).get("reasoning_content", "") for delta in deltas)
    assert sorted(thoughts.split("\n\n")) == ["ada: 4", "ben: 4"]


async def test_what_cannot_be_passed_on_is_noted(served: Served) -> None:
    async with talking(served, hosting(ICE)) as client:
        got = await client.chat.completions.create(
            model="default", messages=asking("Tell me of ice."), top_p=0.5, presence_penalty=0.0
        )
    extension: Any = got.model_extra
    assert extension["waggle"]["notes"] == ["top_p is not passed on: peers keep their own"]


async def test_whatever_unicode_a_client_sends_the_log_can_be_read_again(tmp_path: Path) -> None:
    odd = "cafe\u0301"
    function = {"name": "a", "description": odd, "parameters": {"type": "object", "description": odd}}
    call = {
        "id": odd,
        "type": "function",
        "function": {"name": odd, "arguments": json.dumps({odd: odd}, ensure_ascii=False)},
    }
    schema: dict[str, Any] = {"type": "object", "properties": {odd: {}}}
    asked: list[dict[str, Any]] = [
        {"tools": [{"type": "function", "function": function}]},
        {
            "messages": [
                *asking(odd),
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": odd},
            ]
        },
        {"response_format": {"type": "json_schema", "json_schema": {"name": odd, "schema": schema}}},
        {"waggle": {"options": [odd, "b"]}},
    ]
    with Log(tmp_path / "l.wlog") as log:
        host = hosting("{}", log=log)
        transport = httpx.ASGITransport(app_of(host, [OpenAIDoor(host)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            for more in asked:
                body = {"model": "default", "messages": asking(odd), **more}
                answer = await http.post("/v1/chat/completions", content=json.dumps(body, ensure_ascii=False).encode())
                assert answer.status_code == 200, answer.text
        await log.flush()
        assert len(log.names()) == len(asked)
        assert all(log.read(channel) for channel in log.names())


async def test_the_clients_own_reading_of_a_stream_is_the_completion(served: Served) -> None:
    bee = '{"name": "Maja", "legs": 6}'
    async with (
        talking(served, hosting(bee, bee)) as client,
        client.chat.completions.stream(model="default", messages=asking("A bee?"), response_format=Bee) as stream,
    ):
        kinds = {event.type async for event in stream}
        final = await stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.parsed == Bee(name="Maja", legs=6)
