"""All doors stand behind one guard: key, origin, host name, size and pace are looked at before any of them hears."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from waggledance import FunctionPeer, Swarm
from waggledance.gateways import Host, Hosted, Keys, Limits, app_of, caller_of
from waggledance.gateways._guard import STALLED_S
from waggledance.testing import on_virtual_time

KEY = "a-secret-of-twenty-0"


class Echo:
    name = "echo"

    def __init__(self) -> None:
        self.open = False

    def routes(self) -> Sequence[BaseRoute]:
        async def echo(request: Request) -> Response:
            return PlainTextResponse(f"{caller_of(request)} {len(await request.body())}")

        async def bug(request: Request) -> Response:
            raise ZeroDivisionError

        return [Route("/echo", echo, methods=["POST"]), Route("/bug", bug)]

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        self.open = True
        yield
        self.open = False


def host() -> Host:
    return Host({"default": Hosted(Swarm([FunctionPeer("ada", lambda question: "4")]))})


def client(app: Starlette, base_url: str = "http://localhost") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=base_url)


async def test_without_keys_everyone_on_this_machine_is_let_in() -> None:
    async with client(app_of(host(), [Echo()])) as http:
        assert (await http.post("/echo", content=b"abc")).text == "local 3"


async def test_with_keys_only_who_has_one_is_let_in_and_known_by_its_name() -> None:
    async with client(app_of(host(), [Echo()], keys=Keys({"ada": KEY}))) as http:
        for given in (b"", b"Bearer wrong", KEY.encode(), b"Bearer \xfc"):
            refused = await http.post("/echo", headers={b"authorization": given})
            assert refused.status_code == 401
            assert refused.json()["error"]["code"] == "invalid_api_key"
            assert KEY not in refused.text
        for headers in ({"Authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"X-Api-Key": KEY}):
            assert (await http.post("/echo", headers=headers)).text == "ada 0"
        assert (await http.get("/healthz")).status_code == 200


async def test_a_request_over_the_limit_is_refused_whatever_it_says_of_its_length() -> None:
    async def chunks() -> AsyncGenerator[bytes]:
        for _ in range(11):
            yield b"x" * 10

    async with client(app_of(host(), [Echo()], limits=Limits(body_bytes=100))) as http:
        assert (await http.post("/echo", content=b"x" * 100)).text == "local 100"
        assert (await http.post("/echo", content=b"x" * 101)).status_code == 413
        refused = await http.post("/echo", content=chunks())
        assert refused.status_code == 413
        assert refused.json()["error"]["code"] == "request_too_large"


async def test_each_caller_has_a_pace_of_their_own() -> None:
    keys = Keys({"ada": KEY, "ben": KEY[::-1]})
    async with client(app_of(host(), [Echo()], keys=keys, limits=Limits(a_minute=2))) as http:
        said = [await http.post("/echo", headers={"X-Api-Key": KEY}) for _ in range(3)]
        assert [answer.status_code for answer in said] == [200, 200, 429]
        assert 28 <= int(said[-1].headers["retry-after"]) <= 30
        assert (await http.post("/echo", headers={"X-Api-Key": KEY[::-1]})).status_code == 200


async def test_a_page_of_another_origin_may_call_only_where_that_is_allowed() -> None:
    page = {"Origin": "https://chat.example"}
    async with client(app_of(host(), [Echo()])) as http:
        refused = await http.post("/echo", headers=page)
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
        assert (await http.post("/echo", headers={"Origin": "http://localhost"})).status_code == 200
    async with client(app_of(host(), [Echo()], origins=["https://chat.example"], keys=Keys({"ada": KEY}))) as http:
        asked = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        assert (await http.options("/echo", headers=asked)).status_code == 200
        said = await http.post("/echo", headers={**page, "X-Api-Key": KEY})
        assert said.headers["access-control-allow-origin"] == "https://chat.example"
        assert (await http.post("/echo", headers={"Origin": "https://other.example"})).status_code == 403


async def test_a_host_name_that_is_not_ours_is_refused() -> None:
    async with client(app_of(host(), [Echo()]), "http://rebound.example") as http:
        assert (await http.post("/echo")).status_code == 403
    for ours in ("http://127.0.0.1:8000", "http://[::1]:8000", "http://LOCALHOST"):
        async with client(app_of(host(), [Echo()]), ours) as http:
            assert (await http.post("/echo")).status_code == 200
    async with client(app_of(host(), [Echo()], hosts=()), "http://swarm.example") as http:
        assert (await http.post("/echo")).status_code == 200


async def test_while_the_host_drains_health_says_so_and_no_new_question_is_taken() -> None:
    drained = host()
    async with client(app_of(drained, [Echo()])) as http:
        healthy = await http.get("/healthz")
        assert (healthy.status_code, healthy.json()) == (200, {"status": "ok", "working": 0, "doors": ["echo"]})
        await drained.drain(0)
        assert (await http.get("/healthz")).status_code == 503
        refused = await http.post("/echo")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


async def test_what_is_not_there_and_what_is_broken_are_said_in_one_shape() -> None:
    async with client(app_of(host(), [Echo()])) as http:
        answers = [await http.get("/nowhere"), await http.get("/echo"), await http.get("/bug")]
        assert [answer.status_code for answer in answers] == [404, 405, 500]
        assert [answer.json()["error"]["code"] for answer in answers] == [
            "not_found",
            "method_not_allowed",
            "internal_error",
        ]


async def test_doors_are_open_while_the_app_runs() -> None:
    door = Echo()
    app = app_of(host(), [door])
    async with app.router.lifespan_context(app):
        assert door.open
    assert not door.open


async def test_a_path_that_only_ends_like_a_card_is_not_open() -> None:
    class Open(Echo):
        def routes(self) -> Sequence[BaseRoute]:
            async def secret(_: Request) -> Response:
                return PlainTextResponse("secret")

            return [Route("/any/{path:path}", secret), Route("/a2a/{path:path}", secret)]

    card = "/.well-known/agent-card.json"
    async with client(app_of(host(), [Open()], keys=Keys({"ada": KEY}))) as http:
        told = [(await http.get(f"{path}{card}")).status_code for path in ("/any", "/any/a2a/b", "/a2a/b/c", "/a2a/b")]
    assert told == [401, 401, 401, 200]


def test_a_client_that_sends_no_more_of_its_request_is_not_waited_for() -> None:
    sent: list[Any] = []

    async def main() -> float:
        pieces = iter([{"type": "http.request", "body": b"x", "more_body": True}])

        async def receive() -> Any:
            piece = next(pieces, None)
            if piece is None:
                await asyncio.sleep(1e6)
            return piece

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/echo",
            "headers": [(b"host", b"localhost")],
            "query_string": b"",
        }
        await app_of(host(), [Echo()])({**scope, "root_path": ""}, receive, send)
        return asyncio.get_running_loop().time()

    assert on_virtual_time(main()) == STALLED_S
    assert sent[0]["status"] == 408
