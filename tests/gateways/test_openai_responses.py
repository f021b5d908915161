"""The official client and OpenAI's newer API: responses, their events, and conversations that go on from one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from starlette.applications import Starlette

from waggledance import Agent, Swarm
from waggledance.gateways import Host, Hosted, Keys, OpenAIDoor, app_of
from waggledance.models import Completion, Request, Scripted, ToolCall
from waggledance.protocols import Vote

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
Script = str | Callable[[Request], str | Completion]
ADA, BEN = "a-secret-of-twenty-0", "a-secret-of-twenty-1"
ICE = "Ice is light.\nConfidence: 90%"


def host_of(*scripts: Script) -> Host:
    agents = [Agent(f"p{i}", Scripted(script)) for i, script in enumerate(scripts)]
    return Host({"default": Hosted(Swarm(agents, protocol=Vote()))})


@asynccontextmanager
async def talking(served: Served, host: Host, kept: int = 9, **more: Any) -> AsyncGenerator[AsyncOpenAI]:
    async with (
        served(app_of(host, [OpenAIDoor(host, kept=kept)], **more)) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key=ADA, max_retries=0) as client,
    ):
        yield client


def last_words(request: Request) -> str:
    return "I heard: " + " | ".join(turn.text.split("\n")[0] for turn in request.turns if turn.role != "system")


async def test_a_response_has_text_usage_and_the_decision(served: Served) -> None:
    async with talking(served, host_of(ICE, ICE)) as client:
        got = await client.responses.create(model="waggle/default", input="Tell me of ice.", metadata={"a": "b"})
    assert got.output_text == "Ice is light."
    assert (got.status, got.metadata) == ("completed", {"a": "b"})
    assert got.usage is not None
    assert got.usage.output_tokens == 10
    extension: Any = got.model_extra
    assert extension["waggle"]["support"]


async def test_a_conversation_goes_on_from_a_response_that_is_kept(served: Served) -> None:
    async with talking(served, host_of(last_words), kept=2) as client:
        first = await client.responses.create(model="default", input="One.", instructions="Be brief.")
        second = await client.responses.create(model="default", input="Two.", previous_response_id=first.id)
        assert second.output_text == "I heard: One. | I heard: Question: One. | Question: Two."
        unkept = await client.responses.create(model="default", input="Three.", store=False)
        assert (await client.responses.retrieve(second.id)).output_text == second.output_text
        await client.responses.create(model="default", input="Four.")
        for lost in (first.id, unkept.id, "resp_none"):
            with pytest.raises(openai.NotFoundError):
                await client.responses.retrieve(lost)
            with pytest.raises(openai.BadRequestError) as raised:
                await client.responses.create(model="default", input="Five.", previous_response_id=lost)
            assert raised.value.code == "previous_response_not_found"
        await client.responses.delete(second.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(second.id)


async def test_only_a_response_that_may_be_kept_says_by_its_id_which_order_it_is(served: Served) -> None:
    async with talking(served, host_of(ICE)) as client:
        for store in (True, False):
            got = await client.responses.create(model="default", input="Tell me of ice.", store=store)
            assert (got.id == f"resp_{(got.model_extra or {})['waggle']['order']}") is store


async def test_nobody_finds_the_responses_of_another_caller(served: Served) -> None:
    async with talking(served, host_of(ICE), keys=Keys({"ada": ADA, "ben": BEN})) as client:
        mine = await client.responses.create(model="default", input="Tell me of ice.")
        ben = client.with_options(api_key=BEN)
        with pytest.raises(openai.NotFoundError):
            await ben.responses.retrieve(mine.id)
        with pytest.raises(openai.NotFoundError):
            await ben.responses.delete(mine.id)
        with pytest.raises(openai.BadRequestError):
            await ben.responses.create(model="default", input="And?", previous_response_id=mine.id)


@pytest.mark.parametrize("peers", [1, 2])
async def test_the_clients_own_reading_of_the_events_is_the_response(served: Served, peers: int) -> None:
    async with talking(served, host_of(*[ICE] * peers)) as client:
        async with client.responses.stream(model="default", input="Tell me of ice.") as stream:
            events = [event async for event in stream]
            final = await stream.get_final_response()
        kept = await client.responses.retrieve(final.id)
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Ice is light."
    assert final.output_text == kept.output_text == "Ice is light."
    thoughts = "".join(event.delta for event in events if event.type == "response.reasoning_text.delta")
    assert ("p0: Ice is light." in thoughts) == (peers > 1)
    assert [item.type for item in final.output] == (["reasoning", "message"] if peers > 1 else ["message"])


async def test_tools_of_the_caller_are_asked_for_and_answered_with(served: Served) -> None:
    def script(request: Request) -> str | Completion:
        results = [turn.text for turn in request.turns if turn.role == "tool"]
        wanted = (ToolCall("x", "weather", '{"city":"Bern"}'),)
        calling = Completion(text="", prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0, calls=wanted)
        return f"It is {results[0]}." if results else calling

    tool: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
    async with talking(served, host_of(script)) as client:
        first = await client.responses.create(model="default", input="Weather in Bern?", tools=[tool])
        (call,) = first.output
        assert call.type == "function_call"
        assert (call.name, call.arguments) == ("weather", '{"city":"Bern"}')
        result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        second = await client.responses.create(
            model="default", input=[result], tools=[tool], previous_response_id=first.id
        )
        assert second.output_text == "It is sunny."
        async with client.responses.stream(model="default", input="Weather in Bern?", tools=[tool]) as stream:
            kinds = [event.type async for event in stream]
    assert "response.function_call_arguments.done" in kinds


class Bee(BaseModel):
    name: str


async def test_a_response_fits_a_schema(served: Served) -> None:
    async with talking(served, host_of('{"name": "Maja"}')) as client:
        got = await client.responses.parse(model="default", input="A bee?", text_format=Bee)
    assert got.output_parsed == Bee(name="Maja")


async def test_a_response_that_is_cut_short_is_incomplete(served: Served) -> None:
    async with talking(served, host_of("one two three four")) as client:
        got = await client.responses.create(model="default", input="Count.", max_output_tokens=2)
    assert (got.status, got.output_text) == ("incomplete", "one two")
    assert got.incomplete_details is not None
    assert got.incomplete_details.reason == "max_output_tokens"


async def test_items_that_were_given_out_can_be_referred_to_by_their_caller_alone(served: Served) -> None:
    host = host_of(last_words)
    async with talking(served, host, keys=Keys({"ada": ADA, "ben": BEN})) as client:
        first = await client.responses.create(model="default", input="Say one.")
        again: Any = [
            {"role": "user", "content": "Say one."},
            {"type": "item_reference", "id": first.output[0].id},
            {"role": "user", "content": "And two."},
        ]
        second = await client.responses.create(model="default", input=again)
        assert second.output_text.startswith(f"I heard: Say one. | {first.output_text} | Question: And two.")
        with pytest.raises(openai.BadRequestError) as raised:
            await client.with_options(api_key=BEN).responses.create(model="default", input=again)
    assert (raised.value.code, raised.value.param) == ("item_not_found", "input[1]")


async def test_what_a_response_was_asked_is_listed_page_by_page_for_its_caller(served: Served) -> None:
    given: Any = [
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "1"},
        {"type": "function_call", "call_id": "c", "name": "count", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "2"},
        {"role": "user", "content": [{"type": "input_text", "text": "Three."}]},
    ]
    async with talking(served, host_of(ICE), keys=Keys({"ada": ADA, "ben": BEN})) as client:
        got = await client.responses.create(model="default", input=given)
        items: list[Any] = [item async for item in client.responses.input_items.list(got.id, limit=2, order="asc")]
        assert [item.type for item in items] == [
            "message",
            "message",
            "function_call",
            "function_call_output",
            "message",
        ]
        assert [items[i].content[0].text for i in (0, 1, 4)] == ["One.", "1", "Three."]
        backwards: list[Any] = [item async for item in client.responses.input_items.list(got.id)]
        assert [item.id for item in backwards] == [item.id for item in reversed(items)]
        plain = await client.responses.create(model="default", input="Tell me of ice.")
        (only,) = (await client.responses.input_items.list(plain.id)).data
        assert (only.type, only.content[0].text) == ("message", "Tell me of ice.")  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        wrong: Any
        for wrong in ({"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "x"}):
            with pytest.raises(openai.BadRequestError) as raised:
                await client.responses.input_items.list(got.id, **wrong)
            assert raised.value.param in wrong
        with pytest.raises(openai.NotFoundError):
            await client.with_options(api_key=BEN).responses.input_items.list(got.id)


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"top_logprobs": 1}, "top_logprobs"),
        ({"include": ["message.output_text.logprobs"]}, "include"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"input": [{"type": "item_reference", "id": "msg_x"}]}, "input[0]"),
        ({"input": [{"type": "compaction"}]}, "input[0]"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "name": "a b"}]}, "tools[0].name"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice.type"),
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": 7}}}}, "text.format.schema"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field_that_is_wrong(
    served: Served, wrong: dict[str, Any], param: str
) -> None:
    async with talking(served, host_of(ICE)) as client:
        with pytest.raises(openai.BadRequestError) as raised:
            await client.responses.create(**{"model": "default", "input": "?", **wrong})  # type: ignore[call-overload]
        assert raised.value.param == param


async def test_what_is_not_there_is_not_found_and_a_kept_response_is_not_streamed_again(served: Served) -> None:
    async with talking(served, host_of(ICE)) as client:
        with pytest.raises(openai.NotFoundError):
            await client.responses.create(model="nope", input="?")
        kept = await client.responses.create(model="default", input="Tell me of ice.")
        with pytest.raises(openai.BadRequestError, match="not streamed again"):
            await client.responses.retrieve(kept.id, stream=True)
