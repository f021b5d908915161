"""Pictures at the A2A door, by each binding: they reach the peers whose models see; nobody else is asked to guess."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc.aio
import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.types import GetTaskRequest, Message, Part, Role, SendMessageRequest, Task, TaskState
from a2a.utils.errors import A2AError, ContentTypeNotSupportedError, InvalidParamsError
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette

from waggledance import Agent, FunctionPeer, Swarm
from waggledance.gateways import A2A, GrpcPlace, Host, Hosted, app_of
from waggledance.models import Completion, Picture, Request, Scripted
from waggledance.protocols import Debate, Vote

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
PNG, JPEG = b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff" + bytes(40)
AT = f"data:image/png;base64,{b64encode(PNG).decode()}"


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


def host_of(*models: Any, protocol: Any = None) -> Host:
    agents = [Agent(f"p{i}", model) for i, model in enumerate(models)]
    return Host({"default": Hosted(Swarm(agents, protocol=protocol or Vote()))})


@asynccontextmanager
async def talking(served: Served, host: Host, binding: str = "JSONRPC") -> AsyncGenerator[Client]:
    door = A2A(host, grpc=GrpcPlace("127.0.0.1:0") if binding == "GRPC" else None)
    async with served(app_of(host, [door])) as url, httpx.AsyncClient(timeout=30) as http:
        config = ClientConfig(
            httpx_client=http,
            streaming=False,
            supported_protocol_bindings=[binding],
            grpc_channel_factory=grpc.aio.insecure_channel,
        )
        async with await create_client(url, config) as client:
            yield client


async def shown(client: Client, *parts: Part, text: str = "What are these?") -> Task:
    message = Message(message_id="m1", role=Role.ROLE_USER, parts=[Part(text=text), *parts])
    (event,) = [event async for event in client.send_message(SendMessageRequest(message=message))]
    return event.task


def shown_to(model: Scripted) -> list[tuple[Picture, ...]]:
    return [tuple(one for turn in request.turns for one in turn.pictures) for request in model.requests]


@pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON", "GRPC"])
async def test_pictures_reach_the_models_that_see_in_every_round(served: Served, binding: str) -> None:
    models = [Scripted("A bee."), Scripted("A wasp.")]
    parts = (Part(raw=PNG, media_type="image/png"), Part(raw=JPEG, media_type="IMAGE/jpg; q=1"), Part(url=AT))
    async with talking(served, host_of(*models, protocol=Debate(rounds=1)), binding) as client:
        task = await shown(client, *parts)
        assert await client.get_task(GetTaskRequest(id=task.id)) == task
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    assert [part.raw for part in task.history[0].parts[1:3]] == [PNG, JPEG]
    three = (Picture("image/png", PNG), Picture("image/jpeg", JPEG), Picture("image/png", PNG))
    for model in models:
        assert shown_to(model) == [three, three]
        assert "What are these?" in model.requests[0].turns[-1].text
        assert model.requests[0].turns[-2].pictures == three


async def test_a_peer_that_cannot_see_says_so_and_the_decision_names_it(served: Served) -> None:
    blind = Blind()
    async with talking(served, host_of(Scripted("A bee."), blind)) as client:
        task = await shown(client, Part(raw=PNG, media_type="image/png"))
        decision = MessageToDict(task.artifacts[0].parts[1].data)
        assert decision["notes"][-1] == "the pictures were not shown to p1, who cannot look at any"
        assert [(d["peer"], "cannot look at" in d["reason"]) for d in decision["dissent"]] == [("p1", True)]
        assert blind.requests == []
        plain = await shown(client, text="And bees?")
        assert not any("pictures" in note for note in MessageToDict(plain.artifacts[0].parts[1].data)["notes"])
    assert len(blind.requests) == 1


@pytest.mark.parametrize("peer", [Agent("p0", Blind()), FunctionPeer("p0", lambda _: "A cat.")])
async def test_where_nobody_sees_pictures_are_refused_and_the_card_says_so(served: Served, peer: Any) -> None:
    host = Host({"default": Hosted(Swarm([peer], protocol=Vote()))})
    async with talking(served, host) as client:
        with pytest.raises(ContentTypeNotSupportedError, match="seat one"):
            await shown(client, Part(raw=PNG, media_type="image/png"))
    for swarm, takes in ((host, False), (host_of(Scripted("A bee.")), True)):
        async with served(app_of(swarm, [A2A(swarm)])) as url, httpx.AsyncClient() as http:
            card = (await http.get(f"{url}/.well-known/agent-card.json")).json()
        assert ("image/png" in card["defaultInputModes"]) is takes
        assert ("image/png" in card["skills"][0]["inputModes"]) is takes


BAD: list[tuple[Part, type[A2AError], str]] = [
    (
        Part(url="http://169.254.169.254/a.png", media_type="image/png"),
        ContentTypeNotSupportedError,
        "nothing is fetched",
    ),
    (
        Part(url="https://pictures.example/a", media_type="image/webp"),
        ContentTypeNotSupportedError,
        "nothing is fetched",
    ),
    (Part(url="file:///etc/passwd", media_type="image/png"), ContentTypeNotSupportedError, "nothing is fetched"),
    (Part(url="data:image/png;base64,%%%"), ContentTypeNotSupportedError, "no base64"),
    (Part(url="data:image/png;base64,é"), ContentTypeNotSupportedError, "no base64"),
    (Part(url="data:image/png,plain"), ContentTypeNotSupportedError, "nothing is fetched"),
    (Part(raw=b"", media_type="image/png"), ContentTypeNotSupportedError, "PNG, JPEG"),
    (Part(raw=JPEG, media_type="image/png"), ContentTypeNotSupportedError, "PNG, JPEG"),
    (Part(raw=b"<svg/>", media_type="image/svg+xml"), ContentTypeNotSupportedError, "PNG, JPEG"),
    (Part(raw=PNG, media_type="image/" + "x" * 5_000), ContentTypeNotSupportedError, "PNG, JPEG"),
    (Part(raw=PNG), ContentTypeNotSupportedError, "no UTF-8"),
    (Part(raw=PNG, media_type="audio/wav"), ContentTypeNotSupportedError, "text and JSON"),
    (Part(raw=PNG + bytes(1_000_000), media_type="image/png"), InvalidParamsError, "1,000,000"),
]


@pytest.mark.parametrize(("part", "error", "why"), BAD)
async def test_a_picture_that_is_none_too_large_or_elsewhere_is_refused_before_anybody_is_asked(
    served: Served, part: Part, error: type[A2AError], why: str
) -> None:
    model = Scripted("A bee.")
    async with talking(served, host_of(model)) as client:
        with pytest.raises(error, match=why):
            await shown(client, part)
    assert model.requests == []


async def test_a_picture_without_words_asks_nothing(served: Served) -> None:
    async with talking(served, host_of(Scripted("A bee."))) as client:
        with pytest.raises(InvalidParamsError, match="no words"):
            await shown(client, Part(raw=PNG, media_type="image/png"), text=" ")
