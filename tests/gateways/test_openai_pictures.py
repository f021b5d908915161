"""Pictures at the OpenAI door: they reach the peers whose models can look at them; nobody else is asked to guess."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from starlette.applications import Starlette

from waggledance import Agent, FunctionPeer, Log, Swarm
from waggledance.core import Opening, whole_question
from waggledance.gateways import Host, Hosted, OpenAIDoor, app_of
from waggledance.models import Completion, Picture, Request, Scripted
from waggledance.protocols import Debate, Vote

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
PNG, JPEG = b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff" + bytes(40)


class Blind:
    """A model that has never seen a picture."""

    name = "blind"

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def complete(self, request: Request) -> Completion:
        self.requests.append(request)
        return Completion(text="A cat.", prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.0)

    async def aclose(self) -> None:
        """Do nothing."""


def at(content: bytes, type: str = "image/png") -> str:
    return f"data:{type};base64,{b64encode(content).decode()}"


def showing(*addresses: str, text: str = "What is this?") -> Any:
    pictures = [{"type": "image_url", "image_url": {"url": address, "detail": "low"}} for address in addresses]
    return [{"role": "user", "content": [{"type": "text", "text": text}, *pictures]}]


def host_of(*models: Any, protocol: Any = None, log: Log | None = None) -> Host:
    agents = [Agent(f"p{i}", model) for i, model in enumerate(models)]
    return Host({"default": Hosted(Swarm(agents, protocol=protocol or Vote(), log=log))}, log)


@asynccontextmanager
async def talking(served: Served, host: Host) -> AsyncGenerator[AsyncOpenAI]:
    async with (
        served(app_of(host, [OpenAIDoor(host)])) as url,
        AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


def shown_to(model: Scripted) -> list[tuple[Picture, ...]]:
    return [tuple(one for turn in request.turns for one in turn.pictures) for request in model.requests]


async def test_pictures_reach_the_models_that_see_before_the_words_that_ask(served: Served) -> None:
    models = [Scripted("A bee."), Scripted("A wasp.")]
    async with talking(served, host_of(*models)) as client:
        got = await client.chat.completions.create(
            model="default", messages=showing(at(PNG), at(JPEG, "image/jpg"), text="What are these?")
        )
    assert got.choices[0].message.content in ("A bee.", "A wasp.")
    for model in models:
        assert shown_to(model) == [(Picture("image/png", PNG), Picture("image/jpeg", JPEG))]
        assert "What are these?" in model.requests[0].turns[-1].text
        assert model.requests[0].turns[-2].pictures


async def test_a_picture_is_still_there_in_every_round_and_every_later_turn(served: Served) -> None:
    model = Scripted("A bee.")
    async with talking(served, host_of(model, Scripted("A wasp."), protocol=Debate(rounds=1))) as client:
        later: Any = [
            *showing(at(PNG)),
            {"role": "assistant", "content": "A bee."},
            {"role": "user", "content": "Sure?"},
        ]
        await client.chat.completions.create(model="default", messages=later)
        first = await client.responses.create(
            model="default",
            input=[
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What is this?"},
                        {"type": "input_image", "image_url": at(PNG), "detail": "auto"},
                    ],
                }
            ],
        )
        await client.responses.create(model="default", input="Sure?", previous_response_id=first.id)
    assert len(shown_to(model)) == 6
    assert set(shown_to(model)) == {(Picture("image/png", PNG),)}


async def test_a_peer_that_cannot_see_says_so_and_is_not_asked_to_guess(served: Served) -> None:
    blind = Blind()
    async with talking(served, host_of(Scripted("A bee."), blind)) as client:
        got = await client.chat.completions.create(model="default", messages=showing(at(PNG)))
        waggle: Any = (got.model_extra or {})["waggle"]
        assert waggle["notes"][-1] == "the pictures were not shown to p1, who cannot look at any"
        assert [(d["peer"], "cannot look at" in d["reason"]) for d in waggle["dissent"]] == [("p1", True)]
        assert blind.requests == []
        await client.chat.completions.create(model="default", messages=[{"role": "user", "content": "And bees?"}])
    assert len(blind.requests) == 1


@pytest.mark.parametrize("peer", [Agent("p0", Blind()), FunctionPeer("p0", lambda _: "A cat.")])
async def test_where_nobody_sees_pictures_are_refused_with_what_to_do(served: Served, peer: Any) -> None:
    host = Host({"default": Hosted(Swarm([peer], protocol=Vote()))})
    async with talking(served, host) as client:
        with pytest.raises(openai.BadRequestError, match="seat one") as raised:
            await client.chat.completions.create(model="default", messages=showing(at(PNG)))
    assert (raised.value.code, raised.value.param) == ("unsupported_content", "messages")


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("http://169.254.169.254/latest/meta-data", "unsupported_content"),
        ("https://pictures.example/a.png", "unsupported_content"),
        ("file:///etc/passwd", "unsupported_content"),
        ("", "unsupported_content"),
        ("data:image/png,plain", "unsupported_content"),
        ("data:image/png;base64,%%%", "invalid_image"),
        ("data:image/png;base64,", "invalid_image"),
        (at(JPEG), "invalid_image"),
        (at(b"<svg/>", "image/svg+xml"), "invalid_image"),
        (at(b"RIFF\x00\x00\x00\x00WAVE", "image/webp"), "invalid_image"),
    ],
)
async def test_a_picture_that_is_none_or_elsewhere_is_refused_with_its_place(
    served: Served, address: str, code: str
) -> None:
    model = Scripted("A bee.")
    async with talking(served, host_of(model)) as client:
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(model="default", messages=showing(address))
    assert (raised.value.code, raised.value.param) == (code, "messages[0].content[1]")
    assert model.requests == []


async def test_only_users_show_pictures(served: Served) -> None:
    part = {"type": "image_url", "image_url": {"url": at(PNG)}}
    async with talking(served, host_of(Scripted("A bee."))) as client:
        for role in ("system", "assistant", "tool"):
            said: Any = [{"role": role, "content": [part], "tool_call_id": "x"}, {"role": "user", "content": "?"}]
            with pytest.raises(openai.BadRequestError) as raised:
                await client.chat.completions.create(model="default", messages=said)
            assert raised.value.param == "messages[0].content[0]"


async def test_a_picture_of_half_a_megabyte_is_asked_about_and_stands_in_the_log(served: Served, tmp_path: Any) -> None:
    large = PNG + bytes(500_000)
    with Log(tmp_path / "log.db") as log:
        async with talking(served, host_of(Scripted("A bee."), log=log)) as client:
            got = await client.chat.completions.create(model="default", messages=showing(at(large)))
            with pytest.raises(openai.BadRequestError) as raised:
                await client.chat.completions.create(model="default", messages=showing(at(large), at(large)))
        assert raised.value.code == "context_length_exceeded"
        said = log.read((got.model_extra or {})["waggle"]["channel"])
    (opening,) = (message for message in said if isinstance(message.body, Opening))
    question = whole_question(opening, said)
    assert question is not None
    assert question.conversation[-1].pictures == (Picture("image/png", large),)
