"""The servers that `serve.py` measures, each a process of its own: prints its port, ends with its stdin.

python benchmarks/_serve_app.py echo|door|stream|count [--log FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from waggledance import Agent, Log, Swarm
from waggledance.gateways import Host, Hosted, OpenAIDoor, Server, app_of
from waggledance.models import Completion, Request, Scripted
from waggledance.protocols import Vote

NINE = "17 - 8 is 9.\nAnswer: 9\nConfidence: 90%"
WORDS = 20
"""Words of one counted stream."""


class Stamped:
    """A model whose only token is the time at which it says it, in nanoseconds of this machine's clock."""

    name = "stamped"

    async def complete(self, request: Request) -> Completion:
        return await self.stream(request, lambda _piece: None)

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        await asyncio.sleep(0.01)  # as if it thought: the client waits in its read
        text = f"at {time.perf_counter_ns()}"
        hear(text)
        return Completion(text=text, prompt_tokens=1, completion_tokens=1, finish="stop", seconds=0.01)

    async def aclose(self) -> None: ...


def counted(_request: Request) -> str:
    """Say numbered words, so that a lost one is seen."""
    return " ".join(f"w{i}" for i in range(WORDS))


def host_for(kind: str, log: Log | None = None) -> Host:
    """Return the host behind a kind of server."""
    if kind == "stream":
        swarm = Swarm([Agent(f"p{i}", Stamped()) for i in range(3)], protocol=Vote(), log=log)
    elif kind == "count":
        swarm = Swarm([Agent("solo", Forgetful(counted))], protocol=Vote(), log=log)
    else:
        swarm = Swarm([Agent(f"p{i}", Forgetful(NINE)) for i in range(3)], protocol=Vote(), log=log)
    return Host({"default": Hosted(swarm)}, log)


class Forgetful(Scripted):
    """A scripted model that does not keep every request it ever got."""

    async def complete(self, request: Request) -> Completion:
        self.requests.clear()
        return await super().complete(request)


async def echo(request: HttpRequest) -> JSONResponse:
    """Answer with what was sent: what the server alone costs."""
    return JSONResponse(await request.json())


def app_for(kind: str, host: Host) -> Starlette:
    """Return what is served: the door, or for comparison nothing but an echo."""
    if kind == "echo":
        return Starlette(routes=[Route("/v1/chat/completions", echo, methods=["POST"])])
    return app_of(host, [OpenAIDoor(host)])


async def main(kind: str, log: Log | None) -> None:
    host = host_for(kind, log)
    server = Server(app_for(kind, host), host, port=0)
    print(server.port, flush=True)
    serving = asyncio.create_task(server.serve())
    await asyncio.to_thread(sys.stdin.read)
    server.stop()
    await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("echo", "door", "stream", "count"))
    parser.add_argument("--log")
    arguments = parser.parse_args()
    if arguments.log:
        with Log(arguments.log) as kept:
            asyncio.run(main(arguments.kind, kept))
    else:
        asyncio.run(main(arguments.kind, None))
