"""A2UI over A2A: who draws it is given the decision as a surface, and what its user does there is asked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from a2a.client import Client, ClientConfig, create_client
from a2a.types import GetTaskRequest, Message, Part, Role, SendMessageRequest, Task
from a2a.utils.errors import InvalidParamsError
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Value
from starlette.applications import Starlette

from waggledance import FunctionPeer, Log, Swarm
from waggledance.gateways import A2A, GrpcPlace, Host, Hosted, app_of

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
CATALOG = "https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json"
DRAWS = {"a2uiClientCapabilities": {"v0.9": {"supportedCatalogIds": [CATALOG]}}}
A2UI = "application/json+a2ui"
asked: list[str] = []


def four(question: str) -> str:
    asked.append(question)
    return "Answer: 4"


def host(log: Log | None = None) -> Host:
    return Host({"default": Hosted(Swarm([FunctionPeer(f"p{i}", four) for i in range(3)], log=log))}, log)


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


async def sent(client: Client, part: Part, **metadata: Any) -> Task:
    message = Message(message_id="m1", role=Role.ROLE_USER, parts=[part])
    message.metadata.update(metadata)
    (event,) = [event async for event in client.send_message(SendMessageRequest(message=message))]
    return event.task


def reported(*said: Any, by_type: bool = True) -> Part:
    data = Value()
    data.list_value.extend(said)
    part = Part(data=data, media_type=A2UI if by_type else "")
    if not by_type:
        part.metadata.update({"mimeType": A2UI})
    return part


def did(name: str, surface: str = "waggle-x", **context: Any) -> dict[str, Any]:
    action = {"name": name, "surfaceId": surface, "sourceComponentId": "b", "timestamp": "2026-11-22T12:00:00Z"}
    return {"version": "v0.9", "action": {**action, "context": context}}


@pytest.mark.parametrize("binding", ["JSONRPC", "HTTP+JSON", "GRPC"])
async def test_who_draws_is_given_a_surface_and_nobody_else_is(served: Served, binding: str) -> None:
    async with talking(served, host(), binding) as client:
        task = await sent(client, Part(text="2 + 2?"), **DRAWS)
        assert await client.get_task(GetTaskRequest(id=task.id)) == task
        plain = await sent(client, Part(text="2 + 2?"))
    part = task.artifacts[0].parts[2]
    assert (part.media_type, MessageToDict(part.metadata)) == (A2UI, {"mimeType": A2UI})
    surface: Any = MessageToDict(part.data)
    assert surface[0]["createSurface"] == {"surfaceId": f"waggle-{task.id}", "catalogId": CATALOG}
    components = {one["id"]: one for one in surface[1]["updateComponents"]["components"]}
    assert components["answer/key"]["text"] == "4"
    assert components["peers/2"]["text"] == "p2: 4"
    assert len(plain.artifacts[0].parts) == 2


async def test_a_surface_is_there_after_a_restart(served: Served, tmp_path: Path) -> None:
    with Log(tmp_path / "log") as log:
        async with talking(served, host(log)) as client:
            task = await sent(client, Part(text="2 + 2?"), **DRAWS)
    with Log(tmp_path / "log") as log:
        async with talking(served, host(log)) as client:
            assert await client.get_task(GetTaskRequest(id=task.id)) == task


@pytest.mark.parametrize("by_type", [True, False])
async def test_what_a_user_did_is_asked(served: Served, by_type: bool) -> None:
    async with talking(served, host()) as client:
        await sent(client, reported(did("waggle.ask", question="And 3 + 3?"), by_type=by_type))
        assert "And 3 + 3?" in asked[-1]
        await sent(client, reported(did("waggle.why", answer="4"), by_type=by_type))
        assert "What speaks for the answer '4'" in asked[-1]


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (reported(did("rm", question="?")), "no action 'rm'"),
        (reported(did("waggle.ask", "elsewhere", question="?")), "none that a swarm has made"),
        (reported(did("waggle.ask")), "type one first"),
        (reported({"version": "v0.9", "error": {"code": "x"}}), "application/json.a2ui"),
        (reported(), "application/json.a2ui"),
        (Part(data=Value(string_value="x"), media_type=A2UI), "application/json.a2ui"),
    ],
)
async def test_what_is_no_action_of_ours_is_refused_before_anybody_is_asked(
    served: Served, part: Part, why: str
) -> None:
    before = len(asked)
    async with talking(served, host()) as client:
        with pytest.raises(InvalidParamsError, match=why):
            await sent(client, part)
    assert len(asked) == before


async def test_the_card_says_which_catalog_is_composed_from(served: Served) -> None:
    async with served(app_of(h := host(), [A2A(h)])) as url, httpx.AsyncClient() as http:
        card = (await http.get(f"{url}/.well-known/agent-card.json")).json()
    (said,) = (e for e in card["capabilities"]["extensions"] if "a2ui" in e["uri"])
    assert said["uri"] == "https://a2ui.org/a2a-extension/a2ui/v0.9"
    assert said["params"] == {"supportedCatalogIds": [CATALOG]}
    assert not said.get("required")
