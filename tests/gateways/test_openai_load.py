"""Two hundred clients stream at once, some slowly, some leave: nothing is lost, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette

from waggledance import Agent, Swarm
from waggledance.gateways import Host, Hosted, OpenAIDoor, app_of
from waggledance.models import Scripted
from waggledance.protocols import Vote

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
TEXT = " ".join(f"w{i}" for i in range(30))
BODY = json.dumps({"model": "default", "stream": True, "messages": [{"role": "user", "content": "Count."}]}).encode()
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)


@asynccontextmanager
async def asked(url: str) -> AsyncGenerator[asyncio.StreamReader]:
    """Send the request over a bare socket: two hundred official clients would be what is measured."""
    host, _, port = url.removeprefix("http://").partition(":")
    incoming, outgoing = await asyncio.open_connection(host, int(port), limit=1_024)
    outgoing.write(REQUEST)
    head = await incoming.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    try:
        yield incoming
    finally:
        outgoing.close()


async def words(url: str, *, pause_s: float = 0.0) -> str:
    said = chunk = ""
    async with asked(url) as incoming:
        while size := int(await incoming.readline(), 16):
            chunk = (await incoming.readexactly(size + 2)).decode()
            await asyncio.sleep(pause_s)
            if chunk.startswith("data: {"):
                said += json.loads(chunk[6:])["choices"][0]["delta"].get("content") or ""
    assert chunk.startswith("data: [DONE]")
    return said


async def leave(url: str) -> None:
    async with asked(url) as incoming:
        await incoming.readline()


async def test_two_hundred_stream_at_once_and_each_gets_every_word(served: Served) -> None:
    swarm = Swarm([Agent("solo", Scripted(TEXT, delay_s=0.02))], protocol=Vote())
    host = Host({"default": Hosted(swarm)}, kept=400)
    states: list[str] = []
    host.subscribe(lambda running: states.append(running.state))
    async with served(app_of(host, [OpenAIDoor(host)])) as url:
        told = await asyncio.gather(
            *(words(url) for _ in range(160)),
            *(words(url, pause_s=0.005) for _ in range(20)),
            *(leave(url) for _ in range(20)),
        )
        async with asyncio.timeout(5):
            while host.running():
                await asyncio.sleep(0.01)
    assert told == [TEXT] * 180 + [None] * 20
    assert len(states) == 200
    assert set(states) <= {"done", "cancelled"}
    assert states.count("done") >= 180
