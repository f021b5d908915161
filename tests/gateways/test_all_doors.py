"""One question through every door of one port, each asked by its protocol's own client: one answer, one support."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from a2a.client import ClientConfig, create_client
from a2a.types import Message, Part, Role, SendMessageRequest
from google.protobuf.json_format import MessageToDict
from mcp import Client as McpClient
from mcp.client.streamable_http import streamable_http_client
from openai import AsyncOpenAI
from starlette.applications import Starlette

from waggledance import FunctionPeer, Log, Swarm
from waggledance._replay import decide_again
from waggledance.gateways import A2A, AGUI, Host, Hosted, McpGateway, OpenAIDoor, app_of
from waggledance.protocols import Debate

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
QUESTION = "How much is 17 - 8?"
Told = dict[str, Any]
"""What a door tells of a decision: the fields that all of them have."""


async def by_openai(url: str) -> Told:
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        answer = await client.chat.completions.create(
            model="waggle/default", messages=[{"role": "user", "content": QUESTION}]
        )
    told: Told = answer.model_dump()["waggle"]
    return told


async def by_a2a(url: str) -> Told:
    message = Message(message_id="m1", role=Role.ROLE_USER, parts=[Part(text=QUESTION)])
    async with httpx.AsyncClient(timeout=30) as http:
        config = ClientConfig(httpx_client=http, streaming=False, supported_protocol_bindings=["JSONRPC"])
        async with await create_client(url, config) as client:
            (event,) = [event async for event in client.send_message(SendMessageRequest(message=message))]
    told: Told = MessageToDict(event.task.artifacts[0].parts[1].data)
    return told


async def by_mcp(url: str) -> Told:
    async with (
        httpx2.AsyncClient(timeout=20) as http,
        McpClient(streamable_http_client(f"{url}/mcp", http_client=http)) as client,
    ):
        result: Any = await client.call_tool("ask", {"question": QUESTION})
    told: Told = result.structured_content
    return told


async def by_agui(url: str) -> Told:
    run = {"threadId": "t", "runId": "r", "messages": [{"id": "1", "role": "user", "content": QUESTION}]}
    async with httpx.AsyncClient(timeout=20) as http:
        answer = await http.post(f"{url}/agui", json=run)
    events: list[Told] = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line]
    return next(event["value"] for event in events if event["type"] == "CUSTOM")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    log = Log(tmp_path / "log.db")
    peers = [FunctionPeer(f"p{i}", lambda _q, i=i: f"I count. Answer: {9 if i else 8}") for i in range(4)]
    return Host({"default": Hosted(Swarm(peers, log=log, protocol=Debate(rounds=1)))}, log)


async def test_every_door_gives_the_same_answer_with_the_same_support_and_dissent(served: Served, host: Host) -> None:
    app = app_of(host, [OpenAIDoor(host), A2A(host), McpGateway(host), AGUI(host)])
    async with served(app) as url:
        told = [await door(url) for door in (by_openai, by_a2a, by_mcp, by_agui)]
    first = told[0]
    assert first["answer"] == "9"
    assert [row["peer"] for row in first["dissent"]] == ["p0"]
    for other in told[1:]:
        for field in ("status", "answer", "support", "dissent", "silent", "rule"):
            assert other[field] == first[field], field
    channels = [row["channel"] for row in told]
    assert len(set(channels)) == 4, "each asked once"
    assert host.log is not None
    again = [decide_again(host.log.read(channel)) for channel in channels]
    assert [decision.key for decision in again] == ["9"] * 4, "each can be decided again from the log"
    host.log.close()
