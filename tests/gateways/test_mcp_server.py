"""The MCP door by the official client: both eras, in process and over HTTP, and what may be sent that is wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette

from waggledance import FunctionPeer, Swarm
from waggledance.core import Log, RunFailed
from waggledance.gateways import Desk, Host, Hosted, Keys, LocalThreads, McpGateway, app_of, desks_of
from waggledance.gateways._mcp_calls import McpCalls
from waggledance.gateways._mcp_server import McpServer
from waggledance.gateways._mcp_tools import SWARM_TOOLS, THREAD_TOOLS
from waggledance.protocols._reading import tokens
from waggledance.tasks._check_schema import validator_of

Served = Callable[[Starlette], AbstractAsyncContextManager[str]]
Era = Literal["auto", "legacy"]
ERAS: list[Era] = ["auto", "legacy"]
KEYS = Keys({"ann": "the-key-of-ann-00", "bob": "the-key-of-bob-00", "cee": "the-key-of-cee-00"})
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
}


def host(log: Log | None = None, **swarms: Callable[[Any], str]) -> Host:
    told = swarms or {"default": lambda question: "4"}
    return Host(
        {name: Hosted(Swarm([FunctionPeer(f"p{i}", does) for i in range(3)], log=log)) for name, does in told.items()},
        log,
    )


def server(host: Host, desk: Desk | None = None) -> Any:
    return McpServer(McpCalls(host, lambda _caller: desk)).server


@asynccontextmanager
async def client_of(url: str, mode: Era = "auto", who: str = "") -> AsyncGenerator[Client]:
    headers = {"authorization": f"Bearer the-key-of-{who}-00"} if who else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=20) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


async def used(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    block: Any = result.content[0]
    assert json.loads(block.text) == result.structured_content, "text for clients that read no structure"
    given: dict[str, Any] = result.structured_content
    assert list(validator_of({**SWARM_TOOLS, **THREAD_TOOLS}[tool].gives).iter_errors(given)) == []
    return given


async def refused(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    error: dict[str, Any] = result.structured_content["error"]
    return error


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_of_either_era_asks_and_reads_over_http(mode: Era, served: Served, tmp_path: Path) -> None:
    with Log(tmp_path / "log.sqlite") as log:
        door = host(log)
        async with served(app_of(door, [McpGateway(door)])) as url, client_of(url, mode) as client:
            assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[mode]
            assert [tool.name for tool in (await client.list_tools()).tools] == ["ask", "run", "log"]
            decision = await used(client, "ask", question="2 + 2?")
            assert (decision["status"], decision["answer"]) == ("decided", "4")
            assert decision["support"]["4"]["share"] == 1
            read = await used(client, "log", channel=decision["channel"])
            assert "answers 4" in read["text"]
            listed = await client.read_resource("waggle://decisions")
            assert decision["channel"] in listed.contents[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ERAS)
async def test_progress_is_told_while_a_swarm_works(mode: Era, served: Served) -> None:
    told: list[tuple[float, str | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        assert total is None, "nobody knows how much there will be"
        told.append((progress, message))

    door = host()
    async with served(app_of(door, [McpGateway(door)])) as url, client_of(url, mode) as client:
        await client.call_tool("ask", {"question": "2 + 2?"}, progress_callback=heard)
    counts = [count for count, _ in told]
    assert counts == sorted(set(counts)), "progress grows"
    assert any(said is not None and re.match(r"p\d: round 0: answers 4", said) for _, said in told)


class Stuck:
    """Peers that think until they are stopped."""

    def __init__(self) -> None:
        self.begun, self.stopped = asyncio.Event(), asyncio.Event()

    async def __call__(self, _question: Any) -> str:
        self.begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            self.stopped.set()
        return "late"


@pytest.mark.parametrize("mode", ERAS)
async def test_a_call_that_is_cancelled_stops_the_swarm(mode: Era, served: Served) -> None:
    stuck = Stuck()
    door = Host({"default": Hosted(Swarm([FunctionPeer("p", stuck)]))})
    async with served(app_of(door, [McpGateway(door)])) as url, client_of(url, mode) as client:
        calling = asyncio.create_task(client.call_tool("ask", {"question": "2 + 2?"}))
        await stuck.begun.wait()
        calling.cancel()
        await asyncio.wait((calling,))
        await asyncio.wait_for(stuck.stopped.wait(), 10)
    assert not door.running()


async def test_a_piece_of_work_in_parts_is_done_in_their_order() -> None:
    order: list[str] = []

    def work(question: Any) -> str:
        order.append(str(question))
        return f"done: {str(question)[:5]}"

    async with Client(server(host(default=work))) as client:
        given = await used(
            client, "run", tasks=[{"id": "b", "goal": "build it", "after": ["a"]}, {"id": "a", "goal": "plan it"}]
        )
        assert given["complete"]
        assert {task["goal"]: task["status"] for task in given["tasks"]} == {"build it": "done", "plan it": "done"}
        assert "plan it" in order[0]
        single = await used(client, "run", goal="just do it")
        assert single["text"] == "done: just"


@pytest.mark.parametrize(
    ("tool", "arguments", "sort", "says"),
    [
        ("ask", {}, "input", "'question' is a required property"),
        ("ask", {"question": ""}, "input", "non-empty"),
        ("ask", {"question": " "}, "input", "question is empty"),
        ("ask", {"question": 4}, "input", "not of type 'string'"),
        ("ask", {"question": "x", "colour": "red"}, "input", "'colour' was unexpected"),
        ("ask", {"question": "x", "expects": "poem"}, "input", "is not one of"),
        ("ask", {"question": "x", "expects": "choice"}, "input", "2 to 26 options"),
        ("ask", {"question": "x", "options": ["one"]}, "input", "too short"),
        ("ask", {"question": "x", "budget": {"tokens": -1}}, "input", "less than the minimum"),
        ("ask", {"question": "x", "swarm": "defualt"}, "missing", "did you mean 'default'"),
        ("run", {}, "input", "either a goal or tasks"),
        ("run", {"goal": "x", "tasks": [{"goal": "y"}]}, "input", "either a goal or tasks"),
        ("run", {"tasks": [{"goal": "x", "after": ["y"]}]}, "missing", "no task 'y'"),
        ("run", {"tasks": [{"id": "a", "goal": "x", "after": ["b"]}, {"id": "b", "goal": "y", "after": ["a"]}]},
         "input", "not legal"),
        ("run", {"tasks": [{"id": "a", "goal": "x"}, {"id": "a", "goal": "y"}]}, "input", "two tasks"),
        ("run", {"goal": "x", "planner": "rome"}, "missing", "no planner"),
        ("run", {"tasks": []}, "input", "non-empty"),
        ("log", {"channel": "q9"}, "missing", "no channel 'q9'"),
        ("log", {"tokens": 1}, "input", "less than the minimum"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_a_result_that_says_so_and_nothing_is_begun(
    tool: str, arguments: dict[str, Any], sort: str, says: str
) -> None:
    door = host()
    async with Client(server(door)) as client:
        error = await refused(client, tool, **arguments)
    assert (error["class"], error["where"]) == (sort, tool)
    assert says in error["cause"]
    assert error["suggest"]
    assert not door._ended


async def test_no_such_tool_and_no_such_resource_are_errors_of_the_protocol() -> None:
    async with Client(server(host())) as client:
        for ask in (
            client.call_tool("aks", {}),
            client.call_tool("thread_open", {"title": "x", "members": []}),
            client.read_resource("waggle://secrets"),
            client.read_resource("waggle://threads"),
            client.read_resource("waggle://peers?tokens=0"),
            client.read_resource("waggle://peers?tokens=many"),
            client.read_resource("file:///etc/passwd"),
        ):
            with pytest.raises(MCPError) as raised:
                await ask
            assert raised.value.code == -32602


@pytest.mark.parametrize(
    ("why", "sort", "retryable"),
    [(RunFailed("the model is away"), "transient", True), (ZeroDivisionError("secret detail"), "transient", True)],
)
async def test_peers_that_fail_are_told_of_without_our_insides(why: Exception, sort: str, retryable: bool) -> None:
    def fails(_question: Any) -> str:
        raise why

    async with Client(server(host(default=fails))) as client:
        error = await refused(client, "ask", question="2 + 2?")
    assert (error["class"], error["retryable"]) in ((sort, retryable), ("internal", False))
    assert "Traceback" not in error["cause"]


async def test_a_spent_budget_gives_what_is_there_and_says_so() -> None:
    async with Client(server(host())) as client:
        given = await used(client, "ask", question="2 + 2?", budget={"calls": 4})
    assert any("budget" in note for note in given["notes"])


async def test_resources_are_the_same_bytes_until_something_is_said_and_fit_their_budget(tmp_path: Path) -> None:
    with Log(tmp_path / "log.sqlite") as log:
        threads = LocalThreads(["ann", "bob"], log=log)
        ann, bob = Desk(threads.at("ann")), Desk(threads.at("bob"))
        async with Client(server(host(log), ann)) as client:
            for number in range(30):
                await used(client, "ask", question=f"What is {number} + 1?", expects="number")
            opened = await used(client, "thread_open", title="plans", members=["bob"])
            await bob.say(opened["thread"], "word " * 300)
            for uri in ("waggle://threads", "waggle://peers", "waggle://decisions"):
                texts = [await text_of(client, uri) for _ in range(3)]
                assert len(set(texts)) == 1
                short = await text_of(client, f"{uri}?tokens=150")
                assert tokens(short) <= 150
            before = await text_of(client, "waggle://threads")
            await bob.say(opened["thread"], "more")
            assert await text_of(client, "waggle://threads") != before
            page = await used(client, "log", tokens=200)
            further = await used(client, "log", tokens=200, start=page["next"])
            assert not set(page["text"].splitlines()[::3]) & set(further["text"].splitlines()[::3])


async def text_of(client: Client, uri: str) -> str:
    contents: Any = (await client.read_resource(uri, cache_mode="bypass")).contents
    text: str = contents[0].text
    return text


async def test_with_keys_each_reads_its_own_questions_and_talks_as_itself(served: Served, tmp_path: Path) -> None:
    with Log(tmp_path / "log.sqlite") as log:
        door = host(log)
        app = app_of(door, [McpGateway(door, desks_of(KEYS, log))], keys=KEYS)
        async with served(app) as url, client_of(url, who="ann") as ann, client_of(url, "legacy", who="bob") as bob:
            mine = (await used(ann, "ask", question="What is my secret?", expects="free"))["channel"]
            assert mine not in (await used(bob, "log"))["text"]
            assert (await refused(bob, "log", channel=mine))["class"] == "missing"
            assert "secret" not in await text_of(bob, "waggle://decisions")
            assert mine in (await used(ann, "log"))["text"]
            thread = (await used(ann, "thread_open", title="oaks", members=["bob"]))["thread"]
            waiting = asyncio.create_task(bob.call_tool("thread_wait", {"mention": True, "max_ms": 20_000}))
            said = await used(ann, "thread_say", thread=thread, text="which oak, bob?", mentions=["bob"])
            got: Any = (await waiting).structured_content["message"]
            assert (got["id"], got["from"], got["text"]) == (said["id"], "ann", "which oak, bob?")
            await used(bob, "thread_say", thread=thread, text="the north one", reply_to=got["id"])
            heard = (await used(ann, "thread_wait", since=[said["id"]]))["message"]
            assert (heard["from"], heard["reply_to"]) == ("bob", said["id"])
            assert (await used(ann, "thread_wait", since=heard["since"], max_ms=0))["message"] is None
            await used(ann, "thread_close", thread=thread, summary="the north oak")
            assert (await used(bob, "thread_close", thread=thread))["closed"]
            assert "Summary by ann:\n> the north oak" in await text_of(bob, "waggle://threads")
            assert "which oak, bob?" in (await used(bob, "log", channel=thread))["text"], "the record stays"
            async with client_of(url, who="cee") as cee:
                assert (await refused(cee, "thread_say", thread=thread, text="let me in"))["class"] == "missing"
                assert (await refused(cee, "log", channel=thread))["class"] == "missing"


async def test_who_subscribes_hears_that_its_own_threads_have_changed_and_of_no_others(served: Served) -> None:
    door = host()
    app = app_of(door, [McpGateway(door, desks_of(KEYS))], keys=KEYS)
    async with served(app) as url, client_of(url, who="ann") as ann, client_of(url, who="bob") as bob:
        async with bob.listen(resource_subscriptions=["waggle://threads"]) as news:
            await used(ann, "thread_open", title="not for bob", members=["cee"])
            mine = (await used(ann, "thread_open", title="for bob", members=["bob"]))["thread"]
            event = await asyncio.wait_for(anext(news), 10)
            assert getattr(event, "uri", "") == "waggle://threads"
            assert "for bob" in await text_of(bob, "waggle://threads")
            await used(ann, "thread_say", thread=mine, text="hello")
            await asyncio.wait_for(anext(news), 10)
        assert "not for bob" not in await text_of(bob, "waggle://threads")


async def test_a_session_of_an_older_client_is_open_to_its_own_key_only(served: Served) -> None:
    door = host()
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}  # fmt: skip
    accept = {"accept": "application/json, text/event-stream"}
    async with served(app_of(door, [McpGateway(door)], keys=KEYS)) as url, httpx.AsyncClient(timeout=20) as http:
        mine = {**accept, "x-api-key": "the-key-of-ann-00"}
        opened = await http.post(f"{url}/mcp", json=body, headers=mine)
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        other = {**accept, "x-api-key": "the-key-of-bob-00", **session}
        assert (await http.post(f"{url}/mcp", json=listing, headers=other)).status_code == 404
        assert (await http.post(f"{url}/mcp", json=listing, headers={**accept, **session})).status_code == 401
        initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert (await http.post(f"{url}/mcp", json=initialized, headers={**mine, **session})).status_code == 202
        assert "thread_open" not in (await http.post(f"{url}/mcp", json=listing, headers={**mine, **session})).text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"jsonrpc": "2.0", "id": 1}', 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}', 400),
        (json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/nope", "params": {"_meta": MODERN}}).encode(), 404),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
    ],
)
async def test_what_is_no_request_is_refused_and_the_next_one_answered(
    body: bytes, status: int, served: Served
) -> None:
    door = host()
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json",
               "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/nope"}  # fmt: skip
    async with served(app_of(door, [McpGateway(door)])) as url, httpx.AsyncClient(timeout=20) as http:
        wrong = await http.post(f"{url}/mcp", content=body, headers=headers)
        assert wrong.status_code == status, wrong.text
        good = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": MODERN}}
        right = await http.post(f"{url}/mcp", json=good, headers={**headers, "mcp-method": "server/discover"})
        assert right.status_code == 200
        result = right.json()["result"]
        assert "2026-07-28" in result["supportedVersions"]
        assert result["resultType"] == "complete"


async def test_a_page_of_another_origin_is_refused(served: Served) -> None:
    door = host()
    async with served(app_of(door, [McpGateway(door)])) as url, httpx.AsyncClient() as http:
        for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
            assert (await http.post(f"{url}/mcp", content=b"{}", headers=headers)).status_code == 403


async def test_lists_may_be_kept_for_a_while_and_what_is_read_may_not() -> None:
    async with Client(server(host())) as client:
        listed = await client.list_tools()
        assert (listed.ttl_ms, listed.cache_scope) == (300_000, "private")
        assert (await client.read_resource("waggle://peers")).ttl_ms == 0
        templates = await client.list_resource_templates()
        assert [one.uri_template for one in templates.resource_templates] == [
            "waggle://peers{?tokens}",
            "waggle://decisions{?tokens}",
        ]


def test_every_schema_is_one_and_names_are_apart() -> None:
    for tool in [*SWARM_TOOLS.values(), *THREAD_TOOLS.values()]:
        validator_of(tool.takes)
        validator_of(tool.gives)
    assert not SWARM_TOOLS.keys() & THREAD_TOOLS.keys()
